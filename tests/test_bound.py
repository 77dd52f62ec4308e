"""What prose says is bound to something: names, flags, files, messages, numbers, negations, links.

All of it is read in the catalog, which holds both languages paragraph by paragraph; test_catalog
sees that it is the Chinese text as it stands, and that code, links and figures are in both.
"""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
import yaml

from recordings.engine.site import Site
from recordings.engine.transcript import clean
from recordings.promises import holds
from tests.test_catalog import markup, translations, without_code
from tests.test_project import committed
from tests.test_site import prose

ROOT = Path(__file__).parents[1]
SITE = Site(ROOT)
WORD = re.compile(r"\w+(?:-\w+)*")
NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
LOCKS = {
    "requirements.txt",
    "requirements-tfjs.txt",
    "requirements-clients.txt",
    "package-lock.json",
    "LICENSE-TEXT",
}
TEXT = {"locale", "gallery", "tests"}  # folders that bind nothing: prose, and checks of it

# Words in code spans that stand in no program, recipe, output or configuration; with the reason.
UNBOUND = {
    "2018, and gone since": "aaptOptions amazonaws s3 tensorflow-lite keras_tensor_7",
    "a placeholder for the reader's own": """
        ADDRESS my_model_samples my_model_tfjs_float16 my_model_tfjs_float32 my_model_tfjs_uint8
        my_model_web my_model_web_int8 my_model_labels my_model_calibration my_model_convert
        my_model_dynamic my_model_float16 my_model_int8 my_picture my_training my_model_c
        my_model_model other_model patches_board output_1 Plabels Pmodel
    """,
    "a mistake that the page is about": "readynessProbe",
    "left out of outputs as noise; index.md explains it": """
        CUDA STDERR cuInit cuda drivers loader_impl optimization optimized
    """,
    "an option or file of a tool that the build does not call": """
        VV lfs litert-select-tf-ops index-url registry-mirrors ANDROID_HOME brew scoop gradlew
        installDebug ldd scp sha256sum exe tensorflow-model-server EXPKEYSIG CD
    """,
    "a message that needs a browser, an NDK, Windows or a real server": "WinError 10061 dex",
    "an API named beside the one that is used": """
        rgbToGrayscale createScaledBitmap hardware_accel resize_input_tensor TfLiteInterpreter
        _all_variables
    """,
    "the beginning of names": "c_ arm_ browser_ plain_ values-land values-night values-zh",
}


def binding() -> Iterator[Path]:
    """Yield the committed files that are no prose."""
    for path in committed():
        inside = path.relative_to(ROOT)
        documented = inside.parts[:2] == ("tests", "expected")
        lock = inside.name in LOCKS
        chapter = inside.suffix == ".md" and inside.parts[0] != "recordings"
        if documented or not (inside.parts[0] in TEXT or chapter or lock):
            yield path


@cache
def known() -> frozenset[str]:
    """Return the words of programs, recipes, documented outputs and configuration."""
    found: set[str] = set()
    for path in binding():
        content = path.read_bytes()
        if b"\0" not in content:
            found |= set(WORD.findall(content.decode("utf-8")))
    return frozenset(found)


@cache
def not_raised() -> tuple[str, ...]:
    """Return the entries about errors that are marked as not raised by the build."""
    chapters = [path.read_text(encoding="utf-8") for path in (ROOT / "docs").glob("**/*.md")]
    entry = re.compile(r"(?m)^`.*\n: (?:.*\n|\n(?=  ))*?(?=^\S)")
    found = (text for chapter in chapters for text in entry.findall(chapter + "\n."))
    return tuple(text for text in found if "{not-raised}" in text)


def test_names_in_prose_are_those_of_programs_and_outputs() -> None:
    allowed = {word for words in UNBOUND.values() for word in words.split()}
    assert any("abiFilters" in entry for entry in not_raised())
    used, wrong = set(), []
    for page, msgid, _, _ in translations():
        if any(msgid in entry for entry in not_raised()):
            continue
        for kind, text in (found.split(" ", 1) for found in markup(msgid)):
            words = set(WORD.findall(text)) - known() if kind == "code" else set()
            used |= words
            wrong += [f"{page}: {word}: {msgid}" for word in sorted(words - allowed)]
    assert not wrong, "\n".join(wrong)
    assert not sorted(allowed - used), "bound by now, or not there any more"


