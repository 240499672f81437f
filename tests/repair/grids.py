"""Random feeders with switches, ties, limits and two supplies; and the slow answer: try every state of the switches."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import product
from typing import Any

from hypothesis import strategies as st

from network import Network, network_from_tables

SETTINGS = {"restoration": {"power_factor": 1.0, "voltage_kv": 1 / 3**0.5}}  # so that one kW is one ampere
PROTECTIVE = ("breaker", "recloser", "fuse")
DEVICES = ("breaker", "recloser", "switch", "disconnector", "fuse")


@dataclass
class Branch:
    a: str
    b: str
    kind: str
    is_open: bool = False
    remote: bool = True
    rating: float | None = None
    may_parallel: bool | None = None


@dataclass
class Grid:
    sources: dict[str, float | None]
    branches: list[Branch]
    loads: list[tuple[str, str | None, int, int]]  # node, second node, kW, customers
    refused: set[int] = field(default_factory=set)
    clearing: tuple[str, ...] = PROTECTIVE  # what parts the fault; for planned work what opens under load
    station: dict[str, str] = field(default_factory=dict)
    refused_clear: bool = True  # protection trips a device that nobody can operate; planned work cannot

    def network(self, settings: dict[str, Any] | None = None) -> Network:
        rules = {**SETTINGS["restoration"], **(settings or {})}
        return network_from_tables(
            {
                "sources": [
                    {"node": node, "capacity_a": limit, "station_id": self.station.get(node)}
                    for node, limit in self.sources.items()
                ],
                "branches": [
                    {
                        "branch_id": f"B{i}", "from_node": each.a, "to_node": each.b, "kind": each.kind,
                        "normally_open": each.is_open, "remote": each.remote, "rating_a": each.rating,
                        "may_parallel": each.may_parallel,
                    }
                    for i, each in enumerate(self.branches)
                ],
                "transformers": [
                    {"transformer_id": f"T{i}", "node": node, "second_node": second, "load_kw": kw}
                    for i, (node, second, kw, _) in enumerate(self.loads)
                ],
                "customers": [
                    {"customer_id": f"C{i}-{k}", "transformer_id": f"T{i}"}
                    for i, (*_, customers) in enumerate(self.loads)
                    for k in range(customers)
                ],
            },
            {"restoration": rules},
        )  # fmt: skip

    # The slow answer ----------------------------------------------------------------------------------------------

    def closed(self) -> list[bool]:
        return [not branch.is_open for branch in self.branches]

    def reach(self, closed: list[bool], seeds: list[str], only: set[str] | None = None) -> set[str]:
        near = defaultdict(list)
        for each, is_closed in zip(self.branches, closed, strict=True):
            if is_closed:
                near[each.a].append(each.b)
                near[each.b].append(each.a)
        seen, stack = set(seeds), list(seeds)
        while stack:
            for other in near[stack.pop()]:
                if other not in seen and (only is None or other in only):
                    seen.add(other)
                    stack.append(other)
        return seen

    def flows(self, closed: list[bool]) -> tuple[dict[int, float], dict[str, float]] | None:
        """Return the current of each live branch and source, or nothing where a loop or two sources are closed."""
        live = self.reach(closed, list(self.sources))
        take: defaultdict[str | None, float] = defaultdict(float)
        for node, second, kw, _ in self.loads:
            host = node if node in live else second
            if host in live:
                take[host] += kw
        current: dict[int, float] = {}
        seen: set[str] = set()

        def below(node: str, by: int | None) -> float | None:
            if node in seen:
                return None
            seen.add(node)
            total = take[node]
            for i, each in enumerate(self.branches):
                if closed[i] and i != by and node in {each.a, each.b}:
                    part = below(each.b if node == each.a else each.a, i)
                    if part is None:
                        return None
                    current[i] = part
                    total += part
            return total

        given = {}
        for source in self.sources:
            total = below(source, None)
            if total is None:
                return None
            given[source] = total
        return current, given

    def keeps_limits(self, closed: list[bool], fault: int) -> bool:
        """Return whether a state is radial and within limits; what is above one before any operation may stay so."""
        found = self.flows(closed)
        if found is None:
            return False
        known = [state for state in (self.flows(self.closed()), self.flows(self.tripped(fault))) if state is not None]
        assert len(known) == 2
        branch_limit = {
            i: max(each.rating, *(state[0].get(i, 0.0) for state in known))
            for i, each in enumerate(self.branches)
            if each.rating is not None
        }
        source_limit = {
            node: max(limit, *(state[1][node] for state in known))
            for node, limit in self.sources.items()
            if limit is not None
        }
        return all(found[0].get(i, 0.0) <= limit + 1e-6 for i, limit in branch_limit.items()) and all(
            found[1][node] <= limit + 1e-6 for node, limit in source_limit.items()
        )

    def clears(self, i: int) -> bool:
        return self.branches[i].kind in self.clearing and (self.refused_clear or i not in self.refused)

    def cleared_zone(self, fault: int) -> set[str]:
        soft = [now and not self.clears(i) for i, now in enumerate(self.closed())]
        return self.reach(soft, self.faulty_ends(fault, self.clearing, not self.clears(fault)))

    def tripped(self, fault: int) -> list[bool]:
        """Return the state after the trip: the nearest clearing devices towards sources are open."""
        before = self.closed()
        zone = self.cleared_zone(fault)
        around = [i for i, e in enumerate(self.branches) if before[i] and (e.a in zone) != (e.b in zone)]
        cut = [now and i not in around for i, now in enumerate(before)]
        live = self.reach(cut, list(self.sources))
        return [
            now and not (i in around and (self.branches[i].a in live or self.branches[i].b in live))
            for i, now in enumerate(before)
        ]

    def faulty_ends(self, fault: int, kinds: tuple[str, ...], stuck: bool = False) -> list[str]:
        """Return both ends of a faulted line or of a stuck device; of another device only the end away from the source.

        Of an open branch, on which planned work may be done, they are the live ends.
        """
        each = self.branches[fault]
        if each.is_open:
            return sorted({each.a, each.b} & self.reach(self.closed(), list(self.sources)))
        if each.kind not in kinds or stuck:
            return [each.a, each.b]
        without = [now and i != fault for i, now in enumerate(self.closed())]
        live = self.reach(without, list(self.sources))
        return [each.b if each.a in live else each.a]

    def zone(self, fault: int, after: list[bool]) -> set[str]:
        dead = self.reach(self.closed(), list(self.sources)) - self.reach(after, list(self.sources))
        joins = [
            now and (each.kind not in DEVICES or i in self.refused)
            for i, (now, each) in enumerate(zip(after, self.branches, strict=True))
        ]
        return self.reach(joins, self.faulty_ends(fault, DEVICES, fault in self.refused and after[fault]), dead)

    def states(self, fault: int) -> Iterator[list[bool]]:
        """Give every state that can be operated to, keeps the fault dead and everybody else as they are."""
        before, after = self.closed(), self.tripped(fault)
        live_before, live = self.reach(before, list(self.sources)), self.reach(after, list(self.sources))
        dead, zone = live_before - live, self.zone(fault, after)
        free = [
            i
            for i, each in enumerate(self.branches)
            if each.kind in DEVICES and i not in self.refused and {each.a, each.b} & dead
            and {each.a, each.b} <= live_before
        ]  # fmt: skip
        for choice in product([False, True], repeat=len(free)):
            state = list(after)
            for i, now in zip(free, choice, strict=True):
                state[i] = now
            if any(
                state[i]
                and not after[i]
                and self.branches[i].kind == "disconnector"
                and {self.branches[i].a, self.branches[i].b} & live
                for i in free
            ):
                continue
            fed = self.reach(state, list(self.sources))
            if not fed & zone and live <= fed <= live_before and self.keeps_limits(state, fault):
                yield state

    def gain(self, state: list[bool], after: list[bool]) -> tuple[int, int]:
        """Return the customers (a transformer without any is one) and the kW that a state feeds beyond another."""
        live, then = self.reach(after, list(self.sources)), self.reach(state, list(self.sources))
        back = [
            (max(customers, 1), kw)
            for node, second, kw, customers in self.loads
            if not {node, second} & live and {node, second} & then
        ]
        return sum(each[0] for each in back), sum(each[1] for each in back)


@st.composite
def grids(
    draw: st.DrawFn,
    most_devices: int = 8,
    longest: int = 5,
    most_ties: int = 4,
    *,
    is_fed: bool = False,
    single_of_five: int = 4,
) -> tuple[Grid, int]:
    """Draw one to three radial feeders with ties between any two nodes, and a faulted branch.

    Args:
        draw: of Hypothesis.
        most_devices: switching devices beyond the breakers at the heads, at most.
        longest: branches of a feeder, at most.
        most_ties: at most.
        is_fed: whether the faulted branch has supply before the fault, so that something is lost; ties join two feeders then.
        single_of_five: of five loads so many have no second supply, on average.
    """
    sources: dict[str, float | None] = {}
    branches: list[Branch] = []
    nodes: list[str] = []
    devices = 0
    limit = st.none() | st.integers(1, 14).map(float)
    for s in range(draw(st.integers(1, 3))):
        sources[f"S{s}"] = draw(limit)
        own = [f"S{s}"]
        for k in range(draw(st.integers(1, longest))):
            kind = "breaker" if k == 0 else draw(st.sampled_from(["line", "line", "switch", "switch", *DEVICES]))
            if k > 0 and kind in DEVICES and devices >= most_devices:
                kind = "line"
            devices += k > 0 and kind in DEVICES
            above = own[0] if k == 0 else own[draw(st.integers(1, len(own) - 1))]
            new = f"n{s}{k}"
            ends = (above, new) if draw(st.booleans()) else (new, above)
            branches.append(Branch(*ends, kind, False, draw(st.booleans()), draw(limit)))
            own.append(new)
        nodes += own[1:]
    for _ in range(draw(st.integers(int(is_fed), most_ties))):
        a = draw(st.sampled_from([*nodes, *sources]))
        others = [node for node in nodes if node[1] != a[1]]
        b = draw(st.sampled_from(others if is_fed and others else nodes))
        if a != b and devices < most_devices:
            devices += 1
            kind = draw(st.sampled_from(["switch", "switch", "switch", "disconnector", "breaker", "line"]))
            branches.append(Branch(a, b, kind, True, draw(st.booleans()), draw(limit)))
    other_supply = st.integers(1, 5).flatmap(
        lambda one: st.none() | st.sampled_from(nodes) if one > single_of_five else st.none()
    )
    loads = [
        (draw(st.sampled_from(nodes)), draw(other_supply), draw(st.integers(0, 6)), draw(st.integers(0, 3)))
        for _ in range(draw(st.integers(1, 7)))
    ]  # fmt: skip
    refused = draw(st.sets(st.integers(0, len(branches) - 1), max_size=2))
    grid = Grid(sources, branches, loads, refused)
    live = grid.reach(grid.closed(), list(grid.sources))
    faulted = [i for i, each in enumerate(branches) if not is_fed or (not each.is_open and {each.a, each.b} <= live)]
    return grid, draw(st.sampled_from(faulted))


def large_grids(*, is_fed: bool = False) -> st.SearchStrategy[tuple[Grid, int]]:
    """Give grids with up to twelve switching devices beyond the breakers at the heads."""
    return grids(most_devices=12, longest=7, most_ties=6, is_fed=is_fed)
