"""A page runs again exactly when something that it was made from has changed."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from sphinxext import android
from sphinxext.layout import Site
from sphinxext.needs import Needs
from tests.minisite import ROOT, MiniSite

STAGE = "docs/_static/code/stage"


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the site once; return its folder, for copies."""
    site = MiniSite(tmp_path_factory.mktemp("built"))
    site.build()
    site.build(language="en")
    assert site.ran() == ["first", "second"], "both languages take one run"
    return site.root.parent


@pytest.fixture
def site(built: Path, tmp_path: Path) -> MiniSite:
    """Return a copy of the built site; files keep their times."""
    site = MiniSite(tmp_path)
    shutil.rmtree(site.root)
    shutil.copytree(built / "site", site.root)
    return site


def test_an_unchanged_tree_runs_nothing(site: MiniSite) -> None:
    said = site.build()
    assert site.ran() == []
    assert " runs: " not in said


def change_program(site: MiniSite) -> None:
    site.replace(f"{STAGE}/first.py", 'print("first:"', 'print("First:"')


def change_later_program(site: MiniSite) -> None:
    site.replace(f"{STAGE}/second.py", 'print("second:"', 'print("Second:"')


def change_data_file(site: MiniSite) -> None:
    site.write(f"{STAGE}/words.txt", "other words")


def change_package_version(site: MiniSite) -> None:
    metadata = "../packages/letters-1.0.dist-info/METADATA"
    site.replace(metadata, "Version: 1.0", "Version: 1.1")


def change_dataset(site: MiniSite) -> None:
    site.write("../dataset.npz", "other digits")


def change_page_code(site: MiniSite) -> None:
    site.replace("gallery/plot_two.py", '"python second.py"', '"python second.py again"')


def delete_artifact(site: MiniSite) -> None:
    (site.root / "build/workspace/a.txt").unlink()


def change_artifact(site: MiniSite) -> None:
    site.write("build/workspace/a.txt", "b")


def delete_generated_page(site: MiniSite) -> None:
    (site.root / "docs/gallery/plot_two.rst").unlink()


def delete_picture(site: MiniSite) -> None:
    (site.root / "docs/gallery/images/sphx_glr_plot_one_001.png").unlink()


def delete_output(site: MiniSite) -> None:
    (site.root / "build/outputs/second.txt").unlink()


@pytest.mark.parametrize(
    ("change", "runs"),
    [
        (change_program, ["first", "second"]),
        (change_later_program, ["second"]),
        (change_data_file, ["first", "second"]),
        (change_package_version, ["first", "second"]),
        (change_dataset, ["first", "second"]),
        (change_page_code, ["second"]),
        (delete_artifact, ["first", "second"]),
        (change_artifact, ["first", "second"]),
        (delete_generated_page, ["second"]),
        (delete_picture, ["first", "second"]),
        (delete_output, ["second"]),
    ],
)
def test_what_a_page_is_made_from(
    site: MiniSite, change: Callable[[MiniSite], None], runs: list[str]
) -> None:
    change(site)
    said = site.build()
    assert site.ran() == runs, said
    site.build(language="en")
    site.build()
    assert site.ran() == []


def test_a_changed_program_changes_the_page(site: MiniSite) -> None:
    change_later_program(site)
    site.build()
    assert "Second: a" in site.html("gallery/plot_two")


def test_prose_runs_nothing_and_is_shown(site: MiniSite) -> None:
    site.replace("gallery/plot_one.py", "The first sentence.", "Another sentence.")
    site.replace("gallery/plot_one.py", "# A picture:", "# %%\n# A new block.\n\n# %%\n# A plot:")
    site.replace("gallery/plot_one.py", "# small", "# tiny")
    site.replace(f"{STAGE}/first.py", "# a comment", "# another comment")
    site.build()
    assert site.ran() == []
    page = site.html("gallery/plot_one")
    for words in ("Another sentence.", "A new block.", "A plot:", "# tiny"):
        assert words in page
    assert "sphx_glr_plot_one_001" in page, "the picture is still there"


