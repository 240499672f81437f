"""How well the desk dealt with incidents: figures of closed-loop repair, each with what it counts.

Incidents that plans or arrears explain are left out. What was inferred is right where a record with the same head was accepted.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, ClassVar

import polars as pl

from network import Network
from repair.desk.work import Sheet, Work
from repair.inference.outage import InferredOutage
from repair.settings import RestorationSettings

HEADS = ("branch_id", "transformer_id", "customer_id")

FIGURE_NAMES: Mapping[str, str] = {
    "proactive_repair_rate": "sent before a call",
    "one_order_rate": "solved with one order",
    "inference_correctness": "inferred rightly",
    "false_alarm_rate": "false alarms",
    "miss_rate": "known only by a call",
    "time_to_first_restoration": "until the first came back",
    "time_to_full_restoration": "until all were back",
    "on_time_operation": "operated in time",
}
"""Each figure in words."""

DISPATCH_FIGURE_NAMES: Mapping[str, str] = {
    "on_time_arrival": "arrived in time",
    "one_order_rate": "solved with one order",
    "interval_coverage": "over within the range told first",
    "notified_ratio": "customers told in person",
    "unavoidable_share": "customer-hours that no dispatch could have saved",
}
"""Each figure of the dispatch in words."""


@dataclass(frozen=True)
class Figure:
    """One figure.

    Attributes:
        kpi: its name.
        value: in ``unit``; ``None`` where nothing can be counted.
        unit: ``%`` or ``min``.
        numerator: what was counted; of times their sum in minutes.
        denominator: of how many.
    """

    SCHEMA: ClassVar[dict[str, Any]] = {
        "kpi": pl.String,
        "value": pl.Float64,
        "unit": pl.String,
        "numerator": pl.Float64,
        "denominator": pl.Int64,
    }

    kpi: str
    value: float | None
    unit: str
    numerator: float
    denominator: int


def desk_figures(
    outages: Sequence[InferredOutage],
    work: Work,
    calls: Mapping[str, datetime | None],
    net: Network,
    rules: RestorationSettings,
) -> list[Figure]:
    """Return all figures.

    Args:
        outages: incidents that signals told of.
        work: what was decided on them.
        calls: when a customer of each called first.
        net: which devices can be operated remotely.
        rules: the minutes within which an operation is on time (``remote_min``, ``manual_min``).
    """
    faults = [outage for outage in outages if outage.plan_or_record is None]
    sheets = {fault.id: work.sheet(fault.id) for fault in faults}
    ordered = [fault for fault in faults if sheets[fault.id].orders]
    active = [each for each in ordered if _is_before_call(sheets[each.id], calls.get(each.id))]
    over = [each for each in ordered if sheets[each.id].is_closed]
    once = [each for each in over if len(sheets[each.id].orders) == 1 and not sheets[each.id].reopened]
    accepted = [fault for fault in faults if sheets[fault.id].record]
    right = [each for each in accepted if _names_head(sheets[each.id], each)]
    false = [fault for fault in faults if fault.state == "overturned"]
    real = [fault for fault in faults if fault.state != "overturned"]
    missed = [
        each for each in real if each.calls and not each.meters and not each.dark + each.back and not each.tripped
    ]
    first = [_minutes(each, sheets[each.id], ("partly_restored", "restored")) for each in real]
    full = [_minutes(each, sheets[each.id], ("restored",)) for each in real]
    steps, late = _operations(sheets.values(), net, rules)
    return [
        _share("proactive_repair_rate", len(active), len(ordered)),
        _share("one_order_rate", len(once), len(over)),
        _share("inference_correctness", len(right), len(accepted) + len(false)),
        _share("false_alarm_rate", len(false), len(faults)),
        _share("miss_rate", len(missed), len(real)),
        _mean("time_to_first_restoration", first),
        _mean("time_to_full_restoration", full),
        _share("on_time_operation", steps - late, steps),
    ]


def _share(kpi: str, part: int, whole: int) -> Figure:
    return Figure(kpi, 100 * part / whole if whole else None, "%", part, whole)


def _mean(kpi: str, minutes: Sequence[float | None]) -> Figure:
    known = [minute for minute in minutes if minute is not None]
    return Figure(kpi, sum(known) / len(known) if known else None, "min", sum(known), len(known))


def _is_before_call(sheet: Sheet, call: datetime | None) -> bool:
    """Tell whether a crew was sent before a customer called; an order whose time is unknown came after the call."""
    sent = sheet.stages.get("dispatched") or sheet.stages.get("accepted")
    return call is None or (sent is not None and sent < call)


def _names_head(sheet: Sheet, outage: InferredOutage) -> bool:
    rows = (sheet.record or {}).get("outages", ())
    heads = {row.get(name) for row in rows for name in HEADS}
    return not heads.isdisjoint({outage.object_id, *outage.customer_ids})


def _minutes(outage: InferredOutage, sheet: Sheet, stages: Iterable[str]) -> float | None:
    """Return the minutes until the first of some stages, else until signals told that all were back."""
    told: list[datetime | None] = [sheet.stages[stage] for stage in stages if stage in sheet.stages]
    told = told or [outage.restored_at]
    ends = [each for each in told if each is not None]
    return (min(ends) - outage.start) / timedelta(minutes=1) if ends else None


def _operations(sheets: Iterable[Sheet], net: Network, rules: RestorationSettings) -> tuple[int, int]:
    """Return how many operations followed a located fault, and how many of them were late."""
    remote = set(net.branches.filter(pl.col("remote").fill_null(value=False))["branch_id"])
    count = late = 0
    for sheet in sheets:
        located = sheet.stages.get("located")
        for step in sheet.steps if located is not None else ():
            within = timedelta(minutes=rules.remote_min if step["branch_id"] in remote else rules.manual_min)
            count += 1
            late += datetime.fromisoformat(step["at"]) - located > within  # type: ignore[operator]
    return count, late
