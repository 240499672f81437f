"""Interruption natures 停电性质 and the groups that the index variants are made of (field reference 1.3, 1.4)."""

from __future__ import annotations

from network import text
from network.tables.code_words import NATURES, REGION_CLASSES

CLASS_NAMES = {
    "city_centre": text("city centre"),
    "urban": text("urban district"),
    "town": text("town"),
    "rural": text("rural"),
}
"""The region classes in words, the densest first."""

FAULT = tuple(code for code in NATURES if code.startswith("F-"))
PREARRANGED = tuple(code for code in NATURES if code.startswith("P-"))
UNKNOWN = "unknown"
"""Of an interruption that no record gives a nature: in no group, and a row of its own in a breakdown by nature."""

PLANNED_WORK = tuple(code for code in PREARRANGED if not code.startswith("P-RAT"))
"""Prearranged for work, so without rationing: what live-line work could have avoided."""
OVERRUN = {
    "P-PLAN-MAINT": "P-TEMP-MAINT",
    "P-PLAN-CONST": "P-TEMP-CONST",
    "P-PLAN-CUST": "P-TEMP-CUST",
    "P-PLAN-SWITCH": "P-TEMP-MAINT",
}
"""The temporary outage of the same work reason, for the part beyond the approved end (R1.15); load-switching has no leaf."""
EXTERNAL = ("F-EXT",)
SYSTEM_SHORTAGE = ("P-RAT-SYS",)

URBAN_NETWORK = {"sgcc": ("city_centre", "urban"), "nea": ("city_centre", "urban", "town")}
"""Region classes of the urban network by scheme; all others are the rural network (2.1)."""


def classes_of(aggregate: str, scheme: str) -> tuple[str, ...]:
    """Return the region classes of an aggregate: ``urban_net``, ``rural_net`` or ``all_scope``."""
    urban = URBAN_NETWORK[scheme]
    rural = tuple(each for each in REGION_CLASSES if each not in urban)
    return {"urban_net": urban, "rural_net": rural}.get(aggregate, (*urban, *rural))
