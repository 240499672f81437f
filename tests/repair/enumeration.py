"""The slow, obvious answer of fault location: every fault and every two, every signal judged one by one on a searched graph."""

from __future__ import annotations

import math
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from itertools import combinations_with_replacement, pairwise
from typing import Any

import networkx as nx
import numpy as np

from repair import LocationSettings


@dataclass
class Feeder:
    """A feeder as plain lists, and what was heard of it.

    Attributes:
        branches: (from, to, kind, length in km) by id.
        sources: nodes.
        transformers: node by id.
        flags: what each sensor reports, by branch; ``None`` is silent.
        rates: miss and false rate of each sensor.
        trips: branches that tripped.
        said: ``off`` or ``read`` by transformer.
    """

    branches: dict[str, tuple[str, str, str, float]]
    sources: list[str]
    transformers: dict[str, str] = field(default_factory=dict)
    flags: dict[str, int | None] = field(default_factory=dict)
    rates: dict[str, tuple[float, float]] = field(default_factory=dict)
    trips: set[str] = field(default_factory=set)
    said: dict[str, str] = field(default_factory=dict)

    def tables(self) -> dict[str, Any]:
        return {
            "sources": [{"node": node} for node in self.sources],
            "branches": [
                {"branch_id": name, "from_node": a, "to_node": b, "kind": kind, "length_km": km}
                for name, (a, b, kind, km) in self.branches.items()
            ],
            "transformers": [{"transformer_id": name, "node": node} for name, node in self.transformers.items()],
        }

    def graph(self, without: AbstractSet[str] = frozenset()) -> nx.MultiGraph:
        graph = nx.MultiGraph()
        graph.add_nodes_from(self.sources)
        for name, (a, b, _, _) in self.branches.items():
            graph.add_nodes_from([a, b])
            if name not in without:
                graph.add_edge(a, b, name)
        return graph

    def fed(self, graph: nx.MultiGraph) -> set[str]:
        return set().union(*(nx.node_connected_component(graph, node) for node in self.sources if node in graph))

    def dead_transformers(self, live: set[str]) -> set[str]:
        return {name for name, node in self.transformers.items() if node not in live}

    def witness_odds(self, dark: set[str], rules: LocationSettings) -> float:
        """Return P(what transformers say | these are dark) over P(the same | all are live)."""
        explained = self.dead_transformers(self.fed(self.graph(self.trips)))
        odds = 1.0
        for name, word in self.said.items():
            if name in dark and name not in explained:
                miss, false = rules.dark_miss_rate, rules.dark_false_rate
                odds *= (1 - miss) / false if word == "off" else miss / (1 - false)
        return odds


def posterior(weights: dict[frozenset[int], float]) -> dict[frozenset[int], float]:
    total = sum(weights.values())
    return {key: value / total for key, value in weights.items()}


