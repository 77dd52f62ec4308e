// Where downloads come from. A mirror goes into ~/.gradle/gradle.properties, outside the project:
//   mirrors=<address of a mirror of google()>,<address of a mirror of mavenCentral()>
// It is asked first; what it does not have comes from the repositories below.

pluginManagement {
    repositories {
        providers.gradleProperty("mirrors").orNull?.split(",")?.forEach { maven(it.trim()) }
        google()
        mavenCentral()
        gradlePluginPortal()
    }
}

dependencyResolutionManagement {
    repositoriesMode = RepositoriesMode.FAIL_ON_PROJECT_REPOS
    repositories {
        providers.gradleProperty("mirrors").orNull?.split(",")?.forEach { maven(it.trim()) }
        google() // LiteRT is only here
        mavenCentral()
    }
}

rootProject.name = "Digits"

include(":app")
