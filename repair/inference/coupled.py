"""Transformers with two supplies from different feeders: off where both are dead, by the posteriors of both and their own words.

What such a transformer says tells of itself exactly; what it would tell of the feeders in turn is left out, so that these stay
apart (an approximation on the safe side: a feeder is judged by its own users).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from network.arrays import Indices, Mask, Numbers
from network.representation import Shown
from repair.inference.devices import EVER, Devices
from repair.inference.feeder_tree import FeederTree
from repair.inference.reports import Said, own_outage
from repair.inference.spells import Rows
from repair.settings import InferenceSettings

OF_ONE_SUPPLY = 0.3
"""Terminals of two supplies that report off where one of them is dead."""

DarkAt = Callable[[Indices], Numbers]
"""Probability that each of some places is dead."""


@dataclass(frozen=True, eq=False, repr=False)
class CoupledUsers(Shown):
    """The transformers of a supply that hang on two feeders."""

    tree: FeederTree
    devices: Devices
    rules: InferenceSettings

    @cached_property
    def transformer(self) -> Indices:
        """Index of each, rising, shape (coupled,)."""
        supply = self.tree.supply
        net = supply.network
        both = (supply.place_of[net.transformer_node] >= 0) & (supply.place_of[net.transformer_second_node] >= 0)
        both &= net.transformer_second_node >= 0
        return np.flatnonzero(both & (self.tree.piece_of(supply.transformer_place) < 0))

    @cached_property
    def places(self) -> tuple[Indices, Indices]:
        """The two places of each, shape (coupled,)."""
        supply = self.tree.supply
        net = supply.network
        return (
            supply.place_of[net.transformer_node[self.transformer]],
            supply.place_of[net.transformer_second_node[self.transformer]],
        )

    def judged(self, rows: Rows, dark_at: DarkAt) -> tuple[Numbers, Said, Indices]:
        """Return how probable each is off, what those said that spoke, and which of these they are.

        Args:
            rows: their signals, by device and time.
            dark_at: posterior of the places of feeders.
        """
        rules = self.rules
        first, second = self.places
        one, other = dark_at(first), dark_at(second)
        both, either = one * other, np.maximum(one, other)
        said = Said.of(np.zeros(len(rows.device), dtype=np.int64), rows)
        at = np.searchsorted(self.transformer, said.device)
        power = np.maximum(said.last_on, said.answered)
        is_off: Mask = (said.last_off > -EVER) & (said.last_off > power)
        is_on: Mask = (power > -EVER) & ~is_off & (said.last_off > -EVER)
        weight = np.where(both >= rules.suspected, np.log(rules.on_loss), 0.0)
        heard = np.log((1 - rules.on_loss) / (rules.false_off + OF_ONE_SUPPLY * either[at]))
        weight[at] = np.where(is_off, heard, np.where(is_on, np.log(rules.false_on), 0.0))
        weight[at] += np.minimum(said.unanswered, 2) * -np.log(rules.unanswered)
        prior = both + (1 - both) * own_outage(rules)[0]
        odds = np.log(np.maximum(prior, 1e-300)) - np.log(np.maximum(1 - prior, 1e-300)) + weight
        return np.asarray(1 / (1 + np.exp(-np.clip(odds, -500, 500)))), said, at
