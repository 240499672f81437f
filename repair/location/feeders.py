"""The feeders in question: what hangs on a few sources, cut out of the whole network, so that no work grows with the rest."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from network import Supply
from network.arrays import Indices, Mask, Numbers
from network.forest import Amounts, sum_along_path, sum_below
from network.representation import Shown


@dataclass(frozen=True, eq=False, repr=False)
class Feeders(Shown):
    """What hangs on some sources, in depth-first order; places count anew, and place 0 is a root above those sources.

    Attributes:
        supply: the supply it is cut out of.
        first, last: the span of each source in the places of the supply, in rising order.
        before: how many places here come before each span, and the root.
        parent, end, branch_to: as in :class:`network.forest.Forest`.
        node: the node at each place, -1 for the root.
    """

    supply: Supply
    first: Indices
    last: Indices
    before: Indices
    parent: Indices
    end: Indices
    branch_to: Indices
    node: Indices

    @classmethod
    def of(cls, supply: Supply, sources: Indices) -> Feeders:
        """Cut out what hangs on the sources at these places of the supply, in rising order."""
        last = supply.end[sources]
        before = 1 + np.concatenate([[0], np.cumsum(last - sources)[:-1]]).astype(np.int64)
        spans = [slice(int(a), int(b)) for a, b in zip(sources, last, strict=True)]
        shift = np.repeat(before - sources, last - sources)
        parent = np.concatenate([supply.parent[span] for span in spans])
        end = np.concatenate([supply.end[span] for span in spans]) + shift
        return cls(
            supply,
            sources,
            last,
            before,
            np.concatenate([[-1], np.where(parent == 0, 0, parent + shift)]),
            np.concatenate([[len(shift) + 1], end]),
            np.concatenate([[-1], *(supply.branch_to[span] for span in spans)]),
            np.concatenate([[-1], *(supply.node_at[span] for span in spans)]),
        )

    def place(self, of_supply: Indices) -> Indices:
        """Return the place here of places of the supply, -1 where they hang on another source or on none."""
        which = np.searchsorted(self.first, of_supply, side="right") - 1
        inside = (which >= 0) & (of_supply < self.last[which])
        return np.where(inside, of_supply - self.first[which] + self.before[which], -1)

    @property
    def loops(self) -> Indices:
        """Closed branches outside the forest, -1 for a source that another source reaches: current has more than one way."""
        forest = self.supply.forest
        spans = [np.searchsorted(forest.back_lower, [a, b]) for a, b in zip(self.first, self.last, strict=True)]
        return np.concatenate([forest.back_branch[a:b] for a, b in spans])

    def gather(self, place: Indices, amount: Numbers) -> Numbers:
        """Return, for each place, the sum of the amounts that stand there, shape (places,)."""
        return sums_of(place, amount, len(self.end))

    def sum_below(self, at_place: npt.NDArray[Amounts]) -> npt.NDArray[Amounts]:
        """Return, for each place, the sum over it and everything below it."""
        return sum_below(self.end, at_place)

    def sum_along_path(self, at_place: npt.NDArray[Amounts]) -> npt.NDArray[Amounts]:
        """Return, for each place, the sum over it and every place above it."""
        return sum_along_path(self.end, at_place)

    def nearest_above(self, marked: Mask) -> Indices:
        """Return the nearest marked place at or above each place; its source's where there is none, shape (places,)."""
        stop = marked | (self.parent == 0)
        answer = np.where(stop, np.arange(len(stop)), np.maximum(self.parent, 0))
        while not np.array_equal(further := answer[answer], answer):
            answer = further
        return answer


def sums_of(group: Indices, amount: Numbers, groups: int) -> Numbers:
    """Return the sum of the amounts of each group, shape (groups,)."""
    sums: Numbers = np.bincount(group, weights=amount, minlength=groups).astype(np.float64)
    return sums
