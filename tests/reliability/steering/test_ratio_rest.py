"""Figures of operation at the end of a year: drawn from their own events, and as wide as these are few."""

from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pytest

import fudian
from fudian import Utility
from network import network_from_tables
from reliability.statistics import Statistics
from reliability.steering.forecast import Forecast, forecast
from tests.reliability.records import bus


def target(metric: str, limit: float = 90.0, **more: Any) -> dict[str, Any]:
    return {"target_id": metric, "plan": "mine", "area_scheme": "da", "area_label": "all", "metric": metric, "op": ">=",
            "value": limit, "unit": "%"} | more  # fmt: skip


def actions(days: dict[datetime, bool], kind: str = "fa") -> list[dict[str, Any]]:
    return [
        {"feeder_id": "F1", "time": day, "kind": kind, "result": "correct" if good else "missed"}
        for day, good in days.items()
    ]


def told(rows: list[dict[str, Any]], as_of: datetime, **more: Any) -> Forecast:
    tables = {
        **bus(1),
        "feeders": [{"feeder_id": "F1"}],
        "automation_actions": rows,
        "targets": [target("da_action_accuracy")],
        **more,
    }
    return forecast(Statistics(network_from_tables(tables)), "mine", (as_of - timedelta(days=1)).year, as_of)


def test_the_range_holds_what_comes_as_often_as_it_says() -> None:
    """A process that does not change, 150 times over: 80 of 100 ranges hold the year end, which is drawn by another generator."""
    generator = np.random.default_rng(3)
    held, of = 0, 150
    as_of = datetime(2022, 7, 1)
    for _ in range(of):
        moments = [datetime(2019, 1, 1) + timedelta(days=float(day)) for day in generator.uniform(0, 1461, 160)]
        events = dict(sorted((moment, bool(generator.random() < 0.8)) for moment in moments))
        (row,) = told(actions({at: good for at, good in events.items() if at < as_of}), as_of).rows
        of_year = [good for at, good in events.items() if at.year == 2022]
        low, _, high = row.quantiles
        assert low is not None
        assert high is not None
        held += low - 1e-9 <= 100 * sum(of_year) / len(of_year) <= high + 1e-9
    assert 0.70 <= held / of <= 0.95


def test_a_year_that_is_over_is_what_it_was() -> None:
    days = {datetime(2022, month, 3): month != 5 for month in range(1, 13)}
    (row,) = told(actions(days), datetime(2023, 1, 1)).rows
    assert row.target.value == pytest.approx(100 * 11 / 12)
    assert row.quantiles == pytest.approx((100 * 11 / 12,) * 3)
    assert row.probability() == 1.0, "91.7 % are more than 90"


def test_the_year_can_still_turn_either_way() -> None:
    """Half a year of ten right actions: the rest is known from ten, so that neither end is sure."""
    days = {datetime(2022, 1 + number // 2, 1 + 14 * (number % 2)): True for number in range(10)}
    (good,) = told(actions(days), datetime(2022, 6, 1)).rows
    (bad,) = told(actions(dict.fromkeys(days, False)), datetime(2022, 6, 1)).rows
    assert (good.target.status, bad.target.status) == ("unknown", "unknown")
    assert 0.5 < (good.probability() or 0) <= 0.99
    assert 0.01 <= (bad.probability() or 0) < 0.1
    assert good.to_date == 100.0
    assert (good.quantiles[0] or 0) < 100.0
    assert good.committed is None
    assert good.left is None
    assert (good.target.reason or "") != ""


def test_one_event_says_nothing_of_the_rest() -> None:
    (row,) = told(actions({datetime(2022, 3, 1): True}), datetime(2022, 6, 1)).rows
    assert (row.expected, row.probability(), row.method) == (None, None, "none")
    assert "too few events" in str(row.says())


def test_days_of_waiting_and_gains_are_counted_from_their_base_year() -> None:
    """20 days in 2021, 15 in the half-year of 2022: a quarter less, if the rest goes on like it; 1 of 4 orders, then 2 of 4."""
    applications = [
        {"application_id": f"A{year}{month}", "applied": datetime(year, month, 25) - timedelta(days=days),
         "outage_date": datetime(year, month, 25)}
        for year, days, months in ((2021, 20, range(1, 13)), (2022, 15, range(1, 7))) for month in months
    ]  # fmt: skip
    orders = [
        {"order_id": f"O{year}{month}{number}", "accept_time": datetime(year, month, 5 + number),
         "source": "active" if number < active else "95598"}
        for year, active, months in ((2021, 1, range(1, 13)), (2022, 2, range(1, 7)))
        for month in months for number in range(4)
    ]  # fmt: skip
    plan = [
        target("outage_schedule_time_reduction", 22, area_scheme="plan"),
        target("active_repair_rate_gain", 50, area_scheme="repair"),
    ]
    waiting, gain = told([], datetime(2022, 7, 1), applications=applications, orders=orders, targets=plan).rows
    assert waiting.to_date == pytest.approx(25.0)
    assert gain.to_date == pytest.approx(100.0)
    # Half of what the rest is drawn from are cases of the year before.
    assert 5.0 < (waiting.expected or 0) < 25.0
    assert 30.0 < (gain.expected or 0) < 100.0
    assert all(0.01 <= (row.probability() or 0) <= 0.99 for row in (waiting, gain))


@pytest.fixture(scope="module")
def county() -> Utility:
    return fudian.open("data_samples/county", "en")


@pytest.mark.parametrize("plan", ["changzhou-2020", "gongan-2022", "jinhua-2022", "shenqiu-2022", "xihua-2022"])
def test_every_target_of_every_plan_is_told_in_the_middle_of_a_year(county: Utility, plan: str) -> None:
    """Of what outages and events add to, a range and a probability; of what is built, how it stands."""
    rows = county.forecast(plan, "2022-06-01", year=2022).as_dict("en")["rows"]
    built = {"tie_rate", "standard_structure_rate", "n1_pass_rate", "long_feeder_reduction", "da_line_coverage"}
    for row in rows:
        if row["metric"] in built:
            assert (row["expected"], row["probability_met"]) == (None, None)
            assert ("it stands at" in row["says"]) or ("N-1" in row["says"]), row
            continue
        assert row["p10"] <= row["p50"] <= row["p90"]
        assert 0.0 <= row["probability_met"] <= 0.99
        assert (row["method"] == "own_events") == (row["metric"] not in {"SAIDI", "SAIFI"})


def test_the_same_input_gives_the_same_ranges() -> None:
    first, again = (
        fudian.open("data_samples/county", "en").forecast("changzhou-2020", "2022-06-01", year=2022).as_dict()["rows"]
        for _ in range(2)
    )
    assert [row["p90"] for row in first if row["method"] == "own_events"] == [
        row["p90"] for row in again if row["method"] == "own_events"
    ]
