"""Signing in with a real browser, on a desktop and on a phone, in both languages: no error, nothing from outside."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from dashboard.access.entrance import Access
from data_samples.generator.county import COUNTY
from fudian.store import store_of
from fudian.store.database import IN_MEMORY
from tests.browser import ARGUMENTS, chromium_path
from tests.dashboard.access.conftest import PASSWORD
from tests.dashboard.access.test_people import running


@pytest.fixture(scope="module")
def access() -> Access:
    access = Access(store_of(IN_MEMORY))
    access.accounts.add("李调度", "dispatcher", PASSWORD)
    return access


@pytest.fixture(scope="module")
def address(access: Access) -> Iterator[str]:
    with running(COUNTY, access) as address:
        yield address


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


@pytest.fixture(params=[1440, 390])
def page(request: pytest.FixtureRequest, browser: Browser, address: str) -> Iterator[Page]:
    """A page of its own browser context, which fails the test when anything goes wrong in it."""
    context = browser.new_context(viewport={"width": request.param, "height": 844}, base_url=address)
    page = context.new_page()
    wrong: list[str] = []
    page.on("console", lambda message: wrong.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on(
        "request", lambda asked: wrong.append(asked.url) if not re.match(f"{address}|data:|blob:", asked.url) else None
    )
    yield page
    context.close()
    assert [each for each in wrong if "401 (Unauthorized)" not in each] == []


def sign_in(page: Page) -> None:
    page.locator("#name").fill("李调度")
    page.locator("#password").fill(PASSWORD)
    page.get_by_role("button", name=re.compile("登录|Sign in")).click()


@pytest.mark.parametrize("language", ["zh", "en"])
def test_in_and_out(page: Page, language: str) -> None:
    page.goto(f"/dispatch?lang={language}")
    expect(page).to_have_title("登录 · 复电" if language == "zh" else "Sign in · Fudian")
    assert page.locator("html").get_attribute("lang") == ("zh-CN" if language == "zh" else "en")
    page.locator("#name").fill("李调度")
    page.locator("#password").fill("not the right one")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("密码错误" if language == "zh" else "wrong")
    expect(page.locator("#password")).to_be_focused()
    sign_in(page)
    expect(page.locator(".signed-in")).to_contain_text("李调度")
    assert "/dispatch" in page.url
    assert page.evaluate("document.cookie") == "", "no script can read the session"
    page.locator(".signed-in button").click()
    expect(page).to_have_url(re.compile("/access/sign-in"))
    page.goto("/dispatch")
    expect(page).to_have_url(re.compile("/access/sign-in"))


def test_the_page_to_sign_in_fits(page: Page) -> None:
    page.goto("/access/sign-in?next=/")
    width = page.viewport_size["width"] if page.viewport_size else 0
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    for target in ("#name", "#password", "button[type=submit]", "footer a"):
        box = page.locator(target).bounding_box()
        assert box is not None
        assert box["height"] >= 44, target
    page.get_by_role("link", name=re.compile("English|中文")).click()
    expect(page.locator("footer b")).to_have_count(1)


def test_a_session_that_is_over_leads_back_to_where_one_was(page: Page, access: Access) -> None:
    page.goto("/operations")
    sign_in(page)
    expect(page.locator(".signed-in")).to_be_visible()
    access.accounts.change("李调度", role="dispatcher")  # ends every session, and the live page goes without a click
    expect(page).to_have_url(re.compile(r"/access/sign-in\?next=%2Foperations"))
    sign_in(page)
    expect(page).to_have_url(re.compile("/operations"))
    expect(page.locator(".signed-in")).to_be_visible()


def test_a_look_is_said_and_recorded(page: Page, access: Access) -> None:
    page.goto("/dispatch?lang=en")
    sign_in(page)
    expect(page.get_by_text("this look is recorded")).to_be_visible()
    look = access.looks.since()[0]
    assert (look["who"], look["list"], look["is_masked"]) == ("李调度", "dispatch", False)