# Flags, defaults, programs


def options(printed: str) -> set[str]:
    return set(re.findall(r"(?<![\w-])--?[a-zA-Z][\w-]*", printed))


@cache
def helps() -> dict[str, str]:
    """Return what each program prints for --help, by its name; no package is needed for it."""
    found = {}
    paths = ":".join(sorted({str(path.parent) for path in SITE.programs().values()}))
    for name, path in SITE.programs().items():
        if (
            path.suffix == ".py"
            and not name.startswith("plain_")
            and re.search("ArgumentParser|_parser\\(", text := path.read_text(encoding="utf-8"))
            and "__main__" in text
        ):
            done = subprocess.run(
                [sys.executable, path, "--help"],
                env={"PYTHONPATH": paths, "COLUMNS": "80", "NO_COLOR": "1"},
                capture_output=True,
                text=True,
            )
            assert done.returncode == 0, done.stderr
            found[name] = done.stdout
    return found


def commands() -> Iterator[tuple[str, str, str]]:
    """Yield page, program and the rest of each command of a program in a code span."""
    for page, msgid, _, _ in translations():
        for found in markup(msgid):
            call = re.match(r"code (?:\$ )?python (\w+\.py)\b(.*)", found, re.DOTALL)
            if call and call[1] in helps():
                yield page, call[1], call[2]


def test_commands_in_prose_use_flags_that_their_program_has() -> None:
    wrong = [
        f"{page}: {program} has no {flag}"
        for page, program, rest in commands()
        for flag in sorted(options(rest) - options(helps()[program]))
    ]
    assert not wrong, "\n".join(wrong)
    assert len([*commands()]) > 10


def test_documented_helps_are_those_of_the_programs() -> None:
    """Flags and defaults that a page shows, without a build."""
    seen = 0
    for path in sorted((ROOT / "tests" / "expected").glob("*help*.txt")):
        lines = path.read_text(encoding="utf-8").splitlines()
        call = re.fullmatch(r"\$ python (\w+\.py) --help", lines[0])
        if call and call[1] in helps():
            printed = clean(helps()[call[1]], {}).splitlines()
            assert holds(lines[1:], printed), f"{path.name}: {call[1]} prints another help"
            seen += 1
    assert seen > 1


def test_flags_of_recipes_are_flags_of_their_programs() -> None:
    """Every command that a page shows, by its documented output."""
    wrong = []
    for path in sorted((ROOT / "tests" / "expected").rglob("*.txt")):
        first, *said = path.read_text(encoding="utf-8").splitlines()
        call = re.match(r"\$ python (\w+\.py)(.*)", first)
        if call and call[1] in helps() and "usage:" not in "".join(said[:1]):
            lacking = options(call[2]) - options(helps()[call[1]])
            wrong += [f"{path.name}: {call[1]} has no {flag}" for flag in sorted(lacking)]
    assert not wrong, "\n".join(wrong)


def numbers(text: str) -> Counter[str]:
    return Counter(NUMBER.findall(without_code(re.sub(r"\]\([^)]*\)", "]", text))))


# Numbers that one language writes as a word: the text that has them, and which.
WORDED = {
    "2021 年 5 月关闭；用 `google()`": ["5"],
    "这样的输入": ["0"],
    "终端 2": ["2"],
}


def test_both_languages_state_the_same_numbers() -> None:
    wrong, used = [], set()
    for page, msgid, msgstr, _ in translations():
        differ = [*((numbers(msgid) - numbers(msgstr)) + (numbers(msgstr) - numbers(msgid)))]
        words = [text for text in WORDED if text in msgid and WORDED[text] == differ]
        used |= set(words)
        if msgstr and differ and not words:
            wrong.append(f"{page}: {differ}: {msgstr}")
    assert not wrong, "\n".join(wrong)
    assert used == WORDED.keys(), f"not worded any more: {WORDED.keys() - used}"


# Negations

