"""Small networks with records for tests of the statistics, and the slow, obvious answer: every user, every minute."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from network import Network, network_from_tables
from reliability.statistics import Statistics
from tests.networks import Plain

START = datetime(2022, 1, 30)
MINUTE = timedelta(minutes=1)
CLASSES = ("city_centre", "urban", "town", "rural")


def bus(transformers: int, attributes: Sequence[Mapping[str, Any]] = ()) -> dict[str, list[dict[str, Any]]]:
    """Return the tables of transformers that hang on one bus, each by its own fuse."""
    extra = list(attributes) or [{}] * transformers
    return {
        "sources": [{"node": "S"}],
        "branches": [
            {"branch_id": f"B{i}", "from_node": "S", "to_node": f"N{i}", "kind": "fuse"} for i in range(transformers)
        ],
        "transformers": [{"transformer_id": f"T{i}", "node": f"N{i}", **extra[i]} for i in range(transformers)],
    }


def statistics(tables: Mapping[str, Any], settings: Mapping[str, Any] | None = None) -> Statistics:
    return Statistics(network_from_tables(tables, {"reliability": settings or {}}))


@dataclass
class Scene:
    """A network of section switches with outages, stages and service dates, all in whole minutes."""

    plain: Plain
    classes: list[str]
    service: list[tuple[int | None, int | None]]
    outages: list[dict[str, Any]]
    stages: list[dict[str, Any]] = field(default_factory=list)
    searched: dict[int | None, set[str]] = field(default_factory=dict, repr=False, compare=False)

    def network(self, settings: Mapping[str, Any] | None = None, one_customer_each: bool = False) -> Network:
        base = self.plain.network().workspace.tables
        transformers = [
            row
            | {"region_class": self.classes[i], "in_service": at(self.service[i][0]), "retired": at(self.service[i][1])}
            for i, row in enumerate(base["transformers"].select("transformer_id", "node", "second_node").to_dicts())
        ]
        moments = ("start", "end", "restored_at", "approved_end")
        rows = [
            [{name: at(value) if name in moments else value for name, value in row.items()} for row in table]
            for table in (self.outages, self.stages)
        ]
        return network_from_tables(
            {
                "sources": base["sources"].drop("row"),
                "branches": base["branches"].drop("row"),
                "transformers": transformers,
                "customers": [
                    {
                        "customer_id": f"C{i}",
                        **{name: row[name] for name in ("transformer_id", "in_service", "retired")},
                    }
                    for i, row in enumerate(transformers)
                    if one_customer_each
                ],
                "outages": rows[0],
                "stages": rows[1],
            },
            {"reliability": settings or {}},
        )

    def off(self, transformer: int, minute: int) -> list[str]:
        """Return which outages keep a transformer off during one minute, by searching the graph."""
        served_from, served_to = self.service[transformer]
        blamed = []
        lost: set[str] = set()
        for outage in self.outages:
            if not outage["start"] <= minute < (10**9 if outage["end"] is None else outage["end"]):
                continue
            parts = self._supplies_off(transformer, outage)
            back = [
                part
                for part in parts
                for stage in self.stages
                if stage["outage_id"] == outage["outage_id"] and stage["restored_at"] <= minute
                if part in self._supplies_off(transformer, stage)
            ]
            now = parts - set(back)
            lost |= now
            if now and (served_from is None or outage["start"] >= served_from):
                blamed.append(outage["outage_id"])
        if served_to is not None and minute >= served_to:
            return []
        return blamed if lost and self._normal_supplies(transformer) <= lost else []

    def live_without(self, branch: int | None) -> set[str]:
        """Return the nodes that are live with one branch open; each search of the graph is made once."""
        if branch not in self.searched:
            self.searched[branch] = self.plain.live_nodes(set() if branch is None else {branch})
        return self.searched[branch]

    def _normal_supplies(self, transformer: int) -> set[str]:
        live = self.live_without(None)
        first, second = self.plain.transformers[transformer]
        return {name for name, node in (("1", first), ("2", second)) if node in live}

    def _supplies_off(self, transformer: int, named: Mapping[str, Any]) -> set[str]:
        if named.get("transformer_id"):
            own = {"1"} if self.plain.transformers[transformer][1] is None else {"1", "2"}
            return own if named["transformer_id"] == f"T{transformer}" else set()
        lost = self.live_without(None) - self.live_without(int(named["branch_id"][1:]))
        first, second = self.plain.transformers[transformer]
        return {name for name, node in (("1", first), ("2", second)) if node in lost}


def at(minute: int | None) -> datetime | None:
    return None if minute is None else START + minute * MINUTE


@st.composite
def scenes(draw: st.DrawFn, minutes: int = 90) -> Scene:
    from tests.networks import plain_networks

    plain = draw(plain_networks(most_nodes=8))
    users = len(plain.transformers)
    moment = st.integers(0, minutes)
    service = [
        (draw(st.none() | st.integers(0, minutes // 2)), draw(st.none() | st.integers(minutes // 2 + 1, minutes)))
        if draw(st.integers(0, 4)) == 0
        else (None, None)
        for _ in range(users)
    ]
    outages, stages = [], []
    for i in range(draw(st.integers(1, 7))):
        start = draw(moment)
        end = draw(st.none() | st.integers(start + 1, minutes + 20))
        part = draw(named_parts(len(plain.branches), users))
        outages.append(
            {
                "outage_id": f"E{i}",
                "start": start,
                "end": end,
                "nature": draw(st.sampled_from(["F-INT", "F-EXT", "P-PLAN-MAINT", "P-RAT-SYS"])),
                "approved_end": draw(st.none() | moment),
                **part,
            }
        )
        for _ in range(draw(st.integers(0, 2))):
            latest = end if end is not None else minutes
            if latest > start:
                stages.append(
                    {
                        "outage_id": f"E{i}",
                        "restored_at": draw(st.integers(start + 1, latest)),
                        **draw(named_parts(len(plain.branches), users)),
                    }
                )
    return Scene(plain, [draw(st.sampled_from(CLASSES)) for _ in range(users)], service, outages, stages)


def named_parts(branches: int, users: int) -> st.SearchStrategy[dict[str, str | None]]:
    by_branch = st.integers(0, branches - 1).map(lambda i: {"branch_id": f"B{i}", "transformer_id": None})
    by_transformer = st.integers(0, users - 1).map(lambda i: {"branch_id": None, "transformer_id": f"T{i}"})
    return by_branch | by_branch | by_transformer
