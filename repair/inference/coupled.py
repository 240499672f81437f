"""Transformers with two supplies from different feeders: off where both are dead, by what was heard of both and of themselves.

Such a transformer has the better state of its two nodes. What it says counts for both feeders while events of theirs go on
(:mod:`repair.inference.pairs`). One that said nothing, or whose feeders have no event at once, tells of neither: it is off with
the product of their posteriors, by its own words.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from network.arrays import Indices, Numbers
from network.representation import Shown
from repair.inference.devices import EVER, Devices
from repair.inference.events import Events
from repair.inference.feeder_tree import FeederTree
from repair.inference.reports import HOUR, Moment, Said, node_hears, of_readings, of_terminals
from repair.inference.states import BACK, BACK_UNHEARD, DARK, LIVE, STATES, UNHEARD
from repair.inference.words import Rows
from repair.settings import InferenceSettings

OF_ONE_SUPPLY = 0.3
"""Terminals of two supplies that report off where one of them is dead."""

Tick = Callable[[int], int]
"""The last tick of the clock after a moment, in ms."""

StateAt = Callable[[Indices], Numbers]
"""Probability of each state of some places, shape (places, 5)."""


def better(one: int, other: int) -> int:
    """Return the state of what hangs on two nodes: with supply where either has it; unheard where both channels are down."""
    if LIVE in {one, other}:
        return LIVE
    back = {BACK, BACK_UNHEARD} & {one, other}
    if back:
        return BACK if BACK in back else BACK_UNHEARD
    return UNHEARD if {one, other} == {UNHEARD} else DARK


BETTER = np.array([[better(one, other) for other in range(STATES)] for one in range(STATES)])


def off_by_both(one: Numbers, other: Numbers, says: Numbers, by_one: Numbers, dead: Numbers) -> Numbers:
    """Return how probable it is that users of two nodes are off, shape (users,).

    Args:
        one: probability of each state of their first nodes, without what they say themselves, shape (users, 5).
        other: the same of their second nodes.
        says: log-likelihood of what each said, by its own state, shape (users, 5).
        by_one: how probable what it said is besides, with power, where just one of its nodes is live; shape (users,).
        dead: how probable it is off in each state, given what it said, shape (users, 5).
    """
    logs = says[:, BETTER]
    scale = logs.max(axis=(1, 2), keepdims=True)
    joint = one[:, :, None] * other[:, None, :]
    said = joint * np.exp(logs - scale)
    off = (said * dead[:, BETTER]).sum(axis=(1, 2))
    single = joint[:, LIVE].sum(axis=1) + joint[:, :, LIVE].sum(axis=1) - 2 * joint[:, LIVE, LIVE]
    total = said.sum(axis=(1, 2)) + single * by_one * np.exp(-scale[:, 0, 0])
    return np.asarray(off / np.maximum(total, 1e-300))


@dataclass(frozen=True, eq=False, repr=False)
class Pairs(Shown):
    """What transformers of two feeders said within the events of both.

    Attributes:
        transformer: index of each, shape (pairs,).
        event: its two events, shape (pairs, 2).
        node: its two nodes among those of all events, shape (pairs, 2).
        own: log-likelihood of what each said, by its own state, shape (pairs, 5).
        dead: how probable each is off in each state, given what it said, shape (pairs, 5).
        by_one: how probable what it said is besides where just one of its nodes is live, shape (pairs,).
    """

    transformer: Indices
    event: Indices
    node: Indices
    own: Numbers
    dead: Numbers
    by_one: Numbers

    @property
    def says(self) -> Numbers:
        """Log-likelihood of what each said, by the states of both nodes, shape (pairs, 5, 5)."""
        live = np.arange(STATES) == LIVE
        besides = np.log(np.maximum(self.by_one, 1e-300))[:, None, None]
        return np.where(live[:, None] != live, np.logaddexp(self.own[:, BETTER], besides), self.own[:, BETTER])

    def off(self, both: Numbers) -> Numbers:
        """Return how probable each is off, from the probability of both states, shape (pairs, 5, 5)."""
        off = np.exp(self.own[:, BETTER] - self.says) * self.dead[:, BETTER]
        return np.asarray((both * off).sum(axis=(1, 2)))


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

    @cached_property
    def pieces(self) -> Indices:
        """The two feeders of each, shape (coupled, 2)."""
        return np.stack([self.tree.piece_of(place) for place in self.places], axis=1)

    def feeders_of(self, device: Indices) -> tuple[Indices, Indices]:
        """Return which devices are such transformers, by position, and the two feeders of each; shapes (found,), (found, 2)."""
        at = np.searchsorted(self.transformer, device)
        there = at < len(self.transformer)
        there[there] = self.transformer[at[there]] == device[there]
        return np.flatnonzero(there), self.pieces[at[there]]

    def pairs(self, events: Events, tick: Tick) -> Pairs | None:
        """Return those that spoke within events of both their feeders; ``None`` where none did.

        Args:
            events: at most one of each feeder.
            tick: the moment until which silence after some word counts, in ms.
        """
        mine, _ = self.feeders_of(events.rows.device)
        if not len(mine):
            return None
        device, word, of = events.rows.device[mine], events.rows.word[mine], events.of[mine]
        order = np.lexsort((of, word, device))
        device, word, of = device[order], word[order], of[order]
        twice = np.flatnonzero((device[1:] == device[:-1]) & (word[1:] == word[:-1]))
        if not len(twice):
            return None
        said = Said.of(np.zeros(len(twice), dtype=np.int64), Rows(device[twice], word[twice]))
        own, dead = self._says(said, tick)
        at = np.searchsorted(self.transformer, said.device)
        number = np.full(len(self.tree.first), -1, dtype=np.int64)
        number[events.piece] = np.arange(len(events.piece))
        size = self.tree.last[events.piece] - self.tree.first[events.piece]
        offset = np.cumsum(size) - size
        event = number[self.pieces[at]]
        node = np.stack([place[at] for place in self.places], axis=1) - self.tree.first[self.pieces[at]] + offset[event]
        by_one = np.where(said.last_off > -EVER, OF_ONE_SUPPLY, 0.0)
        return Pairs(said.device, event, node, own, dead, by_one)

    def judged(self, rows: Rows, state_at: StateAt, tick: Tick) -> tuple[Numbers, Said, Indices]:
        """Return how probable each is off, what those said that spoke, and which of these they are.

        Args:
            rows: their signals, by device and time.
            state_at: posterior of the places of feeders.
            tick: the moment until which silence after some word counts, in ms.
        """
        first, second = self.places
        said = Said.of(np.zeros(len(rows.device), dtype=np.int64), rows)
        at = np.searchsorted(self.transformer, said.device)
        one, other = state_at(first), state_at(second)
        says = np.zeros((len(self.transformer), STATES))
        by_one, dead = np.zeros(len(says)), np.zeros((len(says), STATES))
        dead[:, [DARK, UNHEARD]] = 1.0
        if len(at):
            says[at], dead[at] = self._says(said, tick)
            by_one[at] = np.where(said.last_off > -EVER, OF_ONE_SUPPLY, 0.0)
        share = off_by_both(one, other, says, by_one, dead)
        return share, said, at

    def _says(self, said: Said, tick: Tick) -> tuple[Numbers, Numbers]:
        """Return what those who spoke say by their own state, and how probable each is off then; (speakers, 5)."""
        rules, count = self.rules, len(said.event)
        last = np.stack([said.last_off, said.last_on, said.answered, said.asked, said.call]).max(axis=0)
        now = np.array([tick(each) for each in last.tolist()], dtype=np.int64)
        began = np.where(said.first < EVER, said.first, now)
        alone = Said(np.arange(count), *(column for name, column in vars(said).items() if name != "event"))
        moment = Moment(now, began, began)
        no = np.zeros(count, dtype=np.bool_)
        logs, dead, readings = [], np.zeros((count, STATES)), of_readings(alone, moment, rules)
        for quality in rules.qualities:
            own = of_terminals(alone, moment, rules, quality, no, no, no) + readings + np.log(quality[0])
            hears, off, _ = node_hears(own, rules, no, np.maximum(now - began, 0) / HOUR)
            logs.append(hears)
            dead += np.exp(hears) * off
        total = np.logaddexp.reduce(np.stack(logs), axis=0)
        return total, dead / np.exp(total)
