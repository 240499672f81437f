"""The signals that are remembered: those that wait to be judged, and those known, each once, by the piece that it speaks of.

Those of a transformer of two feeders stand with both, and with no piece besides. Of the pieces that were heard of last the
signals lie open; those of the others are packed, so that memory hardly grows with what was heard.
"""

from __future__ import annotations

import zlib

import numpy as np

from network.arrays import Indices
from repair.inference.coupled import CoupledUsers
from repair.inference.devices import EVER, Devices
from repair.inference.events import Events
from repair.inference.feeder_tree import FeederTree
from repair.inference.history import MINUTE, Bars
from repair.inference.spots import Spots
from repair.inference.words import OFF, ON, READ, Rows, is_of
from repair.settings import InferenceSettings

MOST_OPEN = 1 << 20
"""Signals that lie open at most; the others are packed."""

_NOTHING: Indices = np.zeros((2, 0), dtype=np.int64)


class Remembered:
    """Signals by piece, in the order of device and time, and some that wait.

    Args:
        tree: the pieces.
        devices: numbers of devices.
        coupled: transformers of two feeders.
        rules: rates and bars.
        most_open: signals that lie open at most; the others are packed.

    Attributes:
        waiting: those that wait.
        partners: of each piece, those that transformers that spoke hang on too.
    """

    def __init__(
        self,
        tree: FeederTree,
        devices: Devices,
        coupled: CoupledUsers,
        rules: InferenceSettings,
        most_open: int = MOST_OPEN,
    ) -> None:
        self.partners: dict[int, set[int]] = {}
        self._coupled = coupled
        self.waiting: list[Rows] = []
        self._tree, self._devices = tree, devices
        self._spots = Spots(tree, devices)
        self._least = Bars.of(rules).least
        self._heard_within = round(rules.heard_within_h * 60 * MINUTE)
        self._open: dict[int, Indices] = {}  # device and word, shape (2, signals); last those that were heard of last
        self._packed: dict[int, bytes] = {}
        self._most_open, self._count_open = most_open, 0

    @property
    def waits(self) -> int:
        """How many signals wait."""
        return sum(len(rows.device) for rows in self.waiting)

    @property
    def size(self) -> tuple[int, int]:
        """How many signals lie open, and the bytes of those that are packed."""
        return self._count_open, sum(map(len, self._packed.values()))

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
        piece, new = heard_piece[order], Rows(heard.device[order], heard.word[order])
        pieces, begins = np.unique(piece, return_index=True)
        known, of = self.known(pieces)
        merged = np.empty((3, len(of) + len(order)), dtype=np.int64)
        again = np.zeros(len(order), dtype=np.bool_)
        count = merge(of, known.device, known.word, piece, new.device, new.word, merged, again)
        bounds = np.append(np.searchsorted(merged[0, :count], pieces), count).tolist()
        for number, first, last in zip(pieces.tolist(), bounds[:-1], bounds[1:], strict=True):
            self._put(number, merged[1:, first:last])
        self._pack()
        again &= ~((piece >= 0) & np.isin(new.device, self._coupled.transformer))
        firsts = zip(pieces.tolist(), np.minimum.reduceat(new.time, begins).tolist(), strict=True)
        return {number: time for number, time in firsts if number >= 0}, Rows(new.device[again], new.word[again])

    # By piece -----------------------------------------------------------------------------------------------------

    def known(self, pieces: Indices) -> tuple[Rows, Indices]:
        """Return the signals of some pieces, given in rising order, and the piece of each; -1 stands for those of none."""
        parts = [self._part(number) for number in pieces.tolist()]
        together = np.concatenate([_NOTHING, *parts], axis=1)
        return Rows(together[0], together[1]), np.repeat(pieces, [part.shape[1] for part in parts])

    def _part(self, number: int) -> Indices:
        """Return device and word of the signals of a piece, shape (2, signals)."""
        found = self._open.get(number)
        if found is not None:
            return found
        return unpacked(self._packed[number]) if number in self._packed else _NOTHING

    def _put(self, number: int, part: Indices) -> None:
        """Keep the signals of a piece in place of those it had."""
        self._packed.pop(number, None)
        self._count_open -= self._open.pop(number, _NOTHING).shape[1]
        if part.shape[1]:
            self._open[number] = part.copy()
            self._count_open += part.shape[1]

    def _pack(self) -> None:
        """Pack pieces, those first that were not heard of for longest, where too many signals lie open."""
        if self._count_open <= self._most_open:
            return
        for number in list(self._open):
            if self._count_open <= self._most_open // 2:
                return
            part = self._open.pop(number)
            self._packed[number] = packed(part)
            self._count_open -= part.shape[1]

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
        rows, of = self.known(pieces)
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
        rows, _ = self.known(np.array([-1]))
        mine = np.isin(rows.device, devices)
        return Rows(rows.device[mine], rows.word[mine])

    def power_between(self, devices: Indices, since: int, until: int) -> bool:
        """Tell whether one of these devices had power between two moments, in ms."""
        rows, _ = self.known(np.unique(self._spots.of(devices)[0]))
        mine = np.isin(rows.device, devices) & (rows.time > since) & (rows.time < until)
        return bool(is_of(rows.kind[mine], ON, READ).any())

    def signs_of_power(self, piece: int) -> Rows:
        """Return all signals of a piece that somebody has power."""
        rows, _ = self.known(np.array([piece]))
        power = is_of(rows.kind, ON, READ)
        return Rows(rows.device[power], rows.word[power])

    def forget(self, cuts: Indices) -> None:
        """Forget the signals of each piece from before a moment, in ms; shape (pieces + 1,), the last for those of none."""
        for number in [*self._packed, *self._open]:
            part = self._part(number)
            keep = part[1] >> 3 >= cuts[number]
            if not keep.all():
                self._put(number, part[:, keep])
        self._pack()

    @property
    def ever(self) -> Indices:
        """A moment after all for each piece, and for none: shape (pieces + 1,)."""
        return np.full(len(self._tree.first) + 1, EVER)


def packed(part: Indices) -> bytes:
    """Return device and word of signals, shape (2, signals), as few bytes: one signal differs little from the next."""
    return zlib.compress(np.diff(part, axis=1, prepend=0).tobytes(), level=1)


def unpacked(data: bytes) -> Indices:
    """Return what was packed."""
    return np.frombuffer(zlib.decompress(data), dtype=np.int64).reshape(2, -1).cumsum(axis=1)
