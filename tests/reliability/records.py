"""Small networks with records for tests of the statistics, and the slow, obvious answer: every user, every minute."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from network import Network, network_from_tables
from reliability.statistics import Statistics
from tests.networks import Plain
from tests.reliability.slow_states import SlowStates

START = datetime(2022, 1, 30)
EVENING = datetime(2022, 1, 30, 23)
"""An hour before midnight, so that the records of a scene begin on two days."""
MINUTE = timedelta(minutes=1)
CLASSES = ("city_centre", "urban", "town", "rural")


def bus(transformers: int, attributes: Sequence[Mapping[str, Any]] = ()) -> dict[str, Any]:
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
    """A network of section switches with outages, stages and service dates, all in whole minutes.

    ``moves`` gives transformers that hang elsewhere from a minute on; ``states`` the switching log beside the records;
    ``natures`` how the nature of each outage is written; ``refused`` further rows, whose end says nothing.
    """

    plain: Plain
    classes: list[str]
    service: list[tuple[int | None, int | None]]
    outages: list[dict[str, Any]]
    stages: list[dict[str, Any]] = field(default_factory=list)
    moves: dict[int, tuple[int, str]] = field(default_factory=dict)
    states: SlowStates | None = None
    natures: dict[str, str] = field(default_factory=dict)
    refused: list[dict[str, Any]] = field(default_factory=list)
    start: datetime = START
    searched: dict[int | None, set[str]] = field(default_factory=dict, repr=False, compare=False)

    def network(self, settings: Mapping[str, Any] | None = None, one_customer_each: bool = False) -> Network:
        base = self.plain.network().workspace.tables
        transformers = [
            row
            | {
                "region_class": self.classes[i],
                "in_service": self.at(self.service[i][0]),
                "retired": self.at(self.service[i][1]),
            }
            for i, row in enumerate(base["transformers"].select("transformer_id", "node", "second_node").to_dicts())
        ]
        placed = [each for i, row in enumerate(transformers) for each in self._periods(i, row)]
        moments = ("start", "end", "restored_at", "approved_end")
        rows: list[list[dict[str, Any]]] = [
            [
                {name: self.at(value) if name in moments else value for name, value in row.items() if name != "number"}
                for row in table
            ]
            for table in (self.outages, self.stages)
        ]
        for row in rows[0]:
            row["nature"] = self.natures.get(row["outage_id"], row["nature"])
        rows[0] += [row | {"start": self.at(row["start"])} for row in self.refused]
        return network_from_tables(
            {
                "sources": base["sources"].drop("row"),
                "branches": base["branches"].drop("row"),
                "transformers": placed,
                "switching": [
                    {"time": self.at(minute), "branch_id": branch, "action": "open" if opens else "close"}
                    for minute, branch, opens in (self.states.written if self.states else ())
                ],
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

    def _periods(self, transformer: int, row: dict[str, Any]) -> list[dict[str, Any]]:
        if transformer not in self.moves:
            return [row]
        minute, node = self.moves[transformer]
        later = row | {"node": node, "second_node": None, "in_service": self.at(minute)}
        return [row | {"retired": self.at(minute)}, later]

    def at(self, minute: int | None) -> datetime | None:
        return None if minute is None else self.start + minute * MINUTE

    def place(self, transformer: int, minute: int) -> tuple[str, str | None]:
        """Return the nodes that a transformer hangs on in a minute."""
        since, node = self.moves.get(transformer, (10**9, ""))
        return (node, None) if minute >= since else self.plain.transformers[transformer]

    def off(self, transformer: int, minute: int) -> list[str]:
        """Return which outages keep a transformer off during one minute, by searching the graph."""
        served_from, served_to = self.service[transformer]
        blamed = []
        lost: set[str] = set()
        place = self.place(transformer, minute)
        for outage in self.outages:
            if not outage["start"] <= minute < (10**9 if outage["end"] is None else outage["end"]):
                continue
            is_open = self.states.state(outage["number"]) if self.states else None
            parts = self._supplies_off(transformer, place, outage, is_open)
            back = [
                part
                for part in parts
                for stage in self.stages
                if stage["outage_id"] == outage["outage_id"] and stage["restored_at"] <= minute
                if part in self._supplies_off(transformer, place, stage, is_open)
            ]
            now = parts - set(back)
            lost |= now
            if now and (served_from is None or outage["start"] >= served_from):
                blamed.append(outage["outage_id"])
        if served_to is not None and minute >= served_to:
            return []
        return blamed if lost and self._normal_supplies(place) <= lost else []

    def live_without(self, branch: int | None) -> set[str]:
        """Return the nodes that are live with one branch open; each search of the graph is made once."""
        if branch not in self.searched:
            self.searched[branch] = self.plain.live_nodes(set() if branch is None else {branch})
        return self.searched[branch]

    def _normal_supplies(self, place: tuple[str, str | None]) -> set[str]:
        live = self.live_without(None)
        first, second = place
        return {name for name, node in (("1", first), ("2", second)) if node in live}

    def _supplies_off(
        self, transformer: int, place: tuple[str, str | None], named: Mapping[str, Any], is_open: frozenset[int] | None
    ) -> set[str]:
        first, second = place
        if named.get("transformer_id"):
            own = {"1"} if second is None else {"1", "2"}
            return own if named["transformer_id"] == f"T{transformer}" else set()
        branch = int(named["branch_id"][1:])
        lost = self.live_without(None) - self.live_without(branch)
        if is_open is not None and self.states is not None:
            lost = set(self.states.below(branch, is_open))
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


@st.composite
def logged_scenes(draw: st.DrawFn, one_supply_each: bool = False) -> Scene:
    """Draw scenes with a switching log beside the records, outages of several rows, and transformers that are moved."""
    scene = draw(scenes())
    if one_supply_each:
        transformers: list[tuple[str, str | None]] = [(node, None) for node, _ in scene.plain.transformers]
        scene = replace(scene, plain=replace(scene.plain, transformers=transformers))
    plain, minutes = scene.plain, 110
    row = st.tuples(
        st.integers(0, minutes), st.sampled_from([f"B{i}" for i in range(len(plain.branches))]), st.booleans()
    )
    written = draw(st.lists(row, max_size=12))
    written = draw(st.sampled_from([written, sorted(written), sorted(written, reverse=True)]))
    tripped = [
        (outage["start"], outage["branch_id"], True)
        for outage in scene.outages
        if outage["branch_id"] and draw(st.booleans())
    ]
    written += [(max(0, minute + draw(st.integers(-6, 6))), branch, opens) for minute, branch, opens in tripped]
    users, nodes = len(plain.transformers), sorted({end for a, b, _ in plain.branches for end in (a, b)})
    moves = {
        user: (draw(st.integers(1, minutes)), draw(st.sampled_from(nodes)))
        for user in range(users) if draw(st.integers(0, 4)) == 0
    }  # fmt: skip
    service = [(None, None) if user in moves else each for user, each in enumerate(scene.service)]
    outages = list(scene.outages)
    for outage in scene.outages:
        if draw(st.integers(0, 3)) == 0:
            part = draw(named_parts(len(plain.branches), users))
            if part != {name: outage[name] for name in part}:
                outages.append(
                    outage | part | {"end": draw(st.none() | st.integers(outage["start"] + 1, minutes + 20))}
                )
    for number, each in enumerate(outages):
        each["number"] = number
    last = {}
    for outage in outages:
        ends = last.get(outage["outage_id"], 0), outage["end"]
        last[outage["outage_id"]] = None if None in ends else max(ends)
    stages = [
        stage
        for stage in scene.stages
        if last[stage["outage_id"]] is None or stage["restored_at"] <= last[stage["outage_id"]]
    ]
    moved = [(node, None) for _, node in moves.values()]
    states = SlowStates(
        replace(plain, transformers=[*plain.transformers, *moved]), written, outages,
        draw(st.integers(0, 20)), draw(st.sampled_from([20, 60, 1000])), draw(st.integers(0, 4)) > 0,
        {users + i: user for i, user in enumerate(moves)},
    )  # fmt: skip
    return replace(scene, outages=outages, stages=stages, service=service, moves=moves, states=states)


WRITTEN = {
    "F-INT": ("F-INT", "内部故障停电", "故障停电/内部故障停电", "内部故障－故障停电", "故障停电 > 内部故障"),
    "F-EXT": ("F-EXT", "外部故障停电", "故障停电—外部故障停电", "外部故障，故障停电", "故障停电\\外部故障停电"),
    "P-PLAN-MAINT": (
        "检修停电", "预安排停电/计划停电/检修停电", "计划停电-检修停电", "检修停电，计划停电，预安排停电",
        "预安排停电 计划停电 检修停电",
    ),
    "P-RAT-SYS": (
        "系统电源不足限电", "预安排停电/限电/系统电源不足限电", "限电>系统电源不足限电", "预安排停电－限电－系统电源不足限电",
    ),
}  # fmt: skip
"""How natures are written, as paths too (R1.22)."""


@st.composite
def scenes_as_written(draw: st.DrawFn) -> Scene:
    """Draw logged scenes of users with one supply, with natures as paths, and rows whose end says nothing."""
    scene = draw(logged_scenes(one_supply_each=True))
    natures = {outage["outage_id"]: draw(st.sampled_from(WRITTEN[outage["nature"]])) for outage in scene.outages}
    refused = [
        {
            "outage_id": f"R{number}", "start": draw(st.integers(0, 100)), "end": draw(st.sampled_from(["/", "无", "N/A", "—"])),
            "nature": "F-INT", **draw(named_parts(len(scene.plain.branches), len(scene.classes))),
        }
        for number in range(draw(st.integers(0, 2)))
    ]  # fmt: skip
    return replace(scene, natures=natures, refused=refused, start=EVENING)


def named_parts(branches: int, users: int) -> st.SearchStrategy[dict[str, str | None]]:
    by_branch = st.integers(0, branches - 1).map(lambda i: {"branch_id": f"B{i}", "transformer_id": None})
    by_transformer = st.integers(0, users - 1).map(lambda i: {"branch_id": None, "transformer_id": f"T{i}"})
    return by_branch | by_branch | by_transformer
