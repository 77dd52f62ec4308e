"""What of the sources counts for a recording: the code that is reached, and no comments."""

from __future__ import annotations

from pathlib import Path

import pytest

from recordings.engine.sources import code_of


def files(folder: Path, **texts: str) -> dict[str, Path]:
    """Write files; `a_mjs` stands for `a.mjs`."""
    paths = {}
    for key, text in texts.items():
        name = ".".join(key.rsplit("_", 1))
        paths[name] = folder / name
        paths[name].write_text(text)
    return paths


@pytest.mark.parametrize(
    ("name", "before", "after"),
    [
        ("a_py", "x = 1  # one\n", "# two\nx = 1\n"),
        ("a_mjs", "const x = 1; // one\n", "/* two\n */\nconst x = 1;\n"),
        ("A_java", "int x = 1; // one\n", "/** two */\nint x = 1;\n"),
        ("a_sh", "#!/bin/sh\necho 1 # one\n", "#!/bin/sh\n# two\necho 1\n"),
        ("a_yaml", "x: 1 # one\n", "x: 1\n"),
    ],
)
def test_comments_do_not_count(tmp_path: Path, name: str, before: str, after: str) -> None:
    (tmp_path / "b").mkdir()
    first, second = files(tmp_path, **{name: before}), files(tmp_path / "b", **{name: after})
    assert code_of(first, first) == code_of(second, second)
    third = files(tmp_path, **{name: before.replace("1", "2")})
    assert code_of(third, third) != code_of(second, second)


def test_what_only_looks_like_a_comment_counts(tmp_path: Path) -> None:
    one = files(tmp_path, a_mjs='const x = "// 1";\n')
    code = code_of(one, one)["a.mjs"]
    assert "// 1" in code


def test_a_file_in_no_known_language_counts_whole(tmp_path: Path) -> None:
    paths = files(tmp_path, a_config="# one\n")
    before = code_of(paths, paths)
    paths["a.config"].write_text("# two\n")
    assert code_of(paths, paths) != before


def test_modules_are_followed_through_modules(tmp_path: Path) -> None:
    paths = files(
        tmp_path,
        a_py="import b\nb.first()\n",
        b_py="from c import second\nimport unused\n\ndef first():\n    return second()\n",
        c_py="WORD = 'here'\n\ndef second():\n    return WORD\n\ndef third():\n    return 'no'\n",
        unused_py="x = 1\n",
        d_mjs="import { e } from './e.mjs';\n",
        e_mjs="const f = await import('./f.mjs');\n",
        f_mjs="export const f = 1;\n",
    )
    code = code_of(paths, ["a.py", "d.mjs"])
    assert code.keys() == {"a.py", "b.py", "c.py", "d.mjs", "e.mjs", "f.mjs"}
    assert "here" in code["c.py"]
    assert "third" not in code["c.py"]


@pytest.mark.parametrize(
    "use",
    [
        "import b as c\nc.f()\n",
        "from b import *\n",
        "def g():\n    import b\n    b.f()\n",
        "import b\ng = b\n",
    ],
)
def test_however_a_module_is_imported_it_is_followed(tmp_path: Path, use: str) -> None:
    paths = files(tmp_path, a_py=use, b_py="def f():\n    return 'here'\n")
    assert "here" in code_of(paths, ["a.py"]).get("b.py", "")


def test_a_name_that_is_no_file_is_refused(tmp_path: Path) -> None:
    paths = files(tmp_path, a_py="x = 1\n")
    with pytest.raises(KeyError, match=r"b\.py is none of the programs"):
        code_of(paths, ["b.py"])
