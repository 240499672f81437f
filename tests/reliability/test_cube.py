"""The cube adds up to the ledger exactly: to the microsecond and the single interruption, whatever is asked of it."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from data_samples.generator.county import COUNTY
from network import read_network
from reliability.cube import Cube
from reliability.index_table import indices
from reliability.known_tables import chosen
from reliability.ledger_table import ledger
from reliability.major_event_days import MajorEventDays
from reliability.natures import FAULT, PREARRANGED, SYSTEM_SHORTAGE
from reliability.period import MICROSECONDS_PER_HOUR, Period, microseconds
from reliability.settings import ReliabilitySettings
from reliability.statistics import Statistics
from tests.costly import costly

FIRST = datetime(2021, 12, 28)
AS_OF = datetime(2022, 1, 9, 15, 20)
PLACE = ("region_class", "planning_class", "unit", "feeder_id")
CLASSES: dict[str, tuple[str | None, ...]] = {
    "A": ("urban", "B", "east", "F1"),
    "B": ("urban", "B", "east", "F2"),
    "C": ("rural", "D", "west", "F3"),
    "D": (None, None, None, None),
}
TEXTS = ("outage_id", "user_id", "nature", "cause", "exclusion", *PLACE)
NATURES = ("F-INT", "F-EXT", "P-PLAN-MAINT", "P-RAT-SYS", "P-TEMP-MAINT")
BY: tuple[tuple[str, ...], ...] = (
    (), ("region_class",), ("feeder_id", "month"), ("nature", "cause"), ("aggregate",), ("unit", "planning_class"),
    ("cause", "region_class"), ("aggregate", "month", "nature"),
)  # fmt: skip


@st.composite
def worlds(draw: st.DrawFn) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Interruptions of a few users, most of them crossing midnight or each other, and the users."""
    minutes = st.integers(0, 12 * 24 * 6).map(lambda tens: FIRST + timedelta(minutes=10 * tens))
    rows = []
    for record in range(draw(st.integers(0, 12))):
        start = draw(minutes)
        lasting = timedelta(
            minutes=10 * draw(st.sampled_from([0, 1, 5, 30, 200, 900])), microseconds=draw(st.integers(0, 3))
        )
        approved = draw(st.none() | st.sampled_from([timedelta(0), timedelta(minutes=100)]))
        nature, cause = draw(st.sampled_from(NATURES)), draw(st.sampled_from(["tree", "wind", None]))
        open_, excluded = draw(st.integers(0, 9)) == 0, draw(st.integers(0, 6)) == 0
        for user in draw(st.sets(st.sampled_from(sorted(CLASSES)), min_size=1)):
            late = timedelta(minutes=10 * draw(st.integers(0, 2)))
            rows.append(
                {
                    "outage_id": f"O{record}", "user_id": user, "users": len(user) + ord(user) % 3, "start": start + late,
                    "end": None if open_ else start + late + lasting, "nature": nature, "external": nature == "F-EXT",
                    "cause": cause, "capacity_kva": 400.0, "load_kw": 100.0, "recorded_only": False,
                    "exclusion": "arrears" if excluded else None,
                    "approved_end": None if approved is None else start + approved,
                    **dict(zip(PLACE, CLASSES[user], strict=True)),
                }
            )  # fmt: skip
    text = dict.fromkeys(TEXTS, pl.String)
    times = dict.fromkeys(("start", "end", "approved_end"), pl.Datetime("us"))
    other = {
        "users": pl.Int64,
        "external": pl.Boolean,
        "capacity_kva": pl.Float64,
        "load_kw": pl.Float64,
        "recorded_only": pl.Boolean,
    }
    interruptions = pl.DataFrame(rows, schema={**text, **times, **other})
    entered = draw(st.sampled_from([None, datetime(2021, 6, 1), datetime(2022, 1, 3, 7)]))
    left = draw(st.sampled_from([None, datetime(2022, 1, 5)]))
    people = pl.DataFrame(
        [
            {"user_id": user, "users": 1 + ord(user) % 3, "in_service": entered if user == "A" else None,
             "retired": left if user == "B" else None, "capacity_kva": 400.0, "stated": False,
             **dict(zip(PLACE, CLASSES[user], strict=True))}
            for user in CLASSES
        ],
        schema_overrides={"in_service": pl.Datetime("us"), "retired": pl.Datetime("us")},
    )  # fmt: skip
    return interruptions, people


def med_days(draw: st.DrawFn) -> MajorEventDays | None:
    days = st.lists(st.dates(date(2021, 12, 28), date(2022, 1, 9)), max_size=3).map(
        lambda each: tuple(sorted(set(each)))
    )
    kind = draw(st.sampled_from(["none", "all", "by unit"]))
    if kind == "none":
        return None
    if kind == "all":
        return MajorEventDays(draw(days), "approved")
    by_unit = {"east": draw(days), "west": draw(days)}
    return MajorEventDays(tuple(sorted({*by_unit["east"], *by_unit["west"]})), "approved", by_unit=by_unit)


