"""Where clocks change, people read and type the clock on the wall: at the desk, on pages, in messages, on a crew's telephone."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

import fudian
from dashboard.app import PAGES
from dashboard.pages import dispatch, steering
from dashboard.parts.address import Address
from dashboard.parts.words import moment
from dashboard.ready import written_page
from network import FudianError, text
from network.tables.conventions import ReadingSettings
from repair.desk.message_texts import text_of
from repair.desk.messages import Addressee, Message
from repair.desk.operations import moment_ahead, moment_done
from repair.settings import MessageSettings
from tests.dashboard.test_desk_page import TRIP, serving
from tests.fudian.test_messages import folder_of

BERLIN = ReadingSettings(time_zone="Europe/Berlin")
ZONES = ("Europe/Berlin", "America/New_York", "Australia/Sydney", "Europe/London", "Asia/Shanghai", "America/Santiago")


def at(written: str) -> datetime:
    """Return a time of the workspace, from one with its offset."""
    return BERLIN.local(datetime.fromisoformat(written))


@pytest.mark.parametrize(
    ("given", "now", "expected"),
    [
        ("07:57", "2022-07-20 08:10+02:00", "2022-07-20 07:57:59+02:00"),
        ("23:58", "2022-07-20 00:05+02:00", "2022-07-19 23:58:59+02:00"),
        ("2022-07-20 07:57", "2022-07-20 08:10+02:00", "2022-07-20 07:57+02:00"),
        ("2022年7月20日7时57分", "2022-07-20 08:10+02:00", "2022-07-20 07:57+02:00"),
        ("2022-07-20T05:57Z", "2022-07-20 08:10+02:00", "2022-07-20 07:57+02:00"),
        ("2022-01-20 07:57", "2022-01-20 08:10+01:00", "2022-01-20 07:57+01:00"),
        ("2022-07-20 08:30", "2022-07-20 08:10+02:00", "future"),
        ("02:30", "2022-10-30 02:40+02:00", "2022-10-30 02:30:59+02:00"),
        ("02:30", "2022-10-30 02:40+01:00", "2022-10-30 02:30:59+01:00"),
        ("02:30", "2022-10-30 02:10+01:00", "2022-10-30 02:30:59+02:00"),
        ("02:30", "2022-10-30 04:10+01:00", "2022-10-30 02:30:59+01:00"),
        ("2022-10-30 02:30", "2022-10-30 04:10+01:00", "twice"),
        ("2022-10-30 02:30+02:00", "2022-10-30 04:10+01:00", "2022-10-30 02:30+02:00"),
        ("02:30", "2022-03-27 04:10+02:00", "never"),
        ("2022-03-27 02:30", "2022-03-27 04:10+02:00", "never"),
    ],
)
def test_what_was_done_is_told_by_the_clock_on_the_wall(given: str, now: str, expected: str) -> None:
    if " " not in expected:
        with pytest.raises(FudianError, match=expected) as refused:
            moment_done(given, at(now), reading=BERLIN)
        assert refused.value.hint is not None
    else:
        assert moment_done(given, at(now), reading=BERLIN) == at(expected)


@pytest.mark.parametrize(
    ("given", "now", "expected"),
    [
        ("16:30", "2022-07-20 08:10+02:00", "2022-07-20 16:30+02:00"),
        ("06:30", "2022-07-20 08:10+02:00", "2022-07-21 06:30+02:00"),
        ("02:30", "2022-10-30 02:40+02:00", "2022-10-30 02:30+01:00"),
        ("02:30", "2022-10-30 01:40+02:00", "2022-10-30 02:30+02:00"),
        ("2022-07-20 16:30", "2022-07-20 08:10+02:00", "2022-07-20 16:30+02:00"),
    ],
)
def test_what_is_expected_is_told_by_the_clock_on_the_wall(given: str, now: str, expected: str) -> None:
    assert moment_ahead(given, at(now), BERLIN) == at(expected)


@pytest.mark.parametrize("given", ["25:10", "at once", "", "2022-10-32"])
def test_what_is_no_time_is_refused(given: str) -> None:
    for read in (moment_done, moment_ahead):
        with pytest.raises(FudianError, match="no time"):
            read(given, at("2022-07-20 08:10+02:00"), reading=BERLIN)


@given(minutes=st.integers(0, 10 * 366 * 24 * 60), zone=st.sampled_from(ZONES))
def test_what_is_shown_is_the_clock_on_the_wall(minutes: int, zone: str) -> None:
    """Against the time zone database; the offset stands where the clock shows a time twice, and only there."""
    instant = datetime(2015, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)
    reading, there = ReadingSettings(time_zone=zone), instant.astimezone(ZoneInfo(zone))
    offsets = {there.replace(fold=fold).utcoffset() for fold in (0, 1)}
    expected = f"{there:%Y-%m-%d %H:%M}" + (f"{there:%z}"[:3] + ":" + f"{there:%z}"[3:] if len(offsets) == 2 else "")
    local = reading.local(instant)
    assert reading.written(local, "%Y-%m-%d %H:%M") == expected
    assert pl.select(reading.all_written(pl.lit(local), "%Y-%m-%d %H:%M")).item() == expected
    with reading.showing():
        assert moment(local, form="%Y-%m-%d %H:%M") == expected
        assert moment(local.isoformat(), form="%Y-%m-%d %H:%M") == expected
        assert moment(reading.shown(local), form="%Y-%m-%d %H:%M") == expected
        assert str(text("{at:%Y-%m-%d %H:%M}", at=local)) == expected
    assert moment(local, form="%Y-%m-%d %H:%M") == f"{local:%Y-%m-%d %H:%M}"


def test_messages_tell_the_clock_on_the_wall() -> None:
    facts = {"area": "Hof", "reason": "work", "line": None, "start": at("2022-07-20 23:30+02:00").isoformat(),
             "end": at("2022-07-21 00:30+02:00").isoformat()}  # fmt: skip
    message = Message("P1", "planned", Addressee("transformer", "T1", "Hof"), facts)
    with BERLIN.showing():
        assert "from 2022-07-20 23:30 to 2022-07-21 00:30" in text_of(message, None, MessageSettings(language="en"))
        assert "7月20日23:30" in text_of(message, None, MessageSettings(language="zh"))


def county(folder: Path) -> Path:
    """Write a feeder whose data is known until an hour of summer."""
    folder_of(folder, "")
    outages = [
        {"outage_id": "A", "start": "2022-07-20 08:00", "end": "2022-07-20 10:30", "nature": "F-INT", "branch_id": "L1"}
    ]
    (folder / "outages.json").write_text(json.dumps(outages), "utf-8")
    (folder / "fudian.toml").write_text('[reading]\ntime_zone = "Europe/Berlin"\n', "utf-8")
    return folder


def test_pages_show_the_clock_on_the_wall(tmp_path: Path) -> None:
    utility = fudian.open(county(tmp_path))
    address = Address.read("/operations", "?lang=en")
    assert "data until 2022-07-20 10:30" in written_page(utility, address, PAGES["operations"]).decode()
    assert steering.moments(utility, 2022)[-1] == "2022-07-20T10:30:00"
    assert steering.moments(utility, 2022)[:2] == ["2022-02-01", "2022-03-01"]
    dispatched = written_page(utility, Address.read("/dispatch", "?at=2022-07-20T09:00&lang=en"), PAGES["dispatch"])
    assert "as of 2022-07-20 09:00" in dispatched.decode()
    for refused, word in (("2022-03-27T02:30", "never"), ("2022-10-30T02:30", "twice")):
        address = Address.read("/dispatch", f"?at={refused}")
        with utility.workspace.reading.showing():
            assert dispatch.moment_of(utility, address) == utility.now
        assert any(word in str(note) for note in address.notes)


def test_a_crew_and_the_desk_read_what_was_typed(tmp_path: Path) -> None:
    """What is typed at the desk is told on the sheet, to the crew and to the public as it was typed."""
    with serving(tmp_path / "feeder", settings='[reading]\ntime_zone = "Europe/Berlin"\n') as address:

        def answered(way: str, path: str, **more: Any) -> Any:
            answer = httpx.request(way, f"{address}/{path}", timeout=60, **more)
            answer.raise_for_status()
            return answer.json() if path.startswith("api") else answer.text

        answered("POST", "api/v1/signals", json=TRIP)
        (job,) = answered("GET", "api/v1/crew/jobs")["rows"]
        assert job["start"] == next(row["time"] for row in TRIP if row["kind"] == "trip")
        decisions = f"api/v1/incidents/{job['incident']}/decisions"
        said = {"action": "stage", "stage": "dispatched", "at": "2022-10-30T02:30+02:00"}
        sheet = answered("POST", decisions, json=said)
        assert sheet["stages"]["dispatched"] == "2022-10-30T02:30:00+02:00"
        refused = httpx.post(f"{address}/{decisions}", json=said | {"at": "2022-10-30 02:30"}, timeout=60)
        assert refused.status_code == 422
        assert "twice" in refused.text
        sheet = answered("POST", decisions, json={"action": "estimate", "until": "2099-07-20 16:30"})
        assert sheet["estimate"] == "2099-07-20T16:30:00"
        link = answered("POST", decisions, json={"action": "link"})
        token = next(line["details"]["token"] for line in link["history"] if line["action"] == "link")
        assert "07-20 16:30" in answered("GET", f"public/outage/{token}?lang=en")
        (job,) = answered("GET", "api/v1/crew/jobs")["rows"]
        assert job["estimate"] == "2099-07-20T16:30:00"
        assert job["stages"] == {"dispatched": "2022-10-30T02:30:00+02:00"}
