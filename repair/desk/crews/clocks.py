"""Arrival clocks 到达现场时限: how long a crew may take from the report of a fault, by class of the site."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from repair.settings import CrewSettings

URBAN, RURAL, REMOTE = "urban", "rural", "remote"

PROFILES: Mapping[str, Mapping[str, float]] = {
    "sgcc": {URBAN: 45.0, RURAL: 90.0, REMOTE: 120.0},
    "gbt28583": {URBAN: 60.0, RURAL: 120.0, REMOTE: 240.0},
}
"""Limits in minutes: the promise of State Grid, and GB/T 28583-2012."""

_SITE_OF_REGION = {"city_centre": URBAN, "urban": URBAN, "town": RURAL, "rural": RURAL}
_SITE_WORDS = {"1": URBAN, "2": RURAL, "3": REMOTE, "城区": URBAN, "农村": RURAL, "特殊边远地区": REMOTE}


@dataclass(frozen=True)
class ArrivalClock:
    """The clock of one fault.

    Attributes:
        start: when it was reported, or found out without a call.
        site: ``urban``, ``rural`` or ``remote``; ``None`` where nothing tells, and then nothing is due.
        limit_min: minutes it may take.
        arrived: when a crew arrived; ``None`` while none has.
        expected: when a crew will, by the plan; ``None`` where none is sent.
        state: ``met`` or ``missed`` once a crew arrived; before that ``missed``, ``late`` (the plan is not in time), ``due``
            (soon, by the setting ``warning_min``) or ``running``; ``no_limit`` where the site is not known.
    """

    start: datetime
    site: str | None
    limit_min: float | None
    arrived: datetime | None
    expected: datetime | None
    state: str

    @property
    def due(self) -> datetime | None:
        """Until when a crew has to arrive."""
        return None if self.limit_min is None else self.start + timedelta(minutes=self.limit_min)

    def as_dict(self) -> dict[str, Any]:
        """Return every figure, for JSON."""
        return {
            "start": self.start.isoformat(),
            "site": self.site,
            "limit_min": self.limit_min,
            "due": self.due.isoformat() if self.due else None,
            "arrived": self.arrived.isoformat() if self.arrived else None,
            "state": self.state,
        }


def site_of(told: str | None, region_class: str | None) -> str | None:
    """Return the class of a site: as an order tells it, else by the region class of the users there."""
    if told:
        word = str(told).strip().lower()
        return _SITE_WORDS.get(word, word if word in {URBAN, RURAL, REMOTE} else None)
    return _SITE_OF_REGION.get(region_class or "")


def arrival_clock(
    rules: CrewSettings,
    now: datetime,
    start: datetime,
    site: str | None,
    arrived: datetime | None = None,
    expected: datetime | None = None,
) -> ArrivalClock:
    """Return how the clock of a fault stands.

    Args:
        rules: profile of limits and the time of the warning.
        now: the present moment.
        start: when the fault was reported, or the order was made where nobody called.
        site: class of the site.
        arrived: when a crew arrived.
        expected: when the plan has a crew arrive.
    """
    custom = {URBAN: rules.arrival_urban_min, RURAL: rules.arrival_rural_min, REMOTE: rules.arrival_remote_min}
    limit = PROFILES.get(rules.arrival_profile, custom).get(site or "")
    if limit is None:
        return ArrivalClock(start, site, None, arrived, expected, "no_limit")
    due = start + timedelta(minutes=limit)
    if arrived is not None:
        state = "met" if arrived <= due else "missed"
    elif now > due:
        state = "missed"
    elif expected is not None and expected > due:
        state = "late"
    else:
        state = "due" if due - now <= timedelta(minutes=rules.warning_min) else "running"
    return ArrivalClock(start, site, limit, arrived, expected, state)
