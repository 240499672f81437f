"""Where every node of a network is drawn: on the map where there are coordinates, else as a single-line diagram.

The diagram has no crossing inside a station: feeders rise side by side from their source; a feeder is a straight line, at each
fork the way with most nodes below goes straight on, and every other leaves at a right angle, left and right in turn, with as
much room along the line as all that hangs on it needs. Going from a line to a lateral at least halves the nodes below, so
there are few generations of laterals, and each generation is placed in one stroke.
"""

from __future__ import annotations

import dataclasses

import numpy as np
import polars as pl
from scipy.sparse import csr_array, diags_array
from scipy.sparse.linalg import splu

from network.arrays import Indices, Mask, Numbers, components
from network.supply import Supply
from network.topology import Topology

MAP_GAP = 0.1
"""Room between the map and what has no place on it, as a share of the map's size."""

BLOCK_GAP = 3.0
"""Room between the diagrams of two stations, in steps."""


def positions(net: Topology) -> pl.DataFrame:
    """Return where each node is drawn.

    Returns:
        ``node``, ``x``, ``y`` and ``basis``, one row per node in the order of ``net.nodes``:

        * ``given``: longitude and latitude of the table ``nodes``, in degrees;
        * ``between``: no coordinates, so drawn between its neighbours;
        * ``computed``: no coordinates in this part of the network at all, so laid out as a single-line diagram, one block
          per station; beside other parts that have coordinates, it stands to the right of the map.

        Coordinates that lie beyond the earth, or at 0, 0, count as not given.
    """
    x, y = _given(net)
    given = np.isfinite(x)
    with_map = given if given.all() else _parts_with(net, given)
    between = with_map & ~given
    if between.any():
        x[between], y[between] = _between_neighbours(net, x, y, with_map, between)
    if not with_map.all():
        x[~with_map], y[~with_map] = _beside(*_diagram(net, ~with_map), x[with_map], y[with_map])
    basis = pl.Series(np.where(given, 0, np.where(between, 1, 2)))
    names = pl.Series(["given", "between", "computed"])
    return pl.DataFrame({"node": net.nodes, "x": x, "y": y, "basis": names.gather(basis)})


def drawn_forest(net: Topology) -> Supply:
    """Return a forest that reaches every node: the normal state, and what is dead there joined on.

    A part that is dead in the normal state hangs on through one of its open branches where that leads to a live node; else it
    stands for itself, its first node as the head.
    """
    normal = Supply.of(net, net.normally_open)
    dead = normal.place_of[:-1] < 0
    if not dead.any():
        return normal
    closed = ~net.normally_open
    part = components(len(net.nodes), net.from_node[closed], net.to_node[closed])
    at_live = np.flatnonzero(net.normally_open & (dead[net.from_node] != dead[net.to_node]))
    dead_end = np.where(dead[net.from_node[at_live]], net.from_node[at_live], net.to_node[at_live])
    joined, first = np.unique(part[dead_end], return_index=True)
    is_open = net.normally_open.copy()
    is_open[at_live[first]] = False
    apart = np.flatnonzero(dead & ~np.isin(part, joined))
    heads = apart[np.unique(part[apart], return_index=True)[1]]
    return Supply.of(dataclasses.replace(net, source_node=np.concatenate([net.source_node, heads])), is_open)


def follow(step: Indices) -> Indices:
    """Follow pointers from place to place up to their end, doubling the stride each time; an end points at itself."""
    while not np.array_equal(further := step[step], step):
        step = further
    return step


def heaviest_child(parent: Indices, weight: Numbers) -> Indices:
    """Return the child with most weight of each place, the first of equals, -1 where there is none."""
    most = np.full(len(parent), -np.inf)
    np.maximum.at(most, parent[1:], weight[1:])
    best = np.flatnonzero(weight[1:] == most[parent[1:]]) + 1
    child = np.full(len(parent), -1, dtype=np.int64)
    child[parent[best][::-1]] = best[::-1]
    return child


# -- on the map --------------------------------------------------------------------------------------------------------


def _given(net: Topology) -> tuple[Numbers, Numbers]:
    table = net.workspace.tables["nodes"].select("node", x="lon", y="lat")
    on_earth = pl.col("x").is_between(-180, 180) & pl.col("y").is_between(-90, 90)
    known = table.filter(on_earth & ((pl.col("x") != 0) | (pl.col("y") != 0)))
    joined = pl.DataFrame({"node": net.nodes}).join(known, on="node", how="left", maintain_order="left")
    x, y = (joined[name].cast(pl.Float64).fill_null(np.nan).to_numpy(writable=True) for name in ("x", "y"))
    return x, y


def _parts_with(net: Topology, given: Mask) -> Mask:
    """Return whether each node has a way, over open or closed branches, to one with coordinates."""
    part = components(len(net.nodes), net.from_node, net.to_node)
    placed = np.zeros(len(net.nodes), dtype=np.bool_)
    placed[part[given]] = True
    return placed[part]


