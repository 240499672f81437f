"""When power will be back for every open fault of the board, as far as is known now."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import polars as pl

from repair.desk.board import Entry
from repair.desk.restoration_time.history import FEATURES, STAGE_TIMES, past_moments, row_of
from repair.desk.restoration_time.model import RestorationTimes
from repair.desk.switching_plan import StillToSwitch
from repair.desk.work_orders import ESTIMATES, ToldOrders, order_known
from repair.settings import RestorationTimeSettings

STAGES = ("reported", "assigned", "arrived", "located", "isolated")
"""How far a repair has come, by the times of its order, by its sheet, and by who has power again."""

SWITCHING_PLAN = "switching_plan"
"""What an estimate rests on where the steps that are left of a plan bring everybody back."""

_SCHEMA: dict[str, Any] = {
    "incident": pl.String, "start": pl.Datetime("us"), "customers": pl.Int64, "stage": pl.String, "low": pl.Datetime("us"),
    "likely": pl.Datetime("us"), "high": pl.Datetime("us"), "basis": pl.String, "out_of_depth": pl.Boolean,
    "by_switching": pl.Int64, "switched_by": pl.Datetime("us"),
}  # fmt: skip


@dataclass(frozen=True)
class ExpectedBack:
    """When power will be back for an open incident, as every face tells it.

    Attributes:
        estimate: as a person said, which goes before all else; ``None`` where nobody did.
        range: between which moments, for those who wait for the repair, or for all where the steps that are left of the
            switching plan bring everybody back; ``None`` where none can be told.
        by_switching: how many customers come back by the steps that are left; ``None`` where there are none.
        switched_by: by when.
        by_plan: whether the range is that of the steps that are left.
    """

    estimate: datetime | None
    range: tuple[datetime, datetime] | None
    by_switching: int | None = None
    switched_by: datetime | None = None
    by_plan: bool = False

    @classmethod
    def of(cls, row: Mapping[str, Any], estimate: datetime | None) -> ExpectedBack:
        """Return what a row of :func:`outlook` and a person's estimate tell."""
        is_told = row["low"] is not None and not row["out_of_depth"]
        told = (row["low"], row["high"]) if is_told else None
        return cls(estimate, told, row["by_switching"], row["switched_by"], row["basis"] == SWITCHING_PLAN)


def learned(
    tables: Mapping[str, pl.DataFrame], at: datetime, rules: RestorationTimeSettings, told: ToldOrders | None = None
) -> RestorationTimes:
    """Return what the faults that were over by a moment tell, with what sheets say of their stages."""
    return RestorationTimes(past_moments(tables, at, told), FEATURES, rules)


def outlook(
    model: RestorationTimes,
    entries: Iterable[Entry],
    tables: Mapping[str, pl.DataFrame],
    at: datetime,
    told: ToldOrders | None = None,
    switching: Mapping[str, StillToSwitch] | None = None,
) -> pl.DataFrame:
    """Return for each open entry of the board when power will be back: a likely moment, and a range that holds as promised.

    Args:
        model: what the past tells.
        entries: the open entries.
        tables: ``orders`` and ``transformers`` of a workspace.
        at: nothing later is known.
        told: what the sheets say of orders, by incident; see :func:`repair.desk.work_orders.told_orders`.
        switching: who comes back by steps of a switching plan that are still to come, by incident.

    Returns:
        ``incident``, ``start``, ``customers``, ``stage`` (see :data:`STAGES`), ``low``, ``likely``, ``high``, ``basis``
        (``model``, ``median_by_cause`` or ``median``), ``out_of_depth`` (far more is out than before, so it may not hold),
        ``by_switching`` and ``switched_by``: how many customers come back by steps that are still to come, and by when. Where
        nobody waits for the repair the range is that of these steps, and ``basis`` is ``switching_plan``.
    """
    entries = list(entries)
    orders = _orders(tables, at)
    units = dict(tables["transformers"].select("transformer_id", "unit").iter_rows())
    by_sheet = told or {}
    known = [row_of(_fault(entry, orders, units, by_sheet.get(entry.key), at), at) for entry in entries]
    if not known:
        return pl.DataFrame(schema=_SCHEMA)
    rows = pl.DataFrame(known, infer_schema_length=None).with_columns(open_faults=pl.lit(len(entries)))
    estimates = model.estimate(rows).to_dicts()
    steps = switching or {}
    return pl.DataFrame(
        [
            _row(entry, row, hours, at) | _by_steps(steps.get(entry.key), at)
            for entry, row, hours in zip(entries, known, estimates, strict=True)
        ],
        schema=_SCHEMA,
    )


def _orders(tables: Mapping[str, pl.DataFrame], at: datetime) -> dict[str, dict[str, Any]]:
    """Return the first order of each outage."""
    made = tables["orders"].filter(pl.col("parent_id").is_null(), pl.col("accept_time") <= at)
    return {row["outage_id"]: row for row in made.sort("accept_time", descending=True).to_dicts()}


def _fault(
    entry: Entry,
    orders: Mapping[str, Any],
    units: Mapping[str, str | None],
    said: tuple[tuple[str, Any], ...] | None,
    at: datetime,
) -> dict[str, Any]:
    """Return an entry as a fault of the history."""
    record = dict(entry.record or {})
    if not record:
        level = entry.incident.outage.level if entry.incident else "branch"
        name = {"transformer": "transformer_id", "customer": "customer_id", "customers": "transformer_id"}.get(level)
        record = {name or "branch_id": entry.object_id}
        if entry.incident is not None and level == "box":
            record = {"customer_id": entry.incident.outage.customer_ids[0]}
    row = orders.get(record.get("outage_id") or "") or orders.get(entry.key)
    order = order_known(row, said, entry.start) or {}
    if record.get("unit") is None:
        below = entry.affected.hit.transformers
        record["unit"] = units.get(below[0]) if below else None
    if entry.incident is not None and entry.incident.outage.is_open and entry.incident.outage.back:
        order["isolated_time"] = min(order.get("isolated_time") or at, at)  # part of it has power again
    times = ("accept_time", *STAGE_TIMES, "fault_type", "site_class")
    estimates = {ESTIMATES: dict(said or ()).get(ESTIMATES, ())}
    return record | {name: order.get(name) for name in times} | {"start": entry.start} | estimates


def _row(entry: Entry, row: Mapping[str, Any], hours: Mapping[str, Any], at: datetime) -> dict[str, Any]:
    def moment(name: str) -> datetime | None:
        return None if hours[name] is None else at + timedelta(minutes=round(hours[name] * 60))

    return {
        "incident": entry.key,
        "start": entry.start,
        "customers": entry.customers,
        "stage": STAGES[row["stage"]],
        "low": moment("low_h"),
        "likely": moment("likely_h"),
        "high": moment("high_h"),
        "basis": hours["basis"],
        "out_of_depth": hours["out_of_depth"],
    }


def _by_steps(left: StillToSwitch | None, at: datetime) -> dict[str, Any]:
    """Return what the steps that are left say of when power is back."""
    if left is None:
        return {"by_switching": None, "switched_by": None}
    said = {"by_switching": left.customers, "switched_by": left.until}
    if not left.everybody:
        return said
    whole = {"low": at, "likely": left.until, "high": left.until, "basis": SWITCHING_PLAN, "out_of_depth": False}
    return said | whole
