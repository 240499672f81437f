"""Spells without supply, as single devices tell them: off until on, tripped until closed (field reference 6.2)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from network.arrays import Indices, Mask
from network.representation import Shown
from repair.inference.devices import EVER

READ, OFF, CALL, ON, RECLOSE, UNANSWERED, FLAG, NO_FLAG = range(8)
"""Kinds of signal in the order in which those of one device and one moment count; a trip is off, a close is on."""

NOT_ENDED = -1


@dataclass(frozen=True, eq=False, repr=False)
class Rows(Shown):
    """Signals, each once, by device and then by time; all of shape (signals,).

    Attributes:
        device: number of the device.
        word: time in ms and kind in one number, ``8 * time + kind``.
    """

    device: Indices
    word: Indices

    @property
    def time(self) -> Indices:
        """When, in ms since 1970."""
        return self.word >> 3

    @property
    def kind(self) -> Indices:
        """What was reported."""
        return self.word & 7


@dataclass(frozen=True, eq=False, repr=False)
class Spells(Shown):
    """Times without supply, by device and then by time; all of shape (spells,).

    Attributes:
        device: number of the device.
        start: first off or call, in ms.
        end: the next sign of power, in ms; :data:`EVER` while there is none.
        ended_by: kind of that sign.
        offs: how often off was reported; the first counts.
        calls: how many calls there were.
        unanswered: how many readings were asked for since and not answered.
    """

    device: Indices
    start: Indices
    end: Indices
    ended_by: Indices
    offs: Indices
    calls: Indices
    unanswered: Indices

    def __len__(self) -> int:
        return len(self.device)

    def at(self, which: Mask | Indices) -> Spells:
        """Return some of them."""
        return Spells(*(column[which] for column in vars(self).values()))


def spells_of(rows: Rows) -> Spells:
    """Return the spells of each device: from the first off (trip, call) after a sign of power until the next such sign."""
    kind, time = rows.kind, rows.time
    power = (kind == READ) | (kind == ON) | (kind == RECLOSE)
    begins = power.copy()
    begins[:1] = True
    begins[1:] |= rows.device[1:] != rows.device[:-1]
    part = np.cumsum(begins) - 1
    head = np.append(np.flatnonzero(begins), len(kind))
    dark = np.flatnonzero((kind == OFF) | (kind == CALL))
    part_of_dark = part[dark]
    opens = np.ones(len(dark), dtype=np.bool_)
    opens[1:] = part_of_dark[1:] != part_of_dark[:-1]
    opening = dark[opens]
    groups = np.cumsum(opens) - 1
    after = head[part_of_dark[opens] + 1]
    asked = np.flatnonzero(kind == UNANSWERED)
    spell = np.searchsorted(opening, asked, side="right") - 1
    within = (spell >= 0) & (part[opening[spell]] == part[asked]) if len(opening) else spell >= 0
    known = np.minimum(after, len(kind) - 1)
    ended = (after < len(kind)) & (rows.device[known] == rows.device[opening]) if len(kind) else opening >= 0
    return Spells(
        rows.device[opening],
        time[opening],
        np.where(ended, time[known], EVER) if len(kind) else time[opening],
        np.where(ended, kind[known], NOT_ENDED) if len(kind) else kind[opening],
        np.bincount(groups, kind[dark] == OFF, len(opening)).astype(np.int64),
        np.bincount(groups, kind[dark] == CALL, len(opening)).astype(np.int64),
        np.bincount(spell[within], minlength=len(opening)),
    )
