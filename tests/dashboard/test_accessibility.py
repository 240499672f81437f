"""Who reads the pages in another way: with a screen reader, on a phone with a thumb, on a wide screen, on paper."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.resources import files
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.browser import ARGUMENTS, chromium_path

PAGES = ("operations", "steering", "dispatch", "planned", "management")
AXE = files("axe_playwright_python").joinpath("axe.min.js").read_text("utf-8")
TOUCH_PX = 44


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    path = chromium_path()
    if path is None:
        pytest.skip("no Chromium: name one in CHROMIUM, or install it with: playwright install chromium")
    with sync_playwright() as playwright:
        expect.set_options(timeout=60_000)
        browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield browser
        browser.close()


def opened(browser: Browser, served: str, page: str, language: str, width: int, height: int = 1000) -> Page:
    """Open a page and wait until it stands."""
    tab = browser.new_page(viewport={"width": width, "height": height})
    tab.goto(f"{served}/{page}?lang={language}")
    expect(tab.locator("#page main, #page .frame, #page h1").first).to_be_attached()
    if page == "planned":
        expect(tab.locator("[data-figure=saving]")).to_be_visible(timeout=120_000)
    tab.wait_for_timeout(700)
    return tab


def findings(tab: Page) -> list[dict[str, Any]]:
    """Return what axe calls serious or critical: rule, and what it found first."""
    tab.evaluate(AXE)
    found = tab.evaluate("() => axe.run(document, {resultTypes: ['violations']})")
    return [
        {
            "rule": violation["id"],
            "impact": violation["impact"],
            "count": len(violation["nodes"]),
            "first": violation["nodes"][0]["html"][:200],
        }
        for violation in found["violations"]
        if violation["impact"] in {"serious", "critical"}
    ]  # fmt: skip


@pytest.mark.parametrize("width", [1440, 390])
@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("page", PAGES)
def test_axe_finds_nothing_serious(browser: Browser, served: str, page: str, language: str, width: int) -> None:
    tab = opened(browser, served, page, language, width)
    assert findings(tab) == []
    tab.close()


@pytest.mark.parametrize("page", PAGES)
def test_a_thumb_hits_whatever_can_be_touched_on_a_phone(browser: Browser, served: str, page: str) -> None:
    tab = opened(browser, served, page, "zh", 390, 844)
    small = tab.evaluate(
        """least => [...document.querySelectorAll('a[href], button, input, select, [role=button], [role=tab], summary')]
        .filter(each => !each.closest('.modebar, .ag-root-wrapper, svg') && each.getClientRects().length
            && getComputedStyle(each).visibility !== 'hidden')
        .filter(each => !each.closest('p, h1'))  // words of a sentence
        .map(each => [(each.classList.contains('cover') ? each.closest('tr') : each).getBoundingClientRect(), each])
        .filter(([box]) => box.height && (box.height < least - 0.5))
        .map(([box, each]) => `${each.tagName}.${each.className} ${each.textContent.slice(0, 20)} ${box.height}`)""",
        TOUCH_PX,
    )
    assert small == []
    tab.close()


@pytest.mark.parametrize("width", [1920, 1440, 390])
@pytest.mark.parametrize("page", PAGES)
def test_nothing_reaches_beyond_the_screen_or_its_card(browser: Browser, served: str, page: str, width: int) -> None:
    tab = opened(browser, served, page, "en", width)
    assert tab.evaluate("document.documentElement.scrollWidth") <= width
    beyond = tab.evaluate(
        """() => [...document.querySelectorAll('section')].flatMap(card => {
        const edge = card.getBoundingClientRect().right
        return [...card.querySelectorAll('h2, h3, p, li, span.chip, a')]
            .filter(each => !each.closest('.scrolling, .cut, svg, .ag-root-wrapper, .js-plotly-plot, table'))
            .filter(each => each.getClientRects().length && each.getBoundingClientRect().right > edge + 1)
            .map(each => each.textContent.slice(0, 40))})"""
    )
    assert beyond == []
    tab.close()


@pytest.mark.parametrize("page", PAGES)
def test_a_printed_page_has_a_header_and_no_controls(browser: Browser, served: str, page: str) -> None:
    tab = opened(browser, served, page, "zh", 1440)
    tab.emulate_media(media="print")
    assert not tab.locator("nav").first.is_visible()
    header = tab.locator(".print-header")
    expect(header).to_be_visible()
    assert "复电" in header.inner_text()
    if page != "dispatch":
        expect(tab.locator(".chip", has_text="复源县").first).to_be_visible()
    assert not tab.locator(".languages").first.is_visible()
    tab.close()