class RadialOracle:
    """A feeder with one source and no loop."""

    def __init__(self, feeder: Feeder, rules: LocationSettings) -> None:
        self.feeder, self.rules = feeder, rules
        graph = nx.Graph()
        for name, (a, b, _, _) in feeder.branches.items():
            graph.add_edge(a, b, name=name)
        self.path = {}
        for name, (a, b, _, _) in feeder.branches.items():
            far = max((nx.shortest_path(graph, feeder.sources[0], end) for end in (a, b)), key=len)
            self.path[name] = [graph.edges[pair]["name"] for pair in pairwise(far)]

    def cleared_by(self, fault: str) -> str | None:
        kinds = {"breaker", "recloser", "fuse"}
        on_path = [b for b in self.path[fault] if self.feeder.branches[b][2] in kinds or b in self.feeder.trips]
        return on_path[-1] if on_path else None

    def first_open(self, fault: str) -> str | None:
        return next((b for b in self.path[fault] if b in self.feeder.trips), self.cleared_by(fault))

    def keeps(self, sensor: str, fault: str) -> bool:
        """Whether a sensor on the way lies at or beyond the first device that opened."""
        first = self.first_open(fault)
        return first is None or self.path[fault].index(sensor) >= self.path[fault].index(first)

    def likelihood(self, faults: tuple[str, ...]) -> float:
        rules, feeder = self.rules, self.feeder
        mixed = 0.0
        for share, all_keep in ((rules.upstream_flag_rate, True), (1 - rules.upstream_flag_rate, False)):
            product = share
            for sensor, report in feeder.flags.items():
                if report is None:
                    continue
                miss, false = feeder.rates[sensor]
                sees = any(sensor in self.path[f] and (all_keep or self.keeps(sensor, f)) for f in faults)
                seen = 1 - miss if sees else false
                product *= seen if report > 0 else 1 - seen
            mixed += product
        for trip in feeder.trips:
            mixed *= max(
                1 - rules.trip_miss_rate
                if trip == self.cleared_by(f)
                else rules.overreach_rate
                if trip in self.path[f]
                else rules.trip_false_rate
                for f in faults
            )
        dark: set[str] = set()
        for fault in faults:
            opened = self.cleared_by(fault)
            dark |= feeder.dead_transformers(feeder.fed(feeder.graph({opened})) if opened else set())
        return mixed * feeder.witness_odds(dark, rules)

    def answers(
        self, prior: dict[str, float], section: dict[str, int], unmarked: int | None
    ) -> tuple[dict[str, float], dict[frozenset[int], float]]:
        """Return the posterior of each branch for one fault, and of each section or two that can be told from all others.

        Args:
            prior: of each branch.
            section: of each branch.
            unmarked: the section before the first sensor, which lies on the way of all.
        """
        way = {f: {unmarked} | {section[b] for b in self.path[f]} for f in prior}
        one = {f: prior[f] * self.likelihood((f,)) for f in prior}
        share = self.rules.second_fault_rate
        both: dict[frozenset[int], float] = {}
        for f in prior:
            both[frozenset([section[f]])] = both.get(frozenset([section[f]]), 0.0) + (1 - share) * one[f]
        for a, b in combinations_with_replacement(prior, 2):
            weight = share * prior[a] * prior[b] * (1 if a == b else 2) * self.likelihood((a, b))
            i, j = section[a], section[b]
            key = frozenset([i]) if j in way[a] else frozenset([j]) if i in way[b] else frozenset([i, j])
            both[key] = both.get(key, 0.0) + weight
        total = sum(one.values())
        return {f: w / total for f, w in one.items()}, posterior(both)


