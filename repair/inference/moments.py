"""Moments: local times, and the same in ms since 1970."""

from __future__ import annotations

from datetime import datetime, timedelta

from network.arrays import Indices

ORIGIN = datetime(1970, 1, 1)


def ms_of(moment: datetime) -> int:
    """Return a local time in ms since 1970."""
    return int((moment - ORIGIN) / timedelta(milliseconds=1))


def time_of(ms: int) -> datetime:
    """Return a moment in ms since 1970 as local time."""
    return ORIGIN + timedelta(milliseconds=ms)


def times_of(ms: Indices) -> list[datetime]:
    """Return moments in ms since 1970 as local times."""
    found: list[datetime] = ms.astype("datetime64[ms]").tolist()
    return found