def _between_neighbours(net: Topology, x: Numbers, y: Numbers, with_map: Mask, wanted: Mask) -> tuple[Numbers, Numbers]:
    """Return the places at which each wanted node lies in the middle of its neighbours, all at once."""
    ends = np.concatenate([net.from_node, net.to_node]), np.concatenate([net.to_node, net.from_node])
    links = csr_array((np.ones(len(ends[0])), ends), shape=(len(net.nodes),) * 2)
    away = csr_array(diags_array(links.sum(axis=1)) - links)[wanted]
    known = with_map & ~wanted
    pull = away[:, known] @ np.column_stack([x[known], y[known]])
    solver = splu(away[:, wanted].tocsc(), permc_spec="MMD_AT_PLUS_A", options={"SymmetricMode": True})
    solved = solver.solve(-pull)
    return solved[:, 0], solved[:, 1]


def _beside(x: Numbers, y: Numbers, map_x: Numbers, map_y: Numbers) -> tuple[Numbers, Numbers]:
    """Scale a diagram to the size of a map and move it to its right; leave it where there is no map."""
    if not len(map_x):
        return x, y
    size = max(float(np.ptp(map_y)), float(np.ptp(map_x)), 1e-3)
    scale = size / max(float(np.ptp(x)), float(np.ptp(y)), 1.0)
    return map_x.max() + MAP_GAP * size + (x - x.min()) * scale, map_y.min() + (y - y.min()) * scale


# -- as a diagram ------------------------------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True, eq=False)
class _Lines:
    """The lines of a forest and the room that each needs.

    Attributes:
        forest: the forest.
        top: place at the head of the line that each place is in; roots and sources are lines without length.
        generations: heads of the lines by generation: feeders, laterals, their laterals ….
        members: the places of these lines, line after line.
        side: 0 for a line that leaves to the left, 1 to the right, at its head.
        reach: room that a line needs to its left and right, at its head, shape (2, places).
        extent: length of a line, at its head.
        along: how far each place stands from the beginning of its line.
        room: what laterals take of the line at each place, by side, shape (2, places).
        back: the part of it that lies behind the place, by side: the first lateral leaves at a right angle.
    """

    forest: Supply
    top: Indices
    generations: list[Indices]
    members: list[Indices]
    side: Indices
    reach: Numbers
    extent: Numbers
    along: Numbers
    room: Numbers
    back: Numbers


def _measured_lines(forest: Supply) -> _Lines:
    """Split a forest into lines and measure them, the last generation first."""
    parent, count = forest.parent, len(forest.end)
    place = np.arange(count)
    heavy = heaviest_child(parent, (forest.end - place).astype(np.float64))
    top = follow(np.where((parent > 0) & (parent[parent] > 0) & (heavy[parent] == place), parent, place))
    heads = np.flatnonzero((top == place) & (parent > 0))
    begins = np.zeros(forest.network.branches.height + 1)  # the last stands for no branch
    begins[forest.branch_to[heads]] = 1
    generation = np.append(forest.along_path(begins), 0.0)[forest.node_at].astype(np.int64)
    last = int(generation.max())
    by_line = np.lexsort((place, top))
    generations = [heads[generation[heads] == each] for each in range(1, last + 1)]
    members = [by_line[generation[by_line] == each] for each in range(1, last + 1)]
    lines = _Lines(
        forest, top, generations, members, _sides(top, parent, heads),
        np.full((2, count), 0.5), np.zeros(count), np.zeros(count), np.zeros((2, count)), np.zeros((2, count)),
    )  # fmt: skip
    for number in range(last - 1, -1, -1):
        own, inside = generations[number], members[number]
        back = np.maximum(0.5, lines.back[:, inside].max(axis=0))
        need = back + np.maximum(0.5, (lines.room - lines.back)[:, inside].max(axis=0))
        first = np.flatnonzero(top[inside] == inside)
        before = np.cumsum(need) - need
        lines.along[inside] = before + back - np.repeat(before[first], np.diff(np.append(first, len(inside))))
        lines.extent[own] = np.add.reduceat(need, first)
        if number:
            np.add.at(lines.room, (lines.side[own], parent[own]), lines.reach[:, own].sum(axis=0))
            behind = lines.reach[lines.side[own], own][::-1]
            lines.back[lines.side[own][::-1], parent[own][::-1]] = (
                behind  # the first of those at one place is written last
            )
            np.maximum.at(lines.reach, (lines.side[own], top[parent[own]]), 0.5 + lines.extent[own])
    return lines


def _sides(top: Indices, parent: Indices, heads: Indices) -> Indices:
    """Let the laterals of a line leave left and right in turn."""
    side = np.zeros(len(top), dtype=np.int64)
    order = heads[np.lexsort((heads, parent[heads], top[parent[heads]]))]
    line = top[parent[order]]
    first = np.flatnonzero(np.append(True, line[1:] != line[:-1])) if len(order) else np.zeros(0, dtype=np.int64)
    turn = np.arange(len(order)) - np.repeat(first, np.diff(np.append(first, len(order))))
    side[order] = turn % 2
    return side


