"""Orders as the desk knows them: rows of the table of orders, and what dispatchers and crews said since on the sheets."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from repair.desk.work import Sheet, Work

TIMES: Mapping[str, str] = {
    "accepted": "accept_time",
    "dispatched": "dispatch_time",
    "taken": "accepted_time",
    "arrived": "arrive_time",
    "located": "located_time",
    "isolated": "isolated_time",
    "partly_restored": "isolated_time",
    "repaired": "restore_time",
    "restored": "restore_time",
}
"""Which time of an order each stage of a sheet is; ``located_time`` and ``isolated_time`` are of the sheet alone."""

COLUMNS = (
    "accept_time",
    "dispatch_time",
    "accepted_time",
    "arrive_time",
    "located_time",
    "isolated_time",
    "restore_time",
    "crew_id",
)

ESTIMATES = "estimates"
"""When persons said when power would be back, and when that was: pairs, in order; no column of an order."""

ToldOrders = Mapping[str, tuple[tuple[str, Any], ...]]
"""By incident: column and value of what sheets say of its order."""


def told_orders(work: Work, at: datetime) -> tuple[tuple[str, tuple[tuple[str, Any], ...]], ...]:
    """Return what the sheets say of orders until a moment, by incident; nothing of those that they say nothing of.

    Args:
        work: the sheets.
        at: nothing later is known.
    """
    found = ((name, tuple(_of_sheet(sheet, at).items())) for name, sheet in sorted(work.sheets.items()))
    return tuple((name, said) for name, said in found if said)


def _of_sheet(sheet: Sheet, at: datetime) -> dict[str, Any]:
    said: dict[str, Any] = {}
    for line in sheet.lines:
        if line.action == "reopen":
            said = {}
        moment = line.details.get("at")
        if line.action not in {"stage", "assign", "estimate"} or moment is None or datetime.fromisoformat(moment) > at:
            continue
        if line.action == "assign":
            said["crew_id"] = line.details["crew_id"]
        elif line.action == "estimate":
            pair = datetime.fromisoformat(moment), datetime.fromisoformat(line.details["until"])
            said[ESTIMATES] = (*said.get(ESTIMATES, ()), pair)
        elif line.details["stage"] in TIMES:
            name, told = TIMES[line.details["stage"]], datetime.fromisoformat(moment)
            is_first = line.details["stage"] == "partly_restored" and name in said
            said[name] = min(told, said[name]) if is_first else told
    if "dispatch_time" not in said:  # a crew that took or reached it without a word of the desk was sent by then
        sent = min((said[name] for name in ("accepted_time", "arrive_time") if name in said), default=None)
        said |= {} if sent is None else {"dispatch_time": sent}
    return said


def order_known(
    row: Mapping[str, Any] | None, said: tuple[tuple[str, Any], ...] | None, start: datetime
) -> dict[str, Any] | None:
    """Return an order as it is known: its row, where there is one, and what the sheet says since.

    Args:
        row: of the table of orders.
        said: of :func:`told_orders`.
        start: when the fault began, for one that was reported by no call.
    """
    of_order = {name: value for name, value in said or () if name != ESTIMATES}
    if not of_order:
        return None if row is None else dict(row)
    base = {**dict.fromkeys((*COLUMNS, "site_class", "fault_type")), **(row or {})}
    known = base | of_order
    return known | {"accept_time": known["accept_time"] or start}
