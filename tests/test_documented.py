"""The outputs of the last build are the documented ones, and the comparison can tell."""

from __future__ import annotations

import json
import re
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recordings.documented import Documented, main
from recordings.promises import accepted, flaw, holds, line_holds

DOCUMENTED = Documented(Path(__file__).parents[1])

LINE_BREAKS = "\n\r\v\f\x1c\x1d\x1e\x85\u2028\u2029"
values = st.decimals(-(10**6), 10**6, places=12)
numbers = st.builds(
    lambda value, places, style: f"{value:{style.replace('N', str(places))}}",
    st.floats(-1e9, 1e9),
    st.integers(0, 6),
    st.sampled_from([".Nf", ",.Nf", ".Ne"]),
)
texts = st.text(st.characters(exclude_characters="…" + LINE_BREAKS))
pieces = st.lists(st.one_of(texts, numbers, st.just("…"), st.just(" "))).map("".join)


@pytest.mark.parametrize("name", DOCUMENTED.names())
def test_output_is_the_documented_one(name: str) -> None:
    if reason := DOCUMENTED.not_run(name):
        pytest.skip(reason)
    if problem := DOCUMENTED.problem(name):
        pytest.fail(problem.plain(), pytrace=False)


def test_every_documented_output_promises_something() -> None:
    assert list(DOCUMENTED.flaws()) == []


def test_there_are_outputs() -> None:
    assert len(DOCUMENTED.names()) > 20


@pytest.mark.parametrize(
    ("promised", "actual"),
    [
        ("accuracy: 0.99", "accuracy: 0.9937"),
        ("accuracy: 0.99", "accuracy: 0.985"),  # just half a unit away
        ("accuracy: 0.99", "accuracy: 0.995"),
        ("accuracy: 1.0", "accuracy: 0.9999"),
        ("accuracy: 1.00", "accuracy: 1"),  # as JavaScript prints it
        ("[1.00]", "[1.]"),  # as NumPy does
        ("99.4%", "99.37%"),
        ("took 1.3s", "took 1.29s"),
        ("off by 1e-06", "off by 1.2e-06"),
        ("off by 1e-06", "off by 5.0E-7"),
        ("off by 0e-06", "off by 3.0e-08"),
        ("index 3 prob is 0.00", "index 3 prob is 4.2E-9"),
        ("-0.0", "0.0"),
        ("int8  1,210,816", "int8    1,210,816"),
        ("reading … from site-packages", "reading a.py:12 from site-packages"),
        ("digit-….js", "digit-M2WETUDN.js"),
        ("99.…%", "99.37%"),
        ("1e-0…", "1e-06"),
        ("…0.5", "10.5"),
        ("4,80…  2.5,…", "4,809,995  2.5,3"),
        ("… is 0.5 …", "0.7 is 0.9 is 0.52 is"),  # not the first place that looks like it
        ("…", ""),
        ("$ python a.py --epochs 3", "$ python a.py --epochs 3"),
        ("(100, 10)", "(100, 10)"),
        ("[-1, 28]", "[-1, 28]"),
        ("TensorFlow.js 4.22.0, Node", "TensorFlow.js 4.22.0, Node"),
        ("at 127.0.0.1:8501 ...", "at 127.0.0.1:8501 ..."),
    ],
)
def test_line_holds(promised: str, actual: str) -> None:
    assert line_holds(promised, actual)


