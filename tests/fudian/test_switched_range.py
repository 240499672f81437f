"""Steps of a switching plan that are still to come move the range: on the board, the telephone, the public page, in messages."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

import fudian
from fudian.desk import Desk
from fudian.store import Store, store_of
from fudian.store.database import IN_MEMORY
from network.readers.one_line import one_line_tables
from repair.desk.restoration_time.outlook import ExpectedBack

NOON = datetime(2022, 7, 20, 12)
RING = (
    "=S -[K1] remote=true- 1 -L1- 2 -(S1) remote=true- 3 -L2- 4 -(S2)- 5 -L3- 6 /(T) remote=true/ 7 -[K2]- =R; "
    "T1(3) @ 2; T2(5) @ 4; T3(7) @ 6"
)
PERSONS = {"C1": "T1", "C4": "T2", "C9": "T3"}
"""One customer of each transformer who is told in person."""


def moment(minutes: float) -> datetime:
    return NOON + timedelta(minutes=minutes)


@pytest.fixture
def store() -> Iterator[Store]:
    store = store_of(IN_MEMORY)
    yield store
    store.close()


def folder_of(folder: Path, diagram: str = RING) -> Path:
    """Write a ring with sensors, and forty past faults of which four of five lasted between 30 and 130 minutes."""
    tables: dict[str, list[dict[str, Any]]] = one_line_tables(diagram)
    for number, row in enumerate(tables["customers"], 1):
        row |= {"customer_id": f"C{number}", "name": "王芳", "phone": "139", "verified": f"C{number}" in PERSONS}
    tables["sensors"] = [{"branch_id": each, "kind": "ftu"} for each in ("K1", "S1", "S2")]
    tables["outages"] = [
        {
            "outage_id": f"O{n}",
            "start": (NOON - timedelta(days=n + 1)).isoformat(sep=" "),
            "end": (NOON - timedelta(days=n + 1) + timedelta(minutes=10 + n % 15 * 10)).isoformat(sep=" "),
            "nature": "F-INT",
            "branch_id": "L1",
        }
        for n in range(40)
    ]
    folder.mkdir()
    for name, rows in tables.items():
        (folder / f"{name}.json").write_text(json.dumps(rows), "utf-8")
    (folder / "fudian.toml").write_text('[messages]\nto = "out.ndjson"\nquiet_from = ""\n', "utf-8")
    return folder


def signals(transformers: tuple[str, ...] = ("T1", "T2", "T3")) -> list[dict[str, Any]]:
    """Return what is heard of a fault on L2: it flowed through K1 and S1, and not through S2."""
    flags = (("K1", 1), ("S1", 1), ("S2", 0))
    at = NOON.isoformat()
    said: list[dict[str, Any]] = [
        {"object": "branch", "object_id": each, "kind": "fault_current", "value": value} for each, value in flags
    ]
    said.append({"object": "branch", "object_id": "K1", "kind": "trip"})
    said += [{"object": "transformer", "object_id": each, "kind": "off"} for each in transformers]
    return [{"time": at} | each for each in said]


def opened(folder: Path, store: Store, transformers: tuple[str, ...] = ("T1", "T2", "T3")) -> tuple[Desk, str]:
    desk = Desk(fudian.open(folder, "en"), store)
    desk.accept(signals(transformers), "head end").judged.result(60)
    (entry,) = desk.utility.board().active
    return desk, entry.key


def decide(desk: Desk, incident: str, action: str, minutes: float | None = None, **said: Any) -> int:
    at = {} if minutes is None else {"at": moment(minutes).isoformat()}
    return desk.decide(incident, {"action": action} | said | at, "wang").history[-1].number


def expected(desk: Desk, incident: str) -> ExpectedBack:
    return desk.utility.expected_back()[incident]


def taken(desk: Desk, incident: str) -> None:
    """Have the plan taken up ten minutes after the fault."""
    decide(desk, incident, "stage", 10, stage="located")
    decide(desk, incident, "section", branches=["L2"])


def test_some_come_back_by_steps_still_to_come_and_the_others_after_the_repair(tmp_path: Path, store: Store) -> None:
    """T1 is back a minute after the fault was located, T3 thirty after it, T2 waits for the repair: by hand."""
    desk, incident = opened(folder_of(tmp_path / "w"), store)
    with desk:
        before = expected(desk, incident)
        assert before.range is not None
        assert before.by_switching is None
        decide(desk, incident, "section", branches=["L2"])
        assert expected(desk, incident) == before, "a section was looked at, and nobody said that the fault lies there"
        decide(desk, incident, "stage", 10, stage="located")
        after = expected(desk, incident)
        assert (after.by_switching, after.switched_by, after.by_plan) == (10, moment(40), False)
        assert after.range is not None
        assert moment(10) < after.range[1], "that of the repair"
        (row,) = desk.utility.restoration_times().as_dict()["rows"]
        assert (row["by_switching"], row["switched_by"], row["customers"]) == (10, "2022-07-20T12:40:00", 15)
        assert row["basis"] != "switching_plan"
        (job,) = desk.utility.crew_jobs().as_dict()["rows"]
        assert (job["by_switching"], job["switched_by"], job["by_plan"]) == (10, "2022-07-20T12:40:00", False)
        shown = desk.utility.public_outage(str(desk.decide(incident, {"action": "link"}, "wang").link))
        assert shown is not None
        assert (shown["by_switching"], shown["switched_by"]) == (10, moment(40))
        assert (shown["low"], shown["high"]) == after.range
        decide(desk, incident, "step", 12, branch_id="S1", move="open")
        assert expected(desk, incident).switched_by == moment(42), "counted anew from the step that was ticked off"
        decide(desk, incident, "step", 13, branch_id="K1", move="close")
        later = expected(desk, incident)
        assert (later.by_switching, later.switched_by) == (7, moment(43)), "T1 has power again"


def test_each_customer_is_told_the_range_that_is_theirs(tmp_path: Path, store: Store) -> None:
    desk, incident = opened(folder_of(tmp_path / "w"), store)
    with desk:
        repair = expected(desk, incident).range
        assert repair is not None
        decide(desk, incident, "section", branches=["L2"])
        decide(desk, incident, "stage", 10, stage="located")
        told = {each.message.to.id: each.message.facts["range"] for each in desk.outbox.of(incident)}
        wanted = {"T1": [moment(10), moment(11)], "T2": list(repair), "T3": [moment(10), moment(40)]}
        wanted |= {customer: wanted[transformer] for customer, transformer in PERSONS.items()}
        assert told == {to: [each.isoformat() for each in times] for to, times in wanted.items()}
        texts = {row["id"]: row["text"] for row in desk.utility.messages(incident).as_dict()["rows"]}
        assert "7月20日12:10至7月20日12:40之间" in texts["C9"].replace("在", "").replace("预计", "")


def test_where_the_steps_bring_everybody_back_the_range_is_theirs(tmp_path: Path, store: Store) -> None:
    desk, incident = opened(folder_of(tmp_path / "w", RING.replace("T2(5) @ 4; ", "")), store, ("T1", "T3"))
    with desk:
        taken(desk, incident)
        assert expected(desk, incident) == ExpectedBack(None, (moment(10), moment(40)), 10, moment(40), by_plan=True)
        (row,) = desk.utility.restoration_times().as_dict()["rows"]
        assert (row["basis"], row["low"], row["likely"], row["high"]) == (
            "switching_plan", "2022-07-20T12:10:00", "2022-07-20T12:40:00", "2022-07-20T12:40:00"
        )  # fmt: skip
        decide(desk, incident, "stage", 10, stage="isolated")
        (kept,) = [
            line.details["range"] for line in desk.sheet(incident).lines if line.details.get("stage") == "isolated"
        ]
        assert kept == [moment(10).isoformat(), moment(40).isoformat()], "kept, so that it is told whether it held"
        shown = desk.utility.public_outage(str(desk.decide(incident, {"action": "link"}, "wang").link))
        assert shown is not None
        assert (shown["low"], shown["high"], shown["by_switching"]) == (moment(10), moment(40), None)


def test_what_a_person_estimated_stands(tmp_path: Path, store: Store) -> None:
    desk, incident = opened(folder_of(tmp_path / "w"), store)
    with desk:
        until = datetime(2099, 1, 1, 10)
        decide(desk, incident, "estimate", until=until.isoformat())
        taken(desk, incident)
        found = expected(desk, incident)
        assert found.estimate == until
        decide(desk, incident, "stage", 10, stage="dispatched")
        facts = [each.message.facts for each in desk.outbox.of(incident)]
        assert facts
        assert all(each["estimate"] == until.isoformat() and "range" not in each for each in facts)
        shown = desk.utility.public_outage(str(desk.decide(incident, {"action": "link"}, "wang").link))
        assert shown is not None
        assert (shown["estimate"], shown["low"], shown["by_switching"]) == (until, None, None)


def test_a_plan_that_nobody_carries_on_tells_nothing_any_more(tmp_path: Path, store: Store) -> None:
    desk, incident = opened(folder_of(tmp_path / "w"), store)
    with desk:
        taken(desk, incident)
        decide(desk, incident, "stage", 39, stage="arrived")
        assert expected(desk, incident).by_switching == 10
        number = decide(desk, incident, "stage", 41, stage="arrived")
        assert expected(desk, incident).by_switching is None
        desk.decide(incident, {"action": "undo", "number": number}, "wang")
        assert expected(desk, incident).by_switching == 10
        decide(desk, incident, "stage", 40, stage="repaired")
        assert expected(desk, incident).by_switching is None
