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
from network import FudianError
from network.tables.conventions import ReadingSettings, walls

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


@given(minutes=st.integers(0, 10 * 366 * 24 * 60), zone=st.sampled_from(ZONES))
def test_the_clock_on_the_wall_there_and_back(minutes: int, zone: str) -> None:
    """Against the time zone database: an instant as a time of the workspace, on the wall, and from the wall again."""
    instant = datetime(2015, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)
    reading = ReadingSettings(time_zone=zone)
    shown = instant.astimezone(ZoneInfo(zone)).replace(tzinfo=None)
    moment = reading.local(instant)
    assert reading.wall(moment) == shown
    assert pl.select(walls(pl.lit(moment), zone)).item() == shown
    try:
        assert reading.from_wall(shown) == moment
    except FudianError:
        offsets = {shown.replace(tzinfo=ZoneInfo(zone), fold=fold).utcoffset() for fold in (0, 1)}
        assert len(offsets) == 2