@pytest.mark.parametrize(
    ("promised", "actual"),
    [
        ("accuracy: 0.99", "accuracy: 0.9750"),
        ("accuracy: 0.99", "accuracy: 0.98"),
        ("accuracy: 0.99", "accuracy: 1.0"),
        ("accuracy: 0.99", "accuracy: 0.9951"),
        ("accuracy: 0.99", "accuracy: 0.9849"),
        ("accuracy: 0.992", "accuracy: 0.9890"),
        ("99.4%", "99.46%"),
        ("100.0%", "99.9%"),
        ("top label: 7", "top label: 1"),
        ("top label: 7", "top label: 7.0"),
        ("int8  1,210,816", "int8  1,210,817"),
        ("int8  1,210,816", "int8  1210816"),
        ("a  b", "a b"),
        ("index 3 prob is 0.00", "index 3 prob is 0.5"),
        ("index 3 prob is 0.00", "index 4 prob is 0.00"),
        ("index 3 prob is 0.00", "index 3 prob is NaN"),
        ("off by 1e-06", "off by 1e-03"),
        ("off by 1e-06", "off by 1.6e-06"),
        ("off by 1e-06", "off by 4.9e-07"),
        ("off by 0.5", "off by -0.5"),
        ("off by 0.5", "off by 0.5.1"),
        ("[-1, 28]", "[1, 28]"),
        ("TensorFlow.js 4.22.0", "TensorFlow.js 4.23.0"),
        ("TensorFlow.js 4.22.0", "TensorFlow.js 4.22.1"),
        ("TensorFlow 2.2.0", "TensorFlow 2.21.0"),
        ("at 127.0.0.1:8501", "at 127.0.0.2:8501"),
        ("at 0.0.0.0:8501", "at 0.0.0.1:8501"),
        ("Conv2D", "Conv3D"),
        ("x86_64 float32", "x86_64 float16"),
        ("float3.5", "float3.51"),
        ("hash 1e9ab", "hash 1.2e9ab"),
        ("99.…%", "98.37%"),
        ("4,80…", "4,819,995"),
        ("1e-0…", "1.2e-06"),
        ("…0.5", "0.51"),
        ("… is 0.5 …", "0.7 is 0.9 is 0.6 is"),
        ("$ python a.py --rate 0.1", "$ python a.py --rate 0.12"),
        ("input image", "input images"),
        ("a.b", "aXb"),
    ],
)
def test_line_does_not_hold(promised: str, actual: str) -> None:
    assert not line_holds(promised, actual)


def test_an_ellipsis_stands_for_lines() -> None:
    assert holds(["a", "…", "d"], ["a", "b", "c", "d"])
    assert holds(["a", "…", "d"], ["a", "d"])
    assert holds(["…", "b", "…", "b"], ["a", "b", "b"])
    assert not holds(["a", "…", "d"], ["a", "b"])
    assert not holds(["a"], ["a", "b"])
    assert not holds(["a", "b"], ["a"])


def test_a_long_output_is_compared() -> None:
    lines = [f"line {i}" for i in range(2000)]
    assert holds(["line 0", "…", "line 900", "…", *lines[1000:]], lines)


@given(values, st.integers(1, 9))
def test_a_number_stands_for_what_it_was_rounded_from(value: Decimal, places: int) -> None:
    assert line_holds(f"is {value:.{places}f}", f"is {value}")
    assert line_holds(f"is {value:.{places}e}", f"is {value}")
    assert line_holds(f"is {float(value):.{places}f}", f"is {float(value)}")


@given(
    values,
    st.integers(1, 9),
    st.sampled_from([-1, 1]),
    st.decimals(Decimal("0.500001"), 1000, places=6),
)
def test_a_number_stands_for_nothing_further_than_half_a_unit(
    value: Decimal, places: int, side: int, units: Decimal
) -> None:
    promised = f"{value:.{places}f}"
    actual = Decimal(promised) + side * units.scaleb(-places)
    assert not line_holds(f"is {promised}", f"is {actual:f}")
    assert not line_holds(f"is {promised}", f"is {actual:e}")


@given(st.integers(1, 9), st.integers(-300, 300), st.decimals(0, 3, places=4))
def test_an_exponent_is_a_unit(digit: int, exponent: int, units: Decimal) -> None:
    actual = (digit + units).scaleb(exponent)
    stands = line_holds(f"off by {digit}e{exponent}", f"off by {actual}")
    assert stands == (units <= Decimal("0.5"))


@given(st.lists(st.integers(0, 30), min_size=3, max_size=5), st.integers(0, 4), st.integers(1, 9))
def test_a_version_stands_for_itself(parts: list[int], place: int, step: int) -> None:
    version = ".".join(map(str, parts))
    parts[place % len(parts)] += step
    assert line_holds(f"Node v{version} {version}", f"Node v{version} {version}")
    assert not line_holds(f"TensorFlow {version}", f"TensorFlow {'.'.join(map(str, parts))}")