DENIES = re.compile("不|没有|未")
MAY_DENY = re.compile("不|没|无|未|非|别|勿|除了|缺|却|免|否|去掉|才能")
NEGATIVE = re.compile(r"\b(?:not|no|never|cannot|nothing|none|without|neither)\b|n['’]t\b", re.I)
CONTRARY = re.compile(
    NEGATIVE.pattern
    + r"|\b(?:nor|nobody|nowhere|fail\w*|un\w+|incomplete|in\w+ble|im\w+ble|lack\w*"
    r"|miss\w*|refus\w*|only|but|except|instead|rather|wrong|differ\w*|avoid\w*|less|few\w*"
    r"|ignor\w*|left out|free|any|until|too|beyond|old|drop\w*|lost|skip\w*|keep\w*|whether|rarely"
    r"|hardly|gone|despite|regardless|beside\w*|single|stop\w*|bad\w*|mis\w+|off\w*|another|just"
    r"|otherwise|other|else|open|little|out of|however|rest|poor\w*|small\w*)\b",
    re.I,
)
# Beginnings of messages that one language puts without a negation, though the other has one.
TURNED = [
    "自己的模型，不是手写数字",
    "**两种量化**的大小",
    "`tf.memory().numTensors`",
    "第一行是这张图片的标签",
    "**导出。**",
    "**Debian 和 Ubuntu",
    "服务器在不在",
    "出错时服务器用 JSON 说明原因",
    "训练用的还是 `mnist_cnn.py`",
    "地址末尾少了 `:predict`",
    "不写 `model_version_policy`",
]


def test_translations_deny_what_the_text_denies() -> None:
    wrong, turned = [], set()
    for page, msgid, msgstr, _ in translations():
        chinese, english = without_code(msgid), without_code(msgstr)
        lost = DENIES.search(chinese) and not CONTRARY.search(english)
        added = NEGATIVE.search(english) and not MAY_DENY.search(chinese)
        if msgstr and page != "terminology" and (lost or added):
            known = [text for text in TURNED if msgid.startswith(text)]
            turned |= set(known)
            wrong += [] if known else [f"{page}: {msgid}\n  {msgstr}"]
    assert not wrong, "\n".join(wrong)
    assert turned == set(TURNED), f"not turned any more: {set(TURNED) - turned}"


# Noise


def test_nothing_that_is_documented_is_noise() -> None:
    """A rule that takes away too much would take it from the next build's pages."""
    wrong = []
    for path in sorted((ROOT / "tests" / "expected").rglob("*.txt")):
        lines = path.read_text(encoding="utf-8").splitlines()[1:]
        left = clean("\n".join(lines), {}).splitlines()
        lost = Counter(line.rstrip() for line in lines if line) - Counter(left)
        wrong += [f"{path.name}: {line}" for line in lost if line != "…"]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize(
    "line",
    [
        "WARNING:tensorflow:No training configuration found in the save file",
        "W1125 02:33:25.000000    1 op.cc:12] Overriding the number of threads",
        "E1125 02:33:25.000000    1 loader.cc:12] Cannot load the model",
        "WARNING:absl:You are saving your model as an HDF5 file",
        "INFO: Applied delegate",
        "Instructions: convert the model again",
    ],
)
def test_what_tells_the_reader_something_is_no_noise(line: str) -> None:
    assert clean(line, {}) == line + "\n"


# Links


def heading_anchors(path: Path) -> set[str]:
    """Return the anchors of a chapter: of its headings, as MyST makes them, and explicit ones."""
    text = re.sub(r"(?ms)^(`{3,}).*?^\1", "", path.read_text(encoding="utf-8"))
    titles = re.findall(r"(?m)^#+ (.*?)\s*(?:\{#[\w-]+\})?$", text)
    slugs = {re.sub(r"[^\w\- ]", "", t.lower().strip()).replace(" ", "-") for t in titles}
    return slugs | set(re.findall(r"(?m)^\(([\w-]+)\)=$|\{#([\w-]+)\}", text) and [])


def test_links_between_chapters_lead_somewhere() -> None:
    wrong = []
    chapters = [p for p in sorted((ROOT / "docs").glob("**/*.md")) if SITE.code not in p.parents]
    for path in (p for p in chapters if not p.is_relative_to(SITE.generated)):
        for target in re.findall(r"\]\(([^)\s]+)\)", path.read_text(encoding="utf-8")):
            name, _, anchor = target.partition("#")
            if "://" in target or name.endswith(".rst"):  # a page of the gallery: Sphinx looks
                continue
            file = (path.parent / name).resolve() if name else path
            if not file.exists():
                wrong.append(f"{path.name}: {target}")
            elif anchor and anchor not in heading_anchors(file):
                wrong.append(f"{path.name}: {target}: no such heading")
    assert not wrong, "\n".join(wrong)


