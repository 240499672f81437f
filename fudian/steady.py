"""The clock of this machine as the desk reads it: it never runs backwards, whatever is done to it meanwhile."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from time import monotonic

from fudian.store.tables import utc_now

SLIP = timedelta(seconds=1)
"""By so much a clock may lag behind the time that passed and be right still: it is slowed down until it is right."""


class SteadyClock:
    """A clock with zone.

    Args:
        wall: what the machine says.
        passed_s: seconds that passed since some moment, which nobody can set.
    """

    def __init__(self, wall: Callable[[], datetime] = utc_now, passed_s: Callable[[], float] = monotonic) -> None:
        self._wall, self._passed_s = wall, passed_s
        self._seen = (wall(), passed_s())

    def now(self) -> datetime:
        """Return the moment: what the machine says, or, once its clock was set back, what it would say had nobody done so."""
        wall, passed_s = self._wall(), self._passed_s()
        latest, at_s = self._seen
        steady = latest + timedelta(seconds=passed_s - at_s)
        if wall < steady - SLIP:
            return steady
        self._seen = (wall, passed_s)
        return wall

    def told(self) -> datetime | None:
        """Return the moment where the machine does not say it: its clock was set back; else ``None``."""
        now = self.now()
        return now if now - self._wall() > SLIP else None
