"""A tidy one-line layout of a feeder: the trunk from left to right, laterals above and below, no line across another.

The trunk is the way to the farthest node. Every other way leaves its line at a right angle and runs in a lane of its
own; a lateral's laterals go further outwards. Lanes are given from right to left, so a lateral that leaves earlier lies
farther out than those that it passes.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np

from network.arrays import Indices
from network.supply import Supply


@dataclass(frozen=True)
class DrawnBranch:
    """One branch as a line of points: straight, or up or down and then along."""

    branch: int
    points: tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class DrawnTransformer:
    """One transformer on a stub that leaves its node at a right angle."""

    transformer: int
    foot: tuple[float, float]
    head: tuple[float, float]


@dataclass(frozen=True)
class Layout:
    """Where everything of one tree is drawn; x counts hops from its head, y counts lanes, the trunk is lane 0.

    Attributes:
        position: node index to (x, y).
        branches: the branches of the tree.
        ties: open branches with an end in the tree, each as a short line from its node.
        transformers: transformers whose first supply is in the tree.
    """

    position: dict[int, tuple[float, float]]
    branches: tuple[DrawnBranch, ...]
    ties: tuple[DrawnBranch, ...]
    transformers: tuple[DrawnTransformer, ...]

    @property
    def width(self) -> float:
        """Hops from the head to the farthest node."""
        return max((x for x, _ in self.position.values()), default=0.0)

    @property
    def lanes(self) -> tuple[float, float]:
        """Lowest and highest lane."""
        heights = [y for _, y in self.position.values()] or [0.0]
        return min(heights), max(heights)


@dataclass
class _Line:
    """A chain of places in one lane, with its laterals by the place that they leave."""

    places: list[int]
    laterals: list[tuple[int, _Line]] = field(default_factory=list)
    side: int = 0
    lane: int = 0


def head_of(supply: Supply, place: int) -> int:
    """Return the place of the feeder's head above ``place``: the first below its source, or the source itself."""
    while place > 0 and supply.parent[place] > 0 and supply.parent[supply.parent[place]] > 0:
        place = int(supply.parent[place])
    return place


def feeder_layout(supply: Supply, place: int) -> Layout:
    """Return the layout of the feeder that ``place`` belongs to, from its source.

    Args:
        supply: the energised forest.
        place: any place in depth-first order below a source.
    """
    head = head_of(supply, place)
    first = int(supply.parent[head]) if supply.parent[head] > 0 else head
    inside = np.arange(head, supply.end[head]) if first != head else np.arange(first, supply.end[first])
    children: dict[int, list[int]] = {int(each): [] for each in inside}
    children[first] = [] if first == head else [head]
    for each in inside:
        if each not in (head, first):
            children[int(supply.parent[each])].append(int(each))
    trunk = _line(first, children)
    at: dict[int, tuple[float, float]] = {}
    _arrange(trunk, 0)
    _position(trunk, 0, 0, 0, at)
    node = supply.node_at
    position = {int(node[each]): xy for each, xy in at.items()}
    drawn = tuple(
        DrawnBranch(int(supply.branch_to[each]), _elbow(at[int(supply.parent[each])], at[each]))
        for each in sorted(at)
        if each != first and supply.branch_to[each] >= 0
    )
    ties = _ties(supply, position, drawn)
    return Layout(position, drawn, ties, _transformers(supply, position, (*drawn, *ties)))


def _depths(root: int, children: dict[int, list[int]]) -> dict[int, int]:
    """Return how many hops lie below each place."""
    depth: dict[int, int] = {}
    for place in sorted(_below(root, children), reverse=True):
        depth[place] = 1 + max((depth[child] for child in children[place]), default=0)
    return depth


def _below(root: int, children: dict[int, list[int]]) -> list[int]:
    found, waiting = [], [root]
    while waiting:
        place = waiting.pop()
        found.append(place)
        waiting += children[place]
    return found