# Numbers

# By the file that it stands in: a constant of the field, or what binds it elsewhere.
BELOW = 10  # counts and steps, which both languages state alike
CONSTANTS = {
    "2018": "the year of the old tutorial",
    "2021": "the year of the old runtime that the build runs",
    "127.0.0.1": "this machine",
    "22.04": "of Ubuntu, beside the version of its C library",
    "1.4.0": "the release of LiteRT that follows the rule of Google Play",
    "2.31": "the C library that LiteRT's needs; Debian has a later one",
    "3.11": "README: the oldest Python",
    "3.13": "README: the newest Python",
}


def test_numbers_in_prose_stand_in_programs_or_outputs() -> None:
    texts = [path.read_bytes() for path in binding()]
    bound = {n for text in texts if b"\0" not in text for n in NUMBER.findall(text.decode())}
    wrong = []
    pages = [*sorted((ROOT / "docs").glob("**/*.md")), *sorted(SITE.pages.glob("*.py"))]
    for path in pages:
        if path.is_relative_to(SITE.generated) or path.is_relative_to(SITE.code):
            continue
        for number in NUMBER.findall(re.sub(r"(?m)\[[^]]*#\d+\]", "", prose(path))):
            small = number.isdigit() and int(number) < BELOW
            if not small and number not in CONSTANTS and number not in bound:
                wrong.append(f"{path.relative_to(ROOT)}: {number}")
    assert not wrong, "\n".join(wrong)


# What a sentence or a row claims, and the output or program that decides it: a pattern of the
# chapter, a file, a pattern of the file. What the first captures has to be what the second does.
EXPECTED, CODE = "tests/expected", "docs/_static/code"
GRADLE = f"{CODE}/lite/android/gradle/libs.versions.toml"
CLAIMS = [
    ("changes", r"默认学习率从 1\.0 变成 (0\.001)，", "optimizer_defaults", r"rate (0\.001): .* 0\.2"),  # noqa: E501
    ("changes", r"准确率却很低；写明 `learning_rate=(1\.0)", "optimizer_defaults", r"(1\.0)00: .* 0\.9"),  # noqa: E501
    ("changes", r"`model\.save\('mnist_cnn\.h5'\)` \| 可用，但警告 (HDF5)", "mnist_cnn", "an (HDF5) file"),  # noqa: E501
    ("changes", r"\| `(tflight_convert)` \| 没有这个命令", "tflight_convert", r"(\w+): command not"),  # noqa: E501
    ("changes", "没有这个命令，应为 `(tflite_convert)`", "tflite_convert", r"\$ (\w+) --saved"),
    ("changes", r"`tflite_convert --(keras_model_file)` 转换 `\.h5` \| 与 Keras 3 一起用会失败",
     "tflite_convert_h5", r"--(\w+)=[^\n]*\n(?:.*\n)*TypeError"),
    ("changes", r"已迁移到 `(com\.google[\w.:]+)`", GRADLE, r'module = "([\w.:]+)"'),
    ("changes", "(noCompress) \\+= \"tflite\"", f"{CODE}/lite/android/app/build.gradle.kts",
     r"(noCompress) \+= \"tflite\""),
    ("changes", r"就是 `float\[1\]\[(10)\]`", f"{CODE}/modelsave/mnist_cnn.py", r"Dense\((10), act"),  # noqa: E501
    ("javascript", "模型是在 (28)×28", f"{CODE}/modelsave/mnist_cnn.py", r"Input\(\((28), 28"),
    ("javascript", "数字缩放到 (20)×20", f"{CODE}/javascript/preparation.mjs", "MIDDLE = (20) /"),
    ("javascript", "黑底白字，0 到 (1)，", f"{CODE}/modelsave/mnist_cnn.py", r"/ 255\).*()|between 0 and (1)"),  # noqa: E501
    ("lite/emulation", r"-(16777216) 是黑色", f"{CODE}/lite/interpret.py", r"is -(16777216) as"),
    ("serving/index", "(4) MiB", f"{CODE}/serving/grpc_client.py", "answer is (4) MiB"),
    ("serving/versions", "这里是 1 和 (32)", f"{CODE}/serving/write_warmup.py", r"default=\[1, (32)\]"),  # noqa: E501
    ("lite/micro", "(mnist_small)", f"{CODE}/modelsave/mnist_cnn.py", r'SMALL = .*"(mnist_small)"'),
]  # fmt: skip


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: f"{claim[0]} {claim[1]}")
def test_a_claim_is_what_decides_it(claim: tuple[str, str, str, str]) -> None:
    chapter, said, file, decided = claim
    text = (ROOT / "docs" / f"{chapter}.md").read_text(encoding="utf-8")
    path = ROOT / (file if "/" in file else f"{EXPECTED}/{file}.txt")
    claims = {next(filter(None, m.groups())) for m in re.finditer(said, text)}
    facts = re.finditer(decided, path.read_text(encoding="utf-8"))
    known = {next(filter(None, m.groups()), "") for m in facts}
    assert claims, f"{chapter} does not say this any more: {said}"
    assert claims <= known, f"{path.name} does not bear it out"


