"""Moments of past and open faults as the desk knew them: what is learned from, and what is asked about."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import polars as pl

from repair.desk.restoration_time.model import Features
from repair.desk.work_orders import ESTIMATES, ToldOrders

FEATURES = Features(
    ("stage", "elapsed_h", "hour", "weekday", "month", "open_faults", "told_h"),
    ("fault_type", "level", "site_class", "unit"),
)
"""Known at the moment of the estimate: the kind of fault as the order says, where it is, how far the repair has come, and in
how many hours power would be back as a person said last."""

REPORTED, ASSIGNED, ARRIVED, LOCATED, ISOLATED = range(5)
"""How far a repair has come: nothing but a report; a crew was sent; it arrived; the fault was found; it is isolated, or some have
power again by switching. The first three by the times of the order, the others by the sheet and the first restoration."""

STAGE_TIMES = ("dispatch_time", "arrive_time", "located_time", "isolated_time")
"""When each stage after the first was reached."""

LOOKS_H = (0.0, 1.0, 2.0, 4.0, 8.0, 16.0)
"""Hours after the start at which a past fault that was still open is looked at, besides the times of its order."""

_PLACES = ("customer_id", "transformer_id", "branch_id", "feeder_id")


def past_moments(tables: Mapping[str, pl.DataFrame], until: datetime, told: ToldOrders | None = None) -> pl.DataFrame:
    """Return the moments of faults that were over by a moment, in order of time, with ``hours`` until restoration.

    Args:
        tables: ``outages``, ``stages`` and ``orders`` of a workspace; internal faults that are counted.
        until: nothing later is known.
        told: what the sheets of the desk say of their stages; see :func:`repair.desk.work_orders.told_orders`.
    """
    faults = _faults(tables, until, told or {})
    over = faults.filter(pl.col("end").is_not_null() & (pl.col("end") > pl.col("start")))
    rows = []
    for known in over.to_dicts():
        fault = known | {ESTIMATES: dict((told or {}).get(known["outage_id"], ())).get(ESTIMATES, ())}
        times = {said for said, _ in fault[ESTIMATES]}
        times |= {fault[name] for name in STAGE_TIMES if fault[name] is not None}
        times |= {fault["start"] + timedelta(hours=hours) for hours in LOOKS_H}
        rows += [
            row_of(fault, at) | {"hours": (fault["end"] - at).total_seconds() / 3600}
            for at in sorted(times)
            if fault["start"] <= at < fault["end"]
        ]
    return _with_load(rows, faults)


_SCHEMA: dict[str, Any] = {
    "at": pl.Datetime("us"), "stage": pl.Int64, "elapsed_h": pl.Float64, "hour": pl.Float64, "weekday": pl.Int64,
    "month": pl.Int64, "told_h": pl.Float64, "fault_type": pl.String, "level": pl.String,
    "site_class": pl.String, "unit": pl.String,
}  # fmt: skip


def row_of(fault: Mapping[str, Any], at: datetime) -> dict[str, Any]:
    """Return what was known of a fault at a moment: nothing of an order that was made later."""

    def is_past(name: str) -> bool:
        return fault.get(name) is not None and fault[name] <= at

    stage = max((number for number, name in enumerate(STAGE_TIMES, 1) if is_past(name)), default=REPORTED)
    has_order = is_past("accept_time")
    until = [until for said, until in fault.get(ESTIMATES) or () if said <= at]
    level = next((name for name in _PLACES if fault.get(name)), None)
    return {
        "at": at,
        "stage": stage,
        "elapsed_h": (at - fault["start"]).total_seconds() / 3600,
        "hour": at.hour + at.minute / 60,
        "weekday": at.isoweekday(),
        "month": at.month,
        "told_h": (until[-1] - at).total_seconds() / 3600 if until else None,
        "fault_type": fault.get("fault_type") if has_order else None,
        "level": level.removesuffix("_id") if level else None,
        "site_class": fault.get("site_class") if has_order else None,
        "unit": fault.get("unit"),
    }


def _faults(tables: Mapping[str, pl.DataFrame], until: datetime, told: ToldOrders) -> pl.DataFrame:
    """Return the internal faults known by a moment with the first order of each; an end after it is not known yet."""
    orders = tables["orders"].filter(pl.col("parent_id").is_null()).sort("accept_time", nulls_last=True)
    first = orders.unique("outage_id", keep="first", maintain_order=True).select(
        "outage_id", "accept_time", "dispatch_time", "arrive_time", "fault_type", "site_class"
    )
    back = tables["stages"].group_by("outage_id").agg(isolated_time=pl.col("restored_at").min())
    said = {name: dict(line) for name, line in told.items()}
    by_sheet = pl.DataFrame(
        [(name, line.get("located_time"), line.get("isolated_time")) for name, line in said.items()],
        schema={"outage_id": pl.String, "located_time": pl.Datetime("us"), "by_sheet": pl.Datetime("us")},
        orient="row",
    )
    return (
        tables["outages"]
        .filter(pl.col("nature").str.starts_with("F-INT"), pl.col("exclusion").is_null(), pl.col("start") <= until)
        .with_columns(end=pl.when(pl.col("end") <= until).then("end"))
        .join(first, on="outage_id", how="left", maintain_order="left")
        .join(back, on="outage_id", how="left", maintain_order="left")
        .join(by_sheet, on="outage_id", how="left", maintain_order="left")
        .with_columns(isolated_time=pl.min_horizontal("isolated_time", "by_sheet"))
        .select("outage_id", "start", "end", *_PLACES, "unit", *first.columns[1:], "located_time", "isolated_time")
    )


def _with_load(rows: Iterable[Mapping[str, Any]], faults: pl.DataFrame) -> pl.DataFrame:
    """Add how many faults were open at each moment."""
    frame = pl.DataFrame(list(rows), schema=_SCHEMA | {"hours": pl.Float64}).sort("at", maintain_order=True)
    starts = np.sort(faults["start"].to_numpy())
    ends = np.sort(faults["end"].drop_nulls().to_numpy())
    at = frame["at"].to_numpy()
    is_open = np.searchsorted(starts, at, "right") - np.searchsorted(ends, at, "right")
    return frame.with_columns(open_faults=pl.Series(is_open, dtype=pl.Int64))
