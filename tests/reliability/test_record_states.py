"""Records on the state of the switches as logged (R1.16): what hung on the named part when the event came."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest

from network import Network
from reliability import Period
from reliability.query import Query
from reliability.statistics import Statistics

YEAR = Period.year(2022)
DAY = datetime(2022, 3, 1)
TWO_FEEDERS = """=S -[K1]- 1 -L1- 2 -(S1)- 3 -L2- 4 /(TIE)/ 5 -L3- 6 -[K2]- =R; T1 @ 2; T2 @ 4; T3 @ 5"""
"""Two feeders with a tie; S1 divides the first: T1 above it, T2 below it, T3 on the second."""

TRANSFER = [("07:00", "TIE", "close"), ("07:01", "S1", "open")]


def moment(time: str) -> datetime:
    """Return a time of the first of March, or of a day before it: ``-40d 07:00``."""
    *day, clock = time.split()
    hour, minute = clock.split(":")
    days = int(day[0][:-1]) if day else 0
    return DAY + timedelta(days=days, hours=int(hour), minutes=int(minute))


def county(log: Sequence[tuple[str, str, str]], records: Sequence[tuple[str, str, str, str]],
           stages: Sequence[tuple[str, str, str]] = (), settings: dict[str, Any] | None = None,
           diagram: str = TWO_FEEDERS, **more: Any) -> Statistics:  # fmt: skip
    """Return statistics; a record is its id, the branch or ``feeder:F`` it names, start and end."""
    outages = []
    for outage_id, named, start, end in records:
        column, _, value = named.rpartition(":")
        place = {f"{column}_id" if column else "branch_id": value}
        outages.append({"outage_id": outage_id, "start": moment(start), "end": moment(end), "nature": "F-INT"} | place)
    tables = {
        "switching": [{"time": moment(time), "branch_id": branch, "action": action} for time, branch, action in log],
        "outages": outages,
        "stages": [{"outage_id": of, "branch_id": part, "restored_at": moment(at)} for of, part, at in stages],
    }
    tables = {name: rows for name, rows in tables.items() if rows} | more
    statistics = Statistics(Network.from_text(diagram, tables, {"reliability": settings or {}}))
    assert statistics.net.workspace.errors == ()
    return statistics


def off(statistics: Statistics) -> dict[str, dict[str, float]]:
    """Return the hours of each user by record, without rows that add nothing."""
    found: dict[str, dict[str, float]] = {}
    for row in statistics.ledger_rows(Query(YEAR)):
        if row["counted"]:
            found.setdefault(row["outage_id"], {})[row["user_id"]] = round(row["h"], 6)
    return found


def states(statistics: Statistics) -> dict[str, str | None]:
    return dict(statistics.interruptions().select("outage_id", "record_state").unique().iter_rows())


TWO_OUTAGES = [("08:00", "K2", "open"), ("10:00", "K2", "close"), ("12:00", "K1", "open"), ("13:00", "K1", "close")]
RECORDS = [("A", "K2", "08:00", "10:00"), ("B", "K1", "12:00", "13:00")]


def test_load_that_was_transferred_is_off_where_it_hung() -> None:
    found = county([*TRANSFER, *TWO_OUTAGES], RECORDS)
    assert off(found) == {"A": {"T2": 2, "T3": 2}, "B": {"T1": 1}}
    assert states(found) == {"A": "as_logged", "B": "as_logged"}
    by_log = found.indices(Query(YEAR, source="switching")).row(0, named=True)
    by_record = found.indices(Query(YEAR)).row(0, named=True)
    assert by_record["CH"] == by_log["CH"] == 5
    assert found.audit(Query(YEAR)).rows.is_empty()


def test_the_normal_state_may_be_asked_for_and_the_audit_then_blames_it() -> None:
    found = county([*TRANSFER, *TWO_OUTAGES], RECORDS, settings={"record_state": "normal"})
    assert off(found) == {"A": {"T3": 2}, "B": {"T1": 1, "T2": 1}}
    assert set(states(found).values()) == {"normal"}
    assert set(found.audit(Query(YEAR)).rows["kind"]) == {"users_missing", "users_too_many"}


def test_records_before_the_log_are_taken_in_the_normal_state() -> None:
    found = county([*TRANSFER, *TWO_OUTAGES], [("O", "K1", "-2d 08:00", "-2d 09:00"), *RECORDS])
    assert off(found)["O"] == {"T1": 1, "T2": 1}
    assert states(found)["O"] == "normal"


def test_without_a_log_the_state_is_normal() -> None:
    found = county([], RECORDS)
    assert off(found) == {"A": {"T3": 2}, "B": {"T1": 1, "T2": 1}}
    assert states(found) == {"A": "normal", "B": "normal"}


def test_a_record_of_a_feeder_cuts_off_what_was_switched_over_to_it() -> None:
    labels: dict[str, Any] = {
        "transformers": [
            {"transformer_id": "T1", "node": "2", "feeder_id": "F1"},
            {"transformer_id": "T2", "node": "4", "feeder_id": "F1"},
            {"transformer_id": "T3", "node": "5", "feeder_id": "F2"},
        ]
    }
    records = [("A", "feeder:F2", "08:00", "10:00"), ("B", "feeder:F1", "12:00", "13:00")]
    found = county([*TRANSFER, *TWO_OUTAGES], records, **labels)
    assert off(found) == {"A": {"T2": 2, "T3": 2}, "B": {"T1": 1}}


@pytest.mark.parametrize("start", ["07:50", "07:58", "08:00", "08:02", "08:10"])
def test_a_start_near_the_opening_finds_the_state_before_it(start: str) -> None:
    """The crew closes the tie three minutes after the trip; a record that begins later still found all of K1's users."""
    log = [("08:00", "K1", "open"), ("08:02", "S1", "open"), ("08:03", "TIE", "close"), ("09:00", "K1", "close")]
    found = county(log, [("A", "K1", start, "09:00")], stages=[("A", "S1", "08:12")])
    assert set(off(found)["A"]) == {"T1", "T2"}
    assert states(found) == {"A": "as_logged"}


