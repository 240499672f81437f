"""Which lines to draw for one view of a network: the more of it the view shows, the fewer, so that no picture is too much.

The drawn tree is the supply in the normal state (what is dead there is joined on through an open branch), so nothing jumps
when a switch operates. It is split into *lines*: at each fork the way with most metres of line below goes on, and every
other way is a line of its own. Of each feeder the line with most below it is the trunk. Every vertex of a line knows the
tolerance at which it may be left out (Douglas and Peucker, Cartographica 10(2), 1973), found once for all; so a view only
compares numbers: which lines touch it, and which vertices matter at its scale. Ends of a line, places where another drawn
line leaves, and changes of section or state are always kept: simplifying never changes what hangs on what.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple, TypeAlias

import numpy as np
import polars as pl

from network.arrays import Indices, Mask, Numbers
from network.pictures.positions import drawn_forest, follow, heaviest_child, positions
from network.representation import Shown
from network.supply import Supply
from network.tables.code_words import SECTIONALISING_KINDS
from network.topology import Topology

View: TypeAlias = tuple[float, float, float, float]
"""Left, lower, right and upper edge, in the units of the positions."""

Level: TypeAlias = Literal["feeder", "section", "branch"]

PIXELS_ACROSS = 1_000
"""A bend smaller than this part of the view is not seen."""


# -- lines -------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Picture:
    """What to draw of one view.

    Attributes:
        level: ``feeder`` (the trunk of each, and which are tied), ``section`` (all that lies between switches, laterals
            as far as there is room) or ``branch`` (each by itself).
        lines: ``feeder_id``; ``section_id``, the switch at the head of the section (null above the first one and at level
            ``feeder``); ``branch_id``, where the line is one branch; ``branches`` in it; ``open``; ``energised`` (both ends
            have supply); ``x`` and ``y``, lists of at least two numbers.
        left_out: lines that found no room, the least important ones.
    """

    level: Level
    lines: pl.DataFrame
    left_out: int


class _Blocks(NamedTuple):
    """How many lines there are of each kind; they stand in this order."""

    trunks: int
    carrying: int
    ties: int
    laterals: int


@dataclass(frozen=True, eq=False, repr=False)
class Drawing(Shown):
    """The lines of a network, made once, from which every view is cut.

    Lines stand by importance: trunks; laterals that carry switches or ties; branches outside the tree (open ties, closers of
    loops); other laterals. Within a kind those with most line below come first. Vertices stand line after line.

    Attributes:
        network: the network.
        x, y: where each vertex lies, shape (vertices,).
        node: node of each vertex, shape (vertices,).
        branch: branch from the vertex before, -1 at the first of a line, shape (vertices,).
        section: branch at the head of the section that this branch is in, -1 above the first switch, shape (vertices,).
        tolerance: the vertex may be left out where bends up to this size are not seen, shape (vertices,).
        line: line of each vertex, shape (vertices,).
        first: first vertex of each line, and the number of vertices at the end, shape (lines + 1,).
        feet: vertices of other lines where a line begins and ends, -1 where there is none, shape (lines, 2).
        trunk_feet: the same on the trunks, for branches outside the tree, shape (ties, 2).
        box: left, lower, right and upper edge of each line, shape (4, lines).
        pieces: sections in each line, shape (lines,).
        feeder: feeder of each line, shape (lines,).
        blocks: number of lines of each kind.
    """

    network: Topology
    x: Numbers
    y: Numbers
    node: Indices
    branch: Indices
    section: Indices
    tolerance: Numbers
    line: Indices
    first: Indices
    feet: Indices
    trunk_feet: Indices
    box: Numbers
    pieces: Indices
    feeder: pl.Series
    blocks: _Blocks

    @classmethod
    def of(cls, net: Topology, places: pl.DataFrame | None = None) -> Drawing:
        """Cut a network into lines.

        Args:
            net: the network.
            places: result of :func:`positions`; made here where it is not given.
        """
        places = positions(net) if places is None else places
        return _cut(net, places["x"].to_numpy(), places["y"].to_numpy())

    @property
    def extent(self) -> View:
        """Edges of the whole drawing."""
        if not len(self.x):
            return (0.0, 0.0, 1.0, 1.0)
        return float(self.x.min()), float(self.y.min()), float(self.x.max()), float(self.y.max())

    def view(self, supply: Supply, window: View | None = None, budget: int = 5_000) -> Picture:
        """Return the lines to draw of a part of the map.

        Each branch is drawn by itself as soon as all those in the window find room; else sections; else trunks.

        Args:
            supply: the state of the switches to show.
            window: left, lower, right and upper edge; the whole extent without it.
            budget: most points that the picture may hold.
        """
        window = self.extent if window is None else window
        left, lower, right, upper = self.box
        touching = np.flatnonzero(
            (right >= window[0]) & (left <= window[2]) & (upper >= window[1]) & (lower <= window[3])
        )
        if (edges := self._edges_if_few(touching, window, budget // 2)) is not None:
            return self._picture("branch", edges, supply, window, budget)
        trunks = touching[: np.searchsorted(touching, self.blocks.trunks)]
        important = touching[: np.searchsorted(touching, len(self.pieces) - self.blocks.laterals)]
        needed = int(2 * self.pieces[important].sum() + (self.feet[important] >= 0).sum())
        if needed > budget:
            return self._picture("feeder", self._edges(trunks, window), supply, window, budget)
        room = (budget - needed) // 3  # a lateral takes its two ends and the vertex that it leaves
        chosen = touching[: len(important) + room]
        edges = self._edges(chosen, window)
        return self._picture("section", edges, supply, window, budget, len(touching) - len(chosen))

    def _edges(self, lines: Indices, window: View) -> Indices:
        """Return the vertices of some lines whose branch touches the window."""
        count = self.first[lines + 1] - self.first[lines] - 1
        start = np.repeat(self.first[lines] + 1 - (np.cumsum(count) - count), count)
        end = np.arange(len(start)) + start
        x, y, before_x, before_y = self.x[end], self.y[end], self.x[end - 1], self.y[end - 1]
        touches = (
            (np.maximum(x, before_x) >= window[0]) & (np.minimum(x, before_x) <= window[2])
            & (np.maximum(y, before_y) >= window[1]) & (np.minimum(y, before_y) <= window[3])
        )  # fmt: skip
        found: Indices = end[touches]
        return found

    def _edges_if_few(self, lines: Indices, window: View, most: int) -> Indices | None:
        """Return the vertices of all branches that touch the window, or none where they are more than ``most``."""
        left, lower, right, upper = self.box[:, lines]
        inside = (left >= window[0]) & (right <= window[2]) & (lower >= window[1]) & (upper <= window[3])
        within = lines[inside]
        if (self.first[within + 1] - self.first[within] - 1).sum() > most:
            return None
        edges = self._edges(lines, window)
        return edges if len(edges) <= most else None

    def _picture(
        self, level: Level, edges: Indices, supply: Supply, window: View, budget: int, left_out: int = 0
    ) -> Picture:
        """Join branches to runs that look alike, leave out what is not seen, and cut to the budget."""
        is_open = supply.is_open[self.branch[edges]]
        live = supply.place_of >= 0
        energised = live[self.node[edges]] & live[self.node[edges - 1]]
        starts = np.ones(len(edges), dtype=np.bool_)
        if level != "branch":
            starts[1:] = (np.diff(edges) != 1) | (np.diff(is_open) != 0) | (np.diff(energised) != 0)
        if level == "section":
            starts[1:] |= np.diff(self.section[edges]) != 0
        vertex = np.repeat(edges, 1 + starts)
        opening = np.cumsum(1 + starts) - 1 - starts
        vertex[opening[starts]] -= 1
        run = np.repeat(np.cumsum(starts) - 1, 1 + starts)
        first_edge = np.flatnonzero(starts)
        branches = np.diff(np.append(first_edge, len(edges)))
        table = {
            "feeder": self.line[edges[first_edge]],
            "section": self.section[edges[first_edge]],
            "branch": np.where(branches == 1, self.branch[edges[first_edge]], -1),
            "branches": branches,
            "open": is_open[first_edge],
            "energised": energised[first_edge],
        }
        feet = self.feet[np.unique(self.line[edges])].ravel()
        if level == "feeder":
            table["section"] = np.full(len(first_edge), -1)
            ties = self._ties_of_trunks(window)
            room = max(
                0, (budget - 2 * len(first_edge)) // 4
            )  # a tie takes its two ends and the two vertices that it joins
            left_out, ties = max(0, len(ties) - room), ties[:room]
            vertex, run, table, feet = self._with_ties_of_trunks(vertex, run, table, supply, ties)
        kept = self._kept(vertex, run, feet, window, budget)
        vertex, run = vertex[kept], run[kept]
        size = np.cumsum(np.bincount(run, minlength=len(table["branch"])))
        fitting = int(np.searchsorted(size, budget, side="right")) if len(size) else 0
        vertex, run = vertex[run < fitting], run[run < fitting]
        return Picture(
            level,
            self._frame(vertex, run, {name: values[:fitting] for name, values in table.items()}),
            left_out + len(size) - fitting,
        )

    def _ties_of_trunks(self, window: View) -> Indices:
        """Return which branches outside the tree join two trunks in the window, by their number among them."""
        one, other = self.trunk_feet.T
        left, right = np.minimum(self.x[one], self.x[other]), np.maximum(self.x[one], self.x[other])
        lower, upper = np.minimum(self.y[one], self.y[other]), np.maximum(self.y[one], self.y[other])
        found: Indices = np.flatnonzero(
            (one >= 0) & (other >= 0) & (self.line[one] != self.line[other])
            & (right >= window[0]) & (left <= window[2]) & (upper >= window[1]) & (lower <= window[3])
        )  # fmt: skip
        return found

    def _with_ties_of_trunks(
        self, vertex: Indices, run: Indices, table: dict[str, Indices], supply: Supply, seen: Indices
    ) -> tuple[Indices, Indices, dict[str, Indices], Indices]:
        """Add ties, each drawn between the places where the ways to its ends leave the trunks."""
        begin = self.blocks.trunks + self.blocks.carrying
        lines = begin + seen
        branch = self.branch[self.first[lines] + 1]
        ends = self.network.from_node[branch], self.network.to_node[branch]
        more = {
            "feeder": lines,
            "section": np.full(len(seen), -1),
            "branch": branch,
            "branches": np.ones(len(seen), dtype=np.int64),
            "open": supply.is_open[branch],
            "energised": (supply.place_of[ends[0]] >= 0) & (supply.place_of[ends[1]] >= 0),
        }
        joined = {name: np.concatenate([values, more[name]]) for name, values in table.items()}
        number = len(table["branch"]) + np.repeat(np.arange(len(seen)), 2)
        feet = self.trunk_feet[seen].ravel()
        return np.concatenate([vertex, feet]), np.concatenate([run, number]), joined, feet

    def _kept(self, vertex: Indices, run: Indices, feet: Indices, window: View, budget: int) -> Mask:
        """Return which vertices to draw: ends, feet of other lines, and the largest bends that are seen and find room."""
        forced = np.zeros(len(self.x), dtype=np.bool_)
        forced[feet[feet >= 0]] = True
        bound = np.ones(len(vertex) + 1, dtype=np.bool_)
        bound[1:-1] = run[1:] != run[:-1]
        fixed = forced[vertex] | bound[:-1] | bound[1:]
        size = np.where(fixed, np.inf, self.tolerance[vertex])
        seen = size > max(window[2] - window[0], window[3] - window[1]) / PIXELS_ACROSS
        if (surplus := int(seen.sum()) - budget) > 0:
            order = np.argsort(np.where(seen, size, np.inf), kind="stable")[:surplus]
            seen[order[np.isfinite(size[order])]] = False
        return seen

    def _frame(self, vertex: Indices, run: Indices, table: dict[str, Indices]) -> pl.DataFrame:
        ids = self.network.branches["branch_id"]
        points = (
            pl.DataFrame({"run": run, "x": self.x[vertex], "y": self.y[vertex]})
            .group_by("run", maintain_order=True)
            .agg("x", "y")
        )
        return pl.DataFrame(
            {
                "feeder_id": self.feeder.gather(table["feeder"]),
                "section_id": _ids(ids, table["section"]),
                "branch_id": _ids(ids, table["branch"]),
                "branches": table["branches"],
                "open": pl.Series(table["open"], dtype=pl.Boolean),
                "energised": pl.Series(table["energised"], dtype=pl.Boolean),
                "x": points["x"],
                "y": points["y"],
            }
        )


def _ids(ids: pl.Series, rows: Indices) -> pl.Series:
    """Return the ids of rows, null for -1."""
    return ids.gather(pl.Series(rows, dtype=pl.Int64).replace(-1, None))


# -- cutting -----------------------------------------------------------------------------------------------------------


class _TreeLines(NamedTuple):
    """The drawn tree as lines, by importance.

    Attributes:
        top: place at the head of the line that each place is in, shape (places,).
        head: the same, of each line.
        attached: whether the line begins at a vertex of another one, ahead of its head, shape (lines,).
        place: place of each vertex, line after line.
        start: first vertex of each line.
        counts: number of trunks, of laterals that carry something, none, and of other laterals.
    """

    top: Indices
    head: Indices
    attached: Mask
    place: Indices
    start: Indices
    counts: Indices


def _cut(net: Topology, x: Numbers, y: Numbers) -> Drawing:
    """Cut the drawn tree into lines, add the branches outside it, and find the tolerance of every vertex."""
    forest = drawn_forest(net)
    in_tree = np.zeros(net.branches.height + 1, dtype=np.bool_)
    in_tree[forest.branch_to] = True
    outside = np.flatnonzero(~in_tree[:-1])
    device = np.append(net.branches["kind"].is_in(SECTIONALISING_KINDS).to_numpy() | net.normally_open, False)
    tree = _tree_lines(forest, outside, device, x, y)

    blocks = _Blocks(int(tree.counts[0]), int(tree.counts[1]), len(outside), int(tree.counts[3]))
    before = blocks.trunks + blocks.carrying
    split = int(np.append(tree.start, len(tree.place))[before])
    tie_node = np.stack([net.from_node[outside], net.to_node[outside]], axis=1).ravel()
    tie_branch = np.stack([np.full(len(outside), -1), outside], axis=1).ravel()
    branch = forest.branch_to[tree.place]
    branch[tree.start] = -1
    node = _insert(forest.node_at[tree.place], tie_node, split)
    branch = _insert(branch, tie_branch, split)
    section = _insert(_sections(forest, device)[tree.place], np.full(len(tie_node), -1), split)
    length = _insert(np.diff(np.append(tree.start, len(tree.place))), np.full(len(outside), 2), before)
    first = np.concatenate([[0], np.cumsum(length)])
    feet, trunk_feet = _feet(forest, tree, blocks, split, forest.place_of[tie_node])
    of_line = forest.node_feeder.gather(node[first[1:] - 1])
    return Drawing(
        network=net,
        x=x[node],
        y=y[node],
        node=node,
        branch=branch,
        section=section,
        tolerance=_tolerances(x[node], y[node], first),
        line=np.repeat(np.arange(len(length)), length),
        first=first,
        feet=feet,
        trunk_feet=trunk_feet,
        box=_boxes(x[node], y[node], first),
        pieces=_pieces(section, branch, first),
        feeder=pl.concat(
            [of_line[:before], net.branches["feeder_id"].gather(outside), of_line[before + len(outside) :]]
        ),
        blocks=blocks,
    )


def _tree_lines(forest: Supply, outside: Indices, device: Mask, node_x: Numbers, node_y: Numbers) -> _TreeLines:
    """Split the drawn tree into lines and put them in order: at a fork the way with most line below it goes on."""
    net, parent, branch_to = forest.network, forest.parent, forest.branch_to
    place = np.arange(len(parent))
    x, y = np.append(node_x, 0.0)[forest.node_at], np.append(node_y, 0.0)[forest.node_at]
    below = forest.sum_below(np.where(branch_to >= 0, np.hypot(x - x[parent], y - y[parent]), 0.0))
    labels = forest.node_feeder.cast(pl.Categorical).to_physical().cast(pl.Int64).fill_null(-1).to_numpy()
    feeder = np.append(labels, -1)[forest.node_at]
    goes_on = (parent > 0) & (heaviest_child(parent, below)[parent] == place) & (feeder == feeder[parent])
    top = follow(np.where(goes_on, parent, place))
    by_line = np.argsort(top[1:], kind="stable") + 1
    head, begin, size = np.unique(top[by_line], return_index=True, return_counts=True)
    attached = parent[head] > 0

    carries = device[branch_to].astype(np.int64)
    carries[forest.place_of[np.concatenate([net.from_node[outside], net.to_node[outside]])]] = 1
    kind = np.where(forest.sum_below(carries)[head] > 0, 1, 3)
    drawn = np.flatnonzero(size + attached > 1)
    by_weight = drawn[np.lexsort((head[drawn], -below[head[drawn]]))]
    whose = np.where(feeder[head] >= 0, feeder[head], -1 - forest.source_above[head])
    kind[by_weight[np.unique(whose[by_weight], return_index=True)[1]]] = 0
    chosen = by_weight[np.argsort(kind[by_weight], kind="stable")]

    head, begin, attached = head[chosen], begin[chosen], attached[chosen]
    length = size[chosen] + attached
    start = np.cumsum(length) - length
    at = np.repeat(begin - attached - start, length) + np.arange(length.sum())
    vertices = by_line[at]  # where a line is attached this is not yet the vertex that it leaves
    vertices[start[attached]] = parent[head[attached]]
    return _TreeLines(top, head, attached, vertices, start, np.bincount(kind[chosen], minlength=4))


def _feet(
    forest: Supply, tree: _TreeLines, blocks: _Blocks, split: int, tie_places: Indices
) -> tuple[Indices, Indices]:
    """Return the vertices at which lines begin and end on others, and those of branches outside the tree on the trunks."""
    before = blocks.trunks + blocks.carrying
    own = np.ones(len(tree.place), dtype=np.bool_)
    own[tree.start[tree.attached]] = False
    vertex = np.arange(len(tree.place))
    vertex[split:] += len(tie_places)
    vertex_of = np.full(len(tree.top), -1, dtype=np.int64)
    vertex_of[tree.place[own]] = vertex[own]

    begins = np.where(tree.attached, vertex_of[forest.parent[tree.head]], -1)
    of_tree = np.stack([begins, np.full(len(begins), -1)], axis=1)
    of_ties = vertex_of[tie_places].reshape(-1, 2)
    feet = np.concatenate([of_tree[:before], of_ties, of_tree[before:]])

    is_trunk = np.zeros(len(tree.top), dtype=np.bool_)
    is_trunk[tree.head[: blocks.trunks]] = True
    on_trunk = is_trunk[tree.top]
    upwards = np.where(on_trunk | (forest.parent <= 0), np.arange(len(tree.top)), forest.parent)
    nearest = follow(upwards)[tie_places]
    return feet, np.where(on_trunk[nearest], vertex_of[nearest], -1).reshape(-1, 2)


def _insert(values: Indices, more: Indices, at: int) -> Indices:
    return np.concatenate([values[:at], more, values[at:]]).astype(np.int64)


def _sections(forest: Supply, device: Mask) -> Indices:
    """Return the switch at the head of the section that each place is in, -1 above the first switch."""
    heads = device[forest.branch_to] | (forest.parent <= 0)
    head = follow(np.where(heads, np.arange(len(heads)), forest.parent))
    return np.where(device[forest.branch_to[head]], forest.branch_to[head], -1)


def _pieces(section: Indices, branch: Indices, first: Indices) -> Indices:
    """Count the sections along each line."""
    if len(first) == 1:
        return np.zeros(0, dtype=np.int64)
    changes = np.zeros(len(section), dtype=np.int64)
    changes[1:] = (section[1:] != section[:-1]) & (branch[1:] >= 0) & (branch[:-1] >= 0)
    return 1 + np.add.reduceat(changes, first[:-1])


def _boxes(x: Numbers, y: Numbers, first: Indices) -> Numbers:
    if len(first) == 1:
        return np.zeros((4, 0))
    at = first[:-1]
    return np.stack(
        [np.minimum.reduceat(x, at), np.minimum.reduceat(y, at), np.maximum.reduceat(x, at), np.maximum.reduceat(y, at)]
    )


def _tolerances(x: Numbers, y: Numbers, first: Indices) -> Numbers:
    """Return the bend at each vertex, all lines at once: infinite at both ends, never more than that of the split above it.

    Each round splits every stretch at the vertex farthest from its chord; a stretch that is straight is done.
    """
    tolerance = np.zeros(len(x))
    tolerance[first[:-1]] = tolerance[first[1:] - 1] = np.inf
    start, end = first[:-1], first[1:] - 1
    limit = np.full(len(start), np.inf)
    while len(start):
        wide = end - start > 1
        start, end, limit = start[wide], end[wide], limit[wide]
        if not len(start):
            break
        inner = end - start - 1
        offset = np.cumsum(inner) - inner
        stretch = np.repeat(np.arange(len(start)), inner)
        vertex = np.arange(len(stretch)) - offset[stretch] + start[stretch] + 1
        away = _distance(x, y, vertex, start[stretch], end[stretch])
        farthest = np.maximum.reduceat(away, offset)
        peak = np.flatnonzero(away == farthest[stretch])[::-1]
        split = np.empty(len(start), dtype=np.int64)
        split[stretch[peak]] = vertex[peak]
        bent = farthest > 0
        start, end, split = start[bent], end[bent], split[bent]
        limit = np.minimum(limit[bent], farthest[bent])
        tolerance[split] = limit
        start, end, limit = np.append(start, split), np.append(split, end), np.append(limit, limit)
    return tolerance


def _distance(x: Numbers, y: Numbers, vertex: Indices, start: Indices, end: Indices) -> Numbers:
    """Return how far vertices lie from the chords between others."""
    along_x, along_y = x[end] - x[start], y[end] - y[start]
    from_x, from_y = x[vertex] - x[start], y[vertex] - y[start]
    square = along_x**2 + along_y**2
    share = np.clip((from_x * along_x + from_y * along_y) / np.where(square > 0, square, 1.0), 0.0, 1.0)
    away: Numbers = np.hypot(from_x - share * along_x, from_y - share * along_y)
    return away
