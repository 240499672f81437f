"""From judged signals to incidents: what is widest explains the rest (field reference 6.3).

A line that is out explains the transformers, meters and callers below it that report while it lasts, later or up to one window
earlier; a dark transformer explains its meters and callers likewise. Whatever nothing explains stands for itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl

from network.arrays import NONE, Groups, Indices, Mask, distinct
from network.representation import Shown
from repair.inference.devices import EVER, Devices
from repair.inference.feeder_tree import FeederTree
from repair.inference.line_rule import CONFIRMED, OVERTURNED, Items, Lines
from repair.inference.spells import Spells
from repair.inference.transformer_rule import Clusters

STATES = ("suspected", "confirmed", "restored", "overturned")
"""疑似停电, 确认停电, 已复电, 误报推翻."""

EXPLANATIONS = ("line", "transformer", "customers", "customer", "plan", "arrears")
"""线路故障停电, 台区停电, 多户停电, 单户停电, 计划停电, 欠费停电."""

REASONS_OF_STATE = ("", "trip_contradicted", "terminal_contradicted", "read_during", "reclosed")

COLUMNS: Mapping[str, pl.DataType | type[pl.DataType]] = {
    "piece": pl.Int64, "place": pl.Int64, "explanation": pl.Int64, "level": pl.Int64, "device": pl.Int64,
    "known": pl.Int64, "state": pl.Int64, "reason": pl.Int64, "start": pl.Int64, "end": pl.Int64,
    "transformers": pl.Int64, "customers": pl.Int64, "users": pl.Int64, "dark": pl.Int64, "back": pl.Int64,
    "live": pl.Int64, "meters": pl.Int64, "calls": pl.Int64, "tripped": pl.Boolean, "denied_by": pl.Int64,
}  # fmt: skip
"""Incidents as numbers; ``device`` and ``denied_by`` are numbers of devices, ``known`` an index, times in ms."""


@dataclass(frozen=True, eq=False, repr=False)
class Judged(Shown):
    """What the rules said of some pieces.

    Attributes:
        clusters: transformers, meters and callers, in their windows.
        dark: index into ``clusters`` of each dark item, shape (dark items,).
        items: the dark items first, then the standing trips.
        lines: the nodes that are out, and which items they explain.
        denied: spells during which the device was read.
        reclosed: trips after which the switch closed again by itself.
        explained: spells that arrears or plans explain, and by which.
    """

    clusters: Clusters
    dark: Indices
    items: Items
    lines: Lines
    denied: Spells
    reclosed: Spells
    explained: tuple[Spells, Indices]


@dataclass(frozen=True, eq=False, repr=False)
class Explanations(Shown):
    """Makes incidents of what was judged."""

    tree: FeederTree
    devices: Devices
    window: int

    def incidents(self, judged: Judged) -> pl.DataFrame:
        """Return the incidents of some pieces, with :data:`COLUMNS`."""
        clusters, lines = judged.clusters, judged.lines
        piece, place = self.places_of(clusters.key)
        roots = self._roots(judged)
        loose = judged.dark[lines.line_of[: len(judged.dark)] < 0]
        group = np.flatnonzero(~clusters.is_dark & (clusters.customers > 0))
        outer = np.concatenate([loose, group])
        line = self._line_over(place[outer], clusters.start[outer], judged, roots)
        loose_line, group_line = line[: len(loose)], line[len(loose) :]
        alone = loose[loose_line < 0]
        transformer = _same_key(clusters, group, alone, self.window)
        transformer[group_line >= 0] = -1
        free = group[(group_line < 0) & (transformer < 0)]
        contradicted = np.flatnonzero((clusters.denied_by >= 0) & clusters.terminal)
        return pl.concat(
            [
                self._lines(judged, roots, (loose, loose_line), (group, group_line)),
                self._transformers(clusters, piece, place, alone, (group, transformer)),
                self._customers(clusters, piece, place, free),
                self._contradicted(clusters, piece, place, contradicted),
                self._of_spells(judged.denied, "overturned", "read_during"),
                self._of_spells(judged.reclosed, "restored", "reclosed"),
                self._explained(*judged.explained),
            ]
        )

    # Places -------------------------------------------------------------------------------------------------------

    def places_of(self, device: Indices) -> tuple[Indices, Indices]:
        """Return piece and place of each device; -1 where it is dead."""
        supply, devices = self.tree.supply, self.devices
        place = np.full(len(device), -1, dtype=np.int64)
        terminal = device < devices.customers_from
        place[terminal] = supply.transformer_place[device[terminal]]
        meter = ~terminal & (device < devices.branches_from)
        customers = device[meter] - devices.customers_from
        of = devices.meter_transformer[customers]
        place_of_meter = np.where(of >= 0, supply.transformer_place[of], -1)
        lone = np.flatnonzero(of < 0)
        if len(lone):
            place_of_meter[lone] = self.tree.customer_place(customers[lone])
        place[meter] = place_of_meter
        switch = device >= devices.branches_from
        place[switch] = supply.place_below(device[switch] - devices.branches_from)
        return self.tree.piece_of(place), place

    # What explains what -------------------------------------------------------------------------------------------

    def _roots(self, judged: Judged) -> Indices:
        """Return the line that explains each line: itself, or an earlier one above that still stands; -1 if overturned."""
        lines = judged.lines
        end = _ends_of_lines(judged)
        place_end = self.tree.supply.end[lines.place]
        root = np.arange(len(lines.place))
        root[lines.state == OVERTURNED] = -1
        piece = self.tree.piece_of(lines.place)
        order = np.lexsort((lines.place, lines.start, piece))
        standing: list[int] = []
        for index in order[root[order] >= 0].tolist():
            if standing and piece[standing[-1]] != piece[index]:
                standing = []
            for other in standing:
                inside = lines.place[other] <= lines.place[index] < place_end[other]
                if inside and lines.start[index] <= end[other]:
                    root[index] = other
                    break
            else:
                standing.append(index)
        return root

    def _line_over(self, place: Indices, start: Indices, judged: Judged, roots: Indices) -> Indices:
        """Return the line that explains each report at a place, the widest first, then the earliest; -1 where none does."""
        lines = judged.lines
        result = np.full(len(place), -1, dtype=np.int64)
        own = np.flatnonzero(roots == np.arange(len(roots)))
        if not len(own) or not len(place):
            return result
        end = _ends_of_lines(judged)[own]
        by_place = np.argsort(place, kind="stable")
        first = np.searchsorted(place[by_place], lines.place[own])
        last = np.searchsorted(place[by_place], self.tree.supply.end[lines.place[own]])
        order = np.lexsort((lines.start[own], lines.place[own]))[::-1]
        for each in order[last[order] > first[order]].tolist():
            below = by_place[first[each] : last[each]]
            during = (start[below] >= lines.start[own[each]] - self.window) & (start[below] <= end[each])
            result[below[during]] = own[each]
        return result

    # Incidents ----------------------------------------------------------------------------------------------------

    def _lines(
        self, judged: Judged, roots: Indices, loose: tuple[Indices, Indices], group: tuple[Indices, Indices]
    ) -> pl.DataFrame:
        """Return the incidents of lines, with all that each explains."""
        lines, clusters, items = judged.lines, judged.clusters, judged.items
        count = len(lines.place)
        shown = np.where(roots >= 0, roots, np.arange(count))
        of_item = np.append(shown, -1)[lines.line_of]
        dark_items = len(judged.dark)
        member = np.concatenate([judged.dark, loose[0]])
        line = np.concatenate([of_item[:dark_items], loose[1]])
        member, line = member[line >= 0], line[line >= 0]
        everyone = np.concatenate([member, group[0][group[1] >= 0]])
        their_line = np.concatenate([line, group[1][group[1] >= 0]])
        meters, calls = (
            np.bincount(their_line, amount[everyone], count) for amount in (clusters.meters, clusters.callers)
        )
        most = int(clusters.key.max(initial=0)) + 1
        pair, of_pair = np.unique(line * most + clusters.key[member], return_inverse=True)
        pair_end = np.zeros(len(pair), dtype=np.int64)
        np.maximum.at(pair_end, of_pair, clusters.end[member])
        dark = np.bincount(pair // most, minlength=count)
        back = np.bincount((pair // most)[pair_end < EVER], minlength=count)
        end = np.zeros(count, dtype=np.int64)
        np.maximum.at(end, pair // most, pair_end)
        trips = np.flatnonzero(items.is_trip & (of_item >= 0))
        tripped = np.bincount(of_item[trips], minlength=count) > 0
        without_dark = trips[dark[of_item[trips]] == 0]
        np.maximum.at(end, of_item[without_dark], items.end[without_dark])
        state = np.where(
            lines.state == OVERTURNED, 3, np.where(end < EVER, 2, np.where(lines.state == CONFIRMED, 1, 0))
        )
        end[lines.state == OVERTURNED] = EVER
        kept = np.flatnonzero(shown == np.arange(count))
        place = lines.place
        below = self.tree.supply.end[place]
        frame = _frame(
            count,
            piece=self.tree.piece_of(place), place=place, explanation=EXPLANATIONS.index("line"), level=self.tree.level[place],
            device=self.tree.supply.branch_to[place] + self.devices.branches_from, state=state,
            reason=np.where(lines.state == OVERTURNED, REASONS_OF_STATE.index("trip_contradicted"), 0),
            start=lines.start, end=end, users=lines.users, dark=dark, back=back, live=lines.live, meters=meters, calls=calls,
            transformers=self.tree.transformers_before[below] - self.tree.transformers_before[place],
            customers=self.tree.customers_before[below] - self.tree.customers_before[place],
            tripped=tripped, denied_by=lines.denied_by,
        )  # fmt: skip
        return frame[kept]

    def _transformers(
        self, clusters: Clusters, piece: Indices, place: Indices, alone: Indices, group: tuple[Indices, Indices]
    ) -> pl.DataFrame:
        """Return the incidents of single transformers, each with the meters and callers that it explains."""
        own = clusters.at(alone)
        slot = np.searchsorted(alone, group[1][group[1] >= 0]) if len(alone) else NONE
        more = group[0][group[1] >= 0]
        meters, calls = (
            getattr(own, name) + np.bincount(slot, getattr(clusters, name)[more], len(alone)).astype(np.int64)
            for name in ("meters", "callers")
        )
        agreed = ~own.terminal | (meters + calls > 0) | own.agreeing
        is_back = own.end < EVER
        return _frame(
            len(alone),
            piece=piece[alone], place=place[alone], explanation=EXPLANATIONS.index("transformer"), level=4, device=own.key,
            state=np.where(is_back, 2, agreed.astype(np.int64)), start=own.start, end=own.end, users=1, dark=1,
            back=is_back.astype(np.int64), meters=meters, calls=calls, transformers=1,
            customers=self.devices.network.customers_with_one_supply[own.key],
        )  # fmt: skip

    def _customers(self, clusters: Clusters, piece: Indices, place: Indices, free: Indices) -> pl.DataFrame:
        """Return the incidents of several customers of one transformer, and of single ones."""
        own = clusters.at(free)
        several = own.customers > 1
        state = np.where(own.end < EVER, 2, ((own.meters > 1) | own.agreeing).astype(np.int64))
        return _frame(
            len(free),
            piece=piece[free], place=place[free], explanation=np.where(several, 2, 3), level=np.where(several, 5, 6),
            device=np.where(several, own.key, own.only_customer), state=state, start=own.start, end=own.end,
            meters=own.meters, calls=own.callers, customers=own.customers,
        )  # fmt: skip

    def _contradicted(self, clusters: Clusters, piece: Indices, place: Indices, which: Indices) -> pl.DataFrame:
        """Return the overturned incidents of terminals that said off while a meter had power."""
        own = clusters.at(which)
        return _frame(
            len(which),
            piece=piece[which], place=place[which], explanation=1, level=4, device=own.key, state=3,
            reason=REASONS_OF_STATE.index("terminal_contradicted"), start=own.start, users=1, transformers=1,
            customers=self.devices.network.customers_with_one_supply[own.key], denied_by=own.denied_by,
        )  # fmt: skip

    def _of_spells(self, spells: Spells, state: str, reason: str) -> pl.DataFrame:
        """Return incidents that one device's own signals end at once: a false alarm, or a successful reclosing."""
        piece, place = self.places_of(spells.device)
        terminal = spells.device < self.devices.customers_from
        trip = spells.device >= self.devices.branches_from
        return _frame(
            len(spells.device),
            piece=piece, place=place, explanation=np.where(trip, 0, np.where(terminal, 1, 3)),
            level=np.where(trip, self.tree.level[np.maximum(place, 0)], np.where(terminal, 4, 6)), device=spells.device,
            state=STATES.index(state), reason=REASONS_OF_STATE.index(reason), start=spells.start,
            end=spells.end if state == "restored" else EVER, calls=spells.calls, tripped=trip,
            denied_by=np.where(trip, -1, spells.device),
        )  # fmt: skip

    def _explained(self, spells: Spells, known: Indices) -> pl.DataFrame:
        """Return the incidents that arrears and plans explain, one for each of them and each piece."""
        if not len(spells):
            return _frame(0)
        piece, _ = self.places_of(spells.device)
        _, first, of = np.unique(np.stack([known, piece]), axis=1, return_index=True, return_inverse=True)
        of = of.ravel()
        count = len(first)
        start, end = np.full(count, EVER), np.zeros(count, dtype=np.int64)
        np.minimum.at(start, of, spells.start)
        np.maximum.at(end, of, spells.end)
        terminal = spells.device < self.devices.customers_from
        meter = ~terminal & (spells.device < self.devices.branches_from)
        dark, which = _distinct(of[terminal], spells.device[terminal], count)
        out = terminal & (spells.end >= EVER)
        still, _ = _distinct(of[out], spells.device[out], count)
        meters, _ = _distinct(of[meter & (spells.offs > 0)], spells.device[meter & (spells.offs > 0)], count)
        calls, _ = _distinct(of[meter & (spells.calls > 0)], spells.device[meter & (spells.calls > 0)], count)
        everyone, _ = _distinct(of[meter], spells.device[meter], count)
        of_transformers = np.bincount(which[0], self.devices.network.customers_with_one_supply[which[1]], count)
        return _frame(
            count,
            piece=piece[first], place=-1, explanation=-1, level=-1, known=known[first], state=np.where(end < EVER, 2, 1),
            start=start, end=end, users=dark, dark=dark, back=dark - still, meters=meters, calls=calls,
            transformers=dark,
            customers=np.where(dark > 0, of_transformers, everyone),
            tripped=np.bincount(of[~terminal & ~meter], minlength=count) > 0,
        )  # fmt: skip