def test_a_changed_title_reaches_all_pages(site: MiniSite) -> None:
    """Their sidebars show it, which Sphinx itself does not know."""
    site.build()
    site.write("build/html/gallery/plot_one.html", "as it was")
    site.build()
    assert site.html("gallery/plot_one") == "as it was", "no title has changed"
    site.replace("docs/index.md", "# Start", "# Begin")
    site.build()
    assert site.ran() == []
    assert site.html("gallery/plot_one") != "as it was"


def test_the_page_of_a_document_that_is_gone_goes_too(site: MiniSite) -> None:
    site.write("docs/more.md", "---\norphan: true\n---\n\n# More\n")
    for language in ("zh_CN", "en"):
        site.build(language=language)
        assert "More" in site.html("more", language)
    (site.root / "docs" / "more.md").unlink()
    for language in ("zh_CN", "en"):
        site.build(language=language)
    assert list(site.root.glob("build/**/more.html")) == []
    assert list(site.root.glob("build/**/more.doctree")) == []


def test_a_translation_runs_nothing_and_is_shown(site: MiniSite) -> None:
    site.replace("locale/en/LC_MESSAGES/index.po", "The text.", "The new text.")
    site.build(language="en")
    assert site.ran() == []
    assert "The new text." in site.html("index", "en")
    assert "正文" in site.html("index")


@pytest.mark.parametrize("builder", ["gettext", "linkcheck"])
def test_other_builders_run_nothing(site: MiniSite, tmp_path: Path, builder: str) -> None:
    site.build(builder=builder)
    assert site.ran() == []
    change_program(site)
    site.build(builder=builder)
    assert site.ran() == []
    site.build()
    assert site.ran() == ["first", "second"], "html runs what they left stale"
    assert "First: some words letters" in site.html("index")


@pytest.mark.parametrize("builder", ["gettext", "linkcheck"])
def test_other_builders_run_nothing_on_an_empty_tree(tmp_path: Path, builder: str) -> None:
    site = MiniSite(tmp_path)
    site.build(builder=builder)
    assert site.ran() == []
    site.build()
    assert site.ran() == ["first", "second"]
    assert "second: a" in site.html("gallery/plot_two")


def test_gettext_takes_nothing_away(site: MiniSite) -> None:
    change_program(site)
    site.replace("gallery/plot_one.py", "The first sentence.", "Another sentence.")
    site.build(builder="gettext")
    assert "Another sentence." in (site.root / "build/gettext/gallery/plot_one.pot").read_text()
    site.replace(f"{STAGE}/first.py", 'print("First:"', 'print("first:"')
    site.build()
    assert site.ran() == []
    assert "sphx_glr_plot_one_001" in site.html("gallery/plot_one")


def test_live_builds_run_nothing(site: MiniSite) -> None:
    change_program(site)
    site.replace("docs/index.md", "正文。", "新的正文。")
    site.build("-D", "gallery_run=none")
    assert site.ran() == []
    assert "新的正文" in site.html("index")
    assert "first: some words letters" in site.html("index"), "the last output stays"
    site.build()
    assert site.ran() == ["first", "second"]


def test_one_page_runs_with_what_it_needs(site: MiniSite) -> None:
    site.build("-D", "gallery_run=plot_two")
    assert site.ran() == ["second"]
    change_program(site)
    site.build("-D", "gallery_run=plot_two")
    assert site.ran() == ["first", "second"]
    change_later_program(site)
    site.build("-D", "gallery_run=plot_one")
    assert site.ran() == ["first"]


def test_without_a_dataset_the_digits_are_the_choice_until_a_file_is_there(tmp_path: Path) -> None:
    site = MiniSite(tmp_path)
    del site.environment["MNIST_DATA"]
    site.build()
    assert site.ran() == ["first", "second"]
    assert (site.root / "build/dataset").read_text() == "digits"
    site.build()
    assert site.ran() == []
    keras = tmp_path / ".keras" / "datasets" / "mnist.npz"
    keras.parent.mkdir(parents=True)
    keras.write_text("MNIST")
    site.build()
    assert site.ran() == ["first", "second"]


def test_what_an_extension_finds_outside_of_the_site_counts() -> None:
    needs = Needs(Site(ROOT), ["plot_android"], "digits").of("plot_android")
    assert "android" in needs, "a module that the page imports"
    assert needs.keys() >= android.inputs().keys(), "and what they say they depend on"
