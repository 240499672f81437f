"""Who comes back by the steps of a switching plan that are still to come, and by when: counted by hand, and by a slow count."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fudian.ledger import DeskEvent
from network import Network, Supply, network_from_tables
from network.readers.one_line import one_line_tables
from repair.desk.switching_plan import back_by_stage, still_to_switch, taken_up
from repair.desk.work import Sheet, Work
from repair.restoration.operation import ON_SITE, REMOTE
from repair.restoration.restorer import REPAIR, RestorationPlan, Stage, restore

NOON = datetime(2022, 7, 20, 12)
RING = (
    "=S -[K1] remote=true- 1 -L1- 2 -(S1) remote=true- 3 -L2- 4 -(S2)- 5 -L3- 6 /(T) remote=true/ 7 -[K2]- =R; "
    "T1(30) @ 2; T2(50) @ 4; T3(70) @ 6"
)


def minutes(count: float) -> timedelta:
    return timedelta(minutes=count)


def planned(fault: str, diagram: str = RING) -> tuple[Supply, RestorationPlan]:
    supply = Network.from_text(diagram).energise()
    return supply, restore(supply, fault)


def test_a_plan_with_both_stages_counted_by_hand() -> None:
    """L2 is faulted: S1 opens and K1 closes remotely, so T1 is back in a minute; S2 opens on site and T closes: T3 in thirty."""
    supply, plan = planned("L2")
    off = ("T1", "T2", "T3")
    assert [
        (each.stage, each.minutes, each.transformer_ids, each.customers) for each in back_by_stage(plan, supply, off)
    ] == [
        (REMOTE, 1.0, ("T1",), 30),
        (ON_SITE, 30.0, ("T3",), 70),
    ]
    left = still_to_switch(plan, NOON, NOON, supply, off)
    assert left is not None
    assert [(each.until - NOON, each.by_stage.customers) for each in left.groups] == [
        (minutes(1), 30),
        (minutes(30), 70),
    ]
    assert (left.customers, left.until, left.everybody) == (100, NOON + minutes(30), False)
    assert left.until_of(["T1", None]) == left.until_of(("T3", "T1")) == NOON + minutes(1)
    assert left.until_of(["T2"]) is None
    late = still_to_switch(plan, NOON, NOON + minutes(10), supply, off)
    assert late is not None
    assert [each.until - NOON for each in late.groups] == [minutes(11), minutes(30)], (
        "the first is overdue, and counts anew"
    )
    assert still_to_switch(plan, NOON, NOON + minutes(30.5), supply, off) is None, "nobody carries it on"
    assert still_to_switch(plan, NOON, NOON, supply, ["T2"]) is None
    some = still_to_switch(plan, NOON, NOON, supply, ["T3"])
    assert some is not None
    assert (some.customers, some.everybody) == (70, True), "T1 is back already, and T2 was never said to be off"


def test_where_nobody_waits_for_the_repair_everybody_comes_back_by_steps() -> None:
    supply, plan = planned("L2", RING.replace("T2(50) @ 4; ", ""))
    left = still_to_switch(plan, NOON, NOON, supply, ("T1", "T3"))
    assert left is not None
    assert left.everybody
    assert left.until == NOON + minutes(30)


TRANSFORMERS = 6


@st.composite
def returns(draw: st.DrawFn) -> tuple[list[tuple[int, int | None]], list[int], list[int]]:
    """Return the supplies of each customer, at which stage each transformer comes back (2: with the repair), who is off."""
    one = st.integers(0, TRANSFORMERS - 1)
    fed = draw(st.lists(st.tuples(one, st.none() | one), max_size=20))
    stage = draw(st.lists(st.integers(0, 2), min_size=TRANSFORMERS, max_size=TRANSFORMERS))
    return fed, stage, draw(st.lists(one, unique=True))


@given(returns())
def test_customers_come_back_with_the_first_of_their_supplies(
    drawn: tuple[list[tuple[int, int | None]], list[int], list[int]],
) -> None:
    fed, stage_of, off = drawn
    diagram = "=S -[K1]- 0 " + " ".join(f"-L{each}- {each}" for each in range(1, TRANSFORMERS))
    diagram += "; " + "; ".join(f"T{each} @ {each}" for each in range(TRANSFORMERS))
    rows = [
        {
            "customer_id": f"C{each}",
            "transformer_id": f"T{first}",
            "second_transformer_id": None if two in {None, first} else f"T{two}",
        }
        for each, (first, two) in enumerate(fed)
    ]
    supply = network_from_tables(one_line_tables(diagram) | {"customers": rows}).energise()
    plan = restore(supply, "L1")
    names = (REMOTE, ON_SITE, REPAIR)
    stages = tuple(
        Stage(name, at, 0, 0, tuple(f"T{each}" for each in range(TRANSFORMERS) if stage_of[each] == place), ())
        for place, (name, at) in enumerate(zip(names, (1.0, 30.0, 240.0), strict=True))
    )
    found = {
        each.stage: each for each in back_by_stage(replace(plan, stages=stages), supply, [f"T{each}" for each in off])
    }
    wanted = dict.fromkeys(names, 0)
    for first, two in fed:
        supplies = {first} if two is None else {first, two}
        if supplies <= set(off):
            wanted[names[min(stage_of[each] for each in supplies)]] += 1
    for place, name in enumerate(names[:2]):
        own = {f"T{each}" for each in off if stage_of[each] == place}
        assert (name in found) == bool(own)
        if own:
            assert (set(found[name].transformer_ids), found[name].customers) == (own, wanted[name])


def sheet_of(*said: dict[str, Any]) -> Sheet:
    events = [
        DeskEvent(f"e{number}", "decision", "wang", each, "I1", None, number) for number, each in enumerate(said, 1)
    ]
    return Work.of(events).sheet("I1")


def stage(name: str, at: float) -> dict[str, Any]:
    return {"action": "stage", "stage": name, "at": (NOON + minutes(at)).isoformat()}


SECTION: dict[str, Any] = {"action": "section", "branches": ["L2"]}
STEP: dict[str, Any] = {"action": "step", "branch_id": "S1", "move": "open", "at": (NOON + minutes(9)).isoformat()}


@pytest.mark.parametrize(
    ("said", "since"),
    [
        ([], None),
        ([SECTION], None),
        ([stage("located", 5)], None),
        ([SECTION, stage("located", 5)], 5),
        ([stage("located", 5), SECTION, stage("isolated", 8)], 8),
        ([STEP], 9),
        ([stage("located", 5), STEP, stage("arrived", 12)], 9),
        ([SECTION, stage("located", 5), {"action": "undo", "number": 1}], None),
        ([STEP, {"action": "reopen", "reason": "dark again"}], None),
        ([STEP, stage("repaired", 20)], None),
        ([SECTION, stage("located", 40)], None),
    ],
)
def test_when_a_plan_was_taken_up(said: list[dict[str, Any]], since: float | None) -> None:
    assert taken_up(sheet_of(*said), NOON + minutes(30)) == (None if since is None else NOON + minutes(since))


def test_operations_that_fed_some_again_carry_a_plan_on() -> None:
    sheet = replace(sheet_of(STEP), fed_again_at=NOON + minutes(15))
    assert taken_up(sheet, NOON + minutes(30)) == NOON + minutes(15)
    assert taken_up(replace(sheet_of(), fed_again_at=NOON), NOON + minutes(30)) is None
