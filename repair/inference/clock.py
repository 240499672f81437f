"""What time it is for outage inference: the newest signal and the clock as it was told, and the ticks at which silence counts."""

from __future__ import annotations

from bisect import bisect_right
from datetime import datetime

import numpy as np

from repair.inference.devices import EVER
from repair.inference.history import MINUTE, Bars
from repair.inference.moments import ms_of, time_of
from repair.inference.words import Rows

STEP = 24 * 60 * MINUTE
"""One device alone is ahead of all others by so much at most, in ms."""

STEPS_MIN = (0.0, 1.0, 3.0, 12.0, 30.0, 60.0, 90.0, 120.0, 180.0, 240.0, 360.0, 720.0, 1440.0)
"""Minutes after the last signal of a feeder at which its silence is judged again: ticks of the clock."""

STEPS = tuple(round(each * MINUTE) for each in STEPS_MIN)
"""The same, in ms."""


class Clock:
    """The moment of all answers; it never runs backwards.

    Attributes:
        newest: time of the newest signal; one device alone moves it by a step at most.
    """

    def __init__(self) -> None:
        self.newest: datetime | None = None
        self._told: datetime | None = None
        self._latest: dict[int, int] = {}

    def tell(self, moment: datetime) -> None:
        """Tell what time it is."""
        self._told = moment if self._told is None else max(self._told, moment)

    def ingest(self, heard: Rows) -> None:
        """Move the newest moment: one device alone moves it by a step at most, however far ahead its clock is."""
        order = np.argsort(heard.time, kind="stable")[::-1]
        for device, time in zip(heard.device[order].tolist(), heard.time[order].tolist(), strict=True):
            if len(self._latest) > 1 and time <= min(self._latest.values()):
                break
            self._latest[device] = max(time, self._latest.get(device, time))
            if len(self._latest) > 2:
                del self._latest[min(self._latest, key=lambda each: (self._latest[each], each))]
        first, *others = sorted(self._latest.values(), reverse=True)
        self.newest = time_of(min([first, *(other + STEP for other in others)]))

    @property
    def at(self) -> datetime | None:
        """The moment of all answers: the clock as it was told, or the newest signal."""
        return max([each for each in (self._told, self.newest) if each is not None], default=None)

    def ms(self, default: int) -> int:
        """Return that moment in ms, where there is none the default."""
        return default if self.at is None else ms_of(self.at)

    def tick(self, since: int) -> int:
        """Return the last tick after a moment, in ms."""
        passed = bisect_right(STEPS, self.ms(since) - since)
        return since + STEPS[max(passed - 1, 0)]

    def next_tick(self, since: int, bars: Bars) -> int:
        """Return the next tick after a moment, or when its event may be over, in ms; ``EVER`` if there is none."""
        silent = self.ms(since) - since
        ahead = (each for each in (*STEPS, bars.quiet + 1, bars.stale + 1) if each > silent)
        return since + min(ahead, default=int(EVER) - since)