def test_the_window_of_an_event_is_a_setting() -> None:
    log = [("08:00", "K1", "open"), ("08:02", "S1", "open"), ("08:03", "TIE", "close"), ("09:00", "K1", "close")]
    record = [("A", "L1", "08:10", "09:00")]
    wide, narrow = (county(log, record, settings={"event_window_min": minutes}) for minutes in (15, 5))
    assert (states(wide), states(narrow)) == ({"A": "as_logged"}, {"A": "normal"})
    assert [problem.object_id for problem in narrow.log_conflicts()] == ["A"]


def test_isolating_switches_opened_before_the_event_belong_to_it() -> None:
    """Planned work on L1: the part beyond S1 is cut off at 7:55 and fed by the tie at 7:57, K1 opens at 8:00."""
    log = [("07:55", "S1", "open"), ("07:57", "TIE", "close"), ("08:00", "K1", "open"), ("10:00", "K1", "close")]
    found = county(log, [("A", "K1", "08:00", "10:00")], stages=[("A", "S1", "08:00")])
    assert off(found)["A"] == {"T1": 2, "T2": 0}
    without_stage = county(log, [("A", "K1", "08:00", "10:00")])
    assert off(without_stage)["A"] == {"T1": 2, "T2": 2}


def test_make_before_break_moves_load_off_the_event() -> None:
    log = [("07:55", "TIE", "close"), ("07:57", "S1", "open"), ("08:00", "K1", "open"), ("10:00", "K1", "close")]
    assert off(county(log, [("A", "K1", "08:00", "10:00")]))["A"] == {"T1": 2}


def test_a_stage_names_what_hung_there_at_the_start_of_the_event() -> None:
    """T2 hangs on the second feeder; when K2 trips, the part beyond the tie is back at nine."""
    log = [
        *TRANSFER,
        ("08:00", "K2", "open"),
        ("08:59", "TIE", "open"),
        ("09:00", "S1", "close"),
        ("10:00", "K2", "close"),
    ]
    found = county(log, [("A", "K2", "08:00", "10:00")], stages=[("A", "TIE", "09:00")])
    assert off(found)["A"] == {"T2": 1, "T3": 2}


