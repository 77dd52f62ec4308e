"""The reader who follows the chapters: what is copied from a page, and what stops the reader."""

from __future__ import annotations

from pathlib import Path

import pytest

from recordings.documented import Documented
from tests import reader

PAGE = """
<div class="output-one highlight-console notranslate"><pre>$ echo one
one
…
$ echo two
</pre></div>
<div class="sd-tab-set">
  <label class="sd-tab-label" data-sync-id="unix">Linux</label>
  <div class="sd-tab-content">
    <div class="highlight-console"><pre>$ pip install -r x</pre></div>
  </div>
  <label class="sd-tab-label" data-sync-id="windows">Windows</label>
  <div class="sd-tab-content"><div class="highlight-console"><pre>$ py -m venv</pre></div></div>
</div>
<div class="output-server terminal-2 highlight-console"><pre>$ sh server.sh
ready
</pre></div>
<div class="output-said highlight-none"><pre>only an output</pre></div>
"""


@pytest.fixture
def page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setattr(reader, "HTML", tmp_path)
    (tmp_path / "page.html").write_text(PAGE)
    return "page"


@pytest.fixture
def someone(tmp_path: Path) -> reader.Reader:
    """Return a reader in an empty folder; documented is that `one` prints one."""
    (tmp_path / "tests" / "expected").mkdir(parents=True)
    (tmp_path / "tests" / "expected" / "one.txt").write_text("$ echo one\none\n")
    (tmp_path / "build" / "workspace").mkdir(parents=True)
    (tmp_path / "build" / "workspace" / "mnist_cnn.json").write_text('{"dataset": "MNIST"}')
    folder = tmp_path / "folder"
    folder.mkdir()
    return reader.Reader(folder, "/usr/bin:/bin", False, Documented(tmp_path))


def test_what_the_copy_button_gives(page: str) -> None:
    one, install, server = reader.blocks(page)
    assert (one.output, one.commands) == ("one", ["echo one", "echo two"])
    assert one.executed
    assert not one.terminal
    assert install.commands == ["pip install -r x"], "and nothing for Windows"
    assert not install.executed
    assert server.terminal
    assert server.shown == ["ready"]


def test_a_command_that_does_what_the_page_shows_stops_nobody(someone: reader.Reader) -> None:
    assert someone.check("one", "echo one") == ""


@pytest.mark.parametrize("command", ["echo two", "echo one; echo more", "nosuchcommand"])
def test_a_command_that_does_something_else_stops_the_reader(
    someone: reader.Reader, command: str
) -> None:
    assert someone.check("one", command)


def test_a_server_is_waited_for_and_stopped(someone: reader.Reader, page: str) -> None:
    (someone.folder / "server.sh").write_text("echo starting\necho ready\nexec sleep 100\n")
    *_, server = reader.blocks(page)
    someone.copy(server)
    assert not someone.stopped
    process = someone.second
    assert process
    assert process.poll() is None
    someone.stop()
    assert process.poll() is not None


def test_a_server_that_ends_before_it_is_ready_stops_the_reader(
    someone: reader.Reader, page: str
) -> None:
    (someone.folder / "server.sh").write_text("echo port 8500 is taken; exit 1\n")
    *_, server = reader.blocks(page)
    someone.copy(server)
    assert "never said 'ready'" in someone.stopped[0]
    assert "port 8500 is taken" in someone.stopped[0]
