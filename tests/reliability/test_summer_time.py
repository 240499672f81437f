"""Zones with summer time: hours add up when the clocks change, and periods, months and days begin by the clock on the wall."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

import fudian
from dashboard.parts.address import Address
from dashboard.rows import rows_of
from network import FudianError, Network
from network.readers.converting import write_workspace
from network.tables.conventions import ReadingSettings, instants, walls
from reliability import Period
from reliability.query import Query
from reliability.statistics import Statistics

HEADER = "outage_id,start,end,nature,users,region_class"
RECORDS = {
    "A": ("2022-06-30 23:30", "2022-07-01 00:30"),  # over the end of a month
    "B": ("2022-03-27 01:00", "2022-03-27 04:00"),  # the clock is put on: two hours
    "C": ("2022-10-30 01:00", "2022-10-30 04:00"),  # and back: four
    "D": ("2022-07-31 23:59", "2022-08-01 02:59"),
}
ZONES = ("Europe/Berlin", "America/New_York", "Australia/Sydney", "Europe/London", "Asia/Shanghai", "America/Santiago")


def county(
    folder: Path, zone: str = "Europe/Berlin", more: str = "", records: dict[str, tuple[str, str]] = RECORDS
) -> fudian.Utility:
    rows = "\n".join(f"{name},{start},{end},F-INT,10,urban" for name, (start, end) in records.items())
    (folder / "outages.csv").write_text(f"{HEADER}\n{rows}\n", "utf-8")
    (folder / "population.csv").write_text("region_class,users\nurban,100\n", "utf-8")
    (folder / "fudian.toml").write_text(f'[reading]\ntime_zone = "{zone}"\n{more}', "utf-8")
    return fudian.open(folder)


def hours(utility: fudian.Utility, period: object, **asked: object) -> float:
    return float(utility.indices(period, **asked).rows["CH"].sum()) / 10  # type: ignore[arg-type]


def test_hours_and_bounds_are_those_of_the_clock_on_the_wall(tmp_path: Path) -> None:
    utility = county(tmp_path)
    assert hours(utility, "2022") == pytest.approx(1 + 2 + 4 + 3)
    assert hours(utility, "2022-06") == pytest.approx(0.5)
    assert hours(utility, "2022-07") == pytest.approx(0.5 + 1 / 60)
    assert hours(utility, ("2022-07-01", "2022-08-01")) == hours(utility, "2022-07")
    assert hours(utility, (date(2022, 7, 1), datetime(2022, 8, 1))) == hours(utility, "2022-07")
    assert hours(utility, "2022-07-01..2022-08-01") == hours(utility, "2022-07")
    assert hours(utility, ("2022-07-01T00:00+02:00", "2022-08-01T00:00+02:00")) == hours(utility, "2022-07")
    assert hours(utility, "2022-07-01") == pytest.approx(0.5)
    assert utility.indices("2022-07").as_dict("en")["period"] == {
        "start": "2022-07-01T00:00:00", "end": "2022-08-01T00:00:00", "hours": 744.0,
    }  # fmt: skip
    assert utility.indices("2022-03").as_dict("en")["period"]["hours"] == 743.0


def test_months_begin_by_the_clock_on_the_wall(tmp_path: Path) -> None:
    rows = county(tmp_path).indices("2022", by="month").rows
    found = {month: ch / 10 for month, ch in rows.select("month", "CH").rows() if ch}
    expected = {"2022-03": 2, "2022-06": 0.5, "2022-07": 0.5 + 1 / 60, "2022-08": 2 + 59 / 60, "2022-10": 4}
    assert found == pytest.approx(expected)


def test_a_major_event_day_begins_by_the_clock_on_the_wall(tmp_path: Path) -> None:
    records = {"E": ("2022-07-01 00:10", "2022-07-01 01:10"), "F": ("2022-07-01 23:50", "2022-07-02 00:50"),
               "G": ("2022-07-02 00:05", "2022-07-02 00:35"), "H": ("2022-06-30 23:55", "2022-07-01 00:05")}  # fmt: skip
    utility = county(tmp_path, more='[reliability]\nmajor_event_days = ["2022-07-01"]\n', records=records)
    assert hours(utility, "2022", med="exclude") == pytest.approx(0.5 + 10 / 60)
    assert hours(utility, "2022-07", med="exclude") == pytest.approx(0.5 + 5 / 60)


def test_until_when_is_known_is_by_the_clock_on_the_wall(tmp_path: Path) -> None:
    utility = county(tmp_path, records={"A": ("2022-07-01 08:00", "")})
    assert hours(utility, "2022-07", as_of="2022-07-01 10:00") == pytest.approx(2.0)
    stated = county(tmp_path, records={"A": ("2022-07-01 08:00", "")})
    (tmp_path / "fudian.toml").write_text(
        'as_of = 2022-07-01T10:00:00\n[reading]\ntime_zone = "Europe/Berlin"\n', "utf-8"
    )
    stated = fudian.open(tmp_path)
    assert hours(stated, "2022-07") == pytest.approx(2.0)
    (tmp_path / "fudian.toml").write_text(
        'as_of = 2022-07-01T08:00:00Z\n[reading]\ntime_zone = "Europe/Berlin"\n', "utf-8"
    )
    assert hours(fudian.open(tmp_path), "2022-07") == pytest.approx(2.0)


def test_a_year_south_of_the_equator_begins_in_summer_time(tmp_path: Path) -> None:
    records = {"A": ("2021-12-31 23:30", "2022-01-01 00:30"), "B": ("2022-06-30 23:30", "2022-07-01 00:30")}
    utility = county(tmp_path, "Australia/Sydney", records=records)
    assert (hours(utility, "2021"), hours(utility, "2022")) == (0.5, 1.5)
    assert (hours(utility, "2022-06"), hours(utility, "2022-07")) == (0.5, 0.5)


def test_the_command_takes_the_clock_on_the_wall_and_offsets(tmp_path: Path) -> None:
    county(tmp_path)

    def asked(*bounds: str) -> float:
        command = [sys.executable, "-m", "fudian.cli", "indices", str(tmp_path), *bounds, "--json"]
        return float(json.loads(subprocess.run(command, capture_output=True, check=True).stdout)["rows"][0]["CH"])

    assert asked("--start", "2022-07-01", "--end", "2022-08-01") == pytest.approx(10 * (0.5 + 1 / 60))
    assert asked("--start", "2022-06-30T22:00Z", "--end", "2022-08-01 00:00") == pytest.approx(10 * (0.5 + 1 / 60))


def test_what_the_clock_shows_twice_or_never_is_refused(tmp_path: Path) -> None:
    utility = county(tmp_path)
    with pytest.raises(FudianError, match="twice"):
        utility.moment("2022-10-30 02:30")
    with pytest.raises(FudianError, match="never"):
        utility.moment("2022-03-27 02:30")
    assert utility.moment("2022-10-30 02:30+02:00") == datetime(2022, 10, 30, 1, 30)


SHOWN = {
    "A": ("2022-07-20 08:05", "2022-07-20 10:05", "2022-07-20T08:05:00", "2022-07-20T10:05:00", 2),
    "B": ("2022-03-27 01:59", "2022-03-27 03:01", "2022-03-27T01:59:00", "2022-03-27T03:01:00", 2 / 60),
    "C": ("2022-10-30 02:30+02:00", "2022-10-30 02:30+01:00", "2022-10-30T02:30:00+02:00", "2022-10-30T02:30:00+01:00", 1),
    "D": ("2022-10-30 01:59", "2022-10-30 03:00", "2022-10-30T01:59:00", "2022-10-30T03:00:00", 2 + 1 / 60),
    "E": ("2022-01-05 08:05", "2022-01-05 10:05", "2022-01-05T08:05:00", "2022-01-05T10:05:00", 2),
    "F": ("2022-07-20 23:50", "2022-07-21 00:10", "2022-07-20T23:50:00", "2022-07-21T00:10:00", 20 / 60),
}  # fmt: skip
"""As a record is written: start, end; as both are shown; and the hours between them."""


def recorded() -> dict[str, tuple[str, str]]:
    return {name: (start, end) for name, (start, end, *_) in SHOWN.items()}


def test_single_records_are_shown_by_the_clock_on_the_wall(tmp_path: Path) -> None:
    """In summer and winter, over the hour that the clock skips, and over and within the hour that it shows twice."""
    utility = county(tmp_path, records=recorded())
    answer = utility.ledger("2022").as_dict()
    rows = {row["outage_id"]: row for row in answer["rows"]}
    for name, (*_, start, end, lasted) in SHOWN.items():
        assert (rows[name]["from"], rows[name]["until"]) == (start, end)
        assert rows[name]["h"] == pytest.approx(lasted)
        begun, over = utility.moment(start), utility.moment(end)  # what is shown can be asked for again
        assert begun is not None
        assert over is not None
        assert (over - begun) / timedelta(hours=1) == pytest.approx(lasted)
    assert answer["period"] == {"start": "2022-01-01T00:00:00", "end": "2023-01-01T00:00:00"}
    assert utility.indices("2022").as_dict()["basis"]["as_of"] == "2022-10-30T03:00:00"


def test_a_list_for_people_shows_the_clock_on_the_wall(tmp_path: Path) -> None:
    county(tmp_path, records=recorded())
    command = [
        sys.executable,
        "-m",
        "fudian.cli",
        "ledger",
        str(tmp_path),
        "--start",
        "2022-01-01",
        "--end",
        "2023-01-01",
    ]
    printed = subprocess.run(command, capture_output=True, check=True, text=True, encoding="utf-8").stdout
    for *_, start, end, _ in SHOWN.values():
        assert start.replace("T", " ") in printed
        assert end.replace("T", " ") in printed


def test_the_rows_of_a_day_are_those_of_the_wall(tmp_path: Path) -> None:
    utility = county(tmp_path, records=recorded())

    def opened(day: str) -> list[tuple[str, str]]:
        rows = rows_of(utility, Address.read("/operations", f"?rows=ledger&year=2022&rows.day={day}"))
        assert rows is not None
        return sorted(zip(rows.frame["since"], rows.frame["until"], strict=True))

    assert opened("2022-07-20")[-1][0] == "2022-07-20 23:50:00"
    assert len(opened("2022-07-20")) == 2
    assert len(opened("2022-07-21")) == 1


def test_problems_cite_times_as_they_stand_in_the_file(tmp_path: Path) -> None:
    records = {"A": ("2022-07-20 08:05", "2022-07-20 07:05"), "B": ("2022-07-20 08:05", "2022-07-20 10:05")}
    found = county(tmp_path, records=records).check().as_dict()["errors"]
    assert [(problem["column"], problem["value"]) for problem in found] == [("end", "2022-07-20 07:05:00")]


@pytest.mark.parametrize("zone", ZONES)
def test_a_workspace_that_is_written_is_read_back_hour_by_hour(zone: str, tmp_path: Path) -> None:
    twice = {name for name, (start, *_) in SHOWN.items() if "+" in start}
    source, copy = tmp_path / "source", tmp_path / "copy"
    source.mkdir()
    county(source, zone, records={name: times for name, times in recorded().items() if name not in twice})
    if zone == "Europe/Berlin":
        county(source, zone, records=recorded())
    write_workspace(fudian.open(source).workspace, copy)
    first, second = (fudian.open(folder) for folder in (source, copy))
    assert second.problems == ()
    assert second.ledger("2022").as_dict() == first.ledger("2022").as_dict()
    assert second.indices("2022").rows["CH"].to_list() == pytest.approx(first.indices("2022").rows["CH"].to_list())


def test_customers_have_days_of_service_where_clocks_change(tmp_path: Path) -> None:
    tables: dict[str, list[dict[str, object]]] = {
        "outages": [{"outage_id": "A", "start": "2022-07-20 08:05", "end": "2022-07-20 10:05:00.25", "nature": "F-INT",
                     "branch_id": "L1"}],
        "customers": [{"customer_id": "C", "transformer_id": "T1", "in_service": "2022-07-01"}],
    }  # fmt: skip
    net = Network.from_text("=S -L1- 1; T1 @ 1", tables, {"reading": {"time_zone": "Europe/Berlin"}})
    (row,) = Statistics(net).ledger_rows(Query(Period.year(2022), level="lv"))
    assert row["h"] == pytest.approx(2 + 0.25 / 3600)


@given(minutes=st.integers(0, 10 * 366 * 24 * 60), zone=st.sampled_from(ZONES))
def test_the_clock_on_the_wall_there_and_back(minutes: int, zone: str) -> None:
    """Against the time zone database: an instant as a time of the workspace, on the wall, and from the wall again."""
    instant = datetime(2015, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)
    reading = ReadingSettings(time_zone=zone)
    shown = instant.astimezone(ZoneInfo(zone)).replace(tzinfo=None)
    moment = reading.local(instant)
    assert reading.wall(moment) == shown
    assert pl.select(walls(pl.lit(moment), zone)).item() == shown
    assert pl.select(instants(pl.lit(moment), zone)).item() == instant
    written = datetime.fromisoformat(reading.shown(moment))
    assert written.replace(tzinfo=None) == shown
    assert (reading.local(written) if written.tzinfo else reading.from_wall(written)) == moment
    try:
        assert reading.from_wall(shown) == moment
    except FudianError:
        offsets = {shown.replace(tzinfo=ZoneInfo(zone), fold=fold).utcoffset() for fold in (0, 1)}
        assert len(offsets) == 2
