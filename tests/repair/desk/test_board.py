"""The dispatcher's board: one entry per event, active until a record or a reclosing says otherwise."""

from __future__ import annotations

from datetime import datetime, timedelta

import polars as pl
import pytest

from data_samples.generator.county import COUNTY
from network import Network, network_from_tables, read_network
from repair.desk.board import affected_by_record, board

NOON = datetime(2022, 7, 20, 12)


def small(
    outages: list[dict[str, object]], signals: list[dict[str, object]], plans: list[dict[str, object]] | None = None
) -> Network:
    # s - B1 - a - L1 - b ; T1 at a with two customers, T2 at b with one
    return network_from_tables(
        {
            "sources": [{"node": "s"}],
            "branches": [
                {"branch_id": "B1", "from_node": "s", "to_node": "a", "kind": "breaker", "feeder_id": "F"},
                {"branch_id": "L1", "from_node": "a", "to_node": "b", "kind": "line", "feeder_id": "F"},
            ],
            "feeders": [{"feeder_id": "F"}],
            "transformers": [{"transformer_id": "T1", "node": "a"}, {"transformer_id": "T2", "node": "b"}],
            "customers": [
                {"customer_id": "C1", "transformer_id": "T1", "important": True},
                {"customer_id": "C2", "transformer_id": "T1"},
                {"customer_id": "C3", "transformer_id": "T2"},
            ],
            "outages": outages,
            "signals": signals,
            **({"plans": plans} if plans else {}),
        }
    )


def outage(**named: object) -> dict[str, object]:
    return {
        "outage_id": "O1",
        "start": NOON,
        "end": None,
        "nature": "F-INT",
        "branch_id": None,
        "transformer_id": None,
    } | named


def signal(kind: str, object_kind: str, object_id: str, minutes: float = 0) -> dict[str, object]:
    return {"time": NOON + timedelta(minutes=minutes), "object": object_kind, "object_id": object_id, "kind": kind}


def at(net: Network, hours: float) -> tuple[list[str], list[str]]:
    shown = board(net.energise(), net.workspace.tables, NOON + timedelta(hours=hours))
    return [entry.key for entry in shown.active], [entry.key for entry in shown.restored]


def test_signals_and_record_of_one_event_are_one_entry() -> None:
    net = small([outage(branch_id="B1", end=NOON + timedelta(hours=2))], [signal("trip", "branch", "B1", 1)])
    assert at(net, 1) == (["20220720T120100-B1"], [])
    assert at(net, 3) == ([], ["20220720T120100-B1"])


def test_nothing_later_than_the_moment_is_known() -> None:
    net = small([outage(branch_id="B1")], [signal("trip", "branch", "B1", 1)])
    assert at(net, -1) == ([], [])


def test_dark_meters_belong_to_the_record_that_took_their_branch() -> None:
    net = small([outage(branch_id="L1")], [signal("off", "transformer", "T2", 3)])
    shown = board(net.energise(), net.workspace.tables, NOON + timedelta(hours=1))
    (entry,) = shown.active
    assert entry.record is not None
    assert entry.affected.hit.customers == ["C3"]


def test_an_event_elsewhere_is_another_entry() -> None:
    net = small([outage(transformer_id="T1")], [signal("off", "transformer", "T2", 3)])
    assert len(at(net, 1)[0]) == 2


def test_a_reclosed_device_is_restored_without_a_record() -> None:
    net = small([outage(outage_id="old", transformer_id="T1", start=datetime(2020, 1, 1), end=datetime(2020, 1, 2))],
                [signal("trip", "branch", "B1"), signal("reclose", "branch", "B1", 0.1)])  # fmt: skip
    assert at(net, 1) == ([], ["20220720T120000-B1"])


def test_important_customers_come_first() -> None:
    net = small([outage(outage_id="small", transformer_id="T2"), outage(outage_id="big", transformer_id="T1")], [])
    assert at(net, 1)[0] == ["big", "small"]


@pytest.mark.parametrize(
    ("named", "customers"),
    [
        ({"branch_id": "L1"}, ["C3"]),
        ({"feeder_id": "F"}, ["C1", "C2", "C3"]),
        ({"transformer_id": "T1"}, ["C1", "C2"]),
        ({"customer_id": "C2"}, ["C2"]),
        ({}, []),
    ],
)
def test_who_is_off_by_a_record(named: dict[str, str], customers: list[str]) -> None:
    net = small([], [signal("read", "transformer", "T1")])
    assert affected_by_record(net.energise(), named).hit.customers == customers


def test_plans_stay_until_they_are_over() -> None:
    plan = {"plan_id": "P", "start": NOON, "end": NOON + timedelta(hours=4), "transformer_id": "T1"}
    net = small([], [signal("read", "transformer", "T1")], [plan])
    tables = net.workspace.tables
    assert board(net.energise(), tables, NOON + timedelta(hours=1)).planned.height == 1
    assert board(net.energise(), tables, NOON + timedelta(hours=5)).planned.height == 0


def test_the_county_has_each_event_once() -> None:
    net = read_network(COUNTY)
    tables = net.workspace.tables
    shown = board(net.energise(), tables, net.workspace.settings["as_of"], recent_days=4000)
    records = [entry.record["outage_id"] for entry in (*shown.active, *shown.restored) if entry.record]
    counted = tables["outages"].filter(pl.col("exclusion").is_null() & (pl.col("start") <= shown.at))
    assert sorted(records) == sorted(counted["outage_id"])
    assert all(shown.find(entry.key) is entry for entry in shown.active)
