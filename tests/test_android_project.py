"""The Android project: the facts that the text relies on, its versions, texts and style."""

from __future__ import annotations

import re
import shutil
import subprocess
import tomllib
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from recordings import android
from recordings.engine import recipe
from recordings.engine.run import Run
from recordings.engine.site import Site

JAVA = sorted((android.MAIN / "java").rglob("*.java"))
MODULE_JAVA = sorted((android.MODULE / "src").rglob("*.java"))


def catalog() -> dict[str, dict[str, Any]]:
    text = (android.PROJECT / "gradle" / "libs.versions.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


def gradle() -> str:
    """Return app/build.gradle.kts without comments."""
    text = (android.PROJECT / "app" / "build.gradle.kts").read_text(encoding="utf-8")
    return re.sub(r"/\*.*?\*/|//[^\n]*", "", text, flags=re.DOTALL)


def pom(name: str) -> str:
    """Return the text of the first element called `name` in the module's pom.xml."""
    tree = ET.parse(android.MODULE / "pom.xml")
    element = tree.find(f".//{{*}}{name}")
    assert element is not None
    assert element.text is not None
    return element.text


def test_catalog_states_every_version() -> None:
    for name, version in catalog()["versions"].items():
        assert re.fullmatch(r"\d+(\.\d+)*", str(version)), f"{name} floats: {version}"


def test_litert_and_the_oldest_android_it_runs_on() -> None:
    assert catalog()["libraries"]["litert"]["module"] == "com.google.ai.edge.litert:litert"
    # 2.0.x has no org.tensorflow.lite.Interpreter; 2.3 asks for Android 7.0
    versions = {name: str(text).split(".") for name, text in catalog()["versions"].items()}
    assert versions["litert"][:2] == ["2", "3"]
    assert versions["minSdk"] == ["24"]


def test_build_script_takes_its_versions_from_the_catalog() -> None:
    script = gradle()
    assert "implementation(libs.litert)" in script
    for name in ("compileSdk", "minSdk", "targetSdk"):
        assert f"{name} = libs.versions.{name}.get().toInt()" in script
    assert not re.search(r'"[\d.]+"', script.replace('versionName = "1.0"', ""))


def test_model_is_not_compressed() -> None:
    block = re.search(r"androidResources\s*{([^}]*)}", gradle())
    assert block
    assert block[1].strip() == 'noCompress += "tflite"'


def test_the_model_is_named_in_one_place() -> None:
    for path in android.PROJECT.rglob("*"):
        if path.suffix in (".kts", ".toml", ".java", ".kt", ".xml"):
            assert "mnist_cnn" not in path.read_text(encoding="utf-8"), path
    lines = (android.PROJECT / "gradle.properties").read_text(encoding="utf-8").splitlines()
    assert {f"model=../{android.MODEL}", f"labels=../{android.LABELS}"} <= {*lines}
    for name in ("model", "labels"):
        assert f'{name} = root.file(providers.gradleProperty("{name}"))' in gradle()


def test_the_build_calls_the_assets_as_the_app_does() -> None:
    source = (android.MAIN / "java/org/example/digits/ModelFile.java").read_text(encoding="utf-8")
    for name in (android.ASSET, "labels.txt"):
        assert f'"{name}"' in source
        assert f'assets.file("{name}")' in gradle()


def test_nothing_of_2018_is_left() -> None:
    for path in android.PROJECT.rglob("*"):
        if path.suffix in (".kts", ".toml", ".java", ".kt", ".xml", ".properties"):
            text = path.read_text(encoding="utf-8")
            assert not re.search("bintray|jcenter|aaptOptions|tensorflow-lite|:\\+", text), path


def test_model_is_not_committed() -> None:
    listed = subprocess.run(
        ["git", "ls-files", str(android.PROJECT)],
        cwd=android.ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert "FloatClassifier.java" in listed
    assert ".tflite" not in listed


def test_kotlin_of_the_module_is_that_of_the_catalog() -> None:
    assert pom("kotlin.version") == catalog()["versions"]["kotlin"]


def test_java_versions_agree() -> None:
    release = pom("maven.compiler.release")
    assert f"sourceCompatibility = JavaVersion.VERSION_{release}" in gradle()
    assert f"targetCompatibility = JavaVersion.VERSION_{release}" in gradle()


@pytest.mark.parametrize("language", ["values", "values-zh"])
def test_every_text_in_every_language(language: str) -> None:
    def names(folder: str) -> set[str | None]:
        tree = ET.parse(android.MAIN / "res" / folder / "strings.xml")
        return {text.get("name") for text in tree.iter("string")}

    assert names(language) == names("values")
    sources = "".join(
        path.read_text(encoding="utf-8")
        for path in android.MAIN.rglob("*")
        if path.suffix in (".xml", ".java")
    )
    assert names("values") == set(re.findall(r"(?:@string/|R\.string\.)(\w+)", sources))


@pytest.mark.skipif(bool(android.missing()), reason=android.missing() or "not skipped")
def test_java_is_formatted() -> None:
    jar = android.BUILT / "formatter" / "google-java-format-1.22.0-all-deps.jar"
    if not jar.exists():
        artifact = "com.google.googlejavaformat:google-java-format:1.22.0:jar:all-deps"
        goal = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy"
        android.call(
            *("mvn", "-q", "-B", goal, f"-Dartifact={artifact}", f"-DoutputDirectory={jar.parent}")
        )
    done = subprocess.run(
        ["java", "-jar", jar, "--dry-run", "--set-exit-if-changed", *JAVA, *MODULE_JAVA],
        capture_output=True,
        text=True,
        check=False,
    )
    assert JAVA
    assert MODULE_JAVA
    assert done.returncode == 0, f"google-java-format --replace {done.stdout}{done.stderr}"


@pytest.mark.parametrize("lacking", ["javac", "aapt2", "network"])
def test_without_its_tools_the_page_says_what_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lacking: str
) -> None:
    """A reader without a JDK builds the site all the same; the tests then skip, CI does not."""

    def unreachable(*command: object) -> str:
        raise AssertionError("Could not transfer artifact org.example:example:jar:1.0")

    if lacking == "network":
        monkeypatch.setattr(android, "call", unreachable)
        monkeypatch.setattr(shutil, "which", lambda name: f"/usr/bin/{name}")
        monkeypatch.setattr(android, "FRAMEWORK", tmp_path)
    else:
        monkeypatch.setattr(shutil, "which", lambda name: name != lacking)
    run = Run(recipe()(lambda run: None), Site(tmp_path), tmp_path)
    android.record(run, np.zeros((20, 28, 28), np.uint8), np.zeros((20, 10), np.float32))
    expected = Path(__file__).parent / "expected"
    assert run.printed.keys() == {path.stem for path in expected.glob("android_*.txt")}
    for text in run.printed.values():
        assert text.startswith("not run: ")
        assert {"network": "Maven could not fetch"}.get(lacking, f"no {lacking}") in text
