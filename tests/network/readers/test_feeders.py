"""Feeders by trace: where they begin, and which branches are theirs."""

from __future__ import annotations

from typing import Any

from network.readers.feeders import feeders_by_trace


def branch(name: str, from_node: str, to_node: str, kind: str, normally_open: bool = False) -> dict[str, Any]:
    return {"branch_id": name, "from_node": from_node, "to_node": to_node, "kind": kind, "normally_open": normally_open}


STATION = [
    branch("QF0", "S", "h", "breaker"),
    branch("HV", "h", "t", "line"),
    branch("T1", "t", "b0", "bus"),
    branch("QF1", "b0", "bus", "breaker"),
    branch("K1", "bus", "1", "breaker"),
    branch("D1", "1", "2", "disconnector"),
    branch("L1", "2", "3", "line"),
    branch("R1", "3", "4", "recloser"),
    branch("L2", "4", "5", "cable"),
    branch("K2", "bus", "6", "breaker"),
    branch("L3", "6", "7", "cable"),
    branch("TIE", "5", "7", "switch", normally_open=True),
    branch("L4", "bus", "8", "line"),
    branch("LV", "7", "9", "bus"),
    branch("L5", "9", "10", "line"),
]
KV = {"S": 110.0, "h": 110.0, "t": 110.0} | dict.fromkeys(["b0", "bus", *"12345678"], 10.0) | {"9": 0.4, "10": 0.4}


def labels(voltages: dict[str, float]) -> tuple[dict[str, str | None], list[dict[str, Any]]]:
    rows = [dict(row) for row in STATION]
    feeders = feeders_by_trace(rows, [{"node": "S", "station_id": "北门变"}], voltages)
    return {row["branch_id"]: row.get("feeder_id") for row in rows}, feeders


def test_a_feeder_begins_at_its_breaker_in_the_station() -> None:
    found, feeders = labels(KV)
    assert [row["feeder_id"] for row in feeders] == ["QF1", "K1", "K2"] or {row["feeder_id"] for row in feeders} == {
        "QF1", "K1", "K2",
    }  # fmt: skip
    assert {name for name, feeder in found.items() if feeder == "K1"} == {"K1", "D1", "L1", "R1", "L2"}
    assert {name for name, feeder in found.items() if feeder == "K2"} == {"K2", "L3", "LV", "L5"}
    assert found["L4"] == "QF1"  # no breaker of its own: the incomer is the last before it
    assert {name for name, feeder in found.items() if feeder is None} == {"QF0", "HV", "T1", "TIE"}
    assert {row["station_id"] for row in feeders} == {"北门变"}
    assert {row["voltage_kv"] for row in feeders} == {10.0}


def test_without_voltages_the_first_line_counts() -> None:
    found, feeders = labels({})
    assert [row["feeder_id"] for row in feeders] == ["QF0"]
    assert set(found.values()) == {"QF0", None}


def test_a_ring_that_is_closed_is_one_feeder() -> None:
    rows = [branch("L1", "S", "a", "line"), branch("L2", "a", "b", "line"), branch("L3", "b", "S", "line")]
    feeders = feeders_by_trace(rows, [{"node": "S"}], {})
    assert len(feeders) == 1
    assert {row["feeder_id"] for row in rows} == {feeders[0]["feeder_id"]}
