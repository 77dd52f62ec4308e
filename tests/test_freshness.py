"""A page runs again exactly when something that it was made from has changed."""

from __future__ import annotations

import datetime
import json
import platform
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from recordings.engine import versions
from tests.minisite import MiniSite

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


def change_what_is_written(site: MiniSite) -> None:
    site.replace(f"{STAGE}/first.py", 'write_text("a")', 'write_text("b")')


def change_data_file(site: MiniSite) -> None:
    site.write(f"{STAGE}/words.txt", "other words")


def change_version(site: MiniSite, package: str) -> None:
    metadata = f"../packages/{package}-1.0.dist-info/METADATA"
    site.replace(metadata, "Version: 1.0", "Version: 1.1")


def change_package_version(site: MiniSite) -> None:
    change_version(site, "letters")


def change_version_behind_the_package(site: MiniSite) -> None:
    change_version(site, "vowels")


def change_tool(site: MiniSite) -> None:
    site.replace("../tools/frob", "frob 1.0", "frob 1.1")


def change_dataset(site: MiniSite) -> None:
    site.write("../dataset.npz", "other digits")


def change_recipe(site: MiniSite) -> None:
    site.replace("recordings/plot_two.py", '"python second.py"', '"python second.py again"')


def change_imported_definition(site: MiniSite) -> None:
    site.replace(f"{STAGE}/shared.py", 'return "used"', 'return "used now"')


@pytest.mark.parametrize(
    ("change", "runs"),
    [
        (change_program, ["first"]),
        (change_later_program, ["second"]),
        (change_what_is_written, ["first", "second"]),
        (change_data_file, ["first"]),
        (change_package_version, ["first", "second"]),
        (change_version_behind_the_package, ["first", "second"]),
        (change_tool, ["first"]),
        (change_dataset, ["first"]),
        (change_recipe, ["second"]),
        (change_imported_definition, ["first"]),
    ],
)
def test_what_a_recording_is_made_from(
    site: MiniSite, change: Callable[[MiniSite], None], runs: list[str]
) -> None:
    change(site)
    said = site.record()
    assert site.ran() == runs, said
    site.record()
    assert site.ran() == []


def change_comments(site: MiniSite) -> None:
    site.replace(f"{STAGE}/first.py", "# a comment", "# another comment")
    site.replace(f"{STAGE}/shared.py", "# a comment", "# another comment")
    site.replace("recordings/plot_one.py", "# a comment", "# another comment")


def change_definition_that_nobody_imports(site: MiniSite) -> None:
    site.replace(f"{STAGE}/shared.py", 'return "unused"', 'return "still unused"')


def change_version_of_another_package(site: MiniSite) -> None:
    change_version(site, "apart")


def change_other_recipe_of_the_page(site: MiniSite) -> None:
    site.write(
        "recordings/plot_two.py",
        (site.root / "recordings/plot_two.py").read_text()
        + """

@recipe()
def apart(run):
    run("apart", "cat plot_one.py words a.txt pip.txt", status=1)
""",
    )


@pytest.mark.parametrize(
    "change",
    [
        change_comments,
        change_definition_that_nobody_imports,
        change_version_of_another_package,
        change_other_recipe_of_the_page,
    ],
)
def test_what_a_recording_is_not_made_from(
    site: MiniSite, change: Callable[[MiniSite], None]
) -> None:
    change(site)
    said = site.record()
    assert site.ran() == [], said


PARTS = [
    "build/workspace/a.txt",
    "docs/gallery/plot_two.rst",
    "docs/gallery/images/sphx_glr_plot_one_001.svg",
    "build/outputs/second.txt",
]


@pytest.mark.parametrize("name", PARTS)
@pytest.mark.parametrize("content", [None, "something else"])
def test_what_a_build_made_is_made_good_from_the_store(
    site: MiniSite, name: str, content: str | None
) -> None:
    before = (site.root / name).read_bytes()
    (site.root / name).unlink()
    if content:
        site.write(name, content)
    site.build()
    assert site.ran() == []
    assert (site.root / name).read_bytes() == before


def test_back_and_forth_runs_nothing_a_second_time(site: MiniSite) -> None:
    """A dataset, a branch, a version: what was recorded once is there."""
    changes = [change_what_is_written, change_dataset, change_package_version, change_tool]
    copies = {name: (site.root / name).read_bytes() for name in CHANGED}
    for change in changes:
        change(site)
        site.record()
        assert site.ran(), change
    for name, content in copies.items():
        (site.root / name).write_bytes(content)
    site.record()
    assert site.ran() == []
    assert "second: a" in (site.root / "build/outputs/second.txt").read_text()
    for change in changes:
        change(site)
    site.record()
    assert site.ran() == []
    assert "second: b" in (site.root / "build/outputs/second.txt").read_text()


