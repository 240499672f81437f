"""What is wrong with a topology: one small case for each check, and none in a network without faults."""

from __future__ import annotations

import random
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from network import Network, Problem

SWITCHED = datetime(2022, 7, 20, 8, 5)


def found(net: Network) -> list[tuple[str, str, int | None, str | None, str | None]]:
    """Return severity, table, row, column and id of each problem."""
    return [
        (problem.severity, problem.table, problem.row, problem.column, problem.object_id) for problem in net.problems
    ]


def only(net: Network) -> Problem:
    assert len(net.problems) == 1, [problem.line() for problem in net.problems]
    assert net.problems[0].hint.in_language("en")
    return net.problems[0]


@pytest.mark.parametrize(
    ("diagram", "severity", "table", "row", "column", "object_id", "said"),
    [
        ("=S -L1- 1; T1 @ 1; T2 @ 9", "error", "transformers", 3, "node", "T2", "no branch and no source"),
        ("=S -L1- 1; T1 @ 1, 9", "error", "transformers", 2, "second_node", "T1", "the second supply"),
        ("=S -L1- 1; T1 @ 1, 1", "warning", "transformers", 2, "second_node", "T1", "secures nothing"),
        ("=S -L1- 1; 2 -L2- 3; T1 @ 1", "error", "branches", 3, "from_node", "L2", "no way to a source"),
        ("=S -L1- 1; =R; T1 @ 1", "warning", "sources", 3, "node", "R", "feeds nothing"),
        ("=S -L1- 1 /L2/ 2; T1 @ 1; T2 @ 2", "warning", "transformers", 3, "node", "T2", "no supply in the normal"),
        ("=S -L1- 1; T1 @ 1; 1 -L2- 2; 1 -L3- 2; T2 @ 2", "warning", "branches", None, "normally_open", None, "a loop"),
        ("=S -L1- 1 -L2- =R; T1 @ 1", "warning", "sources", None, "node", None, "joined with another source"),
        ("=S -L1 100.5km- 1; T1 @ 1", "warning", "branches", 2, "length_km", "L1", "longer than any"),
        ("=S -L1 rating_a=0- 1; T1 @ 1", "warning", "branches", 2, "rating_a", "L1", "could carry nothing"),
        ("=S -L1 rating_a=10001- 1; T1 @ 1", "warning", "branches", 2, "rating_a", "L1", "rated higher"),
        ("=S -L1- 1; T1 @ 1 capacity_kva=0", "warning", "transformers", 2, "capacity_kva", "T1", "0 kVA"),
        ("=S -L1- 1; T1 @ 1 capacity_kva=100001", "warning", "transformers", 2, "capacity_kva", "T1", "larger"),
        ("=S -L1- 1 lon=33 lat=115; T1 @ 1", "warning", "nodes", 2, "lat", "1", "latitude beyond"),
        ("=S -L1- 1 lon=-181 lat=33; T1 @ 1", "warning", "nodes", 2, "lon", "1", "longitude beyond"),
        ("=S -L1- 1 lon=0 lat=0; T1 @ 1", "warning", "nodes", 2, "lon", "1", "in the sea"),
        ("=S -L1- 1 lon=115; T1 @ 1", "warning", "nodes", 2, "lon", "1", "only one"),
    ],
)  # fmt: skip
def test_one_fault_is_one_problem_with_its_place(
    diagram: str, severity: str, table: str, row: int | None, column: str, object_id: str | None, said: str
) -> None:
    problem = only(Network.from_text(diagram))
    assert (problem.severity, problem.table, problem.column) == (severity, table, column)
    assert row is None or (problem.row, problem.object_id) == (row, object_id)
    assert said in str(problem.message)


@pytest.mark.parametrize(
    "diagram",
    [
        "=S -L1 100km- 1 -L2 0km- 2 -L3 0km kind=bus- 3; T1 @ 1; T2 @ 3 capacity_kva=100000",
        "=S -L1 rating_a=10000- 1 /(S1) rating_a=0/ 2 -L2- =R; T1 @ 1; T2 @ 2",
        "=S -L1- 1 lon=180 lat=-90; T1 @ 1",
        "=S -L1- 1 /(TIE)/ 2 -L2- =R; T1 @ 1",
        "=S -L1- 1 -L2- 2 -L3- 3",
        "=S; T1 @ S",
    ],
)
def test_limits_ties_and_networks_without_transformers_are_in_order(diagram: str) -> None:
    assert Network.from_text(diagram).problems == ()


def test_transformers_on_an_island_are_errors_beside_their_section() -> None:
    net = Network.from_text("=S -L1- 1; 2 -L2- 3; T1 @ 1; T2 @ 3")
    assert found(net) == [
        ("error", "branches", 3, "from_node", "L2"),
        ("error", "transformers", 3, "node", "T2"),
    ]


def test_a_second_supply_that_is_alive_is_enough() -> None:
    assert Network.from_text("=S -L1- 1 /L2/ 2; T1 @ 2, 1").problems == ()


def test_what_is_found_where_tables_are_checked_comes_first_and_the_rest_loads() -> None:
    net = Network.from_text("=S -L1- 1 -L1- 2 -L2- 2 -L3 length_km=-1- 3; T1 @ 1; T3 @ 3")
    assert {("error", "branches", 3, "branch_id", "L1"), ("error", "branches", 4, "to_node", "L2")} <= set(found(net))
    assert net.branches["branch_id"].to_list() == ["L1", "L3"]


def test_a_stub_is_one_problem_at_the_branch_that_leads_to_it() -> None:
    net = Network.from_text("=S -L1- 1 -L2 1km- 2 -L3 0.5km- 3; 2 -L4 0.25km- 4; 1 -L5- 5; T1 @ 5; T2 @ 5, S")
    problem = only(net)
    assert (problem.row, problem.column, problem.value, problem.object_id) == (3, "to_node", "2", "L2")
    assert str(problem.message).endswith("branches: 3, length: 1.75 km")


