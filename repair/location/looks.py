"""What crews say of sections that they looked at, as evidence on where a fault lies."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from network import Topology
from network.arrays import Indices, Numbers
from repair.settings import LocationSettings


@dataclass(frozen=True)
class Look:
    """A section that a crew looked at.

    Attributes:
        branches: its branches.
        found: whether the fault lies there, as the crew says.
        at: local time in ISO 8601.
    """

    branches: frozenset[str]
    found: bool
    at: str = ""


def weights(net: Topology, branch: Indices, looks: Iterable[Look], rules: LocationSettings) -> Numbers:
    """Return how much more probable what crews said is with a fault on each branch than with one elsewhere.

    A section in which nothing was found may hold the fault all the same, and what was found may be none, each at its own rate.
    Two looks at the same section share their reasons to go wrong, so the last word on a branch counts.

    Args:
        net: the network.
        branch: index of each candidate, shape (candidates,).
        looks: in order of time.
        rules: ``look_miss_rate`` and ``look_false_rate``.
    """
    last: dict[str, bool] = {}
    for look in looks:
        last.update(dict.fromkeys(look.branches, look.found))
    found = np.ones(net.branches.height)
    known, which = net.known_branches(last)
    said = np.array(list(last.values()), dtype=np.bool_)[which]
    miss, false = rules.look_miss_rate, rules.look_false_rate
    found[known] = np.where(said, (1.0 - miss) / false, miss / (1.0 - false))
    return np.asarray(found[branch])