def us_of(rows: pl.DataFrame, period: Period, crossing: str) -> pl.Series:
    """The user-microseconds of each row of a ledger, counted out one by one."""
    first, last = microseconds(period.start), microseconds(period.end)
    amounts = []
    for row in rows.iter_rows(named=True):
        if row["exclusion"] is not None:
            amounts.append(0)
        elif crossing == "start":
            amounts.append(row["users"] * (row["until"] - row["from"]) if first <= row["group_start"] < last else 0)
        else:
            amounts.append(row["users"] * max(0, min(row["until"], last) - max(row["from"], first)))
    return pl.Series(amounts, dtype=pl.Int64)


@costly(75)
@given(data=st.data())
def test_the_cube_equals_the_ledger(data: st.DataObject) -> None:
    interruptions, people = data.draw(worlds())
    rules = ReliabilitySettings(
        crossing=data.draw(st.sampled_from(["cut", "start"])), merge_gap_min=data.draw(st.sampled_from([0, 15]))
    )
    without = data.draw(st.composite(med_days)())
    cube = Cube.of(interruptions, people, rules, AS_OF)
    first = data.draw(st.integers(0, 10))
    start = max(cube.since, datetime(2021, 12, 28) + timedelta(days=first))
    end = data.draw(st.sampled_from([AS_OF, datetime(2022, 1, 10), start + timedelta(days=2)]))
    period = Period(start, max(end, start + timedelta(days=1)))
    assert cube.answers(period)
    kept = interruptions if without is None else without.without(interruptions)
    rows: pl.DataFrame = ledger(kept, period, rules, AS_OF)

    order = ["outage_id", "user_id", "from", "until", "nature", "overrun"]
    mine = cube.ledger(period, without)
    assert_frame_equal(mine.select(rows.columns).sort(order), rows.sort(order))

    by = data.draw(st.sampled_from([each for each in BY if "aggregate" not in each and "month" not in each]))
    found = cube.totals(period, by, without).drop("N_T", "hours")
    amounts = rows.with_columns(us=us_of(rows, period, rules.crossing), CI=pl.col("users") * pl.col("count"))
    masks = {
        "1": pl.lit(value=True), "2": ~pl.col("external"), "3": ~pl.col("nature").is_in(list(SYSTEM_SHORTAGE)),
        "4": pl.col("sustained"), "F": pl.col("nature").is_in(list(FAULT)), "S": pl.col("nature").is_in(list(PREARRANGED)),
    }  # fmt: skip
    for name, mask in masks.items():
        parts = amounts.filter(mask & pl.col("exclusion").is_null())
        for row in found.iter_rows(named=True):
            cell = parts.filter(*(pl.col(key).eq_missing(pl.lit(row[key])) for key in by))
            assert row[f"us-{name}"] == cell["us"].sum()
            assert row[f"CI-{name}"] == cell["CI"].sum()
        assert found[f"us-{name}"].sum() == parts["us"].sum(), "no cell is missing"


@costly(55)
@given(data=st.data())
def test_totals_are_those_of_the_indices(data: st.DataObject) -> None:
    interruptions, people = data.draw(worlds())
    rules, by = ReliabilitySettings(), data.draw(st.sampled_from(BY))
    without = data.draw(st.composite(med_days)())
    cube = Cube.of(interruptions, people, rules, AS_OF)
    period = Period(max(cube.since, datetime(2021, 12, 30)), AS_OF)
    kept = interruptions if without is None else without.without(interruptions)
    column = data.draw(st.sampled_from(["region_class", "unit", "feeder_id"]))
    where = data.draw(
        st.just({})
        | st.sampled_from(people[column].drop_nulls().to_list() or ["none"]).map(lambda value: {column: value})
    )
    users = chosen(people, where)
    assume(not users.is_empty())
    whole: pl.DataFrame = indices(chosen(ledger(kept, period, rules, AS_OF), where), users, by, period, rules, AS_OF)
    told = cube.totals(period, by, without, where)
    expected = whole.sort(*by, nulls_last=True) if by else whole
    hours = told["us-1"].cast(pl.Float64) / MICROSECONDS_PER_HOUR
    assert_frame_equal(told.select(*by, "N_T"), expected.select(*by, "N_T"), rel_tol=1e-12)
    assert hours.to_list() == pytest.approx(expected["CH"].to_list(), rel=1e-12)
    assert told["CI-1"].to_list() == expected["CI"].to_list()


def test_figures_of_the_sample_county_are_the_same_from_cubes_on_the_disk(tmp_path: Path) -> None:
    net = read_network(COUNTY)
    plain, summed = Statistics(net), Statistics(net)
    for level in ("mv", "lv"):
        (tmp_path / level).mkdir()
        summed.cube_of(level).save(tmp_path / level)
        summed.cubes[level] = Cube.load(tmp_path / level, summed.settings)
    nearly: dict[str, Any] = {"rel_tol": 1e-12, "abs_tol": 1e-9}
    for level, med, by in (
        ("mv", "include", ("feeder_id", "month")),
        ("lv", "exclude", ("aggregate",)),
        ("lv", "include", ("cause",)),
    ):
        query = plain.query(Period(datetime(2021, 3, 4), datetime(2022, 2, 7)), by, level, med)
        whole = plain.indices(query)
        assert_frame_equal(summed.totals(query), whole.select(summed.totals(query).columns), **nearly)
        assert_frame_equal(summed.indices(query), whole, **nearly)
        assert plain.major_event_days(query).days == summed.major_event_days(query).days
        summed.cubes[level].leave_on_disk()  # what is asked for next comes into memory again