def test_stubs_stand_in_the_order_of_the_table() -> None:
    net = Network.from_text("=S -L1- 1; 2 -L3- 3; 1 -L2- 2; 1 -L4- 4; 3 -L5- 5; 1 -L6- 6; T1 @ 2")
    assert [(problem.row, problem.object_id) for problem in net.problems] == [(3, "L3"), (5, "L4"), (7, "L6")]
    assert ["branches: 2" in str(problem.message) for problem in net.problems] == [True, False, False]


RING = "=S -[K1] feeder_id=F1- 1 -L2- 2 -L3- 3 -[K4]- S; T1 @ 1; T2 @ 2; T3 @ 3"


@pytest.mark.parametrize(
    ("form", "warned"), [("闭环运行", 0), ("花瓣式", 0), ("Closed ring", 0), ("单环网", 1), (None, 1)]
)
def test_a_loop_is_in_order_where_its_feeder_declares_it(form: str | None, warned: int) -> None:
    net = Network.from_text(RING, {"feeders": [{"feeder_id": "F1", "structure": form}]})
    assert [(problem.table, problem.column) for problem in net.problems] == [("branches", "normally_open")] * warned


def test_a_loop_through_two_feeders_names_both() -> None:
    net = Network.from_text("=S -[K1] feeder_id=F1- 1 -(TIE)- 2 -[K2] feeder_id=F2- S; T1 @ 1; T2 @ 2")
    loops = [problem for problem in net.problems if problem.column == "normally_open"]
    assert len(loops) == 1
    assert "through feeders F1, F2" in str(loops[0].message)


def test_two_loops_are_told_apart() -> None:
    net = Network.from_text(
        "=S -[K1] feeder_id=F1- 1 -L1 feeder_id=F1- 2 -L2 feeder_id=F1- 1; T1 @ 2\n"
        "S -[K3] feeder_id=F3- 3 -L3 feeder_id=F3- 4 -L4 feeder_id=F3- 3; T3 @ 4",
        {"feeders": [{"feeder_id": "F1", "structure": "闭环"}, {"feeder_id": "F3"}]},
    )
    assert only(net).object_id in {"L3", "L4"}


def test_a_label_against_the_trace_is_one_problem_per_part() -> None:
    net = Network.from_text(
        "=S -[K1] feeder_id=F1- 1 -L2 feeder_id=F2- 2 -L3 feeder_id=F2- 3 -L4 feeder_id=F1- 4; T1 @ 4; T2 @ 2 feeder_id=F2"
    )
    assert found(net) == [
        ("warning", "transformers", 3, "feeder_id", "T2"),
        ("warning", "branches", 3, "feeder_id", "L2"),
    ]
    assert "feeder F1, which feeds it" in str(net.problems[1].message)


TIED = "=S -L1- 1 -(S1)- 2 /(TIE)/ 3 -L3- =R; T1 @ 1; T2 @ 2; T3 @ 3"


@pytest.mark.parametrize(
    ("operations", "said"),
    [
        ([("S1", "open"), ("S1", "close")], []),
        ([("S1", "close"), ("TIE", "open")], []),
        ([("S1", "open")], ["S1 is normally closed and has been open since 2022-07-20 08:05"]),
        (
            [("TIE", "close"), ("S1", "open")],
            ["TIE is normally open and has been closed since", "S1 is normally closed"],
        ),
        ([("TIE", "close"), ("S1", "open"), ("S1", "close")], ["TIE is normally open, has been closed since"]),
    ],
)
def test_the_log_leaves_a_switch_in_another_state(operations: list[tuple[str, str]], said: list[str]) -> None:
    log = [
        {"time": SWITCHED.replace(minute=5 + minute), "branch_id": branch, "action": action}
        for minute, (branch, action) in enumerate(operations)
    ]
    net = Network.from_text(TIED, {"switching": log})
    states = [problem for problem in net.problems if str(problem.message).startswith("branch ")]
    assert sorted(str(each.message)[7:][: len(part)] for each, part in zip(states, said, strict=True)) == sorted(said)
    for problem in net.problems:
        assert (problem.severity, problem.table, problem.column) == ("warning", "switching", "action")
        assert problem.row is not None
        assert operations[problem.row - 2] == (problem.object_id, problem.value)


@st.composite
def clean_diagrams(draw: st.DrawFn) -> str:
    """Two feeders with random laterals, a transformer at every end, an open tie between them, lengths and ratings."""
    lines = []
    for feeder, source in (("F1", "A"), ("F2", "B")):
        lines.append(f"={source} -[{feeder}-K] feeder_id={feeder}- {feeder}-0")
        for number in range(1, draw(st.integers(1, 12)) + 1):
            above = draw(st.integers(0, number - 1))
            km = draw(st.sampled_from(["", " 0km", " 2.5km", " 100km"]))
            rating = draw(st.sampled_from(["", " rating_a=400"]))
            lines.append(f"{feeder}-{above} -{feeder}-L{number}{km}{rating} feeder_id={feeder}- {feeder}-{number}")
            lines.append(f"{feeder}-T{number}(2) @ {feeder}-{number} feeder_id={feeder} capacity_kva=400")
    return "\n".join([*lines, "F1-1 /(TIE)/ F2-1"])


@given(clean_diagrams(), st.randoms(use_true_random=False))
def test_a_clean_network_has_no_problem(diagram: str, chance: random.Random) -> None:
    lines = diagram.splitlines()
    chance.shuffle(lines)
    assert Network.from_text("\n".join(lines)).problems == ()
