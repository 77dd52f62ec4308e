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
/** Copies the files that gradle.properties names into the assets, under names of the app's own. */
abstract class CopyModel : DefaultTask() {
    @get:InputFile
    abstract val model: RegularFileProperty

    @get:InputFile
    abstract val labels: RegularFileProperty

    @get:OutputDirectory
    abstract val assets: DirectoryProperty

    @TaskAction
    fun copy() {
        model.get().asFile.copyTo(assets.file("model.tflite").get().asFile, overwrite = true)
        labels.get().asFile.copyTo(assets.file("labels.txt").get().asFile, overwrite = true)
    }
}

androidComponents {
    val root = rootProject.layout.projectDirectory
    onVariants { variant ->
        val name = variant.name.replaceFirstChar(Char::uppercase)
        val copyModel =
            tasks.register<CopyModel>("copy${name}Model") {
                model = root.file(providers.gradleProperty("model"))
                labels = root.file(providers.gradleProperty("labels"))
            }
        variant.sources.assets?.addGeneratedSourceDirectory(copyModel, CopyModel::assets)
    }
}
// [end]
