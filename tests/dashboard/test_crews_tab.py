"""The tab of the crews in a browser: who goes, who is on duty with which skills, and where crews should wait, on a map."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Page, expect

from tests.dashboard.test_desk_page import NOW, browser, page, picture, serving
from tests.dashboard.test_switched_range import FORM, SAID, past
from tests.fudian.test_switched_range import RING

__all__ = ["browser", "page"]


def tables() -> dict[str, list[dict[str, Any]]]:
    """Return three crews at a base 9 km west of where all faults of the past were; the third is not on duty today."""
    crews: list[dict[str, Any]] = [
        {
            "crew_id": "B1",
            "name": "城南一班",
            "base_id": "Z1",
            "live_line": True,
            "cable": True,
            "vehicles": "带电作业车",
        },
        {"crew_id": "B2", "name": "城南二班", "base_id": "Z1", "low_voltage": True, "zones": "城南"},
        {"crew_id": "B3", "name": "城北一班", "base_id": "Z1"},
    ]
    shifts = [("B1", -3, 9), ("B2", 3, 15), ("B3", -40, -28)]
    roster: list[dict[str, Any]] = [
        {
            "crew_id": crew,
            "start": (NOW + timedelta(hours=begins)).strftime(FORM),
            "end": (NOW + timedelta(hours=ends)).strftime(FORM),
        }
        for crew, begins, ends in shifts
    ]
    nodes: list[dict[str, Any]] = [{"node": str(node), "lon": 114.5 + 0.02 * node, "lat": 33.5} for node in range(1, 8)]
    bases: list[dict[str, Any]] = [{"base_id": "Z1", "lon": 114.44, "lat": 33.5}]
    return past() | {"crews": crews, "shifts": roster, "nodes": nodes, "bases": bases}


@pytest.mark.parametrize("language", ["en", "zh"])
def test_who_is_on_duty_and_where_crews_should_wait(page: Page, tmp_path: Path, language: str) -> None:
    with serving(tmp_path / "ring", more=tables(), diagram=RING) as address:
        httpx.post(f"{address}/api/v1/signals", json=SAID, timeout=60).raise_for_status()
        told = httpx.get(f"{address}/api/v1/bases", timeout=60).json()
        assert [(row["place"], row["is_base"], row["faults"], row["mean_min"]) for row in told["rows"]] == [
            ("2", False, 40, 0.0)
        ]
        assert told["demand"] == [{"place": "2", "lon": pytest.approx(114.54), "lat": 33.5, "faults": 40}]
        assert told["today"]["places"] == [{"place": "Z1", "lon": 114.44, "lat": 33.5}]
        page.goto(f"{address}/dispatch?lang={language}&tab=crews")
        duty, bases = page.locator(".card.on-duty"), page.locator(".card.bases")
        rows = duty.locator("tbody tr")
        expect(rows).to_have_count(2)
        first, second = (rows.nth(at) for at in range(2))
        expect(first).to_contain_text("B1 城南一班")
        expect(first).to_contain_text("带电作业车")
        expect(first).to_contain_text({"en": "live-line work", "zh": "带电作业"}[language])
        expect(second).to_contain_text({"en": "on duty later", "zh": "未到班"}[language])
        expect(second).to_contain_text("城南")
        expect(duty).to_contain_text({"en": "Off duty: B3", "zh": "不当班：B3"}[language])
        said = {"en": "min on average; from the 1 bases of today {now:.1f} min", "zh": "现有 1 个驻点为 {now:.1f} 分钟"}
        expect(bases).to_contain_text(said[language].format(now=told["today"]["mean_min"]))
        expect(bases.locator(".chart .main-svg").first).to_be_visible()
        for width in (1440, 390):
            page.set_viewport_size({"width": width, "height": 1000})
            page.goto(f"{address}/dispatch?lang={language}&tab=crews")
            expect(bases.locator(".chart .main-svg").first).to_be_visible()
            picture(page, f"crews-tab-{language}-{width}")
            assert page.evaluate("document.documentElement.scrollWidth") <= width
        bases.get_by_role("link", name="2", exact=True).click()
        expect(bases.locator("tbody tr")).to_have_count(2)
