"""Signals as numbers: who said what, and when."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from network.arrays import Indices, Mask
from network.representation import Shown

READ, OFF, CALL, ON, RECLOSE, UNANSWERED, FLAG, NO_FLAG = range(8)
"""Kinds of signal in the order in which those of one device and one moment count; a trip is off, a close is on."""


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


def is_of(kind: Indices, *kinds: int) -> Mask:
    """Return which words are of one of these kinds."""
    table = np.zeros(8, dtype=np.bool_)
    table[list(kinds)] = True
    return table[kind]