def _distinct(of: Indices, device: Indices, count: int) -> tuple[Indices, tuple[Indices, Indices]]:
    """Return how many distinct devices each has, and the distinct pairs."""
    most = int(device.max(initial=0)) + 1
    pair = distinct(of * most + device)
    return np.bincount(pair // most, minlength=count), (pair // most, pair % most)


def _ends_of_lines(judged: Judged) -> Indices:
    """Return when the last transformer (or, without any, the trip) of each line was back, by its own items."""
    lines, items = judged.lines, judged.items
    count = len(lines.place)
    of = lines.line_of
    end = np.zeros(count, dtype=np.int64)
    dark = np.flatnonzero((of >= 0) & ~items.is_trip)
    np.maximum.at(end, of[dark], items.end[dark])
    trips = np.flatnonzero((of >= 0) & items.is_trip)
    trips = trips[np.bincount(of[dark], minlength=count)[of[trips]] == 0]
    np.maximum.at(end, of[trips], items.end[trips])
    return end


def _same_key(clusters: Clusters, group: Indices, alone: Indices, window: int) -> Indices:
    """Return the incident of a transformer (index into clusters) that explains each group of its customers, -1 without."""
    result = np.full(len(group), -1, dtype=np.int64)
    if not len(alone) or not len(group):
        return result
    keys, place = np.unique(clusters.key[group], return_inverse=True)
    groups = Groups.of(len(keys), place.astype(np.int64))
    slot = np.searchsorted(keys, clusters.key[alone])
    known: Mask = slot < len(keys)
    known[known] = keys[slot[known]] == clusters.key[alone[known]]
    for each, key in zip(alone[known][::-1].tolist(), slot[known][::-1].tolist(), strict=True):
        members = groups.between(key, key + 1)
        start = clusters.start[group[members]]
        during = (start >= clusters.start[each] - window) & (start <= clusters.end[each])
        result[members[during]] = each
    return result


def _frame(count: int, **given: object) -> pl.DataFrame:
    """Return a frame with :data:`COLUMNS`; numbers that are not given are zero, indices -1, ends never."""
    default: dict[str, object] = {"known": -1, "denied_by": -1, "device": -1, "end": EVER, "tripped": False}
    columns = []
    for name, kind in COLUMNS.items():
        value = given.get(name, default.get(name, 0))
        array = value if isinstance(value, np.ndarray) else np.full(count, value)
        columns.append(pl.Series(name, array).cast(kind))
    return pl.DataFrame(columns)
