"""The signals that are remembered: those that wait to be judged, and those known, each once, by the piece that it speaks of.

Those of a transformer of two feeders stand with both, and with no piece besides.
"""

from __future__ import annotations

import numpy as np

from network.arrays import NONE, Indices
from repair.inference.coupled import CoupledUsers
from repair.inference.devices import EVER, Devices
from repair.inference.events import Events
from repair.inference.feeder_tree import FeederTree
from repair.inference.history import MINUTE, Bars
from repair.inference.spots import Spots
from repair.inference.words import OFF, ON, READ, Rows, is_of
from repair.settings import InferenceSettings


class Remembered:
    """Signals in the order of piece, device and time, and some that wait.

    Attributes:
        piece: number of the piece of each signal known, rising; -1 above several pieces, or where it is dead; shape (signals,).
        rows: the signals known.
        waiting: those that wait.
        partners: of each piece, those that transformers that spoke hang on too.
    """

    def __init__(self, tree: FeederTree, devices: Devices, coupled: CoupledUsers, rules: InferenceSettings) -> None:
        self.piece, self.rows = NONE, Rows(NONE, NONE)
        self.partners: dict[int, set[int]] = {}
        self._coupled = coupled
        self.waiting: list[Rows] = []
        self._tree, self._devices = tree, devices
        self._spots = Spots(tree, devices)
        self._least = Bars.of(rules).least
        self._heard_within = round(rules.heard_within_h * 60 * MINUTE)

    @property
    def waits(self) -> int:
        """How many signals wait."""
        return sum(len(rows.device) for rows in self.waiting)

    def join(self) -> tuple[dict[int, int], Rows]:
        """Put the waiting signals among those known, each once.

        Returns:
            The earliest moment, in ms, that was heard of each piece, and the signals that were known already.
        """
        from repair.inference.merging import merge

        heard = Rows(*(np.concatenate([getattr(rows, name) for rows in self.waiting]) for name in ("device", "word")))
        self.waiting = []
        heard_piece, heard = self._with_both(self._spots.of(heard.device)[0], heard)
        order = np.lexsort((heard.word, heard.device, heard_piece))
        new = heard_piece[order], heard.device[order], heard.word[order]
        merged = np.empty((3, len(self.piece) + len(order)), dtype=np.int64)
        again = np.zeros(len(order), dtype=np.bool_)
        count = merge(self.piece, self.rows.device, self.rows.word, *new, merged, again)
        self.piece, self.rows = merged[0, :count], Rows(merged[1, :count], merged[2, :count])
        first_of = np.lexsort((heard.time, heard_piece))
        numbers, at = np.unique(heard_piece[first_of], return_index=True)
        again &= ~((new[0] >= 0) & np.isin(new[1], self._coupled.transformer))
        firsts = zip(numbers.tolist(), heard.time[first_of][at].tolist(), strict=True)
        return {number: time for number, time in firsts if number >= 0}, Rows(new[1][again], new[2][again])

    def _with_both(self, piece: Indices, heard: Rows) -> tuple[Indices, Rows]:
        """Return signals with those of transformers of two feeders once more for each of these."""
        at, feeders = self._coupled.feeders_of(heard.device)
        if not len(at):
            return piece, heard
        for one, other in np.unique(feeders, axis=0).tolist():
            self.partners.setdefault(one, set()).add(other)
            self.partners.setdefault(other, set()).add(one)
        more = np.repeat(at, 2)
        every = (np.append(column, column[more]) for column in (heard.device, heard.word))
        return np.append(piece, feeders.ravel()), Rows(*every)

    def together(self, pieces: set[int]) -> list[list[int]]:
        """Return some pieces with all that are coupled with them, those that are coupled together; rising."""
        found, seen = [], set[int]()
        for piece in sorted(pieces):
            if piece in seen:
                continue
            group, ahead = {piece}, [piece]
            while ahead:
                more = self.partners.get(ahead.pop(), set()) - group
                group |= more
                ahead += more
            seen |= group
            found.append(sorted(group))
        return found

    def usable(self, pieces: Indices) -> tuple[Rows, Indices]:
        """Return the signals of some pieces, given in rising order, without outages that were too short to be any."""
        first, last = (np.searchsorted(self.piece, pieces, side) for side in ("left", "right"))
        size = last - first
        mine = np.arange(size.sum()) + np.repeat(first - (np.cumsum(size) - size), size)
        rows, of = Rows(self.rows.device[mine], self.rows.word[mine]), self.piece[mine]
        short = np.zeros(len(of), dtype=np.bool_)
        pair = (rows.device[1:] == rows.device[:-1]) & (rows.kind[:-1] == OFF) & (rows.kind[1:] == ON)
        pair &= (np.diff(rows.time) < self._least) & (rows.device[1:] < self._devices.branches_from)
        short[:-1] |= pair
        short[1:] |= pair
        return Rows(rows.device[~short], rows.word[~short]), of[~short]

    def events(self, pieces: Indices, since: Indices, until: Indices, at: Indices, rows: Rows, of: Indices) -> Events:
        """Return the events of some pieces, from their usable signals between two moments, to be judged at a third."""
        number = np.full(len(self._tree.first), -1, dtype=np.int64)
        number[pieces] = np.arange(len(pieces))
        event = number[of]
        time = rows.time
        inside = (event >= 0) & (time >= since[event]) & (time <= until[event])
        earlier = (event >= 0) & (time < since[event]) & (time >= since[event] - self._heard_within)
        earlier &= rows.device < self._devices.customers_from
        many = self._devices.branches_from + self._devices.network.branches.height
        known = np.unique(event[earlier] * many + rows.device[earlier])
        return Events(pieces, at, event[inside], Rows(rows.device[inside], rows.word[inside]), known)

    def of_none(self, devices: Indices) -> Rows:
        """Return the signals of some devices that belong to no piece."""
        mine = np.flatnonzero((self.piece < 0) & np.isin(self.rows.device, devices))
        return Rows(self.rows.device[mine], self.rows.word[mine])

    def power_between(self, devices: Indices, since: int, until: int) -> bool:
        """Tell whether one of these devices had power between two moments, in ms."""
        rows = self.rows
        mine = np.isin(rows.device, devices) & (rows.time > since) & (rows.time < until)
        return bool(is_of(rows.kind[mine], ON, READ).any())

    def signs_of_power(self) -> tuple[Rows, Indices]:
        """Return all signals that somebody has power, and the piece of each."""
        power = np.flatnonzero(is_of(self.rows.kind, ON, READ))
        return Rows(self.rows.device[power], self.rows.word[power]), self.piece[power]

    def forget(self, cuts: Indices) -> None:
        """Forget the signals of each piece from before a moment, in ms; shape (pieces + 1,), the last for those of none."""
        keep = self.rows.time >= cuts[self.piece]
        self.rows, self.piece = Rows(self.rows.device[keep], self.rows.word[keep]), self.piece[keep]

    @property
    def ever(self) -> Indices:
        """A moment after all for each piece, and for none: shape (pieces + 1,)."""
        return np.full(len(self._tree.first) + 1, EVER)
