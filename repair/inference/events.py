"""Stretches of signals that are judged as one event each."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from network.arrays import Indices
from network.representation import Shown
from repair.inference.words import CALL, FLAG, OFF, RECLOSE, Rows, is_of
from repair.settings import InferenceSettings


@dataclass(frozen=True, eq=False, repr=False)
class Events(Shown):
    """Stretches of signals, each of one piece of the network, to be judged at one moment each.

    Attributes:
        piece: number of the piece of each, shape (events,).
        at: the moment, in ms, shape (events,).
        of: the event of each row, rising, shape (rows,).
        rows: signals by event, device and time.
        known: device numbers of terminals heard from shortly before, with the event in one number: ``event * devices + device``,
            rising.
        begun: since when each is asked about, as far as nothing was heard of it, in ms; by default its moment; shape (events,).
    """

    piece: Indices
    at: Indices
    of: Indices
    rows: Rows
    known: Indices
    begun: Indices | None = None


def onset(events: Events, rules: InferenceSettings) -> tuple[Indices, Indices]:
    """Return when the latest burst of words of outage of each event began, and the first, in ms; its moment where there is none.

    Reports of power lost count before calls, and these before what only sensors and reclosings tell. Shapes (events,).
    """
    window = round(rules.window_min * 60_000)
    kind = events.rows.kind
    unheard = events.at if events.begun is None else events.begun
    found, first = unheard.copy(), unheard.copy()
    for kinds in ((FLAG, RECLOSE), (CALL,), (OFF,)):
        which = np.flatnonzero(is_of(kind, *kinds))
        order = which[np.lexsort((events.rows.time[which], events.of[which]))]
        of, time = events.of[order], events.rows.time[order]
        begins = np.ones(len(order), dtype=np.bool_)
        begins[1:] = (of[1:] != of[:-1]) | (time[1:] - time[:-1] > window)
        found[of[begins]] = time[begins]
        first[of[begins][::-1]] = np.minimum(first[of[begins][::-1]], time[begins][::-1])
    return found, first
