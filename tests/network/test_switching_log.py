"""The order of a log of switching (R1.21): newest first, several operations in one minute, operations that change nothing."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from network import Network, replay
from network.switching_log import in_order

START = datetime(2022, 3, 1, 8)
FEEDER = "=S -[K1]- 1 -L1- 2 -(S1)- 3 /(TIE)/ 4 -[K2]- =R; T1 @ 2; T2 @ 3; T3 @ 4"
BRANCHES = pl.DataFrame({"branch_id": ["A", "B"], "normally_open": [False, True]})
Row = tuple[int, str, str]


def rows_of(operations: Sequence[Row]) -> list[dict[str, Any]]:
    return [
        {"time": START + timedelta(minutes=minute), "branch_id": branch, "action": action}
        for minute, branch, action in operations
    ]


def off(operations: Sequence[Row]) -> list[tuple[str, int, int | None]]:
    """Return who was off from which minute to which, by the replay of a log."""
    net = Network.from_text(FEEDER, {"switching": rows_of(operations)})
    spells = replay(net, net.workspace.tables["switching"]).transformers().filter(pl.col("off_from").is_not_null())
    minute = [((pl.col(name) - START).dt.total_minutes()).alias(name) for name in ("off_from", "off_to")]
    return sorted(spells.select("transformer_id", *minute).rows())


def test_a_log_written_newest_first_with_equal_times_leaves_nobody_off() -> None:
    log = [(120, "K1", "close"), (120, "K1", "open"), (0, "K1", "close"), (0, "K1", "open")]
    assert off(log) == []
    trip = [(60, "K1", "close"), (0, "K1", "open"), (0, "K1", "close"), (0, "K1", "open")]
    assert off(trip) == [("T1", 0, 60), ("T2", 0, 60)]


def test_a_transfer_within_one_minute_cuts_off_nobody_in_whatever_order_it_is_written() -> None:
    for transfer in ([(0, "TIE", "close"), (0, "S1", "open")], [(0, "S1", "open"), (0, "TIE", "close")]):
        assert off([*transfer, (60, "K1", "open"), (90, "K1", "close")]) == [("T1", 60, 90)]


def test_the_state_at_a_time_follows_the_same_order() -> None:
    rows = rows_of([(30, "K1", "close"), (30, "K1", "open"), (10, "TIE", "open"), (10, "TIE", "close")])
    net = Network.from_text(FEEDER, {"switching": rows})
    log = net.workspace.tables["switching"]
    for minute in (10, 30, 99):
        state = net.energise(log, START + timedelta(minutes=minute))
        assert state.is_open.tolist() == net.normally_open.tolist()


@pytest.mark.parametrize(
    ("operations", "repeated"),
    [
        ([(0, "K1", "open"), (5, "K1", "open"), (9, "K1", "close")], ["K1"]),
        ([(0, "K1", "close")], ["K1"]),
        ([(0, "TIE", "open")], ["TIE"]),
        ([(0, "K1", "open"), (5, "K1", "close"), (9, "S1", "open"), (9, "S1", "close")], []),
        ([(0, "K1", "open"), (0, "K1", "close"), (0, "K1", "open")], []),
    ],
)
def test_an_operation_that_changes_nothing_is_named(operations: list[Row], repeated: list[str]) -> None:
    rows = [row | {"reason": f"row {number}"} for number, row in enumerate(rows_of(operations))]
    net = Network.from_text(FEEDER, {"switching": rows})
    named = [each for each in net.problems if each.table == "switching" and "already" in str(each.message)]
    assert [problem.object_id for problem in named] == repeated
    assert all(problem.row and problem.column == "action" and str(problem.hint) for problem in named)


@given(st.lists(st.tuples(st.integers(0, 3), st.sampled_from("AB"), st.sampled_from(["open", "close"])), max_size=12))
def test_the_order_is_what_taking_one_allowed_operation_after_the_other_gives(operations: list[Row]) -> None:
    schema: dict[str, Any] = {"time": pl.Datetime("us"), "branch_id": pl.String, "action": pl.String}
    log = in_order(pl.DataFrame(rows_of(operations), schema=schema), BRANCHES)
    state = {"A": "close", "B": "open"}
    expected: dict[str, list[tuple[int, str, bool]]] = {"A": [], "B": []}
    for minute in range(4):
        left = [row for row in operations if row[0] == minute]
        while left:
            row = next((each for each in left if each[2] != state[each[1]]), left[0])
            expected[row[1]].append((minute, row[2], row[2] == state[row[1]]))
            state[row[1]] = row[2]
            left.remove(row)
    for branch, own in expected.items():
        found = log.filter(branch_id=branch).select((pl.col("time") - START).dt.total_minutes(), "action", "repeats")
        assert found.rows() == own
    assert log["time"].is_sorted()
