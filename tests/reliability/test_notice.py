"""Prearranged outages that were approved too late to be prearranged (R1.6)."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from reliability import Period
from reliability.notice import late_approvals
from reliability.query import Query
from reliability.statistics import Statistics
from tests.reliability.records import bus, statistics

START = datetime(2022, 5, 1, 8)


def approved(hours: float | None, nature: str = "P-PLAN-MAINT", **settings: Any) -> Statistics:
    """Return the statistics of one outage that was approved so many hours before it began."""
    record = {
        "outage_id": "E",
        "start": START,
        "end": START + timedelta(hours=2),
        "nature": nature,
        "transformer_id": "T0",
    }
    at = None if hours is None else START - timedelta(hours=hours)
    return statistics(bus(2) | {"outages": [record | {"approved_at": at}]}, settings)


@pytest.mark.parametrize(
    ("hours", "nature", "settings", "late"),
    [
        (6, "P-PLAN-MAINT", {}, False),
        (5.99, "P-PLAN-MAINT", {}, True),
        (-1, "P-TEMP-CONST", {}, True),
        (5, "P-RAT-NET", {}, True),
        (5, "F-INT", {}, False),
        (None, "P-PLAN-MAINT", {}, False),
        (5, "P-PLAN-MAINT", {"notice_h": 5}, False),
        (7, "P-PLAN-MAINT", {"notice_h": 7.5}, True),
    ],
)
def test_six_hours_make_the_difference(hours: float | None, nature: str, settings: dict[str, Any], late: bool) -> None:
    found = approved(hours, nature, **settings)
    problems = late_approvals(found.net.workspace, found.settings)
    assert len(problems) == late
    for problem in problems:
        assert (problem.severity, problem.table, problem.row, problem.column) == (
            "warning",
            "outages",
            2,
            "approved_at",
        )
        assert (problem.object_id, problem.value) == ("E", str(START - timedelta(hours=hours or 0)))
    (figure,) = found.indices(Query(Period.year(2022), ("nature",)))["nature"].to_list()
    assert figure == nature  # the record still says what it is
