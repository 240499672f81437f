"""A crew's telephone in a real browser: what is reported out of reach waits, and stands at the desk once, with its own time."""

from __future__ import annotations

import base64
import io
import struct
import time
import zlib
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.dashboard.test_desk_page import TRIP, browser, picture, serving, sheet_of

__all__ = ["browser"]

CREWS = {"crews": [{"crew_id": "B1", "name": "城南一班"}, {"crew_id": "B2", "name": "城南二班"}]}


@pytest.fixture
def served(tmp_path: Path) -> Iterator[str]:
    with serving(tmp_path / "feeder", more=CREWS) as address:
        httpx.post(f"{address}/api/v1/signals", json=TRIP, timeout=60).raise_for_status()
        yield address


@pytest.fixture
def telephone(browser: Browser) -> Iterator[BrowserContext]:
    context = browser.new_context(
        viewport={"width": 390, "height": 844},
        has_touch=True,
        geolocation={"longitude": 114.5, "latitude": 33.5},
        permissions=["geolocation"],
    )
    yield context
    context.close()


@pytest.fixture
def page(telephone: BrowserContext) -> Iterator[Page]:
    page = telephone.new_page()
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("console", lambda said: wrong.append(said.text) if "Content Security Policy" in said.text else None)
    page.on("dialog", lambda dialog: dialog.accept())
    yield page
    assert wrong == []


def incident_of(address: str) -> str:
    found: str = httpx.get(f"{address}/api/v1/incidents", timeout=60).json()["incidents"][0]["id"]
    return found


def opened(page: Page, address: str, language: str = "en") -> None:
    page.goto(f"{address}/crew?lang={language}")
    expect(page.locator("#crew option")).to_have_count(3)
    page.locator("#crew").select_option("B1")
    page.locator("button.card").first.click()
    expect(page.locator("button.big")).to_be_visible()


def settled(page: Page, waiting: int = 0) -> None:
    expect(page.locator(f"#state[data-waiting='{waiting}']")).to_be_attached(timeout=30_000)