def test_a_closing_that_the_log_forgot_is_a_conflict_and_not_an_outage_without_users() -> None:
    log = [("-5d 08:00", "K1", "open")]
    found = county(log, [("A", "K1", "08:00", "09:00")])
    assert off(found)["A"] == {"T1": 1, "T2": 1}
    assert states(found) == {"A": "normal"}
    (problem,) = found.log_conflicts()
    assert (problem.table, problem.object_id, problem.severity) == ("outages", "A", "warning")
    assert found.basis(Query(YEAR))["records_by_state"] == {"as_logged": 0, "normal": 1, "log_conflicts": 1}


def test_a_record_within_another_needs_no_conflict() -> None:
    """K1 is out from 8 to 12, L2 beyond it is worked on from 10 to 13; the transfer of T2 is over by then."""
    log = [("08:00", "K1", "open"), ("12:00", "K1", "close")]
    found = county(log, [("A", "K1", "08:00", "12:00"), ("B", "L2", "10:00", "13:00")])
    assert off(found) == {"A": {"T1": 4, "T2": 4}, "B": {"T2": 1}}
    assert found.log_conflicts() == []
    moved = county([*TRANSFER, *log], [("A", "K1", "08:00", "12:00"), ("B", "L1", "10:00", "13:00")])
    assert off(moved) == {"A": {"T1": 4}, "B": {"T1": 1}}


def test_a_record_that_does_not_count_explains_nothing() -> None:
    log = [("08:00", "K1", "open"), ("12:00", "K1", "close")]
    found = county(log, [("A", "K1", "08:00", "12:00"), ("B", "L2", "10:00", "13:00")])
    outages = found.net.workspace.tables["outages"].to_dicts()
    outages[0]["exclusion"] = "reclosed"
    tables = dict(found.net.workspace.tables) | {
        "outages": [{k: v for k, v in row.items() if k != "row"} for row in outages]
    }
    again = Statistics(Network.from_text(TWO_FEEDERS, {name: tables[name] for name in ("switching", "outages")}))
    assert off(again) == {"B": {"T2": 3}}
    assert [problem.object_id for problem in again.log_conflicts()] == ["B"]


def test_a_switch_left_open_for_too_long_is_an_omission_of_the_log() -> None:
    transfer = [("-40d 07:00", "TIE", "close"), ("-40d 07:01", "S1", "open")]
    found = county([*transfer, *TWO_OUTAGES], RECORDS)
    assert off(found) == {"A": {"T3": 2}, "B": {"T1": 1, "T2": 1}}
    assert "open since" in str(found.log_conflicts()[0].message)
    patient = county([*transfer, *TWO_OUTAGES], RECORDS, settings={"log_open_days": 60})
    assert off(patient) == {"A": {"T2": 2, "T3": 2}, "B": {"T1": 1}}


def test_one_forgotten_switch_does_not_undo_the_transfer_of_an_hour_ago() -> None:
    """S9 to a lateral was opened 40 days ago and never logged closed; the transfer of the morning stands."""
    diagram = TWO_FEEDERS + "; 2 -(S9)- 7; T9 @ 7"
    found = county([("-40d 07:00", "S9", "open"), *TRANSFER, *TWO_OUTAGES], RECORDS, diagram=diagram)
    assert off(found) == {"A": {"T2": 2, "T3": 2}, "B": {"T1": 1, "T9": 1}}
    assert [problem.object_id for problem in found.log_conflicts()] == ["A", "B"]
    assert states(found) == {"A": "as_logged", "B": "as_logged"}


def test_a_tie_that_the_log_left_closed_alone_is_a_conflict() -> None:
    found = county([("07:00", "TIE", "close"), *TWO_OUTAGES], RECORDS)
    assert off(found) == {"A": {"T3": 2}, "B": {"T1": 1, "T2": 1}}
    assert {problem.object_id for problem in found.log_conflicts()} == {"A", "B"}
