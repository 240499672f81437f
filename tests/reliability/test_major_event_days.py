"""Major event days: the settings of the 2.5 beta method one by one, and that leaving days out loses nothing."""

import math
import statistics as plain
from datetime import date, datetime, timedelta
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reliability import Period, ReliabilitySettings
from reliability.ledger_table import without_days
from reliability.major_event_days import judged_days, threshold
from reliability.statistics import Query, Statistics
from tests.reliability.records import START, Scene, bus, scenes, statistics

YEAR = Period.year(2022)


def history(years: list[int], values: list[float]) -> list[tuple[date, float]]:
    return [(date(year, 1, 1) + timedelta(days=i), value) for year in years for i, value in enumerate(values)]


def judged(rows: list[tuple[date, float]], **rules: Any) -> Any:
    frame = pl.DataFrame(rows, schema={"day": pl.Date, "saidi_h": pl.Float64}, orient="row")
    return judged_days(frame, YEAR, ReliabilitySettings(**({"minimum_history_days": 3} | rules)))


BIG = [(date(2022, 6, 1), 1.0), (date(2022, 6, 2), 0.03)]
VALUES = [0.01, 0.02, 0.05, 0.02]


@pytest.mark.parametrize("zero_days", ["drop", "lowest"])
@pytest.mark.parametrize("ddof", [0, 1])
def test_days_without_interruptions_are_dropped_or_stand_with_the_lowest(zero_days: str, ddof: int) -> None:
    found = judged(history([2019, 2020, 2021], VALUES) + BIG, zero_days=zero_days, beta_ddof=ddof)
    logarithms = [math.log(value) for value in VALUES * 3]
    if zero_days == "lowest":
        logarithms += [math.log(0.01)] * (365 + 366 + 365 - 12)
    spread = plain.stdev(logarithms) if ddof else plain.pstdev(logarithms)
    assert found.threshold.saidi_h == pytest.approx(math.exp(plain.fmean(logarithms) + 2.5 * spread))
    assert date(2022, 6, 1) in found.days
    assert (date(2022, 6, 2) in found.days) == (zero_days == "lowest")


def test_the_lowest_value_stands_for_zeros_in_the_threshold_too() -> None:
    lowest, dropped = (threshold([0.0, 0.01, 0.02], zero_days=rule).saidi_h for rule in ("lowest", "drop"))
    assert lowest == pytest.approx(threshold([0.01, 0.01, 0.02]).saidi_h)
    assert dropped == pytest.approx(threshold([0.01, 0.02]).saidi_h)
    with pytest.raises(ValueError, match="two days"):
        threshold([0.0, 0.0, 0.02], zero_days="lowest")


def test_how_long_the_history_is_and_how_short_it_may_be() -> None:
    old = [(day, 100 * value) for day, value in history([2016], VALUES)]
    recent = history([2019, 2020, 2021], VALUES)
    five, six = judged(old + recent + BIG), judged(old + recent + BIG, history_years=6)
    assert five.threshold == judged(recent + BIG).threshold
    assert six.threshold.saidi_h > five.threshold.saidi_h
    short = judged(history([2020, 2021], VALUES) + BIG)
    assert (short.basis, short.days, short.threshold) == ("not_computable", (), None)
    assert "2 years" in str(short.reason)
    assert judged(history([2020, 2021], VALUES) + BIG, minimum_history_years=2).basis == "calculated"
    assert judged(recent + BIG, minimum_history_days=13).basis == "not_computable"
    assert judged(recent + BIG, minimum_history_days=12).basis == "calculated"


def test_an_interruption_belongs_whole_to_the_day_it_began() -> None:
    tables = bus(1)
    tables["outages"] = [
        {"outage_id": "E", "start": datetime(2022, 6, 1, 23), "end": datetime(2022, 6, 2, 20), "nature": "F-INT",
         "transformer_id": "T0"}
    ]  # fmt: skip
    for day, hours in (("2022-06-01", 0), ("2022-06-02", 21)):
        county = statistics(tables, {"major_event_days": [day]})
        assert county.indices(Query(YEAR, med="exclude"))["CH"].item() == hours


@settings(max_examples=40)
@given(scenes(), st.lists(st.integers(-1, 3), max_size=3), st.sampled_from(["cut", "start"]))
def test_with_is_without_and_the_days_alone(scene: Scene, days: list[int], crossing: str) -> None:
    chosen = [(START + timedelta(days=day)).date() for day in days]
    net = scene.network({"major_event_days": [day.isoformat() for day in chosen], "crossing": crossing})
    county = Statistics(net)
    period = Period(START + timedelta(minutes=20), START + timedelta(days=3))
    whole, without = (county.indices(Query(period, med=med)).row(0, named=True) for med in ("include", "exclude"))
    rows = county.ledger(Query(period))
    kept = without_days(rows, county.major_event_days(Query(period)).days)
    only = rows.join(kept.select("outage_id", "user_id", "from"), on=["outage_id", "user_id", "from"], how="anti")
    assert only.height + kept.height == rows.height
    assert whole["CI"] == without["CI"] + (only["users"] * only["count"]).sum()
    assert whole["CH"] == pytest.approx(without["CH"] + float((only["users"] * only["h"]).sum()))
