"""CI=true turns every skip into a failure; the browser of all modules that need one."""

from __future__ import annotations

import os
from collections.abc import Generator, Iterator
from typing import TypeVar

import hypothesis
import pytest
from playwright.sync_api import Browser, sync_playwright

from recordings.chromium import ARGUMENTS, browser_path

# A slow moment of the machine is no fault of what is tested.
hypothesis.settings.register_profile("unhurried", deadline=None)
hypothesis.settings.load_profile("unhurried")

Report = TypeVar("Report", pytest.TestReport, pytest.CollectReport)


def in_ci() -> bool:
    return os.environ.get("CI", "").lower() not in ("", "0", "false")


def refuse_skip(report: Report) -> Report:
    """Return the report of a skipped test or module as that of a failed one, if this is CI."""
    if in_ci() and report.skipped and not hasattr(report, "wasxfail"):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
        report.outcome = "failed"
        report.longrepr = f"not run, and CI allows no skip: {reason}"
    return report


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    return refuse_skip((yield))


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    return refuse_skip((yield))


# Files whose few tests take long. `make test` runs them; .ci/run, which has twenty minutes for all,
# leaves them to the workflow, which runs `make test` for every push, too.
SLOW = {"test_freshness", "test_faults", "test_own_model", "test_mutants"}
SLOW |= {"test_android_jvm", "test_android_screen", "test_javascript"}
FIRST = SLOW | {"test_project"}


# before pytest itself deselects by marks
@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark slow files, and begin with those: begun last, one would be alone on a core."""
    for item in items:
        if item.path.stem in SLOW:
            item.add_marker("slow")
    items.sort(key=lambda item: item.path.stem not in FIRST)


# Not for the whole session: while Playwright is started, its event loop runs in this thread, and
# no other can.
@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    path = browser_path()
    if path is None:
        pytest.skip("no Chromium here: install one, or name it in BROWSER_PATH")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield chromium
        chromium.close()