def small_png() -> bytes:
    """Return a picture of one colour."""

    def part(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    rows = b"".join(b"\0" + b"\xb0\x30\x20" * 64 for _ in range(64))
    header = struct.pack(">IIBBBBB", 64, 64, 8, 2, 0, 0, 0)
    whole = io.BytesIO()
    whole.write(b"\x89PNG\r\n\x1a\n" + part(b"IHDR", header) + part(b"IDAT", zlib.compress(rows)) + part(b"IEND", b""))
    return whole.getvalue()


def test_a_job_from_taking_it_until_power_is_back(page: Page, served: str) -> None:
    opened(page, served)
    picture(page, "crew-job-en")
    page.locator("#position").check()
    page.get_by_role("button", name="Take the job").click()
    expect(page.locator(".pending")).to_contain_text("Not sent yet")
    settled(page)
    expect(page.locator("button.big")).to_have_text("Arrived")
    page.locator("button.big").click()
    settled(page)
    before = page.locator(".section .row span").first.inner_text()
    page.locator(".section").first.get_by_role("button", name="Not here").click()
    settled(page)
    expect(page.get_by_text("looked at, not here")).to_be_visible()
    expect(page.locator(".section .row span").first).not_to_have_text(before, timeout=30_000)
    page.locator(".section").first.get_by_role("button", name="Fault is here").click()
    settled(page)
    page.locator("#photo").set_input_files({"name": "a.png", "mimeType": "image/png", "buffer": small_png()})
    settled(page)
    page.locator("#note").fill("两相断线")
    page.get_by_role("button", name="Send the note").click()
    settled(page)
    for label in ("Isolated", "Repaired", "All have power"):
        expect(page.locator("button.big")).to_have_text(label)
        page.locator("button.big").click()
        settled(page, 1)  # it may be taken back for some seconds
        settled(page)
    kept = sheet_of(served)
    assert list(kept["stages"]) == ["taken", "arrived", "located", "isolated", "repaired", "restored"]
    assert kept["crew_id"] == "B1"
    assert [look["found"] for look in kept["looks"]] == [False, True]
    assert kept["section"]
    image = httpx.get(f"{served}/api/v1/photographs/{kept['photographs'][0]}", timeout=60)
    assert (image.headers["content-type"], image.content[:3]) == ("image/jpeg", b"\xff\xd8\xff")
    assert any(line["details"].get("note") == "两相断线" for line in kept["history"])


def test_what_is_reported_out_of_reach_waits_and_stands_at_the_desk_once_with_its_own_time(
    page: Page, telephone: BrowserContext, served: str
) -> None:
    opened(page, served, "zh")
    page.evaluate("navigator.serviceWorker.ready.then(() => true)")
    page.reload()
    expect(page.locator("button.big")).to_be_visible()
    telephone.set_offline(True)
    page.locator("button.big").click()
    page.locator("button.big").click()
    settled(page, 2)
    pressed = datetime.now(ZoneInfo("Asia/Shanghai")).replace(tzinfo=None)
    expect(page.locator("#state")).to_contain_text("无法连接", timeout=20_000)
    picture(page, "crew-offline-zh")
    page.reload()  # out of reach, from what the browser keeps
    settled(page, 2)
    expect(page.locator(".pending")).to_have_count(2)
    assert sheet_of(served)["stages"] == {}
    time.sleep(6)
    telephone.set_offline(False)
    settled(page)
    kept = sheet_of(served)
    assert list(kept["stages"]) == ["taken", "arrived"]
    for at in kept["stages"].values():
        assert abs(datetime.fromisoformat(at) - pressed) < timedelta(seconds=5)
    assert len(kept["history"]) == 3  # the crew, taken, arrived: each once
    picture(page, "crew-back-zh")


def test_a_report_whose_answer_was_lost_counts_once(page: Page, served: str) -> None:
    opened(page, served)
    lost: list[int] = []

    def lose(route: Any) -> None:
        answer = route.fetch()
        if not lost:
            lost.append(answer.status)
            route.abort()
        else:
            route.fulfill(response=answer)

    page.route("**/api/v1/crew/reports**", lose)
    page.locator("button.big").click()
    settled(page, 1)
    settled(page)
    assert lost == [200]
    kept = sheet_of(served)
    assert [line["action"] for line in kept["history"]] == ["assign", "stage"]


def test_a_report_can_be_taken_back_until_it_is_sent_and_a_refusal_is_told(page: Page, served: str) -> None:
    opened(page, served)
    page.locator("button.big").click()
    page.get_by_role("button", name="take back").click()
    settled(page)
    expect(page.locator("button.big")).to_have_text("Take the job")
    assert sheet_of(served)["history"] == []
    sent = {"event_id": "0123456789", "incident": "nowhere", "report": "arrived", "crew_id": "B1"}
    answer = httpx.post(f"{served}/api/v1/crew/reports", json=[sent], timeout=60).json()
    assert answer["outcomes"][0]["state"] == "refused"
    assert answer["outcomes"][0]["hint"]


def test_everything_that_is_pressed_is_large_enough_for_a_thumb_and_nothing_lies_beyond_the_edge(
    page: Page, served: str
) -> None:
    for language in ("en", "zh"):
        opened(page, served, language)
        sizes = page.evaluate(
            """() => [...document.querySelectorAll("button, a, select, label.file, label.switch")]
            .filter((each) => each.offsetParent).map((each) => [each.innerText, each.getBoundingClientRect().height])"""
        )
        assert [size for size in sizes if size[1] < 44] == []
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        picture(page, f"crew-detail-{language}")
        page.goto(f"{served}/crew?lang={language}")
        expect(page.locator("button.card").first).to_be_visible()
        picture(page, f"crew-list-{language}")


def reports_of(address: str, *rows: dict[str, Any]) -> list[dict[str, Any]]:
    said = [{"incident": incident_of(address), "crew_id": "B1"} | row for row in rows]
    found: list[dict[str, Any]] = httpx.post(f"{address}/api/v1/crew/reports", json=said, timeout=60).json()["outcomes"]
    return found


def test_the_desk_takes_what_can_be_taken_and_names_the_rest(served: str) -> None:
    wrong = base64.b64encode(b"GIF89a").decode()
    outcomes = reports_of(
        served,
        {"event_id": "aaaaaaaa1", "report": "arrived", "ago_s": 60},
        {"event_id": "aaaaaaaa1", "report": "arrived", "ago_s": 90},
        {"event_id": "aaaaaaaa2", "report": "dance"},
        {"event_id": "aaaaaaaa3", "report": "found", "branches": ["L99"]},
        {"event_id": "aaaaaaaa4", "report": "photo", "photo": wrong},
        {"event_id": "short", "report": "arrived"},
        {"event_id": "aaaaaaaa5", "report": "take", "crew_id": "B9"},
        {"event_id": "aaaaaaaa6", "report": "arrived", "ago_s": 10**9},
        {"event_id": "aaaaaaaa7", "report": "arrived", "ago_s": "nan"},
        {"event_id": "aaaaaaaa8", "report": "isolated"},
    )
    states = [outcome["state"] for outcome in outcomes]
    assert states == ["kept", "known", *["refused"] * 7, "kept"]
    assert all(outcome["error"] and outcome["hint"] for outcome in outcomes if outcome["state"] == "refused")
    assert list(sheet_of(served)["stages"]) == ["arrived", "isolated"]


def test_the_jobs_name_no_customer_and_follow_what_crews_say(served: str) -> None:
    before = httpx.get(f"{served}/api/v1/crew/jobs?crew=B1", timeout=60).json()
    (job,) = before["rows"]
    first = job["sections"][0]
    assert first["found"] is None
    reports_of(served, {"event_id": "bbbbbbbb1", "report": "not_here", "branches": first["branches"]})
    after = httpx.get(f"{served}/api/v1/crew/jobs?crew=B1", timeout=60).json()["rows"][0]
    again = next(section for section in after["sections"] if section["branches"] == first["branches"])
    odds = [p / (1 - p) for p in (first["probability"], again["probability"])]
    assert odds[1] == pytest.approx(odds[0] * 0.05 / (1 - 0.001))
    assert again["found"] is False
    for secret in ("王芳", "13900001234", "C1"):
        assert secret not in str(after)