@given(st.integers(-(10**6), 10**6), st.integers(1, 1000))
def test_a_whole_number_stands_for_itself(number: int, step: int) -> None:
    assert line_holds(f"{number:,} bytes", f"{number:,} bytes")
    assert not line_holds(f"{number:,} bytes", f"{number + step:,} bytes")


@given(pieces)
def test_any_line_holds_for_itself(line: str) -> None:
    assert line_holds(line, line)


@given(st.text("ab…"), st.text("ab"))
def test_an_ellipsis_is_a_wildcard(promised: str, actual: str) -> None:
    stands = re.fullmatch(promised.replace("…", ".*"), actual) is not None
    assert line_holds(promised, actual) == stands, "within a line"
    assert holds(list(promised), list(actual)) == stands, "for lines"


@pytest.mark.parametrize(
    "body",
    [
        ["…"],
        ["… ", "…"],
        ["…:", "}"],
        ["accuracy …"],
        ["… a b c d …"],
        ["a line of words", "…", "…"],
        ["a line of words", "two …… words"],
    ],
)
def test_a_hollow_output_is_no_promise(body: list[str]) -> None:
    assert flaw(["$ python a.py", *body])


@pytest.mark.parametrize(
    "body",
    [
        [],  # prints nothing
        ["7"],
        ["}"],
        ["top label: …"],
        ["…", "saved", "…"],
        ["…", "7", "…"],
    ],
)
def test_a_promise_has_no_flaw(body: list[str]) -> None:
    assert not flaw(["$ python a.py", *body])


@pytest.mark.parametrize("lines", [[], ["python a.py"], ["…", "said"], ["$ …", "said something"]])
def test_a_documented_output_begins_with_its_command(lines: list[str]) -> None:
    assert flaw(lines) == "does not begin with its command"


def test_accepting_keeps_precision_and_ellipses() -> None:
    old = ["$ a", "accuracy: 0.99  in …", "top label: 7", "off by 1e-06", "time …", "…", "the end"]
    new = ["$ a", "accuracy: 0.9734  in 3.2 s", "top label: 1", "off by 0.00012", "time 12 s"]
    lines = [*new, "b", "c", "the end"]
    kept = ["$ a", "accuracy: 0.97  in …", "top label: 1", "off by 1e-4", "time …", "…", "the end"]
    assert accepted(old, lines) == kept
    assert accepted(kept, lines) == kept
    assert accepted(old, ["$ a", "accuracy: 0.9911  in 1 s", *lines[2:]])[1] == old[1]
    assert accepted(old, [*lines[:-1], "the very end"])[-2:] == ["…", "the very end"]
    assert accepted(old, new[:2]) == kept[:2], "too few lines for those around the ellipsis"
    assert accepted(["$ a", "…"], lines) == lines, "what was hollow is written out"
    assert accepted([], lines) == lines
    held = ["$ a", "epoch 1 0.9", "epoch 2 0.9", "epoch 3 0.9…", "in all 0.99"]
    again = ["$ a", "epoch 1 0.8512", "epoch 2 0.8499", "epoch 3 0.9861", "in all 0.9842"]
    assert accepted(held, again) == [*held[:2], "epoch 2 0.8", held[3], "in all 0.98"]
    loops = ["$ a", "…", "say so", "…", "say so"]
    assert accepted(loops, ["$ a", "b", *["say so"] * 3]) == loops, "it holds already"
    assert accepted(["$ a", "1,000.5 s"], ["$ a", "2,345.678 s"])[1] == "2,345.7 s"


documents = st.lists(st.one_of(pieces, st.just("…")), max_size=8)


@given(documents, documents)
def test_what_was_accepted_holds_and_is_accepted_again(old: list[str], new: list[str]) -> None:
    for actual in (new, [line.replace("…", "7.25") for line in [*old, *new]]):
        lines = accepted(["$ a", *old], ["$ a", *actual])
        assert holds(lines, ["$ a", *actual])
        if not flaw(lines):
            assert accepted(lines, ["$ a", *actual]) == lines


def places(number: str) -> int:
    return len(re.split("[.e]", f"{number}.")[1]) if "." in number else 0


