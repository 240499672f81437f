"""Steps of a switching plan that are still to come move the range, as a dispatcher, a crew and a customer see it in a browser."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Page, expect

from tests.dashboard.test_desk_page import NOW, browser, page, picture, report, serving, sheet_of
from tests.fudian.test_switched_range import RING

__all__ = ["browser", "page"]

SAID = [
    report("K1", "fault_current", 0, 1),
    report("S1", "fault_current", 0, 1),
    report("S2", "fault_current", 0, 0),
    report("K1", "trip", 0.1),
    *(report(each, "off", 0.5) for each in ("T1", "T2", "T3")),
]
FORM = "%Y-%m-%d %H:%M:%S"


def past() -> dict[str, list[dict[str, Any]]]:
    """Return forty faults of the past, of which four of five lasted between 30 and 130 minutes, two crews, and sensors."""
    starts = [NOW - timedelta(days=n + 1) for n in range(40)]
    outages = [
        {
            "outage_id": f"O{n}",
            "start": start.strftime(FORM),
            "end": (start + timedelta(minutes=10 + n % 15 * 10)).strftime(FORM),
            "nature": "F-INT",
            "branch_id": "L1",
        }
        for n, start in enumerate(starts)
    ]
    crews = [{"crew_id": each, "name": name} for each, name in (("B1", "城南一班"), ("B2", "城南二班"))]
    return {
        "outages": outages,
        "crews": crews,
        "sensors": [{"branch_id": each, "kind": "ftu"} for each in ("K1", "S1", "S2")],
    }


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_range_follows_the_steps_that_are_ticked_off(page: Page, tmp_path: Path, language: str) -> None:
    with serving(tmp_path / "ring", more=past(), diagram=RING) as address:
        httpx.post(f"{address}/api/v1/signals", json=SAID, timeout=60).raise_for_status()
        incident = sheet_of(address)["incident"]
        page.goto(f"{address}/dispatch?lang={language}")
        listed, work = page.locator("#incidents tbody tr").first, page.locator(".card.work")
        expect(listed.locator("[data-expected='']")).to_be_visible()
        work.get_by_role("button", name={"en": "fault located", "zh": "故障定位"}[language]).click()
        page.locator(".sections tr").first.get_by_role("button").click()
        expect(listed.locator("[data-expected=partly]")).to_contain_text("10")
        sooner = {
            "en": "10 customers are expected back by the steps still to come",
            "zh": "10 户由待执行的倒闸步骤先复电",
        }
        expect(work).to_contain_text(sooner[language])
        for width in (1440, 390):
            page.set_viewport_size({"width": width, "height": 1000})
            page.goto(f"{address}/dispatch?lang={language}")
            expect(work).to_contain_text(sooner[language])
            picture(page, f"switched-{language}-{width}")
            assert page.evaluate("document.documentElement.scrollWidth") <= width
        secret = _decided(address, incident, action="link")["history"][-1]["details"]["token"]
        page.goto(f"{address}/public/outage/{secret}?lang={language}")
        expect(page.locator("main")).to_contain_text(
            {"en": "10 customers are to have power again by", "zh": "10 户预计"}[language]
        )
        picture(page, f"switched-public-{language}")
        page.goto(f"{address}/crew?lang={language}")
        page.locator("#crew").select_option("B1")
        page.locator("button.card").first.click()
        expect(page.locator("main")).to_contain_text(
            {"en": "10 customers back by", "zh": "10 户由待执行的倒闸步骤"}[language]
        )
        picture(page, f"switched-crew-{language}")
        page.set_viewport_size({"width": 1440, "height": 1000})
        page.goto(f"{address}/dispatch?lang={language}")
        steps = page.locator(".card.plan .operations tbody tr")
        expect(steps.first).to_contain_text("S1")
        before = steps.count()
        for left in range(before - 1, 0, -1):
            steps.first.get_by_role("button", name={"en": "done", "zh": "已执行"}[language], exact=True).click()
            expect(steps).to_have_count(left)
        expect(listed.locator("[data-expected='']")).to_be_visible()
        expect(work).not_to_contain_text({"en": "steps still to come", "zh": "待执行的倒闸步骤"}[language])
        _decided(address, incident, action="estimate", until=f"{NOW + timedelta(hours=9):%Y-%m-%dT%H:%M}")
        expect(listed.locator("[data-expected=person]")).to_contain_text(f"{NOW + timedelta(hours=9):%H:%M}")


def _decided(address: str, incident: str, **said: Any) -> dict[str, Any]:
    answer = httpx.post(f"{address}/api/v1/incidents/{incident}/decisions", json=said, timeout=60)
    answer.raise_for_status()
    found: dict[str, Any] = answer.json()
    return found
