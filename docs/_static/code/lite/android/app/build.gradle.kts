plugins {
    alias(libs.plugins.android.application)
    alias(libs.plugins.kotlin.android)
}

// [android]
android {
    namespace = "org.example.digits"
    compileSdk = libs.versions.compileSdk.get().toInt()

    defaultConfig {
        applicationId = "org.example.digits"
        minSdk = libs.versions.minSdk.get().toInt()
        targetSdk = libs.versions.targetSdk.get().toInt()
        versionCode = 1
        versionName = "1.0"
    }

    androidResources {
        // The plugin does this for .tflite by itself since 4.1; any other ending needs the line.
        noCompress += "tflite"
    }

    compileOptions {
        sourceCompatibility = JavaVersion.VERSION_11
        targetCompatibility = JavaVersion.VERSION_11
    }
}

kotlin {
    compilerOptions {
        jvmTarget = org.jetbrains.kotlin.gradle.dsl.JvmTarget.JVM_11
    }
}

// [dependencies]
dependencies {
    implementation(libs.litert)
}

// [model]
/** Copies the converted model into the assets; it is made by a program, so it is not committed. */
abstract class CopyModel : DefaultTask() {
    @get:InputFile
    abstract val model: RegularFileProperty

    @get:OutputDirectory
    abstract val assets: DirectoryProperty

    @TaskAction
    fun copy() {
        val source = model.get().asFile
        source.copyTo(assets.file(source.name).get().asFile, overwrite = true)
    }
}

androidComponents {
    // The folder that holds this project also holds the model; or: gradlew -Pmodel=<path> …
    val path = providers.gradleProperty("model").orElse("../mnist_cnn.tflite")
    onVariants { variant ->
        val name = variant.name.replaceFirstChar(Char::uppercase)
        val copyModel =
            tasks.register<CopyModel>("copy${name}Model") {
                model = rootProject.layout.projectDirectory.file(path)
            }
        variant.sources.assets?.addGeneratedSourceDirectory(copyModel, CopyModel::assets)
    }
}
// [end]