@given(st.lists(st.tuples(numbers, numbers), min_size=1, max_size=4))
def test_accepting_keeps_the_places_of_each_number(pairs: list[tuple[str, str]]) -> None:
    old, new = (" ".join(["numbers", *column]) for column in zip(*pairs, strict=True))
    [_, line] = accepted(["$ a", old], ["$ a", new])
    for was, now, became in zip(*(text.split()[1:] for text in (old, new, line)), strict=True):
        whole = "." not in was and "e" not in was
        assert places(became) == places(now if whole else was)


class Project(Documented):
    """A project of a test, with documented outputs and a build."""

    def write(self, folder: str, **outputs: str) -> None:
        for name, text in outputs.items():
            path = self.root / folder / f"{name}.txt"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(f"$ {name}\n{text}\n", encoding="utf-8")

    def document(self, **outputs: str) -> None:
        self.write("tests/expected", **outputs)

    def build(self, dataset: str = "MNIST", **outputs: str) -> None:
        self.write("build/outputs", **{"mnist_cnn": "accuracy: 0.9937", **outputs})
        figures = self.root / "build" / "workspace" / "mnist_cnn.json"
        figures.parent.mkdir(exist_ok=True)
        figures.write_text(json.dumps({"dataset": dataset}))

    def all_files(self) -> dict[str, str]:
        return {
            str(path.relative_to(self.expected)): path.read_text().partition("\n")[2].rstrip("\n")
            for path in self.files()
        }


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    monkeypatch.chdir(tmp_path)
    project = Project(tmp_path)
    project.document(mnist_cnn="accuracy: 0.99")
    project.build()
    return project


def test_what_holds_is_no_change(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    for task in ("check", "changes", "accept"):
        assert main([task]) == 0
    assert capsys.readouterr().out == ""
    assert project.all_files() == {"mnist_cnn.txt": "accuracy: 0.99"}


def test_changes_are_checked_shown_and_accepted(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    documented = {
        "mnist_cnn.txt": "accuracy: 0.99",
        "hollow.txt": "…",
        "gone.txt": "said",
        "java.txt": "top label: 7",
    }
    project.document(**{path.removesuffix(".txt"): text for path, text in documented.items()})
    project.build(
        mnist_cnn="accuracy: 0.9842",
        hollow="top label: 7",
        new="said",
        java="not run: no javac here; install it",
    )
    assert main(["check"]) == 1
    said = capsys.readouterr()
    assert "`mnist_cnn` is not what is documented\n--- documented\n+++ printed" in said.out
    assert "-accuracy: 0.99\n+accuracy: 0.98\n" in said.out
    assert "tests/expected/hollow.txt promises nothing" in said.out
    assert "`gone` is documented, but nothing in the build runs it any more" in said.out
    assert "`new` is not documented" in said.out
    assert "`java` is not checked: no javac here; install it" in said.err

    assert main(["changes"]) == 1
    said = capsys.readouterr()
    assert "### `mnist_cnn` is not what is documented\n\n````diff\n--- documented\n" in said.out
    assert said.out.count("````\n") == said.out.count("### ") == 4
    assert project.all_files() == documented, "nothing is accepted"

    assert main(["accept"]) == 0
    assert project.all_files() == {
        "mnist_cnn.txt": "accuracy: 0.98",
        "hollow.txt": "top label: 7",
        "java.txt": "top label: 7",
        "new.txt": "said",
    }
    assert main(["check"]) == main(["changes"]) == 0


def test_the_digits_have_their_own_where_they_differ(project: Project) -> None:
    project.document(same="top label: …")
    project.build("digits", mnist_cnn="accuracy: 0.9444", same="top label: 0", new="said")
    assert main(["accept"]) == 0
    documented = {
        "mnist_cnn.txt": "accuracy: 0.99",
        "digits/mnist_cnn.txt": "accuracy: 0.94",
        "same.txt": "top label: …",
        "new.txt": "said",
    }
    assert project.all_files() == documented
    assert main(["check"]) == 0
    project.build("MNIST", same="top label: 7", new="said")
    assert main(["check"]) == 0
    project.write("tests/expected/digits", mnist_cnn="…")
    assert main(["check"]) == 1, "what the other dataset promises is read too"


def test_without_a_build_it_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["accept"]) == "there is no build here; run `make html`"
    assert "check" in str(main([]))
