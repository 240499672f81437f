"""Codes, numbers and times as people read them."""

from __future__ import annotations

from datetime import datetime

from network import translate
from network.tables.conventions import WallTime
from network.texts import shown
from reliability.targets import METRIC_NAMES

DASH = "—"
"""Stands where a figure is missing: never zero."""

CODE_WORDS = {
    **METRIC_NAMES,
    "city_centre": "city centre",
    "urban": "urban district",
    "town": "town",
    "rural": "rural",
    "all_scope": "all areas",
    "urban_net": "urban network",
    "rural_net": "rural network",
    "F-INT": "internal fault",
    "F-EXT": "external fault",
    "P-PLAN-MAINT": "planned maintenance",
    "P-PLAN-CONST": "planned construction",
    "P-PLAN-CUST": "planned, at user request",
    "P-PLAN-SWITCH": "switching of supply",
    "P-TEMP-MAINT": "short-notice maintenance",
    "P-TEMP-CONST": "short-notice construction",
    "P-TEMP-CUST": "short notice, at user request",
    "P-RAT-SYS": "rationing, system shortage",
    "P-RAT-NET": "rationing, network limit",
    "fault": "fault",
    "prearranged": "prearranged",
    "work": "planned work",
    "stick": "insulating stick",
    "glove": "insulating glove",
    "combined": "combined without outage",
    "bypass": "bypass",
    "generator": "generator car",
    "mobile_substation": "mobile substation",
    "low_voltage": "low voltage without outage",
    "days": "days",
    "nature": "nature",
    "cause": "cause",
    "region_class": "region class",
    "unit": "unit",
    "feeder_id": "feeder",
    "device": "device",
    "nea": "energy administration",
    "sgcc": "State Grid",
    "in_year": "times in a year",
    "in_window": "times within a window",
    "prearranged_in_year": "prearranged times in a year",
    "planned_repair_in_year": "planned repairs in a year",
    "cable": "cable",
    "breaker": "breaker",
    "recloser": "recloser",
    "switch": "switch",
    "disconnector": "disconnector",
    "fuse": "fuse",
    "feeder": "feeder",
    "actions": "actions",
    "switching operations": "switching operations",
    "orders": "orders",
    "feeders": "feeders",
    "missing": "missing",
    "false": "false",
    "次": "times",
    "h": "h",
    "min": "min",
    "%": "%",
    "line": "line out",
    "trunk": "part of the trunk out",
    "lateral": "lateral out",
    "sub_lateral": "sub-lateral out",
    "box": "meter box out",
    "customers": "several customers out",
    "transformer": "transformer out",
    "customer": "single customer",
    "none": "undetermined",
    "mv": "MV users",
    "lv": "LV users",
    "include": "with major event days",
    "exclude": "without major event days",
    "trip": "trip",
    "fault_current": "fault current",
    "error": "error",
    "warning": "warning",
    "remote": "by remote control",
    "on_site": "on site",
    "repair": "after the repair",
}
"""A plain English word for each code that a page shows; the catalogue has the Chinese one."""


def word(code: str | None, language: str) -> str:
    """Return a code as people read it; what is no code stays as it is, nothing is a dash."""
    if code is None or code == "":
        return DASH
    return translate(CODE_WORDS[code], language) if code in CODE_WORDS else code


def number(value: float | None, digits: int = 2) -> str:
    """Return a figure with thousands separators, a dash when missing."""
    return DASH if value is None else f"{value:,.{digits}f}"


def percent(value: float | None, digits: int = 1) -> str:
    """Return a percentage, a dash when missing."""
    return DASH if value is None else f"{value:.{digits}f}%"


MINUTES = "%Y-%m-%d %H:%M"
"""The form of a day with its time."""


def moment(value: datetime | str | None, seconds: bool = False, form: str = "%m-%d %H:%M") -> str:
    """Return a time by the clock on the wall, a dash when missing.

    Args:
        value: a time of the workspace, or one in ISO 8601; an answer for routes has the clock on the wall already.
        seconds: whether to show it whole.
        form: else.
    """
    if value is None:
        return DASH
    form = "%Y-%m-%d %H:%M:%S" if seconds else form
    if isinstance(value, WallTime):
        wall = datetime.fromisoformat(value)
        return shown(wall, form) if wall.tzinfo else format(wall, form)
    return shown(datetime.fromisoformat(value) if isinstance(value, str) else value, form)
