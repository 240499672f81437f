"""The ground plan of the county: who feeds what, in which direction, operated by whom."""

from __future__ import annotations

import math
from dataclasses import dataclass

COUNTY_NAME = "复源县"
CENTRE_LON, CENTRE_LAT = 115.2, 33.1
KM_PER_DEGREE = 111.2
DISTRICT_SPACING_KM = 48.0
STATION_OFFSETS_KM = ((0.0, 0.0), (10.0, 2.0))
STATION_NAMES = ("复城变", "源河变")


@dataclass(frozen=True)
class FeederPlan:
    """How one feeder of a district is laid out.

    Attributes:
        name: what the feeder is called.
        station: index of its substation in the district, 0 or 1.
        form: ``cable``, ``mixed`` or ``overhead``.
        region_class: region class of its transformers.
        planning_class: planning class of the area.
        bearing_deg: direction of its trunk, counted from east towards north.
        length_km: length of its trunk.
        sections: sections of its trunk, each behind a switching device.
        spans: line spans of one section.
        laterals: branch lines off its trunk.
        lateral_km: mean length of a branch line.
        unit: index of the operating unit in :data:`UNITS`.
        load_share: mean load of its transformers as a share of capacity.
        structure: form of connection, as a utility writes it.
        label: area that the utility names in its plans.
    """

    name: str
    station: int
    form: str
    region_class: str
    planning_class: str
    bearing_deg: float
    length_km: float
    sections: int
    spans: int
    laterals: int
    lateral_km: float
    unit: int
    load_share: float
    structure: str
    label: str


@dataclass(frozen=True)
class Unit:
    """A unit that operates feeders: its name, its township, and where its crews wait (km from the centre)."""

    name: str
    township: str
    x_km: float
    y_km: float


UNITS = (
    Unit("城关供电所", "城关街道", 0.3, 0.8),
    Unit("城西供电所", "城西街道", -2.2, 1.2),
    Unit("源河供电所", "源河镇", 6.8, 1.6),
    Unit("青石供电所", "青石镇", 13.2, 6.0),
    Unit("南坪供电所", "南坪乡", 6.4, -6.2),
    Unit("西岭供电所", "西岭乡", -6.0, -8.4),
)

FEEDER_PLANS = (
    FeederPlan("中山线", 0, "cable", "city_centre", "A", 100, 2.4, 4, 2, 9, 0.25, 0, 0.21, "单环网", "城区"),
    FeederPlan("人民线", 0, "cable", "city_centre", "A", 62, 2.6, 4, 2, 9, 0.25, 0, 0.23, "单环网", "城区"),
    FeederPlan("文化线", 0, "cable", "urban", "B", 138, 3.2, 4, 2, 8, 0.35, 1, 0.33, "单环网", "城区"),
    FeederPlan("工业线", 0, "mixed", "urban", "B", 170, 3.9, 3, 3, 7, 0.5, 1, 0.38, "三分段单联络", "城区"),
    FeederPlan("新城线", 0, "mixed", "urban", "B", 20, 4.8, 3, 3, 7, 0.5, 0, 0.31, "三分段单联络", "城区"),
    FeederPlan("南关线", 0, "overhead", "town", "C", 345, 6.2, 3, 4, 6, 1.1, 2, 0.30, "三分段单联络", "城镇"),
    FeederPlan("南坪线", 0, "overhead", "rural", "D", 308, 9.4, 3, 4, 7, 1.9, 4, 0.22, "三分段单联络", "农村"),
    FeederPlan("西岭线", 0, "overhead", "rural", "D", 235, 16.0, 4, 4, 8, 2.2, 5, 0.22, "单辐射", "农村"),
    FeederPlan("河东线", 1, "mixed", "urban", "B", 175, 4.5, 3, 3, 7, 0.5, 2, 0.31, "三分段单联络", "城区"),
    FeederPlan("源河线", 1, "overhead", "town", "C", 215, 5.2, 3, 4, 6, 1.0, 2, 0.30, "三分段单联络", "城镇"),
    FeederPlan("青石线", 1, "overhead", "town", "C", 62, 6.6, 3, 4, 6, 1.2, 3, 0.29, "三分段单联络", "城镇"),
    FeederPlan("北集线", 1, "overhead", "town", "C", 34, 7.2, 3, 4, 6, 1.2, 3, 0.28, "三分段单联络", "城镇"),
    FeederPlan("柳湾线", 1, "overhead", "rural", "D", 262, 9.0, 3, 4, 7, 1.8, 4, 0.21, "三分段单联络", "农村"),
    FeederPlan("东岭线", 1, "overhead", "rural", "D", 338, 11.5, 3, 5, 8, 2.0, 3, 0.21, "单辐射", "农村"),
)

TIES = ((0, 1), (0, 2), (2, 3), (4, 8), (5, 9), (10, 11), (6, 12))
"""Pairs of feeders of one district that a normally open switch can join."""

PARALLEL_CABLE_FEEDER = 2
"""The feeder whose first section is a pair of parallel cables, both closed."""


def partner(feeder: int) -> int | None:
    """Return the first feeder that a tie joins to ``feeder`` (indices within a district), or ``None``."""
    for one, other in TIES:
        if feeder in (one, other):
            return other if feeder == one else one
    return None


def district_offset_km(district: int, districts: int) -> tuple[float, float]:
    """Return where a district's first substation lies: districts stand on a square grid, row by row."""
    across = math.ceil(math.sqrt(districts))
    return (district % across) * DISTRICT_SPACING_KM, (district // across) * DISTRICT_SPACING_KM


def to_lon_lat(x_km: float, y_km: float) -> tuple[float, float]:
    """Return longitude and latitude (degrees, six decimals) of a point given in km from the centre."""
    lat = CENTRE_LAT + y_km / KM_PER_DEGREE
    lon = CENTRE_LON + x_km / (KM_PER_DEGREE * math.cos(math.radians(CENTRE_LAT)))
    return round(lon, 6), round(lat, 6)
