"""The rule for lines: the highest node on each path that is confirmed to be out (field reference 6.3, explanation 3).

For every place of a piece at once: how many transformers below are dark, when the first of them (or the switch at the head)
reported, whether one below had power after that, and how many there are; each is a sum, a smallest or a largest over a slice of
the depth-first order.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from network.arrays import NONE, Indices, Mask, among, distinct
from network.representation import Shown
from repair.inference.devices import EVER, Devices
from repair.inference.episodes import episodes
from repair.inference.feeder_tree import FeederTree
from repair.inference.known import KnownOutages
from repair.inference.transformer_rule import Power, window_ms
from repair.settings import InferenceSettings

CONFIRMED, SUSPECTED, OVERTURNED = range(3)


@dataclass(frozen=True, eq=False, repr=False)
class Items(Shown):
    """Dark transformers and standing trips; all of shape (items,).

    Attributes:
        piece, place: where it is.
        start, end: in ms.
        transformer: index of the transformer, -1 for a trip.
    """

    piece: Indices
    place: Indices
    start: Indices
    end: Indices
    transformer: Indices

    @property
    def is_trip(self) -> Mask:
        """Whether each is a trip."""
        return self.transformer < 0

    def at(self, which: Mask | Indices) -> Items:
        """Return some of them."""
        return Items(*(column[which] for column in vars(self).values()))


@dataclass(frozen=True, eq=False, repr=False)
class Lines(Shown):
    """Nodes that the rule names; all of shape (lines,) but ``line_of``.

    Attributes:
        place: the node.
        start: when the first below reported.
        state: :data:`CONFIRMED`, :data:`SUSPECTED` (a trip with too few dark transformers) or :data:`OVERTURNED` (a trip, and
            a transformer below had power).
        users: transformers below that could be out.
        live: transformers below that had power after the start.
        denied_by: one of them, -1 where there is none.
        line_of: for each item, the line that explains it, -1 where none does; shape (items,).
    """

    place: Indices
    start: Indices
    state: Indices
    users: Indices
    live: Indices
    denied_by: Indices
    line_of: Indices


@dataclass(frozen=True, eq=False, repr=False)
class LineRule(Shown):
    """The rule over one network."""

    tree: FeederTree
    devices: Devices
    known: KnownOutages
    rules: InferenceSettings

    def judge(self, items: Items, restored: Items, power: Power) -> Lines:
        """Return the nodes that are out as a whole, and which of the items they explain.

        Args:
            items: dark transformers and standing trips, in any order; those on no piece hang on no line.
            restored: moments at which something of a piece came back (``start``), by piece and time.
            power: signs of power of terminals and meters.
        """
        given = len(items.piece)
        order = np.lexsort((items.place, items.start, items.piece))
        order = order[self.tree.has_lines[items.piece[order]]]
        items = items.at(order)
        episode = episodes(items.piece, items.start, window_ms(self.rules))
        count = int(episode[-1]) + 1 if len(episode) else 0
        trips = np.bincount(episode[items.is_trip], minlength=count)
        dark = np.bincount(episode[~items.is_trip], minlength=count)
        wanted = np.flatnonzero((trips > 0) | (dark >= self.rules.minimum_dark))
        number = np.full(count, -1, dtype=np.int64)
        number[wanted] = np.arange(len(wanted))
        lines = self._judge_episodes(number[episode], items, restored, self._by_piece(power))
        line_of = np.full(given, -1, dtype=np.int64)
        line_of[order] = lines.line_of
        return replace(lines, line_of=line_of)

    def _by_piece(self, power: Power) -> Power:
        """Return the signs of power on the network by piece and time, with pieces as keys; ``device`` becomes transformers."""
        piece = self.tree.piece_of(self.tree.supply.transformer_place[power.key])
        order = np.lexsort((power.time, piece))
        order = order[piece[order] >= 0]
        return Power(piece[order], power.key[order], power.time[order])

    def _judge_episodes(self, episode: Indices, items: Items, restored: Items, power: Power) -> Lines:
        """Judge all nodes above the items of each episode (numbered from 0; -1: not judged)."""
        tree, rules = self.tree, self.rules
        chosen = np.flatnonzero(episode >= 0)
        own, of = items.at(chosen), episode[chosen]
        first = np.flatnonzero(np.diff(of, prepend=-1))
        begun, piece = own.start[first], own.piece[first]
        shift = np.arange(len(first)) * len(tree.supply.end)
        item_at = own.place + shift[of]

        node = tree.at_or_above(own.place, of)
        place = node % len(tree.supply.end)
        node_end = node - place + tree.supply.end[place]
        dark = _below(item_at[_first_of_each(of, own)], node, node_end)
        heads = among(node, item_at[own.is_trip])
        absent_at = self._not_counted(piece, begun, shift, own, of, items)
        users = tree.transformers_before[tree.supply.end[place]] - tree.transformers_before[place]
        users = users - _below(absent_at, node, node_end)
        candidate = heads | ((dark >= rules.minimum_dark) & (dark >= rules.dark_share * users))
        candidate &= tree.can_be_out[place]
        node, node_end, dark, users = (each[candidate] for each in (node, node_end, dark, users))
        heads = heads[candidate]
        started = _extreme(np.minimum, item_at, own.start, node, node_end, EVER)
        live_at, live_time, live_who = self._live(piece, begun, shift, own, of, restored, power)
        veto = _extreme(np.maximum, live_at, live_time, node, node_end, -EVER) > started
        enough = (dark >= rules.minimum_dark) & ~veto
        out = np.flatnonzero(enough | (heads & ~veto))
        top = out[_outermost(node[out], node_end[out])]
        wrong = np.flatnonzero(heads & veto)
        line = np.concatenate([top, wrong])
        state = np.concatenate([np.where(enough[top], CONFIRMED, SUSPECTED), np.full(len(wrong), OVERTURNED)])
        line_of = np.full(len(episode), -1, dtype=np.int64)
        line_of[chosen] = _inside(item_at, node[top], node_end[top])
        denied = own.is_trip & among(item_at, node[wrong])
        line_of[chosen[denied]] = len(top) + np.searchsorted(node[wrong], item_at[denied])
        live, denied_by = _live_after(line, len(top), node, node_end, started, live_at, live_time, live_who)
        return Lines(node[line] % len(tree.supply.end), started[line], state, users[line], live, denied_by, line_of)

    def _not_counted(
        self, piece: Indices, begun: Indices, shift: Indices, own: Items, of: Indices, items: Items
    ) -> Indices:
        """Return where transformers stand that do not count: dark since before, planned out, or not in service."""
        tree = self.tree
        episode, other = _pairs(items.piece, piece)
        overlaps = (items.start[other] < begun[episode]) & (items.end[other] > begun[episode]) & ~items.is_trip[other]
        pair = [(episode[overlaps], items.transformer[other[overlaps]])]
        for listed in (self._planned, tree.dated):
            places = tree.supply.transformer_place[listed]
            begin, stop = (np.searchsorted(places, side) for side in (tree.first[piece], tree.last[piece]))
            episode, which = _expanded(begin, stop)
            transformer = listed[which]
            early, late = self.devices.in_service(transformer, begun[episode])
            absent = early | late | (self.known.explaining(transformer, begun[episode]) >= 0)
            pair.append((episode[absent], transformer[absent]))
        most = len(tree.supply.transformer_place) + 1
        absent_pairs = distinct(np.concatenate([episode * most + transformer for episode, transformer in pair]))
        mine = of[~own.is_trip] * most + own.transformer[~own.is_trip]
        absent_pairs = absent_pairs[~among(absent_pairs, mine)]
        at: Indices = tree.supply.transformer_place[absent_pairs % most] + shift[absent_pairs // most]
        return at

    @property
    def _planned(self) -> Indices:
        """Transformers that a known explanation covers at some time, by place."""
        covered = np.unique(self.known.device)
        covered = covered[covered < self.devices.customers_from]
        places = self.tree.supply.transformer_place[covered]
        return covered[places > 0][np.argsort(places[places > 0], kind="stable")]

    def _live(
        self, piece: Indices, begun: Indices, shift: Indices, own: Items, of: Indices, restored: Items, power: Power
    ) -> tuple[Indices, Indices, Indices]:
        """Return where, when last, and which transformers had power while an episode stood, in order of places."""
        tree = self.tree
        until = begun + window_ms(self.rules)
        back = _first_after(restored.piece, restored.start, piece, begun)
        ends = np.full(len(piece), EVER)
        np.minimum.at(ends, of, own.end)
        stop = np.maximum(until + 1, np.minimum(back, ends))
        episode, sign = _expanded(*_ranges(power, piece, begun + 1, stop))
        most = len(tree.supply.transformer_place) + 1
        pair = episode * most + power.device[sign]
        mine = of[~own.is_trip] * most + own.transformer[~own.is_trip]
        counts = ~among(pair, mine)
        pair, time = pair[counts], power.time[sign][counts]
        order = np.lexsort((time, pair))
        last = np.flatnonzero(np.append(pair[order][1:] != pair[order][:-1], True)) if len(pair) else NONE
        pair, time = pair[order][last], time[order][last]
        transformer = pair % most
        at = tree.supply.transformer_place[transformer] + shift[pair // most]
        order = np.argsort(at, kind="stable")
        return at[order], time[order], transformer[order]


def _first_of_each(episode: Indices, items: Items) -> Indices:
    """Return one item for each dark transformer of each episode: its terminal and its meters may report at different times."""
    dark = np.flatnonzero(~items.is_trip)
    pair = episode[dark] * (int(items.transformer.max(initial=0)) + 1) + items.transformer[dark]
    return dark[np.unique(pair, return_index=True)[1]]


def _pairs(of_items: Indices, piece: Indices) -> tuple[Indices, Indices]:
    """Return, for each piece asked, all items of that piece: number of the question, number of the item."""
    return _expanded(np.searchsorted(of_items, piece), np.searchsorted(of_items, piece, side="right"))


def _expanded(begin: Indices, stop: Indices) -> tuple[Indices, Indices]:
    """Return all numbers from begin up to stop, for each question, with the number of the question."""
    count = stop - begin
    question = np.repeat(np.arange(len(begin)), count)
    return question, np.arange(len(question)) - np.repeat(np.cumsum(count) - count - begin, count)


def _ranges(power: Power, piece: Indices, since: Indices, before: Indices) -> tuple[Indices, Indices]:
    """Return which signs of power lie in each piece from one moment up to, without, another."""
    if not len(power.time):
        return np.zeros(len(piece), dtype=np.int64), np.zeros(len(piece), dtype=np.int64)
    begin, stop = (_position(power.key, power.time, piece, moment) for moment in (since, before))
    return begin, stop


def _position(key: Indices, time: Indices, asked_key: Indices, asked: Indices) -> Indices:
    """Return how many (key, time) lie before each (key, moment) asked; both by key and then by time."""
    base, last = int(time.min()), int(time.max())
    span = last - base + 2
    moment = np.clip(asked - base, 0, last - base + 1)
    kinds = distinct(np.concatenate([key, asked_key]))
    return np.searchsorted(
        np.searchsorted(kinds, key) * span + (time - base), np.searchsorted(kinds, asked_key) * span + moment
    )


def _first_after(key: Indices, time: Indices, asked_key: Indices, asked: Indices) -> Indices:
    """Return the first time of the same key after each moment, :data:`EVER` where there is none."""
    if not len(key):
        return np.full(len(asked), EVER)
    place = _position(key, time, asked_key, asked + 1)
    known = np.minimum(place, len(key) - 1)
    return np.where((place < len(key)) & (key[known] == asked_key), time[known], EVER)


def _below(at: Indices, begin: Indices, end: Indices) -> Indices:
    """Return how many of the marks stand in each slice."""
    ordered = np.sort(at)
    counted: Indices = np.searchsorted(ordered, end) - np.searchsorted(ordered, begin)
    return counted


def _extreme(pick: np.ufunc, at: Indices, value: Indices, begin: Indices, end: Indices, nothing: np.int64) -> Indices:
    """Return the smallest or largest value whose mark stands in each slice, or ``nothing``."""
    result = np.full(len(begin), nothing)
    if not len(at):
        return result
    order = np.argsort(at, kind="stable")
    first, last = np.searchsorted(at[order], begin), np.searchsorted(at[order], end)
    filled = np.flatnonzero(last > first)
    bounds = np.stack([first[filled], last[filled]], axis=1).ravel()
    if len(bounds):
        result[filled] = pick.reduceat(np.append(value[order], nothing), bounds)[::2]
    return result


def _outermost(begin: Indices, end: Indices) -> npt.NDArray[np.intp]:
    """Return which slices lie inside no other; they are nested or apart, and come by their begin."""
    covered = np.concatenate([[-1], np.maximum.accumulate(end)[:-1]]) if len(end) else end
    return np.flatnonzero(begin >= covered)


def _inside(at: Indices, begin: Indices, end: Indices) -> Indices:
    """Return the slice in which each mark stands, -1 where in none; the slices lie apart, in order."""
    if not len(begin):
        return np.full(len(at), -1, dtype=np.int64)
    slot = np.searchsorted(begin, at, side="right") - 1
    return np.where((slot >= 0) & (at < end[np.maximum(slot, 0)]), slot, -1)


def _live_after(
    line: Indices,
    tops: int,
    node: Indices,
    node_end: Indices,
    started: Indices,
    at: Indices,
    time: Indices,
    who: Indices,
) -> tuple[Indices, Indices]:
    """Return how many transformers below each overturned line had power after it began, and the last of them."""
    live, denied_by = np.zeros(len(line), dtype=np.int64), np.full(len(line), -1, dtype=np.int64)
    for index in range(tops, len(line)):
        each = line[index]
        inside = slice(*np.searchsorted(at, [node[each], node_end[each]]))
        after = np.flatnonzero(time[inside] > started[each])
        live[index] = len(after)
        denied_by[index] = who[inside][after[np.argmax(time[inside][after])]]
    return live, denied_by