CHANGED = [
    f"{STAGE}/first.py",
    "../dataset.npz",
    "../packages/letters-1.0.dist-info/METADATA",
    "../tools/frob",
]


def test_a_rule_for_noise_runs_nothing(site: MiniSite) -> None:
    """Recordings are raw: what is left out is left out when they are read."""
    raw = next(site.root.glob("build/store/*/outputs/first"))
    assert "first: some words letters" in raw.read_text()
    site.write(
        "conf.py",
        (site.root / "conf.py").read_text()
        + """
from recordings.engine import transcript
import re
transcript._NOISE = re.compile("^first")
""",
    )
    site.build()
    assert site.ran() == []
    assert "first: some words" not in site.html("index")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('uses=["first.py", "words.txt"]', 'uses=["first.py"]'),
        ("dataset=True", "dataset=False"),
        ('"python first.py"', "\"sh -c 'cat second.py'\""),
        ('"python first.py"', '"python -m second"'),
        ('"python first.py"', '"aapt frob"'),
        ('"python first.py"', '"saved_model_cli --help"'),
    ],
)
def test_what_is_not_declared_is_not_there(site: MiniSite, old: str, new: str) -> None:
    site.write("../tools/aapt", "#!/bin/sh\n")
    (site.root / "../tools/aapt").chmod(0o755)
    site.replace("recordings/plot_one.py", old, new)
    said = site.record(fails=True)
    assert "RunError" in said
    assert any(text in said for text in ("exit code 1", "aapt without", "saved_model_cli without"))


def test_an_artifact_that_nobody_writes_cannot_be_read(site: MiniSite) -> None:
    site.replace("recordings/plot_two.py", 'reads=["a.txt"]', 'reads=["a"]')
    assert "no recipe writes a, which plot_two.second reads" in site.record(fails=True)


def test_a_page_that_has_no_place_in_the_order_is_named(site: MiniSite) -> None:
    site.write("gallery/plot_new.py", '"""\nNew\n===\n"""\n')
    assert "not in gallery_pages of conf.py: plot_new" in site.build(fails=True)


def test_two_outputs_of_one_name_are_refused(site: MiniSite) -> None:
    site.replace("recordings/plot_two.py", 'run("second"', 'run("first"')
    assert "more than one recipe keeps first" in site.build(fails=True)
    site.replace(
        "recordings/plot_two.py", 'run("first"', 'run("twice", "python second.py")\n    run("twice"'
    )
    assert "plot_two.second keeps twice twice" in site.record(fails=True)


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
    assert "plot_one is executed" not in site.build(), "once is enough"


def test_a_changed_look_and_new_words_plot_again(site: MiniSite) -> None:
    look, words = "sphinxext/plots.mplstyle", "locale/zh_CN/LC_MESSAGES/plots.po"
    old = "docs/gallery/images/sphx_glr_plot_one_001.png"
    site.write(old, "a picture as it was once")
    site.write(look, "another look")
    site.write(words, 'msgid "A blank"\nmsgstr "空白"\n')
    said = site.build()
    assert f"plot_one is executed: {words}, {look} changed" in said
    assert site.ran() == []
    page = site.html("gallery/plot_one")
    assert "sphx_glr_plot_one_001.zh_CN.svg" in page
    assert 'alt="空白"' in page
    assert not (site.root / old).exists(), "sphinx-gallery would make the card of it"
    site.replace(words, "A blank", "A plank")
    assert "sphx_glr_plot_one_001: not in plots.po: A blank" in site.build(fails=True)


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


def test_a_changed_dataset_reaches_all_pages(site: MiniSite) -> None:
    """Their footers state it."""
    figures = "build/workspace/mnist_cnn.json"
    site.replace("recordings/plot_one.py", 'writes=["a.txt"]', 'writes=["a.txt", "mnist_cnn.json"]')
    state = '\nPath("mnist_cnn.json").write_text(\'{"dataset": "DATA"}\')\n'
    first = (site.root / f"{STAGE}/first.py").read_text()
    for name in ("one", "other"):
        site.write(f"{STAGE}/first.py", first + state.replace("DATA", name))
        site.write("build/html/index.html", "as it was")
        site.write("build/html/gallery/plot_two.html", "as it was")
        site.build()
        assert name in (site.root / figures).read_text()
        assert site.html("gallery/plot_two") != "as it was"


