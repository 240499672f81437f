"""What closed incidents tell of terminals and callers, by hand."""

from __future__ import annotations

from datetime import timedelta

import polars as pl
import pytest

from network import Network
from repair import InferenceSettings, LocationSettings
from repair.location.report_health import report_health
from tests.repair.inference.words import NOON, said

RULES = InferenceSettings(qualities=((1.0, 0.0 + 1e-9, 0.1),), on_loss=0.2)
TOWN = "=S -[K1]- 1 -L1- 2; T1(2) @ 1 unit=A; T2(2) @ 2 unit=A; T3(2) @ 2 unit=B"


def closed(end: float | None = 2.0) -> pl.DataFrame:
    row = {
        "incident_id": "I1",
        "branch_id": "L1",
        "start": NOON,
        "end": None if end is None else NOON + timedelta(hours=end),
    }
    return pl.DataFrame([row], schema_overrides={"end": pl.Datetime("us")})


def test_by_hand() -> None:
    signals = said("T1 off 0", "T3 off 1", "T1 on 120", "T2-1 call 30", "T2-1 call 40", "T3-1 call 500")
    found = report_health(
        Network.from_text(TOWN).energise(), closed(), signals, RULES, LocationSettings(history_weight=10)
    )
    a, b = found.rows(named=True)
    assert (a["unit"], a["off_expected"], a["off_heard"], a["on_expected"], a["on_heard"], a["calls"]) == (
        "A",
        2,
        1,
        2,
        1,
        1,
    )
    assert a["off_loss"] == pytest.approx((1 + 0.1 * 10) / (2 + 10))
    assert a["on_loss"] == pytest.approx((1 + 0.2 * 10) / (2 + 10))
    assert (a["customer_hours"], a["calls_per_customer_h"]) == (8.0, 1 / 8)
    assert (b["unit"], b["off_heard"], b["on_heard"], b["calls"]) == ("B", 1, 0, 0)


def test_without_an_end_nothing_is_said_of_power_on_and_calls() -> None:
    (a, _) = report_health(Network.from_text(TOWN).energise(), closed(None), said("T1 off 0"), RULES).rows(named=True)
    assert (a["off_heard"], a["on_expected"], a["customer_hours"], a["calls_per_customer_h"]) == (1, 0, 0.0, None)


def test_without_incidents_there_is_nothing_to_learn() -> None:
    assert report_health(Network.from_text(TOWN).energise(), closed().clear(), said("T1 off 0"), RULES).is_empty()
