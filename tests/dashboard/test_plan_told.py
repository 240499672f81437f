"""A planned outage is announced by a button, and the page tells who was told and with which lead."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Page, expect

from tests.dashboard.test_desk_page import browser, page, picture, serving

__all__ = ["browser", "page"]

FORM = "%Y-%m-%d %H:%M:%S"


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_plan_is_announced_by_a_button_and_its_lead_is_told(page: Page, tmp_path: Path, language: str) -> None:
    start = datetime.now().replace(microsecond=0) + timedelta(days=10)
    plan = {
        "plan_id": "P1",
        "start": start.strftime(FORM),
        "end": (start + timedelta(hours=3)).strftime(FORM),
        "nature": "P-PLAN-MAINT",
        "branch_id": "L1",
        "work": "更换导线",
        "status": "已审核",
    }
    telling = '[messages]\nto = "out.ndjson"\nquiet_from = ""\nannounce_plans = false\n'
    with serving(tmp_path / "w", more={"plans": [plan]}, settings=telling) as address:
        page.goto(f"{address}/dispatch?lang={language}&tab=planned")
        told = page.locator(".card.plan-told")
        expect(told).to_contain_text({"en": "Customers told: 0 of 30", "zh": "通知到户 0/30 户"}[language])
        expect(told).to_contain_text({"en": "not given yet", "zh": "尚未告知"}[language])
        expect(told).to_contain_text("168 h")
        told.get_by_role("button", name={"en": "Tell customers now", "zh": "立即告知用户"}[language]).click()
        expect(told).to_contain_text({"en": "planned outage", "zh": "计划停电"}[language])
        for _ in range(60):
            found = httpx.get(f"{address}/api/v1/plans/P1/messages", timeout=60).json()
            if found["rows"] and all(row["state"] == "sent" for row in found["rows"]):
                break
            page.wait_for_timeout(500)
        assert found["notice"]["state"] == "given"
        for width in (1440, 390):
            page.set_viewport_size({"width": width, "height": 1000})
            page.goto(f"{address}/dispatch?lang={language}&tab=planned")
            expect(told).to_contain_text({"en": "given in time", "zh": "已按时告知"}[language])
            expect(told).to_contain_text(f"{found['notice']['lead_h']:.1f} h")
            picture(page, f"plan-told-{language}-{width}")
            assert page.evaluate("document.documentElement.scrollWidth") <= width
