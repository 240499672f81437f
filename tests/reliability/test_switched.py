"""Interruptions from a switching log, against every user at every minute by a search of the graph."""

from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

import reliability
from network import UnknownIdError, network_from_tables
from reliability import Period
from reliability.switched import interruptions_from_switching
from tests.network.test_switching import station_networks, two_feeders
from tests.networks import Plain, plain_networks
from tests.reliability.records import MINUTE, START, at

LAST = 14
Operation = tuple[int, str, bool]


def log_of(operations: list[Operation], reasons: list[str] | None = None) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "time": [at(minute) for minute, *_ in operations],
            "branch_id": [branch for _, branch, _ in operations],
            "action": ["open" if opens else "close" for *_, opens in operations],
            "reason": reasons or [None] * len(operations),
        },
        schema={"time": pl.Datetime("us"), "branch_id": pl.String, "action": pl.String, "reason": pl.String},
    )


def operations(branches: int) -> st.SearchStrategy[list[Operation]]:
    branch = st.integers(0, branches - 1).map(lambda i: f"B{i}")
    return st.lists(st.tuples(st.integers(0, LAST - 2), branch, st.booleans()), max_size=15)


def states(plain: Plain, log: list[Operation]) -> list[set[int]]:
    """Which branches are open at the end of each minute's operations; the first is the normal state."""
    opened = {i for i, (_, _, is_open) in enumerate(plain.branches) if is_open}
    found = [set(opened)]
    for minute in range(LAST):
        rows = [each for each in log if each[0] == minute]
        while rows:
            # of one switch at one minute, whatever changes its state comes first (R1.21)
            row = next((each for each in rows if each[2] != (int(each[1][1:]) in opened)), rows[0])
            (opened.add if row[2] else opened.discard)(int(row[1][1:]))
            rows.remove(row)
        found.append(set(opened))
    return found


def spells(live: list[bool]) -> list[tuple[datetime, datetime | None]]:
    """Turn supply in the normal state and then at each minute into the times that it was lost and came back."""
    found: list[tuple[datetime, datetime | None]] = []
    lost = None
    for minute, (before, now) in enumerate(pairwise(live)):
        if before and not now:
            lost = START + minute * MINUTE
        elif now and lost is not None:
            found.append((lost, START + minute * MINUTE))
            lost = None
    return [*found, (lost, None)] if lost is not None else found


@given(st.one_of(station_networks(), plain_networks()), st.data())
def test_every_user_is_off_when_the_graph_says_so(plain: Plain, data: st.DataObject) -> None:
    log = data.draw(operations(len(plain.branches)))
    net, opened = plain.network(), states(plain, log)
    every = set(range(len(plain.branches)))
    rows = interruptions_from_switching(net, log_of(log), "mv")
    live = [plain.live_transformers(each, every - each) for each in opened]
    for user in range(len(plain.transformers)):
        own = rows.filter(user_id=f"T{user}").sort("start")
        assert own.select("start", "end").rows() == spells([user in each for each in live])
    if plain.customers:
        rows = interruptions_from_switching(net, log_of(log), "lv")
        live = [plain.live_customers(each, every - each) for each in opened]
        expected: dict[tuple[datetime, datetime | None], int] = {}
        for user in range(len(plain.customers)):
            for spell in spells([user in each for each in live]):
                expected[spell] = expected.get(spell, 0) + 1
        found = rows.group_by("start", "end").agg(pl.col("users").sum())
        assert {(start, end): users for start, end, users in found.rows()} == expected


@given(st.one_of(station_networks(), plain_networks()), st.data())
def test_an_event_is_named_after_an_opening_that_came_before_its_losses(plain: Plain, data: st.DataObject) -> None:
    log = data.draw(operations(len(plain.branches)))
    rows = interruptions_from_switching(plain.network(), log_of(log))
    opened = {(at(minute), branch) for minute, branch, opens in log if opens}
    for (event,), own in rows.group_by("outage_id"):
        stamp, branch = str(event).split("-", 1)
        assert (datetime.strptime(stamp, "%Y%m%dT%H%M%S"), branch) in opened
        assert own["nature"].unique().to_list() == ["unknown"]
        assert own["start"].min() >= datetime.strptime(stamp, "%Y%m%dT%H%M%S")


def stages_of(rows: pl.DataFrame) -> list[tuple[str, str, float | None]]:
    hours = (pl.col("end") - pl.col("start")).dt.total_minutes() / 60
    return rows.sort("start", "user_id").select("outage_id", "user_id", hours).rows()


def fault(*more: Operation) -> list[Operation]:
    """The breaker of the second feeder trips, the faulted section is cut out, the tie brings the rest back."""
    return [(0, "K2", True), (20, "L4", True), (21, "T12", False), *more]


def test_stages_are_one_event_with_several_ends() -> None:
    rows = interruptions_from_switching(two_feeders(), log_of(fault((180, "K2", False))))
    assert stages_of(rows) == [("20220130T000000-K2", "Td", 3.0), ("20220130T000000-K2", "Te", 0.35)]
    figures = reliability.indices(rows, reliability.population(two_feeders()), period=Period.year(2022))
    assert figures.select("CH", "CI", "SAIDI-F").row(0) == (pytest.approx(3.35), 2, 0)


