"""Planned work: random feeders against every state of the switches, and hand-made cases."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import replace

import pytest
from hypothesis import given, reject
from hypothesis import strategies as st

from network import FudianError, Network, UnknownIdError, network_from_tables
from repair.isolation import BREAKS_LOAD
from repair.planned.planned_work import Work, WorkOutage, outage_of
from repair.restoration.restorer import Restorer
from tests.costly import costly
from tests.repair.grids import DEVICES, Branch, Grid, grids


def planned(grid: Grid) -> Grid:
    return replace(grid, clearing=BREAKS_LOAD, refused_clear=False)


def is_fed(grid: Grid, work: int) -> bool:
    each = grid.branches[work]
    return bool({each.a, each.b} & grid.reach(grid.closed(), list(grid.sources)))


def lost(grid: Grid, live: set[str]) -> set[str]:
    before = grid.reach(grid.closed(), list(grid.sources))
    return {f"T{i}" for i, (a, b, *_) in enumerate(grid.loads) if {a, b} & before and not {a, b} & live}


@costly(20)
@given(grids())
def test_works_between_the_same_devices_are_one_outage_searched_for_once(case: tuple[Grid, int]) -> None:
    grid = planned(case[0])
    restorer = Restorer.of(grid.network().energise())
    known: dict[Hashable, WorkOutage] = {}
    works = [Work((f"B{work}",)) for work in range(len(grid.branches))]
    works += [Work(("B0", f"B{work}")) for work in range(1, len(grid.branches))]
    for work in works:
        try:
            alone = outage_of(restorer, work)
        except FudianError:
            with pytest.raises(FudianError):
                outage_of(restorer, work, known=known)
            continue
        shared = outage_of(restorer, work, known=known)
        assert (shared.work, shared.before.hit.transformers) == (work, alone.before.hit.transformers)
        assert shared.after.hit.transformers == alone.after.hit.transformers
        assert shared.touched.tolist() == alone.touched.tolist()
        assert (shared.steps, shared.opened, shared.proven, shared.idle) == (
            alone.steps, alone.opened, alone.proven, alone.idle,
        )  # fmt: skip
        assert shared.ways == alone.ways
    assert len(known) <= len(works)


@given(grids())
def test_who_is_off_equals_a_search_of_the_graph_and_no_transfer_is_better(case: tuple[Grid, int]) -> None:
    grid, work = planned(case[0]), case[1]
    refused = [f"B{i}" for i in grid.refused]
    restorer = Restorer.of(grid.network().energise())
    if not is_fed(grid, work):
        outage = outage_of(restorer, Work((f"B{work}",)), refused)
        assert outage.idle
        assert not outage.before.hit.transformers
        return
    if grid.cleared_zone(work) & set(grid.sources):
        with pytest.raises(FudianError, match="Nothing parts this work"):
            outage_of(restorer, Work((f"B{work}",)), refused)
        return
    outage = outage_of(restorer, Work((f"B{work}",)), refused)
    state = grid.tripped(work)
    zone = grid.zone(work, state)
    opened = [
        now and not (i not in grid.refused and each.kind in DEVICES and (each.a in zone) != (each.b in zone))
        for i, (now, each) in enumerate(zip(grid.closed(), grid.branches, strict=True))
    ]
    assert set(outage.before.hit.transformers) == lost(grid, grid.reach(opened, list(grid.sources)))
    after = list(state)
    for step in outage.steps:
        index = int(step.branch_id[1:])
        assert grid.branches[index].kind in DEVICES
        assert index not in grid.refused
        after[index] = step.action == "close"
    assert set(outage.after.hit.transformers) == lost(grid, grid.reach(after, list(grid.sources)))
    assert outage.proven
    if outage.best and outage.refusal is None:
        assert grid.gain(after, state)[0] == max(grid.gain(each, state)[0] for each in grid.states(work))


def test_load_that_a_second_supply_takes_over_counts_against_the_room_of_its_source() -> None:
    """S1 has room for 3 A, and takes over 1 A through n10 as soon as n00 is dead: 3 A more over the tie are too many."""
    branches = [Branch("n00", "S0", "breaker"), Branch("n02", "n00", "switch"), Branch("n10", "S1", "breaker")]
    tie = Branch("S1", "n02", "switch", is_open=True)
    for load, transferred in ((3, 0), (2, 1)):
        loads = [("n02", None, load, 0), ("n00", "n10", 1, 0)]
        grid = planned(Grid({"S0": None, "S1": 3.0}, [*branches, tie], loads))
        outage = outage_of(Restorer.of(grid.network().energise()), Work(("B0",)))
        assert (outage.transferred, outage.no_room, outage.proven) == (transferred, 1 - transferred, True)
        assert outage.source_change_a.tolist() == [-(load + 1.0), 1.0 + load * transferred]


@given(grids(), st.integers(0, 30))
def test_outages_out_of_each_others_way_may_be_at_the_same_time(case: tuple[Grid, int], other: int) -> None:
    """Both switched at once cut off whom each cuts off by itself, radially and within ratings."""
    grid = replace(planned(case[0]), refused=set(), sources=dict.fromkeys(case[0].sources))
    restorer = Restorer.of(grid.network().energise())
    try:
        found = [outage_of(restorer, Work((f"B{each}",))) for each in (case[1], other % len(grid.branches))]
    except FudianError:
        reject()
    first, second = (each.ways for each in found)
    assert first.shared(second) == second.shared(first)
    if first.shared(second):
        return
    states, both = [grid.closed()], grid.closed()
    for outage in found:
        states.append(grid.closed())
        for step in outage.steps:
            both[int(step.branch_id[1:])] = states[-1][int(step.branch_id[1:])] = step.action == "close"
    off = [lost(grid, grid.reach(each, list(grid.sources))) for each in (*states[1:], both)]
    assert off[0] | off[1] == off[2]
    flows = [grid.flows(each) for each in (*states, both)]
    assert flows[3] is not None
    for branch, ampere in flows[3][0].items():
        rating = grid.branches[branch].rating
        known = [flow[0].get(branch, 0.0) for flow in flows[:3] if flow is not None]
        assert rating is None or ampere <= max(rating, *known) + 1e-6


FED_OVER = "=S -[K1]- 1 -(A)- 2 -L- 3 -(B)- 4 /(TIE)/ 5 -M- 6 -[K2]- =R; T2(1) @ 2; T4(1) @ 4; T5(1) @ 5"


@pytest.mark.parametrize(
    ("line", "first", "second", "shared"),
    [
        (FED_OVER, "L", "M", True),  # what lies beyond L is fed from R over M
        (FED_OVER, "A", "L", True),  # the one lies in the other
        (FED_OVER, "K1", "M", True),
        # two laterals of one feeder, and nobody is fed over another way
        ("=S -[K1]- 1 -(A)- 2 -L- 3; 1 -(B)- 4 -M- 5; T3(1) @ 3; T5(1) @ 5", "L", "M", False),
        # both are fed over the third feeder
        ("=S -[K1]- 1 -L- 2 -(A)- 3 /(TA)/ 7; =R -[K2]- 4 -M- 5 -(B)- 6 /(TB)/ 7; =Q -[K3]- 7; T3(1) @ 3; T6(1) @ 6",
         "L", "M", True),
        # two feeders without a way between them
        ("=S -[K1]- 1 -L- 2; =R -[K2]- 3 -M- 4; T2(1) @ 2; T4(1) @ 4", "L", "M", False),
    ],
)  # fmt: skip
def test_which_outages_stand_in_each_others_way(line: str, first: str, second: str, shared: bool) -> None:
    restorer = Restorer.of(Network.from_text(line).energise())
    one, two = (outage_of(restorer, Work((each,))).ways for each in (first, second))
    assert one.shared(two) == two.shared(one) == shared


def test_a_second_supply_is_a_way_too() -> None:
    """T and the customer of T1 and T2 stay on in either outage, and would be off in both at once."""
    lines = [("K1", "S", "1", "breaker"), ("K2", "R", "2", "breaker")]
    feeders = {
        "sources": [{"node": "S"}, {"node": "R"}],
        "branches": [dict(zip(("branch_id", "from_node", "to_node", "kind"), line, strict=True)) for line in lines],
    }
    by_transformer = {"transformers": [{"transformer_id": "T", "node": "1", "second_node": "2"}]}
    by_customer = {
        "transformers": [{"transformer_id": f"T{each}", "node": str(each)} for each in (1, 2)],
        "customers": [{"customer_id": "C", "transformer_id": "T1", "second_transformer_id": "T2"}],
    }
    for tables in (by_transformer, by_customer):
        restorer = Restorer.of(network_from_tables({**feeders, **tables}).energise())
        one, two = (outage_of(restorer, Work((each,))).ways for each in ("K1", "K2"))
        assert one.shared(two)


@pytest.mark.parametrize(
    ("line", "branch", "before", "after", "opened"),
    [
        # a section between two switches; what lies beyond is fed over the tie
        ("=S -[K1]- 1 -(A)- 2 -L- 3 -(B)- 4 /(TIE)/ 5 -[K2]- =R; T2(1) @ 2; T4(1) @ 4", "L", ["T2", "T4"], ["T2"], ["A", "B"]),
        # without a tie nobody is transferred
        ("=S -[K1]- 1 -(A)- 2 -L- 3 -(B)- 4; T2(1) @ 2; T4(1) @ 4", "L", ["T2", "T4"], ["T2", "T4"], ["A", "B"]),
        # the branch of a plan may be the switch that is opened: the work lies beyond it
        ("=S -[K1]- 1 -(A)- 2 -L- 3; T1(1) @ 1; T3(1) @ 3", "A", ["T3"], ["T3"], ["A"]),
        # a tie is live on both sides though it is open: both are parted
        ("=S -[K1]- 1 -(A)- 2 /(TIE)/ 3 -(B)- 4 -[K2]- =R; T1(1) @ 1; T2(1) @ 2; T3(1) @ 3; T4(1) @ 4", "TIE",
         ["T2", "T3"], ["T2", "T3"], ["A", "B"]),
        # one that hangs on nothing at its far end is parted at its near one
        ("=S -[K1]- 1 -(A)- 2 /(TIE)/ 3; T1(1) @ 1; T2(1) @ 2; T3(1) @ 3", "TIE", ["T2"], ["T2"], ["A"]),
    ],
)  # fmt: skip
def test_a_section_is_parted_and_the_rest_transferred(
    line: str, branch: str, before: list[str], after: list[str], opened: list[str]
) -> None:
    outage = outage_of(Restorer.of(Network.from_text(line).energise()), Work((branch,)))
    assert (outage.before.hit.transformers, outage.after.hit.transformers) == (before, after)
    assert sorted(outage.opened) == opened


def test_work_on_a_feeder_leaves_its_neighbour_behind_the_open_tie_alone() -> None:
    """The tie carries the label of the feeder, and stays the border; named by itself it takes both sides."""
    net = network_from_tables(
        {
            "sources": [{"node": "S"}, {"node": "R"}],
            "branches": [
                {"branch_id": "K1", "from_node": "S", "to_node": "1", "kind": "breaker", "feeder_id": "F1"},
                {"branch_id": "TIE", "from_node": "1", "to_node": "2", "kind": "switch", "feeder_id": "F1",
                 "normally_open": True},
                {"branch_id": "K2", "from_node": "R", "to_node": "2", "kind": "breaker", "feeder_id": "F2"},
            ],
            "transformers": [{"transformer_id": "T1", "node": "1"}, {"transformer_id": "T2", "node": "2"}],
        }
    )  # fmt: skip
    restorer = Restorer.of(net.energise())
    assert outage_of(restorer, Work.of(net, {"feeder_id": "F1"})).after.hit.transformers == ["T1"]
    assert outage_of(restorer, Work.of(net, {"branch_id": "TIE"})).after.hit.transformers == ["T1", "T2"]


def test_who_hangs_above_a_disconnector_is_off_only_until_it_is_open() -> None:
    """The disconnector may not break load: the breaker opens first, and closes again behind it."""
    net = Network.from_text("=S -[K1]- 1 -D kind=disconnector- 2 -L- 3; T1(1) @ 1; T3(1) @ 3")
    outage = outage_of(Restorer.of(net.energise()), Work(("L",)))
    assert [(step.action, step.branch_id) for step in outage.steps] == [("open", "K1"), ("open", "D"), ("close", "K1")]
    assert [step.order for step in outage.steps] == [1, 2, 3]
    assert outage.before.hit.transformers == ["T3"]
    ids = net.transformers["transformer_id"]
    assert ids.gather(outage.touched_before).to_list() == ["T1", "T3"]


def test_works_done_together_are_off_by_the_union() -> None:
    net = Network.from_text("=S -[K1]- 1 -(A)- 2 -L1- 3 -(B)- 4 -L2- 5 /(TIE)/ 6 -[K2]- =R; T2(1) @ 2; T4(1) @ 4")
    restorer = Restorer.of(net.energise())
    first, second = Work(("L1",)), Work(("L2",))
    assert outage_of(restorer, first).after.hit.transformers == ["T2"]
    assert outage_of(restorer, second).after.hit.transformers == ["T4"]
    assert outage_of(restorer, first | second).after.hit.transformers == ["T2", "T4"]


def test_a_transformer_alone_needs_no_switching_of_the_line() -> None:
    net = Network.from_text("=S -[K1]- 1; T1(2) @ 1; T2(1) @ 1")
    outage = outage_of(Restorer.of(net.energise()), Work((), ("T1",)))
    assert outage.after.hit.transformers == ["T1"]
    assert outage.after.customer_count == 2
    assert outage.steps == ()


@pytest.mark.parametrize(
    ("row", "error", "says"),
    [
        ({}, FudianError, "names no branch"),
        ({"branch_id": "L9"}, UnknownIdError, "L9"),
        ({"feeder_id": "F9"}, UnknownIdError, "F9"),
        ({"transformer_id": "T9"}, UnknownIdError, "T9"),
    ],
)
def test_a_plan_that_names_nothing_or_something_unknown_is_refused(
    row: dict[str, str], error: type[FudianError], says: str
) -> None:
    net = Network.from_text("=S -[K1]- 1 -L1- 2; T1(1) @ 2")
    with pytest.raises(error, match=says):
        Work.of(net, row)


def test_a_ring_without_ratings_says_what_was_assumed() -> None:
    net = Network.from_text("=S -[K1]- 1 -(A)- 2 -L- 3 -(B)- 4 /(TIE)/ 5 -[K2]- =R; T2(1) @ 2; T4(1) @ 4")
    outage = outage_of(Restorer.of(net.energise()), Work(("L",)))
    said = [str(each) for each in outage.assumed]
    assert any("no rating_a" in each for each in said)
    assert any("no load_kw" in each or "neither" in each for each in said)
