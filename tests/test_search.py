"""The search of the last build in a real browser: what readers type is among the first three."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser

ROOT = Path(__file__).parent.parent
HTML = ROOT / "build" / "html"
QUERIES = tomllib.loads((ROOT / "tests" / "queries.toml").read_text(encoding="utf-8"))
FOLDERS = {"zh": HTML, "en": HTML / "en"}
FIND = """(queries) => queries.map((query) => siteSearch.find(query).slice(0, 3).map(
  ({ url, sections }) => [url, sections.slice(0, 3).map(({ anchor }) => anchor)]))"""


def leads_to(found: list[Any], wanted: str | list[str]) -> bool:
    """Return whether a wanted page or section is among what was found."""
    for place in [wanted] if isinstance(wanted, str) else wanted:
        page, _, anchor = place.partition("#")
        if any(url == f"{page}.html" and (not anchor or anchor in at) for url, at in found):
            return True
    return False


@pytest.fixture(scope="module")
def answers(browser: Browser) -> dict[str, dict[str, Any]]:
    """Ask everything in one page load a language; from the disk, where nothing can be fetched."""
    found = {}
    for language, folder in FOLDERS.items():
        asked = [*QUERIES[language], *QUERIES["nothing"]["queries"]]
        with browser.new_context() as context:
            page = context.new_page()
            page.goto(f"{(folder / 'search.html').as_uri()}?q=model")
            page.locator("#search-found > li").first.wait_for()
            found[language] = dict(zip(asked, page.evaluate(FIND, asked), strict=True))
    return found


@pytest.mark.parametrize("language", FOLDERS)
def test_what_readers_type_is_among_the_first_three(
    answers: dict[str, dict[str, Any]], language: str
) -> None:
    assert len(QUERIES[language]) >= 60
    found = answers[language]
    wrong = {q: found[q] for q, w in QUERIES[language].items() if not leads_to(found[q], w)}
    assert not wrong


@pytest.mark.parametrize("language", FOLDERS)
def test_nonsense_finds_nothing(answers: dict[str, dict[str, Any]], language: str) -> None:
    assert not {
        q: answers[language][q] for q in QUERIES["nothing"]["queries"] if answers[language][q]
    }


@pytest.mark.parametrize("language", FOLDERS)
def test_each_query_wants_what_there_is(language: str) -> None:
    for wanted in QUERIES[language].values():
        for place in [wanted] if isinstance(wanted, str) else wanted:
            page, _, anchor = place.partition("#")
            text = (FOLDERS[language] / f"{page}.html").read_text(encoding="utf-8")
            assert f'id="{anchor}"' in text or not anchor, place


def test_the_box_leads_to_results_and_they_lead_to_the_section(browser: Browser) -> None:
    with browser.new_context(viewport={"width": 1440, "height": 900}) as context:
        page = context.new_page()
        page.goto((HTML / "index.html").as_uri())
        page.locator(".sidebar-search").fill("模型回退到旧版本")
        page.locator(".sidebar-search").press("Enter")
        page.wait_for_url("**/search.html?q=*")
        results = page.locator("#search-found > li")
        assert str(results.count()) in page.locator("#search-status").inner_text()
        assert page.locator("#search-query").input_value() == "模型回退到旧版本"
        assert results.first.locator("mark").count()
        results.first.locator("a").first.click()
        page.wait_for_url("**/serving/versions.html#release-and-roll-back")


def test_no_page_but_that_of_results_loads_the_search() -> None:
    loading = [p for p in HTML.rglob("*.html") if "search_page.js" in p.read_text(encoding="utf-8")]
    assert sorted(loading) == sorted(folder / "search.html" for folder in FOLDERS.values())


def test_the_page_loads_the_search_only_when_something_is_asked(browser: Browser) -> None:
    with browser.new_context() as context:
        page = context.new_page()
        page.goto((HTML / "search.html").as_uri())
        assert page.locator("script[src*=search_sections]").count() == 0
        page.locator("#search-query").fill("gRPC")
        page.locator("#search-query").press("Enter")
        page.locator("#search-found > li").first.wait_for()
        assert page.locator("script[src*=search_sections]").count() == 1