def test_a_page_of_the_gallery_that_is_gone_goes_with_all_it_left(site: MiniSite) -> None:
    site.build()
    for name in ("gallery/plot_two.py", "recordings/plot_two.py"):
        (site.root / name).unlink()
    site.replace("conf.py", '["plot_one", "plot_two"]', '["plot_one"]')
    site.build()
    assert list(site.root.glob("build/workspace/plot_two*")) == []
    assert list(site.root.glob("docs/gallery/**/*plot_two*")) == []
    assert list(site.root.glob("build/html/gallery/plot_two*")) == []


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
    change_what_is_written(site)
    site.build(builder=builder)
    assert site.ran() == []
    site.build()
    assert site.ran() == ["first", "second"], "html runs what they left stale"
    assert "second: b" in site.html("gallery/plot_two")


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
    change_what_is_written(site)
    site.replace("docs/index.md", "正文。", "新的正文。")
    site.build("-D", "gallery_run=stored")
    assert site.ran() == []
    assert "新的正文" in site.html("index")
    assert "first: some words letters" in site.html("index"), "the last output stays"
    site.build()
    assert site.ran() == ["first", "second"]


def test_a_live_build_shows_a_changed_page_after_one_that_changed_nothing(site: MiniSite) -> None:
    site.build("-D", "gallery_run=stored")
    site.replace("gallery/plot_one.py", "The first sentence.", "Another sentence.")
    site.build("-D", "gallery_run=stored")
    assert "Another sentence" in site.html("gallery/plot_one")


def test_one_page_runs_with_what_it_needs(site: MiniSite) -> None:
    said = site.build("-D", "gallery_run=plot_two")
    assert "plot_two is executed: it was asked for" in said
    assert site.ran() == []
    change_what_is_written(site)
    site.build("-D", "gallery_run=plot_two")
    assert site.ran() == ["first", "second"]
    change_later_program(site)
    site.build("-D", "gallery_run=plot_one")
    assert site.ran() == []


def test_without_a_dataset_the_digits_are_the_choice_until_a_file_is_there(tmp_path: Path) -> None:
    site = MiniSite(tmp_path)
    del site.environment["MNIST_DATA"]
    site.record()
    assert site.ran() == ["first", "second"]
    assert (site.root / "build/dataset").read_text() == "digits"
    site.record()
    assert site.ran() == []
    keras = tmp_path / ".keras" / "datasets" / "mnist.npz"
    keras.parent.mkdir(parents=True)
    keras.write_text("MNIST")
    site.environment["MNIST_DATA"] = ""
    site.record()
    assert site.ran() == ["first"]


# Provenance


def provenance(site: MiniSite) -> dict[str, dict[str, Any]]:
    text = (site.root / "build/html/provenance.json").read_text()
    pages: dict[str, dict[str, Any]] = json.loads(text)
    return pages


def test_provenance_says_which_recordings_a_page_shows(site: MiniSite) -> None:
    pages = provenance(site)
    recorded = {page: [*facts["recordings"]] for page, facts in pages.items()}
    assert recorded == {
        "gallery/index": [],
        "gallery/plot_one": ["plot_one.first"],
        "gallery/plot_two": ["plot_two.second"],
        "index": ["plot_one.first"],
    }
    assert pages["index"]["python"] == [platform.python_version()]
    assert pages["index"]["processor"] == [versions.processor()] != [""]
    today = datetime.datetime.now(datetime.UTC).isoformat()[:8]
    assert all(made.startswith(today) for made in pages["index"]["made"])


def test_a_new_run_reaches_the_provenance_of_its_pages_only(site: MiniSite) -> None:
    before = provenance(site)
    change_later_program(site)
    site.build()
    after = provenance(site)
    changed = {page for page in after if after[page] != before[page]}
    assert changed == {"gallery/plot_two"}


def test_a_result_that_is_older_than_its_page_makes_the_build_red(site: MiniSite) -> None:
    change_program(site)
    said = site.build(language="en", fails=True)
    assert "programs or recipes are newer than the results" in said
    site.build()
    site.build(language="en")


def test_a_build_that_runs_nothing_states_what_is_older(site: MiniSite) -> None:
    change_later_program(site)
    site.build("-D", "gallery_run=stored")
    pages = provenance(site)
    assert pages["gallery/plot_two"]["older"] == {"plot_two.second": "second.py changed"}
    assert pages["index"]["older"] == {}