def test_a_part_taken_again_while_another_is_still_off_belongs_to_the_event() -> None:
    again = fault((60, "T12", True), (90, "T12", False), (180, "K2", False), (300, "K2", True), (360, "K2", False))
    rows = interruptions_from_switching(two_feeders(), log_of(again))
    assert stages_of(rows) == [
        ("20220130T000000-K2", "Td", 3.0),
        ("20220130T000000-K2", "Te", 0.35),
        ("20220130T000000-K2", "Te", 0.5),
        ("20220130T050000-K2", "Td", 1.0),
    ]


def test_an_event_still_off_at_the_end_of_the_log_is_open() -> None:
    rows = interruptions_from_switching(two_feeders(), log_of(fault()))
    assert stages_of(rows) == [("20220130T000000-K2", "Td", None), ("20220130T000000-K2", "Te", 0.35)]
    period = Period(START, START + timedelta(days=1))
    rows = reliability.ledger(rows, period, as_of=START + timedelta(hours=2))
    assert rows.sort("user_id").select("user_id", "h", "provisional").rows() == [("Td", 2.0, True), ("Te", 0.35, False)]


def test_operations_after_the_as_of_time_change_nothing() -> None:
    period, as_of = Period(START, START + timedelta(days=1)), START + timedelta(minutes=10)
    with_future, without = (
        reliability.ledger(interruptions_from_switching(two_feeders(), log_of(log)), period, as_of=as_of)["h"].sum()
        for log in (fault((180, "K2", False)), [(0, "K2", True)])
    )
    assert with_future == without == pytest.approx(2 / 6)


def test_an_operation_written_twice_counts_once() -> None:
    log = fault((180, "K2", False))
    twice = [each for each in log for _ in range(2)]
    once, doubled = (interruptions_from_switching(two_feeders(), log_of(each)) for each in (log, twice))
    assert doubled.equals(once)


def test_an_empty_log_interrupts_nobody() -> None:
    rows = interruptions_from_switching(two_feeders(), log_of([]))
    assert rows.is_empty()
    assert reliability.indices(rows, reliability.population(two_feeders()), period=Period.year(2022))["CH"].item() == 0


def test_what_was_dead_before_the_log_is_no_interruption() -> None:
    base = two_feeders().workspace.tables
    tables = {name: base[name].drop("row") for name in ("sources", "branches", "transformers")}
    dead_end = pl.DataFrame({"branch_id": ["D"], "from_node": ["e"], "to_node": ["z"], "kind": ["switch"]})
    tables["branches"] = pl.concat(
        [tables["branches"], dead_end.with_columns(normally_open=True)], how="diagonal_relaxed"
    )
    tables["transformers"] = pl.concat(
        [tables["transformers"], pl.DataFrame({"transformer_id": ["Tz"], "node": ["z"]})], how="diagonal_relaxed"
    )
    net = network_from_tables(tables)
    rows = interruptions_from_switching(net, log_of([(5, "D", False), (9, "D", True)]))
    assert net.energise().dead() == ["Tz"]
    assert stages_of(rows) == [("20220130T000900-D", "Tz", None)]


@pytest.mark.parametrize(
    ("reason", "nature", "external"),
    [
        ("跳闸", "unknown", False),
        (None, "unknown", False),
        ("10kV线路计划检修停电", "P-PLAN-MAINT", False),
        ("临时检修停电", "P-TEMP-MAINT", False),
        ("f-ext", "F-EXT", True),
        ("隔离故障", "unknown", False),
    ],
)
def test_the_nature_is_what_the_reason_names_and_otherwise_unknown(reason: str, nature: str, external: bool) -> None:
    log = log_of([(0, "K2", True), (60, "K2", False)], [reason, "恢复送电"])
    rows = interruptions_from_switching(two_feeders(), log)
    assert rows.select("nature", "external", "cause").unique().rows() == [(nature, external, reason)]
    parts = reliability.indices(rows, reliability.population(two_feeders()), ["nature"], Period.year(2022))
    assert parts.select("nature", "CH").rows() == [(nature, 2.0)]
    whole = reliability.indices(rows, reliability.population(two_feeders()), period=Period.year(2022))
    assert whole["SAIDI-3"].item() == pytest.approx(2 / 6)


def test_an_operation_of_an_unknown_branch_is_named() -> None:
    with pytest.raises(UnknownIdError, match="K9"):
        interruptions_from_switching(two_feeders(), log_of([(0, "K9", True)]))


def test_users_out_of_service_are_not_interrupted() -> None:
    base = two_feeders().workspace.tables
    tables: dict[str, Any] = {name: base[name].drop("row") for name in ("sources", "branches")}
    tables["transformers"] = [
        {"transformer_id": "Td", "node": "d", "retired": START + timedelta(hours=1)},
        {"transformer_id": "Te", "node": "e", "in_service": START + timedelta(days=1)},
    ]
    net = network_from_tables(tables)
    rows = interruptions_from_switching(net, log_of([(0, "K2", True), (180, "K2", False)]))
    assert rows.sort("user_id").select("user_id", "end", "exclusion").rows() == [
        ("Td", START + timedelta(hours=1), None),
        ("Te", START + timedelta(hours=3), "not_in_service"),
    ]
