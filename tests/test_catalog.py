"""The English catalog: complete, faithful to markup and numbers, consistent in its words."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog, Message
from babel.messages.pofile import read_po

from tests.test_site import HAN, MEASURED

ROOT = Path(__file__).parent.parent
CATALOG = ROOT / "locale" / "en" / "LC_MESSAGES"


def load(folder: Path, suffix: str) -> dict[str, Catalog]:
    """Return the catalogs below a folder by document name."""
    return {
        path.relative_to(folder).with_suffix("").as_posix(): read_po(path.open("rb"), locale="en")
        for path in sorted(folder.rglob(f"*{suffix}"))
    }


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Catalog]:
    """Return the messages of the Chinese text as it is now; extracting runs no page.

    That happens in a copy, so that it neither waits for nor disturbs the build of the site.
    """
    out = tmp_path_factory.mktemp("gettext")
    shutil.copy(ROOT / "conf.py", out)
    generated = shutil.ignore_patterns("__pycache__")
    for folder in ("docs", "gallery", "sphinxext", "recordings"):
        shutil.copytree(ROOT / folder, out / folder, ignore=generated)
    shutil.rmtree(out / "docs" / "gallery", ignore_errors=True)
    command = [sys.executable, "-m", "sphinx", "-q", "-c", ".", "-b", "gettext"]
    built = subprocess.run(
        [*command, "-d", "doctrees", "docs", "pot"],
        cwd=out,
        capture_output=True,
        text=True,
    )
    assert built.returncode == 0, built.stderr
    return load(out / "pot", ".pot")


def messages(catalog: Catalog) -> Iterator[tuple[str, str, Message]]:
    """Yield the messages of a catalog but for its header."""
    for message in catalog:
        if message.id:
            yield str(message.id), str(message.string), message


def translations() -> Iterator[tuple[str, str, str, Message]]:
    for name, catalog in load(CATALOG, ".po").items():
        for msgid, msgstr, message in messages(catalog):
            yield name, msgid, msgstr, message


def test_every_message_is_translated(source: dict[str, Catalog]) -> None:
    english, wrong = load(CATALOG, ".po"), []
    for name, catalog in source.items():
        known = {msgid: message for msgid, _, message in messages(english.get(name, Catalog()))}
        for msgid, _, _ in messages(catalog):
            if msgid not in known:
                wrong.append(f"{name}: not in the catalog (`make catalog`): {msgid}")
            elif not known[msgid].string:
                wrong.append(f"{name}: no translation: {msgid}")
            elif known[msgid].fuzzy:
                wrong.append(f"{name}: fuzzy: {msgid}")
    assert not wrong, "\n".join(wrong)
    assert sum(1 for catalog in source.values() for _ in messages(catalog)) > 50


def test_the_catalog_holds_nothing_that_is_gone(source: dict[str, Catalog]) -> None:
    wrong = []
    for name, catalog in load(CATALOG, ".po").items():
        now = {msgid for msgid, _, _ in messages(source.get(name, Catalog()))}
        wrong += [f"{name}: {msgid}" for msgid, _, _ in messages(catalog) if msgid not in now]
        wrong += [f"{name}: obsolete: {msgid}" for msgid in catalog.obsolete]
    assert not wrong, "\n".join(wrong)


def test_translations_are_english() -> None:
    wrong = [
        f"{name}: {msgstr}"
        for name, msgid, msgstr, _ in translations()
        if HAN.search(without_code(msgstr)) or (msgid == msgstr and HAN.search(without_code(msgid)))
        # the terminology table is about the Chinese words
        if not (name == "terminology" and msgid == msgstr)
    ]
    assert not wrong, "\n".join(wrong)


# Roles, code and link targets of MyST and reStructuredText. Their text is in the message; what
# a link shows is translated, where it leads is not.
ROLE = re.compile(r"(\{[\w:-]+\}|:[\w:-]+:)(`+)(.+?)\2(?!`)", re.DOTALL)
CODE = re.compile(r"(?<![`}:])(`+)(?!`)(.+?)(?<!`)\1(?![`_])", re.DOTALL)
TARGET = re.compile(r"\]\(([^)]*)\)")
SHOWN = re.compile(r"^(.*?)\s*<(.+)>$", re.DOTALL)


def markup(text: str) -> Counter[str]:
    """Return roles, code spans and link targets of a message."""
    found = Counter[str]()
    for role, _, content in ROLE.findall(text):
        target = SHOWN.match(content)
        found[role.strip("{}:") + " " + (target[2] if target else content)] += 1
    text = ROLE.sub("", text)
    found.update(f"link {target}" for target in TARGET.findall(text))
    found.update(f"code {content.strip()}" for _, content in CODE.findall(TARGET.sub("]", text)))
    return found


def without_code(text: str) -> str:
    """Return a message without code spans and the targets of links."""
    text = ROLE.sub(lambda m: (SHOWN.match(m[3]) or ["", ""])[1], text)
    return CODE.sub("", TARGET.sub("]", text))


def test_translations_keep_roles_links_and_code() -> None:
    wrong = []
    for name, msgid, msgstr, _ in translations():
        if msgstr and markup(msgid) != markup(msgstr):
            lost, added = markup(msgid) - markup(msgstr), markup(msgstr) - markup(msgid)
            wrong.append(f"{name}: {msgstr}\n  lost {[*lost]}, added {[*added]}")
    assert not wrong, "\n".join(wrong)


def test_translations_add_no_number() -> None:
    """A measured number that only the translation has was typed there."""
    wrong = []
    for name, msgid, msgstr, _ in translations():
        known = re.findall(r"\d[\d.,]*\d|\d", msgid)
        for number in MEASURED.findall(without_code(msgstr)):
            if not set(re.findall(r"\d[\d.,]*\d|\d", number)) <= set(known):
                wrong.append(f"{name}: {number}: {msgstr}")
    assert not wrong, "\n".join(wrong)


def terms() -> dict[str, list[str]]:
    """Return the English alternatives of each Chinese term from docs/terminology.md."""
    rows = re.findall(r"(?m)^\|(.+)\|\s*$", (ROOT / "docs" / "terminology.md").read_text("utf-8"))
    cells = [[cell.strip() for cell in row.split("|")] for row in rows[2:]]
    return {
        chinese: [word.strip().lower() for word in english.split("/")]
        for row, english in ((row[0], row[1]) for row in cells)
        for chinese in (word.strip() for word in row.split("/"))
    }


def test_translations_use_the_words_of_the_terminology() -> None:
    table, wrong = terms(), []
    assert len(table) > 10
    assert all(HAN.fullmatch(term) and all(english) for term, english in table.items()), table
    for name, msgid, msgstr, _ in translations():
        # A longer term may contain a shorter one: each stretch counts for the longest.
        rest = without_code(msgid) if name != "terminology" else ""
        for term in sorted(table, key=len, reverse=True):
            if term in rest and msgstr and not any(w in msgstr.lower() for w in table[term]):
                wrong.append(f"{name}: {term} is {'/'.join(table[term])}: {msgstr}")
            rest = rest.replace(term, " ")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{measured}`a.json b` 和 `x`", {"measured a.json b": 1, "code x": 1}),
        ("[上一章](../a.md)，``y z``", {"link ../a.md": 1, "code y z": 1}),
        (":doc:`标题 </a/b>` :doc:`/a/b`", {"doc /a/b": 2}),
        ("`a`、`a` 和 {download}`名字 <f.py>`", {"code a": 2, "download f.py": 1}),
    ],
)
def test_markup_is_recognised(text: str, expected: dict[str, int]) -> None:
    assert dict(markup(text)) == expected