# Ports, and what README promises


def test_ports_are_those_of_the_tutorial() -> None:
    """gRPC on 8500 and REST on 8501, for this machine only, and the proxy asks over REST."""
    serving = SITE.code / "serving"
    compose = yaml.safe_load((serving / "deploy/compose.yaml").read_text(encoding="utf-8"))
    ports = compose["services"]["serving"]["ports"]
    assert ports == ["127.0.0.1:8500:8500", "127.0.0.1:8501:8501"]
    proxy = (serving / "deploy/nginx.conf").read_text(encoding="utf-8")
    upstream = re.findall(r"(?m)^\s*server ([\d.]+:\d+);", proxy)
    assert upstream == ["127.0.0.1:8501"]
    documented = (ROOT / EXPECTED / "serving_start.txt").read_text(encoding="utf-8")
    assert "--rest_api_port=8501 --port=8500" in documented.partition("\n")[0]


@pytest.mark.parametrize("name", ["README.md", "README.zh-CN.md", "docs/index.md"])
def test_the_promised_pythons_are_those_of_the_workflow(name: str) -> None:
    workflow = yaml.safe_load((ROOT / ".github/workflows/site.yml").read_text(encoding="utf-8"))
    tested = workflow["jobs"]["quick"]["strategy"]["matrix"]["python"]
    _, _, behind = (ROOT / name).read_text(encoding="utf-8").partition("Python 3.")
    said = re.findall(r"3\.\d+", f"3.{behind[:30]}")
    assert said in (tested, [tested[0], tested[-1]])


def test_a_default_that_a_help_states_is_the_default() -> None:
    seen, wrong = 0, []
    for name, path in SITE.programs().items():
        source = path.read_text(encoding="utf-8") if path.suffix == ".py" else ""
        for call in ast.walk(ast.parse(source)):
            if isinstance(call, ast.Call) and getattr(call.func, "attr", "") == "add_argument":
                words = {
                    keyword.arg: keyword.value.value
                    for keyword in call.keywords
                    if isinstance(keyword.value, ast.Constant)
                }
                stated = re.search(r"default: ([^)%;]+)", str(words.get("help", "")))
                if stated and "default" in words:
                    seen += 1
                    if stated[1] != str(words["default"]):
                        wrong.append(f"{name}: {stated[0]}, not {words['default']!r}")
    assert not wrong, "\n".join(wrong)
    assert seen > 3


FLAG = re.compile(r"(?<![\w-])--([a-z][\w-]*)")
# How programs and recipes write a flag: as it is, or as the name that a parser of options makes it.
WRITTEN = re.compile(
    r"--([a-z][\w-]*)|[\"'`]([a-z][\w-]*)[\"'`]|\b([a-z][\w-]*)\??:|^ +([a-z]\w*)=\(", re.M
)


def test_flags_in_prose_are_flags_somewhere() -> None:
    texts = [path.read_bytes() for path in binding()]
    words = [WRITTEN.findall(text.decode()) for text in texts if b"\0" not in text]
    flags = {name for found in words for names in found for name in names if name}
    used = {
        (page, flag)
        for page, msgid, _, _ in translations()
        for found in markup(msgid)
        for flag in FLAG.findall(found.removeprefix("code "))
    }
    wrong = sorted(f"{page}: --{flag}" for page, flag in used if flag not in flags)
    assert not wrong, "\n".join(wrong)
    assert len(used) > 30
