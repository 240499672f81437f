"""The public page of an incident: shown to who has its link, as long as it holds, and nothing of any customer on it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, expect

from fudian.desk import Desk
from fudian.store import store_of
from fudian.store.database import IN_MEMORY
from fudian.utility import open_workspace
from tests.dashboard.test_desk_page import TRIP, browser, picture, serving, sheet_of
from tests.fudian.test_messages import INCIDENT, NOON, folder_of, opened

__all__ = ["browser"]


@pytest.fixture
def served(tmp_path: Path) -> Iterator[str]:
    with serving(tmp_path / "feeder") as address:
        httpx.post(f"{address}/api/v1/signals", json=TRIP, timeout=60).raise_for_status()
        yield address


def decided(address: str, **said: Any) -> dict[str, Any]:
    incident = sheet_of(address)["incident"]
    answer = httpx.post(f"{address}/api/v1/incidents/{incident}/decisions", json=said, timeout=60)
    answer.raise_for_status()
    found: dict[str, Any] = answer.json()
    return found


def token_of(sheet: dict[str, Any]) -> str:
    found: str = next(line["details"]["token"] for line in reversed(sheet["history"]) if line["action"] == "link")
    return found


def test_the_page_follows_the_repair_and_names_nobody(browser: Browser, served: str) -> None:
    token = token_of(decided(served, action="link"))
    decided(served, action="stage", stage="dispatched")
    page = browser.new_page(viewport={"width": 390, "height": 844})
    page.goto(f"{served}/public/outage/{token}?lang=zh")
    expect(page.locator("main")).to_contain_text("抢修人员正在赶往现场")
    expect(page.locator("li.reached")).to_have_count(1)
    picture(page, "public-zh")
    whole = page.content()
    for secret in ("王芳", "13900001234", "C1", "local", "L2", "L3"):
        assert secret not in whole.replace("lang=", "")
    decided(served, action="estimate", until="2099-10-09T18:30:00")
    decided(served, action="stage", stage="restored")
    page.goto(f"{served}/public/outage/{token}?lang=en")
    expect(page.locator("h1")).to_contain_text("Power is back since")
    expect(page.locator("li.reached")).to_have_count(2)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    picture(page, "public-en")
    page.close()


def test_nobody_guesses_a_page_and_a_link_that_was_taken_back_leads_nowhere(served: str) -> None:
    token = token_of(decided(served, action="link"))
    incident = sheet_of(served)["incident"]
    assert len(token) >= 32
    first = httpx.get(f"{served}/public/outage/{token}", timeout=60)
    assert (first.status_code, first.headers["referrer-policy"]) == (200, "no-referrer")
    nowhere = httpx.get(f"{served}/public/outage/{'A' * 32}", timeout=60)
    guesses = [incident, token[:-1], token + "A", token.swapcase(), token[::-1], "1", "%20", "A" * 99]
    for guess in guesses:
        answer = httpx.get(f"{served}/public/outage/{guess}", timeout=60)
        assert (answer.status_code, answer.text) == (404, nowhere.text) or answer.status_code in {404, 422}, guess
        assert "K1" not in answer.text
    decided(served, action="unlink")
    assert httpx.get(f"{served}/public/outage/{token}", timeout=60).text == nowhere.text
    again = token_of(decided(served, action="link", token="chosen"))  # noqa: S106
    assert again not in {token, "chosen"}
    assert httpx.get(f"{served}/public/outage/{token}", timeout=60).status_code == 404
    assert httpx.get(f"{served}/public/outage/{again}", timeout=60).status_code == 200


def test_a_page_ends_some_time_after_the_incident_was_closed(tmp_path: Path) -> None:
    store = store_of(IN_MEMORY)
    with Desk(open_workspace(folder_of(tmp_path / "w", "out.ndjson", page_after_close_h=1.0), "en"), store) as desk:
        rows = [{"time": NOON.isoformat(), "object": "branch", "object_id": "K1", "kind": "trip"}]
        rows += [{"time": NOON.isoformat(), "object": "transformer", "object_id": "T1", "kind": "off"}]
        desk.accept(rows, "head end").judged.result(30)
        incident = desk.utility.incidents()["incidents"][0]["id"]
        token = desk.decide(incident, {"action": "link"}, "wang").link or ""
        assert desk.utility.is_public(token)
        now = desk.utility.workspace.reading.now()
        number = desk.decide(incident, {"action": "close", "at": now.isoformat()}, "wang").history[-1].number
        assert desk.utility.is_public(token)
        desk.decide(incident, {"action": "undo", "number": number}, "wang")
        desk.decide(incident, {"action": "close", "at": (now - timedelta(minutes=61)).isoformat()}, "wang")
        assert not desk.utility.is_public(token)
        assert desk.utility.public_outage(token) is None
        desk.decide(incident, {"action": "reopen", "reason": "a call"}, "wang")
        assert desk.utility.is_public(token)
    store.close()


def test_messages_lead_to_the_page_where_customers_can_reach_it(tmp_path: Path) -> None:
    store = store_of(IN_MEMORY)
    folder = folder_of(tmp_path / "w", "out.ndjson", page="https://outage.example")
    with opened(folder, store) as desk:
        desk.decide(INCIDENT, {"action": "stage", "stage": "dispatched", "at": NOON.isoformat()}, "wang")
        sheet = desk.sheet(INCIDENT)
        assert [line.action for line in sheet.history] == ["link", "stage"]
        told = desk.utility.messages(INCIDENT).as_dict()["rows"]
        assert told
        assert all(f"https://outage.example/public/outage/{sheet.link}" in row["text"] for row in told)
        desk.decide(INCIDENT, {"action": "unlink"}, "wang")
        desk.decide(INCIDENT, {"action": "stage", "stage": "arrived", "at": NOON.isoformat()}, "wang")
        assert desk.sheet(INCIDENT).link is None  # who took it away wants none
    store.close()
