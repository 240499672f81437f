"""Feeders for a source that names none, by trace: one begins at the last breaker before the first line on the way from a source.

Where no breaker stands there it begins with that line. Below a transformer to another voltage that is still above low voltage a
station begins anew, and so do its feeders: the line that feeds a station is not the feeder of its users.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from network.arrays import Indices
from network.forest import Forest

LOW_VOLTAGE_KV = 1.0
"""Below this, a transformer leads to low-voltage users, not to another station (DL/T 836)."""

HIGHEST_FEEDER_KV = 40.5
"""Lines of a higher voltage feed stations: 40.5 kV is the highest voltage of equipment for 35 kV."""

HEADS = ("breaker", "recloser")
"""Kinds of branch that a feeder begins with."""

_LINES = ("line", "cable")


def feeders_by_trace(
    branches: Sequence[dict[str, Any]], sources: Sequence[Mapping[str, Any]], voltage_kv: Mapping[str, float]
) -> list[dict[str, Any]]:
    """Label every branch with the feeder that it belongs to in the normal state, and return the rows of those feeders.

    A feeder carries the id of the branch that it begins with. What lies before every feeder, or is dead, gets no label.

    Args:
        branches: rows of the table; each that belongs to a feeder gets its ``feeder_id``.
        sources: rows of the table.
        voltage_kv: nominal voltage of the nodes for which it is known.
    """
    forest, nodes = _grow(branches, sources)
    heads = _heads(forest, branches, [voltage_kv.get(node) for node in nodes])
    station = {source["node"]: source.get("station_id") for source in sources}
    of_place = np.full(len(forest.end), -1, dtype=np.int64)
    rows: list[dict[str, Any]] = []
    for place in heads:  # those below come later, and take what is theirs
        head = branches[forest.branch_to[place]]
        of_place[place : forest.end[place]] = len(rows)
        rows.append(
            {
                "feeder_id": head["branch_id"],
                "name": head.get("name") or head["branch_id"],
                "station_id": station.get(nodes[_source_of(forest, place)]),
                "voltage_kv": voltage_kv.get(nodes[forest.node_at[place]]),
            }
        )
    _label(forest, branches, of_place, [row["feeder_id"] for row in rows])
    return rows


def _grow(branches: Sequence[Mapping[str, Any]], sources: Sequence[Mapping[str, Any]]) -> tuple[Forest, list[str]]:
    """Return the forest of the normal state by index in ``branches``, and the nodes."""
    number: dict[str, int] = {}
    ends = np.array(
        [[number.setdefault(row[end], len(number)) for row in branches] for end in ("from_node", "to_node")],
        dtype=np.int64,
    )
    roots = [number.setdefault(row["node"], len(number)) for row in sources]
    closed = np.array([i for i, row in enumerate(branches) if not row.get("normally_open")], dtype=np.int64)
    return Forest.grow(
        len(number), closed, ends[0, closed], ends[1, closed], np.unique(np.array(roots, dtype=np.int64))
    ), list(number)


def _heads(forest: Forest, branches: Sequence[Mapping[str, Any]], kv: Sequence[float | None]) -> list[int]:
    """Return the place below each branch that a feeder begins with, rising."""
    count = len(forest.end)
    inside, breaker = [False] * count, [0] * count
    heads: set[int] = set()
    parents, branch_to, node_at = forest.parent.tolist(), forest.branch_to.tolist(), forest.node_at.tolist()
    for place in range(1, count):
        above, branch = parents[place], branch_to[place]
        inside[place], breaker[place] = inside[above], breaker[above]
        if branch < 0:
            inside[place], breaker[place] = False, 0
            continue
        kind, here = branches[branch]["kind"], kv[node_at[place]]
        if kind == "bus" and _is_station(kv[node_at[above]] if above else None, here):
            inside[place], breaker[place] = False, 0
        elif kind in HEADS and not inside[place]:
            breaker[place] = place
        elif kind in _LINES and not inside[place] and (here is None or here <= HIGHEST_FEEDER_KV):
            inside[place] = True
            heads.add(breaker[place] or place)
    return sorted(heads)


def _is_station(above_kv: float | None, below_kv: float | None) -> bool:
    """Return whether a transformer between these voltages is one of a station."""
    if above_kv is None or below_kv is None:
        return False
    return min(above_kv, below_kv) >= LOW_VOLTAGE_KV and max(above_kv, below_kv) > 1.2 * min(above_kv, below_kv)


def _source_of(forest: Forest, place: int) -> int:
    """Return the node of the source above a place."""
    sources = np.flatnonzero(forest.parent == 0)
    return int(forest.node_at[sources[np.searchsorted(sources, place, side="right") - 1]])


def _label(forest: Forest, branches: Sequence[dict[str, Any]], of_place: Indices, feeder_ids: Sequence[str]) -> None:
    """Give each branch the feeder of its lower end."""
    in_tree = forest.branch_to >= 0
    others = forest.back_branch >= 0
    branch = np.concatenate([forest.branch_to[in_tree], forest.back_branch[others]])
    feeder = np.concatenate([of_place[in_tree], of_place[forest.back_lower[others]]])
    for index, at in zip(branch.tolist(), feeder.tolist(), strict=True):
        if at >= 0:
            branches[index]["feeder_id"] = feeder_ids[at]