def _diagram(net: Topology, wanted: Mask) -> tuple[Numbers, Numbers]:
    """Lay out the wanted nodes as single-line diagrams, one block per station, in rows; one step is one unit."""
    forest = drawn_forest(net)
    lines = _measured_lines(forest)
    at = np.zeros((2, len(forest.end)))
    direction = np.zeros((2, len(forest.end)))  # of each line, at its head
    start = np.zeros((2, len(forest.end)))
    for number, (own, inside) in enumerate(zip(lines.generations, lines.members, strict=True)):
        if number == 0:
            _place_stations(lines, at, start)
            direction[1, own] = 1.0
        else:
            host = forest.parent[own]
            ahead = direction[:, lines.top[host]]
            outward = np.where(lines.side[own] == 0, 1.0, -1.0) * np.stack([-ahead[1], ahead[0]])
            direction[:, own] = outward
            start[:, own] = at[:, host] + ahead * _offsets(lines, own) + outward * 0.5
        head = lines.top[inside]
        at[:, inside] = start[:, head] + direction[:, head] * lines.along[inside]
    if not lines.generations:
        _place_stations(lines, at, start)
    places = forest.place_of[:-1][wanted]
    return at[0, places], at[1, places]


def _offsets(lines: _Lines, own: Indices) -> Numbers:
    """Return how far ahead of its host node each lateral leaves: those on one side of one node share its room."""
    host, side = lines.forest.parent[own], lines.side[own]
    order = np.lexsort((own, side, host))
    width = lines.reach[:, own].sum(axis=0)[order]
    key = 2 * host[order] + side[order]
    first = np.flatnonzero(np.append(True, key[1:] != key[:-1]))
    before = np.cumsum(width) - width
    before -= np.repeat(before[first], np.diff(np.append(first, len(order))))
    offset = np.empty(len(own))
    offset[order] = before
    ahead: Numbers = offset + lines.reach[side, own] - lines.back[side, host]
    return ahead


def _place_stations(lines: _Lines, at: Numbers, start: Numbers) -> None:
    """Place sources and the beginnings of feeders: feeders side by side, sources of one station too, stations in rows."""
    forest = lines.forest
    sources = np.flatnonzero(forest.parent == 0)
    feeders = lines.generations[0] if lines.generations else np.zeros(0, dtype=np.int64)
    station = _stations(forest, sources)
    of_feeder = np.searchsorted(sources, forest.parent[feeders])
    width = np.maximum(1.0, np.bincount(of_feeder, lines.reach[:, feeders].sum(axis=0), len(sources)))
    order = np.argsort(station, kind="stable")
    _, first, number = np.unique(station[order], return_index=True, return_inverse=True)
    wide = np.add.reduceat(width[order], first)
    high = np.ones(len(first))
    of_source = np.empty(len(sources), dtype=np.int64)
    of_source[order] = number
    np.maximum.at(high, of_source[of_feeder], 1.0 + lines.extent[feeders])
    left, bottom = _rows(wide, high)
    running = np.cumsum(width[order]) - width[order]
    begin = np.empty(len(sources))
    begin[order] = left[number] + running - running[first][number]
    at[0, sources] = begin + width / 2
    at[1, sources] = bottom[of_source]
    taken = lines.reach[:, feeders].sum(axis=0)
    before = np.cumsum(taken) - taken  # feeders stand in the order of their sources
    head = np.searchsorted(of_feeder, of_feeder)
    start[0, feeders] = begin[of_feeder] + before - before[head] + lines.reach[0, feeders]
    start[1, feeders] = bottom[of_source[of_feeder]] + 0.5


def _stations(forest: Supply, sources: Indices) -> Indices:
    """Return a number for the station of each source's place; a source without one stands for itself."""
    net = forest.network
    numbers = (
        pl.DataFrame({"station": net.sources["station_id"], "row": pl.int_range(net.sources.height, eager=True)})
        .select(pl.when(pl.col("station").is_null()).then("row").otherwise(pl.col("row").min().over("station")))
        .to_series()
        .to_numpy()
    )
    of_place = np.arange(len(forest.end)) + len(numbers)
    of_place[forest.place_of[net.source_node[: len(numbers)]]] = numbers
    return of_place[sources]


def _rows(wide: Numbers, high: Numbers) -> tuple[Numbers, Numbers]:
    """Return the left and lower edges of blocks in rows, to and fro so that neighbours stay near, about as wide as high."""
    wide, high = wide + BLOCK_GAP, high + BLOCK_GAP
    most = max(float(np.sqrt((wide * high).sum())), float(wide.max(initial=0.0)))
    row = np.zeros(len(wide), dtype=np.int64)
    left = np.zeros(len(wide))
    x = 0.0
    for block in range(1, len(wide)):
        x += float(wide[block - 1])
        row[block] = row[block - 1]
        if x + wide[block] > most:
            x, row[block] = 0.0, row[block] + 1
        left[block] = x
    backwards = row % 2 == 1
    left[backwards] = most - left[backwards] - wide[backwards]
    tallest = np.zeros(row.max(initial=0) + 1)
    np.maximum.at(tallest, row, high)
    return left, -np.cumsum(tallest)[row]
