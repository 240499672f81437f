"""The threshold rule that inference followed before: a node is out when half of its transformers are dark and none is live.

Kept as a peer to compare with. A tripped device is out too, unless something below it answers; the widest node explains the rest.
Who hangs below a node that is out counts as off, until half of those who reported off have reported on again.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from network import Supply

SHARE = 0.5
LEAST = 2


def off_by_threshold(supply: Supply, signals: Iterable[tuple[str, str, str, int]]) -> tuple[set[int], set[int]]:
    """Return the transformers that the rule puts off, by index, and the branches that it names.

    Args:
        supply: supply before.
        signals: object, id, kind and value in order of time.
    """
    net = supply.network
    last: dict[tuple[str, str], str] = {}
    for kind_of, name, kind, value in signals:
        if kind_of == "transformer":
            last[kind_of, name] = {"off": "off", "on": "on"}.get(
                kind, "live" if value else last.get((kind_of, name), "")
            )
        elif kind_of == "branch" and kind in {"trip", "reclose", "close"}:
            last[kind_of, name] = kind
    place = supply.transformer_place
    count = len(supply.end)
    dark, live = np.zeros(count), np.zeros(count)
    alone = set()
    for (kind_of, name), word in last.items():
        if kind_of == "transformer":
            index = int(net.transformer_index(name)[0])
            if place[index] > 0:
                (dark if word == "off" else live)[place[index]] += word in {"off", "on", "live"}
                alone |= {index} if word == "off" else set()
    users = np.bincount(place[place > 0], minlength=count)
    is_dark, is_live, below = (supply.sum_below(each.astype(np.float64)) for each in (dark, live, users))
    out = (is_dark >= LEAST) & (is_dark >= SHARE * below) & (is_live == 0)
    for (kind_of, name), word in last.items():
        if kind_of == "branch" and word == "trip":
            at = int(supply.place_below(net.branch_index(name))[0])
            out[max(at, 0)] |= at > 0 and is_live[at] == 0
    out[0] = False
    out &= supply.is_bridge & (supply.branch_to >= 0)
    tops: list[int] = []
    for place_out in np.flatnonzero(out).tolist():
        if not any(top <= place_out < supply.end[top] for top in tops):
            tops.append(place_out)
    off = {int(each) for top in tops for each in np.flatnonzero((place >= top) & (place < supply.end[top]))}
    return off | alone, {int(supply.branch_to[top]) for top in tops}
