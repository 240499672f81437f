"""Travel times: by a table where it names both places, else by the distance between coordinates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from network.arrays import Numbers
from repair.desk.crews.work import Place

EARTH_KM = 6371.0


@dataclass(frozen=True)
class Travel:
    """How long it takes from place to place.

    Attributes:
        speed_kmh: mean speed on the road.
        road_factor: kilometres of road per kilometre as the crow flies.
        unknown_min: minutes where a place has no coordinates and no table names it.
        known: minutes by names of the two places, in the direction of travel.
    """

    speed_kmh: float = 35.0
    road_factor: float = 1.3
    unknown_min: float = 30.0
    known: Mapping[tuple[str, str], float] = field(default_factory=dict)

    def minutes(self, origins: Sequence[Place], destinations: Sequence[Place]) -> Numbers:
        """Return minutes of travel, shape (origins, destinations); zero from a place to itself."""
        km = distances_km(origins, destinations)
        minutes = np.where(np.isnan(km), self.unknown_min, km * self.road_factor / self.speed_kmh * 60.0)
        rows, columns = _named(origins), _named(destinations)
        areas = {place.area for place in (*origins, *destinations)}
        for origin, destination in sorted(self.known, key=lambda pair: -len(areas.intersection(pair))):  # areas first
            if origin in rows and destination in columns:
                minutes[np.ix_(rows[origin], columns[destination])] = self.known[origin, destination]
        for name in {place.name for place in origins} & {place.name for place in destinations}:
            minutes[np.ix_(rows[name], columns[name])] = 0.0
        return minutes


def _named(places: Sequence[Place]) -> dict[str, list[int]]:
    """Return the places that each name stands for: their own, or that of their area."""
    found: dict[str, list[int]] = {}
    for number, place in enumerate(places):
        for name in {place.name, place.area or ""} - {""}:
            found.setdefault(name, []).append(number)
    return found


def distances_km(origins: Sequence[Place], destinations: Sequence[Place]) -> Numbers:
    """Return great-circle distances in km, shape (origins, destinations); NaN where coordinates are missing."""
    lon_1, lat_1 = _radians(origins)
    lon_2, lat_2 = _radians(destinations)
    lat = lat_2[None, :] - lat_1[:, None]
    lon = lon_2[None, :] - lon_1[:, None]
    half = np.sin(lat / 2) ** 2 + np.cos(lat_1)[:, None] * np.cos(lat_2)[None, :] * np.sin(lon / 2) ** 2
    return np.asarray(2 * EARTH_KM * np.arcsin(np.sqrt(half)))


def _radians(places: Sequence[Place]) -> tuple[Numbers, Numbers]:
    told = np.array([(place.lon, place.lat) for place in places], dtype=float).reshape(len(places), 2)
    return np.radians(told[:, 0]), np.radians(told[:, 1])
