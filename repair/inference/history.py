"""Which stretches of a feeder's signals are one event: from the first word of an outage until all have supply again (6.3)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from network.arrays import Indices, Mask
from network.representation import Shown
from repair.inference.devices import EVER
from repair.inference.words import CALL, FLAG, OFF, ON, RECLOSE, Rows, is_of
from repair.settings import InferenceSettings

MINUTE = 60_000
"""Milliseconds."""


@dataclass(frozen=True)
class Bars:
    """Spans of time of the settings, in ms: silence after which an event may be over, and is stale; the shortest outage."""

    quiet: int
    stale: int
    least: int

    @classmethod
    def of(cls, rules: InferenceSettings) -> Bars:
        """Return them."""
        spans = (rules.quiet_min, rules.stale_after_h * 60, rules.min_outage_min)
        return cls(*(round(minutes * MINUTE) for minutes in spans))


@dataclass(frozen=True, eq=False, repr=False)
class Ends(Shown):
    """Where an event may end.

    Attributes:
        piece: position of the piece among those of the history, rising, shape (ends,).
        time: last signal before it, in ms.
        at: when it is judged whether all have supply, in ms.
        stale: whether it ends there in any case.
    """

    piece: Indices
    time: Indices
    at: Indices
    stale: Mask

    def first(self, after: Indices) -> Indices:
        """Return the first end of each piece after a moment, as index; -1 where there is none; shape (pieces,)."""
        later = np.flatnonzero(self.time >= after[self.piece])
        found = np.full(len(after), -1, dtype=np.int64)
        found[self.piece[later][::-1]] = later[::-1]
        return found


@dataclass(frozen=True, eq=False, repr=False)
class History(Shown):
    """The signals of some pieces in order of time.

    Attributes:
        piece: position of the piece of each signal, rising, shape (signals,).
        time: time of each, in ms, rising within each piece.
        kind: what each says.
        pieces: the pieces, rising, shape (pieces,).
    """

    piece: Indices
    time: Indices
    kind: Indices
    pieces: Indices

    @classmethod
    def of(cls, piece: Indices, rows: Rows) -> History:
        """Put signals in order of piece and time."""
        order = np.lexsort((rows.kind, rows.time, piece))
        pieces, number = np.unique(piece[order], return_inverse=True)
        return cls(number.astype(np.int64), rows.time[order], rows.kind[order], pieces)

    def begins_after(self, cut: Indices) -> Indices:
        """Return when the first event after a moment begins in each piece, in ms; ``EVER`` where none does; shape (pieces,)."""
        which = np.flatnonzero(is_of(self.kind, OFF, CALL, FLAG) & (self.time > cut[self.piece]))
        found = np.full(len(self.pieces), EVER)
        np.minimum.at(found, self.piece[which], self.time[which])
        return found

    @property
    def last(self) -> Indices:
        """Time of the last signal of each piece, shape (pieces,)."""
        found = np.full(len(self.pieces), -EVER)
        np.maximum.at(found, self.piece, self.time)
        return found

    def ends(self, now: int, bars: Bars) -> Ends:
        """Return where events may end: nothing is heard for a while, or something came back and another outage begins.

        Args:
            now: until when signals are known, in ms.
            bars: of the settings.
        """
        count = len(self.time)
        same = self.piece[1:] == self.piece[:-1]
        following = np.full(count, EVER)
        following[:-1][same] = self.time[1:][same]
        is_last = following == EVER
        silent = np.where(is_last, now, following) - self.time
        again = np.zeros(count, dtype=np.bool_)
        back = is_of(self.kind[:-1], ON, RECLOSE) & (self.kind[1:] == OFF)
        again[:-1] = same & back & (silent[:-1] >= bars.least)
        which = np.flatnonzero((silent > bars.quiet) | again)
        stale = silent[which] > bars.stale
        at = np.minimum(self.time[which] + np.where(stale, bars.stale, bars.quiet), following[which] - 1)
        return Ends(self.piece[which], self.time[which], at, stale)
