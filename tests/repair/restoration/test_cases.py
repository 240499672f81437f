"""Cases from the field, each drawn and answered by hand."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import polars as pl
import pytest

from network import Network, network_from_tables
from repair.restoration.restorer import RestorationPlan, restore

AMPERES = {"restoration": {"power_factor": 1.0, "voltage_kv": 1 / 3**0.5}}
"""So that one kW is one ampere."""

CHAIN = """
=S -[K1]- 1 -L1- 2 -(S1)- 3 /(TIE1)/ 5
=R -[K2] rating_a=100- 5 -(S5)- 6 /(TIE2) may_parallel={parallel}/ 7
=Q -[K3] rating_a=200- 7
T2(20) @ 3 load_kw=60; T4 @ 5 load_kw=30; T5 @ 6 load_kw=40; T6 @ 7 load_kw=50
"""


def steps(plan: RestorationPlan) -> list[str]:
    return [f"{step.action} {step.branch_id}" for step in plan.steps]


def test_live_load_makes_room_for_what_is_off_and_nobody_is_cut() -> None:
    plan = restore(Network.from_text(CHAIN.format(parallel="true"), settings=AMPERES).energise(), "L1")
    assert steps(plan) == ["open S1", "close TIE2", "open S5", "close TIE1"]
    assert (plan.back.customer_count, plan.best, plan.proof.holds) == (20, True, True)
    assert [step.parallel for step in plan.steps] == [None, "yes", None, None]
    assert all(not step.interrupts_transformers for step in plan.steps)


def test_an_end_whose_order_was_sought_too_shortly_is_not_ruled_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """All twenty come back by a move; whoever looks at one state finds no way, and says that there might be one."""
    monkeypatch.setattr("repair.restoration.order.MOST_STATES", 1)
    monkeypatch.setattr("repair.restoration.relief.MOST_TRIED", 0)
    plan = restore(Network.from_text(CHAIN.format(parallel="true"), settings=AMPERES).energise(), "L1")
    assert (plan.back.customer_count, plan.best) == (0, False)
    assert plan.gap >= 20


def test_where_no_move_is_allowed_nobody_is_sent_out_for_nothing() -> None:
    plan = restore(Network.from_text(CHAIN.format(parallel="false"), settings=AMPERES).energise(), "L1")
    assert (steps(plan), plan.best, plan.isolating) == ([], True, ("K1",))
    (short,) = plan.missing
    assert (short.reason, short.transformers, short.customers, short.way) == ("limit", ("T2",), 20, "TIE1")
    assert short.limit is not None
    assert (short.limit.object_id, short.limit.value, short.limit.limit) == ("K2", pytest.approx(130), 100)
    assert (short.missing_a, short.missing_kw) == (pytest.approx(30), pytest.approx(30))
    assert short.lifted_by[0] == "permission"
    wide = CHAIN.format(parallel="false").replace("rating_a=100", "rating_a=130")
    assert restore(Network.from_text(wide, settings=AMPERES).energise(), "L1").missing == ()


def test_a_voltage_that_is_too_low_and_those_nobody_can_reach_are_told() -> None:
    diagram = """
    =S -[K1]- 1 -L1 r_ohm=0.1 x_ohm=0.1- 2 -(S1)- 3 -L2 r_ohm=9 x_ohm=9- 4 /(T)/ 5 -L5 r_ohm=3 x_ohm=3- 6 -[K2]- =R
    2 -L6 r_ohm=0.1 x_ohm=0.1- 7; 4 -F kind=fuse- 8 -L8 r_ohm=0.1 x_ohm=0.1- 9
    T2(3) @ 3 load_kw=700; T7(2) @ 7 load_kw=10; T4 @ 5 load_kw=10
    """
    plan = restore(Network.from_text(diagram).energise(), "L1")
    low, faulted = plan.missing
    assert low.limit is not None
    assert (low.reason, low.transformers, low.limit.object) == ("limit", ("T2",), "node")
    assert low.missing_pu == pytest.approx(0.93 - low.limit.value)
    assert (faulted.reason, faulted.transformers, faulted.customers) == ("fault", ("T7",), 2)
    stranded = restore(Network.from_text(diagram.replace("/(T)/", "/L9/")).energise(), "L1").missing
    assert [(each.reason, each.transformers) for each in stranded] == [("no_way", ("T2",)), ("fault", ("T7",))]


def test_who_stays_off_since_a_device_refuses_is_told_so() -> None:
    """The breaker that tripped does not close again: who hangs before the fault is off for that, not since no tie leads there."""
    net = Network.from_text("=S -[K1]- 1 -(S1)- 2 -L1- 3 -(S2)- 4; T1(3) @ 1; T2 @ 2; T4(4) @ 4")
    plan = restore(net.energise(), "L1", refused=["K1"])
    held, beyond, faulted = sorted(plan.missing, key=lambda each: each.transformers != ("T1",))
    assert (held.reason, held.transformers, held.customers) == ("no_way", ("T1",), 3)
    assert str(held.said) == "1 transformers could be fed over K1 alone, which cannot be operated"
    assert {each.reason: each.transformers for each in (beyond, faulted)} == {"no_way": ("T4",), "fault": ("T2",)}
    assert "K1" not in str(beyond.said)
    assert {each.transformers for each in restore(net.energise(), "L1").missing} == {("T2",), ("T4",)}


def test_a_short_interruption_is_planned_only_where_it_is_allowed_and_never_of_the_important() -> None:
    rules = {"restoration": {**AMPERES["restoration"], "transfer_allowed": "with_short_interruption"}}
    diagram = CHAIN.format(parallel="false")
    plan = restore(Network.from_text(diagram, settings=rules).energise(), "L1")
    assert steps(plan) == ["open S1", "open S5", "close TIE2", "close TIE1"]
    assert [step.interrupts_transformers for step in plan.steps] == [(), ("T5",), (), ()]
    assert (plan.best, plan.gap) == (True, 0.0), "whoever comes to another source cannot but lose supply for a moment"
    assert plan.back.transformers == ["T2"]
    customers = [{"customer_id": f"C{at}", "transformer_id": "T2"} for at in range(20)]
    for mark in ("important", "sensitive"):
        with_one = [*customers, {"customer_id": "X", "transformer_id": "T5", mark: True}]
        plan = restore(
            Network.from_text(diagram.replace("(20)", ""), {"customers": with_one}, settings=rules).energise(), "L1"
        )
        assert steps(plan) == []


@pytest.mark.parametrize(("stations", "said"), [(("A", "A"), "confirm"), (("A", "B"), None), ((None, None), None)])
def test_two_buses_of_one_station_may_be_joined_once_that_is_confirmed(
    stations: tuple[str | None, str | None], said: str | None
) -> None:
    net = Network.from_text(CHAIN.replace(" may_parallel={parallel}", ""), settings=AMPERES)
    tables = {
        name: net.workspace.tables[name].drop("row") for name in ("sources", "branches", "transformers", "customers")
    }
    of_node = dict(zip(("R", "Q"), stations, strict=True))
    tables["sources"] = tables["sources"].with_columns(
        station_id=pl.col("node").replace_strict(of_node, default=None, return_dtype=pl.String)
    )
    plan = restore(network_from_tables(tables, AMPERES).energise(), "L1")
    assert plan.back.customer_count == (20 if said else 0)
    assert said in {step.parallel for step in plan.steps} or not plan.steps


def test_what_tripped_is_what_tripped_whichever_section_is_faulted() -> None:
    net = Network.from_text("=S -[K1]- 1 -L1- 2 -F kind=fuse- 3 -L3- 4; T1(7) @ 2; T3(3) @ 4")
    logged = net.energise().switched(open=["K1"])
    for supply, tripped in ((logged, ()), (net.energise(), ("K1",))):
        plan = restore(supply, "L3", tripped=tripped)
        assert plan.as_dict()["tripped"] == ["K1"]
        assert steps(plan) == ["open F", "close K1"]
        assert (plan.lost.customer_count, plan.back.customer_count) == (10, 7)
    assert steps(restore(net.energise(), "L3")) == []
    assert restore(logged, "L1").lost.customer_count == 10


THREE = """
=S -[K1]- 1 -L1- 2 -(S1)- 3 -L2- 4 -(S2)- 5 -L3- 6 /(T)/ 7 -[K2]- =R
T1(1) @ 2; T2(20) @ 4; T3(3) @ 6; T4(4) @ 7
"""


def test_several_faults_at_once_are_one_plan() -> None:
    supply = Network.from_text(THREE).energise()
    plan = restore(supply, ["L1", "L3"])
    assert (plan.as_dict()["faults"], steps(plan), plan.lost.customer_count) == (["L1", "L3"], [], 24)
    plan = restore(Network.from_text(THREE + "4 /(U)/ 7").energise(), ["L1", "L3"])
    assert sorted(steps(plan)[:2]) == ["open S1", "open S2"]
    assert (steps(plan)[2:], plan.back.customer_count) == (["close U"], 20)


def test_the_loss_of_a_source_or_a_bus_is_a_fault_like_another() -> None:
    supply = Network.from_text(THREE).energise()
    plan = restore(supply, "S")
    assert (steps(plan), plan.back.customer_count, plan.isolating) == (["open K1", "close T"], 24, ("K1",))
    bus = Network.from_text("=S -[K1]- B -[K2]- 2 /(T1)/ 8 -[K8]- =R; B -[K3]- 3 /(T2)/ 8; T1 @ 2; T2 @ 3").energise()
    plan = restore(bus, "B")
    assert sorted(steps(plan)) == ["close T1", "close T2", "open K2", "open K3"]
    assert plan.back.transformers == ["T1", "T2"]


def test_a_spare_cable_that_is_open_at_both_ends_is_a_tie() -> None:
    net = Network.from_text(
        "=S -[K1]- 1 -L1- 2 -(S1)- 3 /(C1)/ 8 -CABLE kind=cable- 9 /(C2)/ 5 -[K2]- =R; T1 @ 2; T2(6) @ 3"
    )
    plan = restore(net.energise(), "L1")
    assert (plan.back.customer_count, plan.best) == (6, True)
    assert sorted(steps(plan)) == ["close C1", "close C2", "open S1"]


def test_isolate_and_steps_alone_describe_the_end() -> None:
    plan = restore(Network.from_text("=S -[K1]- 1 -L1- 2 -(S1)- 3 -L2- 4; T1(2) @ 2; T2 @ 4").energise(), "L1")
    is_open = {*plan.isolating} | {step.branch_id for step in plan.steps if step.action == "open"}
    end = plan.states[-1]
    known = end.network.branches["branch_id"].to_list()
    assert {known[at] for at in range(len(known)) if end.is_open[at]} == is_open == {"K1"}


def meshed_tables(nodes: int, ties: int, with_impedance: bool, prefix: str = "") -> dict[str, list[dict[str, Any]]]:
    """Return a feeder with a switch at either end of every line, and one breaker at its source.

    Args:
        nodes: how many.
        ties: how many, each a line that is open at one end.
        with_impedance: whether r and x are given.
        prefix: of every name.
    """
    branches: list[dict[str, Any]] = []

    def add(name: str, one: str, other: str, kind: str, **more: Any) -> None:
        ends = {"from_node": f"{prefix}{one}", "to_node": f"{prefix}{other}"}
        branches.append({"branch_id": f"{prefix}{name}", **ends, "kind": kind, "normally_open": False, **more})

    def line(name: int, one: int, other: int, is_open: bool = False) -> None:
        ohm = {"r_ohm": 0.06, "x_ohm": 0.07} if with_impedance else {}
        add(f"A{name}", str(one), f"{name}a", "switch", normally_open=is_open)
        add(f"L{name}", f"{name}a", f"{name}b", "line", **ohm)
        add(f"B{name}", f"{name}b", str(other), "switch")

    add("K", "S", "0", "breaker")
    for node in range(1, nodes):
        line(node, max(node - 1 - node % 5, 0), node)
    for at in range(ties):
        line(nodes + at, (37 * at + 11) % nodes, (53 * at + 70) % nodes, is_open=True)
    transformers = [
        {"transformer_id": f"{prefix}T{at}", "node": f"{prefix}{at}", "load_kw": 12.0} for at in range(1, nodes)
    ]
    customers = [
        {"customer_id": f"{prefix}C{at}-{k}", "transformer_id": f"{prefix}T{at}"}
        for at in range(1, nodes)
        for k in range(13 + (at < 26))
    ]
    return {
        "sources": [{"node": f"{prefix}S"}], "branches": branches, "transformers": transformers, "customers": customers
    }  # fmt: skip


def meshed(nodes: int, ties: int, with_impedance: bool) -> Network:
    """Return such a feeder alone."""
    return network_from_tables(meshed_tables(nodes, ties, with_impedance))


@pytest.mark.parametrize("with_impedance", [True, False])
def test_many_switches_behind_one_breaker(with_impedance: bool) -> None:
    """Open the two switches of the line, close the breaker again, close one tie: four steps, whatever else could be operated."""
    net = meshed(136, 21, with_impedance)
    assert net.branches.filter(kind="switch").height == 312
    plan = restore(net.energise(), "L40")
    assert (plan.lost.customer_count, plan.back.customer_count, plan.best) == (1780, 1780, True)
    assert len(plan.steps) == 4
    assert {"open A40", "open B40", "close K"} < set(steps(plan))
    assert plan.proof.holds


def test_nothing_is_printed_by_the_search() -> None:
    code = (
        "from tests.repair.restoration.test_cases import *; "
        "restore(Network.from_text(CHAIN.format(parallel='true')).energise(), 'L1')"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert (told.stdout, told.stderr) == ("", "")
