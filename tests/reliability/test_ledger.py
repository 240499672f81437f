"""The ledger as people read it: no row runs backwards, nothing is explained that is not there."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import narwhals as nw
import polars as pl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from network import WorkspaceError, network_from_tables, read_network
from reliability import Period
from reliability.ledger_table import microseconds_of, microseconds_of_parts
from reliability.query import Query
from reliability.statistics import Statistics
from tests.reliability.records import START, Scene, bus, scenes, statistics

YEAR = Period.year(2022)
MARCH = datetime(2022, 3, 1)


def outage(outage_id: str, start: float, end: float | None, **named: object) -> dict[str, object]:
    """Return a record from one hour of the first of March to another; by default of transformer T0."""
    named = named or {"transformer_id": "T0"}
    return {
        "outage_id": outage_id,
        "start": MARCH + timedelta(hours=start),
        "end": None if end is None else MARCH + timedelta(hours=end),
        "nature": "F-INT",
    } | named


def test_a_record_within_another_adds_nothing_and_does_not_run_backwards() -> None:
    county = statistics(bus(1) | {"outages": [outage("A", 8, 12), outage("B", 9, 10)]})
    rows = {row["outage_id"]: row for row in county.ledger_rows(Query(YEAR))}
    assert (rows["A"]["h"], rows["B"]["h"], rows["B"]["count"]) == (4, 0, 0)
    assert (rows["B"]["from"], rows["B"]["until"]) == (MARCH + timedelta(hours=10),) * 2
    assert "already without power" in rows["B"]["reason"]


@settings(max_examples=60)
@given(scenes())
def test_no_row_of_a_ledger_runs_backwards(scene: Scene) -> None:
    county = Statistics(scene.network())
    rows = county.ledger(Query(Period(START, START + timedelta(days=3))))
    assert (rows["from"] <= rows["until"]).all()
    assert (rows["h"] >= 0).all()


def test_the_standards_differ_by_nothing_where_only_rounding_lies_between_them() -> None:
    hours = [(f"O{i}", 24 * i + i / 7, 24 * i + i / 7 + 0.1 + i / 3) for i in range(1, 29)]
    county = statistics(
        bus(3) | {"outages": [outage(*each, transformer_id=f"T{i % 3}") for i, each in enumerate(hours)]}
    )
    rows = {row["index"]: row for row in county.both_standards(Query(YEAR))["differences"]}
    for index in ("SAIDI", "SAIFI", "ASAI", "CAIDI"):
        assert (rows[index]["difference"], rows[index]["because"]) == (0, []), index


def test_the_switching_log_needs_no_table_of_outages() -> None:
    switching = [
        {"time": MARCH + timedelta(hours=hour), "branch_id": "B0", "action": action}
        for hour, action in ((8, "open"), (10, "close"))
    ]
    county = Statistics(network_from_tables(bus(2) | {"switching": switching}))
    county.require_records("switching")
    assert county.years("switching") == [2022]
    assert county.indices(Query(YEAR, source="switching"))["CH"].item() == 2
    with pytest.raises(WorkspaceError, match="no table of outages"):
        county.require_records()
    with pytest.raises(WorkspaceError, match="switching log"):
        Statistics(network_from_tables(bus(2))).require_records("switching")


@pytest.mark.parametrize(
    "moment", ["2022-03-01 08:00", "2022-03-01T08:00", "2022-03-01 08:00:00", "2022-03-01T08:00:00"]
)
def test_a_moment_may_be_written_as_people_write_it(
    tmp_path: Path, moment: str, capsys: pytest.CaptureFixture[str]
) -> None:
    from fudian.cli.app import main

    for name, rows in (bus(1) | {"outages": [outage("A", 7, None)]}).items():
        pl.DataFrame(rows).write_parquet(tmp_path / f"{name}.parquet")
    assert read_network(tmp_path).transformers.height == 1
    with pytest.raises(SystemExit) as stop:
        main(["indices", str(tmp_path), "--as-of", moment, "--start", "2022-01-01", "--json"])
    assert stop.value.code in (0, None)
    assert '"CH": 1.0' in capsys.readouterr().out


@example(datetime(1900, 2, 28, 23, 59, 59, 999_999))
@example(datetime(1900, 3, 1))
@example(datetime(1972, 12, 31))
@example(datetime(2000, 3, 1))
@example(datetime(2100, 3, 1))
@given(st.datetimes(datetime(1900, 1, 1), datetime(2200, 1, 1)))
def test_a_time_counted_by_its_parts_is_the_time_since_1970(moment: datetime) -> None:
    """As engines count it on which times cannot be subtracted, such as Spark."""
    frame = nw.from_native(pl.DataFrame({"at": [moment]}, schema={"at": pl.Datetime("us")}))
    found = frame.select(parts=microseconds_of_parts(nw.col("at")), subtracted=microseconds_of("at"))
    expected = (moment - datetime(1970, 1, 1)) // timedelta(microseconds=1)
    assert found.rows() == [(expected, expected)]