def _line(root: int, children: dict[int, list[int]]) -> _Line:
    """Split a tree into its longest line and the lines that leave it."""
    depth = _depths(root, children)
    trunk = _Line([root])
    waiting = [trunk]
    while waiting:
        line = waiting.pop()
        while following := children[line.places[-1]]:
            farthest = max(following, key=lambda place: (depth[place], -place))
            for other in following:
                if other != farthest:
                    lateral = _Line([other])
                    line.laterals.append((len(line.places) - 1, lateral))
                    waiting.append(lateral)
            line.places.append(farthest)
    return trunk


def _arrange(line: _Line, side: int) -> tuple[int, int]:
    """Give every lateral of a line its side and lane; return the hops that the block reaches and the lanes it needs."""
    reach = len(line.places) - 1
    taken: dict[int, list[tuple[int, int]]] = {1: [], -1: []}  # by side: where a lateral leaves, its outermost lane
    for leaves, lateral in sorted(line.laterals, key=lambda each: -each[0]):
        extent, lanes = _arrange(lateral, side or 1)
        last = leaves + 1 + extent
        free = {
            each: 1 + max((lane for start, lane in taken[each] if start <= last), default=0)
            for each in ((side,) if side else (1, -1))
        }
        lateral.side = min(free, key=lambda each: (free[each], len(taken[each])))
        lateral.lane = free[lateral.side]
        taken[lateral.side].append((leaves, lateral.lane + lanes))
        reach = max(reach, last)
    return reach, max((lane for lanes in taken.values() for _, lane in lanes), default=0)


def _position(line: _Line, x: int, y: int, side: int, at: dict[int, tuple[float, float]]) -> None:
    for hops, place in enumerate(line.places):
        at[place] = (float(x + hops), float(y))
    for leaves, lateral in line.laterals:
        direction = side or lateral.side
        _position(lateral, x + leaves + 1, y + direction * lateral.lane, direction, at)


def _elbow(start: tuple[float, float], end: tuple[float, float]) -> tuple[tuple[float, float], ...]:
    return (start, end) if start[1] == end[1] else (start, (start[0], end[1]), end)


def _ties(
    supply: Supply, position: dict[int, tuple[float, float]], drawn: Iterable[DrawnBranch]
) -> tuple[DrawnBranch, ...]:
    """Draw the open branches at the tree: onwards from the end of a line, else up or down where no lateral leaves."""
    net = supply.network
    onwards = {branch.points[0] for branch in drawn if len(branch.points) == 2}
    busy = _sides(drawn)
    found = []
    for branch in np.flatnonzero(supply.is_open):
        inside = [node for node in (int(net.from_node[branch]), int(net.to_node[branch])) if node in position]
        if inside:
            x, y = position[inside[0]]
            side = -1.0 if ((x, y), 1.0) in busy else 1.0
            end = (x, y + 0.5 * side) if (x, y) in onwards else (x + 0.8, y)
            found.append(DrawnBranch(int(branch), ((x, y), end)))
    return tuple(found)


def _sides(drawn: Iterable[DrawnBranch]) -> set[tuple[tuple[float, float], float]]:
    """Return from which points a line leaves upwards (1) or downwards (-1)."""
    return {
        (branch.points[0], float(np.sign(branch.points[1][1] - branch.points[0][1])))
        for branch in drawn
        if branch.points[1][1] != branch.points[0][1]
    }


def _transformers(
    supply: Supply, position: dict[int, tuple[float, float]], drawn: Iterable[DrawnBranch]
) -> tuple[DrawnTransformer, ...]:
    """Hang each transformer on its node, on the side where nothing else leaves."""
    busy = _sides(drawn)
    nodes: Indices = supply.network.transformer_node
    used: dict[tuple[float, float], int] = {}
    found = []
    for transformer in np.flatnonzero(nodes >= 0):
        foot = position.get(int(nodes[transformer]))
        if foot is None:
            continue
        direction = float(np.sign(foot[1])) or -1.0
        if (foot, direction) in busy:
            direction = -direction
        shift = 0.3 * used.get(foot, 0) + (0.35 if (foot, direction) in busy else 0.0)
        used[foot] = used.get(foot, 0) + 1
        base = (foot[0] + shift, foot[1])
        found.append(DrawnTransformer(int(transformer), base, (base[0], base[1] + 0.42 * direction)))
    return tuple(found)