class ActiveOracle:
    """A feeder with rings or several sources: the currents of every fault solved on the whole network."""

    def __init__(self, feeder: Feeder, rules: LocationSettings, upstream: dict[str, str]) -> None:
        """``upstream`` says at which end of its branch each sensor sits."""
        self.feeder, self.rules, self.upstream = feeder, rules, upstream

    def shown(self, faults: tuple[str, ...]) -> dict[str, int]:
        """Return the sign of the current past every sensor: all faults at zero volt, all sources at one."""
        hanging = {name for name in self.feeder.branches if self.hangs(name)}
        joined = list(nx.connected_components(self.feeder.graph(set(self.feeder.branches) - hanging)))
        nodes = {node: i for i, part in enumerate(joined) for node in part}
        middle = {name: len(joined) + i for i, name in enumerate(self.feeder.branches)}
        middle |= {name: nodes[self.feeder.branches[name][0]] for name in hanging}
        length = {name: max(b[3], 1e-3) for name, b in self.feeder.branches.items()}
        matrix = np.eye(len(joined) + len(self.feeder.branches)) * 1e-12  # so that unused rows can be solved
        drawn = np.zeros(len(matrix))
        for name in set(self.feeder.branches) - hanging:
            for end in self.feeder.branches[name][:2]:
                i, j, g = nodes[end], middle[name], 2 / length[name]
                matrix[i, i] += g
                matrix[j, j] += g
                matrix[i, j] -= g
                matrix[j, i] -= g
        for node in self.feeder.sources:
            matrix[nodes[node], nodes[node]] += 1e3
            drawn[nodes[node]] += 1e3
        for fault in faults:
            at = middle[fault]
            matrix[at] = 0
            matrix[at, at] = 1
            drawn[at] = 0
        volt = np.linalg.solve(matrix, drawn)
        whole = sum(1e3 * (1 - volt[nodes[node]]) for node in self.feeder.sources)
        signs = {}
        for name in {*self.feeder.flags, *self.feeder.trips}:
            end = self.upstream[name]
            along = 1 if end == self.feeder.branches[name][0] else -1
            current = (volt[nodes[end]] - volt[middle[name]]) * 2 / length[name] * along
            signs[name] = 0 if abs(current) < 1e-6 * whole else int(math.copysign(1, current))
        return signs

    def hangs(self, name: str) -> bool:
        """Whether no source lies beyond a branch, and nothing tells of it: a fault there acts where it hangs."""
        if name in self.feeder.flags or name in self.feeder.trips:
            return False
        rest = self.feeder.graph({name})
        ends = self.feeder.branches[name][:2]
        return any(not nx.node_connected_component(rest, end) & set(self.feeder.sources) for end in ends)

    def around(self, fault: str) -> tuple[set[str], set[str]]:
        """Return the nodes of the fault's zone, and the devices around it."""
        kinds = {"breaker", "recloser", "fuse"}
        devices = {n for n, b in self.feeder.branches.items() if b[2] in kinds or n in self.feeder.trips}
        a, b, _, _ = self.feeder.branches[fault]
        far = b if self.upstream[fault] == a else a
        zone = nx.node_connected_component(self.feeder.graph(devices), far)
        return zone, {n for n in devices if {self.feeder.branches[n][0], self.feeder.branches[n][1]} & zone}

    def likelihood(self, faults: tuple[str, ...]) -> float:
        rules, feeder = self.rules, self.feeder
        shown, product = self.shown(faults), 1.0
        for sensor, report in feeder.flags.items():
            if report is None:
                continue
            miss, false = feeder.rates[sensor]
            if shown[sensor] == 0:
                product *= 1 - false if report == 0 else false / 2
            else:
                product *= miss if report == 0 else (1 - miss) * (1 - false if report == shown[sensor] else false)
        dark: set[str] = set()
        rates: dict[str, float] = {}
        for fault in faults:
            zone, devices = self.around(fault)
            alone = self.shown((fault,))
            for trip in feeder.trips:
                passes = rules.overreach_rate if alone[trip] else rules.trip_false_rate
                rates[trip] = max(rates.get(trip, 0), 1 - rules.trip_miss_rate if trip in devices else passes)
            rest = feeder.graph()
            rest.remove_nodes_from(zone)
            dark |= feeder.dead_transformers(feeder.fed(rest))
        return product * math.prod(rates.values()) * feeder.witness_odds(dark, rules)

    def answers(
        self,
        prior: dict[str, float],
        section: dict[str, int],
        unmarked: int | None,  # noqa: ARG002 (no section hides another here)
    ) -> tuple[dict[str, float], dict[frozenset[int], float]]:
        """Return the posterior of each branch for one fault, and of each section or two."""
        one = {f: prior[f] * self.likelihood((f,)) for f in prior}
        share = self.rules.second_fault_rate
        both: dict[frozenset[int], float] = {}
        for f in prior:
            both[frozenset([section[f]])] = both.get(frozenset([section[f]]), 0.0) + (1 - share) * one[f]
        for a, b in combinations_with_replacement(prior, 2):
            key = frozenset([section[a], section[b]])
            both[key] = both.get(key, 0.0) + share * prior[a] * prior[b] * (1 if a == b else 2) * self.likelihood(
                (a, b)
            )
        total = sum(one.values())
        return {f: w / total for f, w in one.items()}, posterior(both)
