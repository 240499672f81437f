"""A log of switching replayed, against the graph searched anew after every operation."""

from datetime import datetime, timedelta

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from network import UnknownIdError, replay
from tests.network.test_switching import station_networks, two_feeders
from tests.networks import Plain, plain_networks

BEGIN = datetime(2022, 1, 1)


def log_of(operations: list[tuple[int, int, bool]]) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "time": [BEGIN + timedelta(hours=hour) for hour, *_ in operations],
            "branch_id": [f"B{branch}" for _, branch, _ in operations],
            "action": ["open" if opens else "close" for *_, opens in operations],
        },
        schema={"time": pl.Datetime("us"), "branch_id": pl.String, "action": pl.String},
    )


@given(st.one_of(station_networks(), plain_networks()), st.data())
def test_a_replay_equals_the_graph_searched_anew_after_every_operation(plain: Plain, data: st.DataObject) -> None:
    branch = st.integers(0, len(plain.branches) - 1)
    operations = data.draw(st.lists(st.tuples(st.integers(0, 9), branch, st.booleans()), max_size=15))
    found = replay(plain.network(), log_of(operations)).transformers()

    is_open = [each for *_, each in plain.branches]
    states: list[tuple[datetime | None, set[int]]] = [(None, live(plain, is_open))]
    for hour in sorted({hour for hour, *_ in operations}):
        for _, one, opens in (operation for operation in operations if operation[0] == hour):
            is_open[one] = opens
        states.append((BEGIN + timedelta(hours=hour), live(plain, is_open)))
    expected = []
    for transformer in range(len(plain.transformers)):
        since: list[datetime | None] = []
        for time, alive in states:
            if transformer not in alive and not since:
                since = [time]
            elif transformer in alive and since:
                expected.append((f"T{transformer}", since.pop(), time))
        if since:
            expected.append((f"T{transformer}", since.pop(), None))
    assert found.rows() == expected


def live(plain: Plain, is_open: list[bool]) -> set[int]:
    opened = {i for i, each in enumerate(is_open) if each}
    return plain.live_transformers(opened, set(range(len(is_open))) - opened)


def test_stages_come_for_free() -> None:
    """A fault on the second feeder: the breaker trips, the faulted section is cut out, the tie brings the rest back."""
    log = pl.DataFrame(
        {
            "time": [BEGIN, BEGIN + timedelta(minutes=20), BEGIN + timedelta(minutes=21), BEGIN + timedelta(hours=3)],
            "branch_id": ["K2", "L4", "T12", "K2"],
            "action": ["open", "open", "close", "close"],
        }
    )
    found = replay(two_feeders(), log).transformers()
    assert found.with_columns(hours=(pl.col("off_to") - pl.col("off_from")).dt.total_minutes() / 60).select(
        "transformer_id", "hours"
    ).rows() == [("Td", 3.0), ("Te", 0.35)]


def test_an_operation_of_an_unknown_branch_is_named() -> None:
    log = pl.DataFrame({"time": [BEGIN], "branch_id": ["K9"], "action": ["open"]})
    with pytest.raises(UnknownIdError, match="K9"):
        replay(two_feeders(), log)
