"""Interruption natures 停电性质 and the groups that the index variants are made of (field reference 1.3, 1.4)."""

from __future__ import annotations

from network.tables import schema

FAULT = tuple(code for code in schema.NATURES if code.startswith("F-"))
PREARRANGED = tuple(code for code in schema.NATURES if code.startswith("P-"))
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
