"""What meters and terminals say of the supply: off and on events paired to outages, and moments with power."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import polars as pl

from network.representation import Shown
from reliability.settings import ReliabilitySettings

EVENTS = ("off", "on", "read")


@dataclass(frozen=True, eq=False, repr=False)
class MeterEvidence(Shown):
    """What meters say, by device (``object``: transformer or customer, ``object_id``).

    Attributes:
        off: one row per outage that a device reported: ``object``, ``object_id``, ``off_from``, ``off_to`` (null: not back yet).
        live: one row per moment at which it had power: ``object``, ``object_id``, ``time``. It was read, it reported power on, or
            it reported power off, and so had power until then.
        dropped: how many reports were left out, by reason: ``duplicate`` (says again what the device said last),
            ``on_without_off`` (the start is not known; it still shows power), ``future`` (after the as-of time), ``too_short``
            and ``too_long`` (outages outside the valid durations), ``read_during`` (read while it was said to be off).
    """

    off: pl.DataFrame
    live: pl.DataFrame
    dropped: dict[str, int]


def meter_evidence(signals: pl.DataFrame, rules: ReliabilitySettings, as_of: datetime) -> MeterEvidence:
    """Return what the meters say, filtered by the rules of section 6.2.

    Of reports that say the same twice the first counts; a power-on without a power-off gives no outage; a power-off without a
    power-on is an outage that still lasts at ``as_of``, as long as it is not longer than the longest valid one.

    Args:
        signals: the table ``signals`` of a workspace; only ``off``, ``on`` and ``read`` of transformers and customers are used.
        rules: ``meter_min_outage_min`` and ``meter_max_outage_min``.
        as_of: later reports are not known yet.
    """
    device = ["object", "object_id"]
    reports = signals.filter(pl.col("object").is_in(["transformer", "customer"]) & pl.col("kind").is_in(EVENTS)).select(
        *device, "time", "kind"
    )
    known = reports.filter(pl.col("time") <= as_of)
    reading = pl.when(pl.col("kind") == "read").then("time")
    events = (
        known.sort(*device, "time", maintain_order=True)
        .with_columns(next_read=reading.backward_fill().over(device))
        .filter(pl.col("kind") != "read")
    )
    says_again = (pl.col("kind") == pl.col("kind").shift(1).over(device)).fill_null(value=False)
    first = events.filter(~says_again)
    paired = first.with_columns(
        off_to=pl.col("time").shift(-1).over(device), after_off=pl.col("kind").shift(1).over(device).is_not_null()
    )
    spells = paired.filter(kind="off").select(*device, "off_to", "next_read", off_from="time")
    denied = (pl.col("next_read") < pl.col("off_to").fill_null(as_of)).fill_null(value=False)
    length = pl.col("off_to").fill_null(as_of) - pl.col("off_from")
    too_short = (length < timedelta(minutes=rules.meter_min_outage_min)) & pl.col("off_to").is_not_null()
    too_long = length > timedelta(minutes=rules.meter_max_outage_min)
    moment = pl.when(kind="off").then(pl.col("time").dt.offset_by("-1us")).otherwise("time")
    live = pl.concat([known.filter(pl.col("kind") != "off"), first.filter(kind="off").select(known.columns)])
    return MeterEvidence(
        spells.filter(~too_short & ~too_long & ~denied).drop("next_read"),
        live.select(*device, time=moment).unique(),
        {
            "duplicate": events.height - first.height,
            "on_without_off": paired.filter((pl.col("kind") == "on") & ~pl.col("after_off")).height,
            "future": reports.height - known.height,
            "too_short": spells.filter(too_short).height,
            "too_long": spells.filter(too_long).height,
            "read_during": spells.filter(denied & ~too_short & ~too_long).height,
        },
    )
