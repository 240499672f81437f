"""The dispatcher's board: what is out now, what came back, and what is planned, at one moment.

An incident is inferred from signals, an outage comes from a record; where both tell of the same event they are one entry.
Supply is back when a record has its end, or when everything that reported off reported on again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

import numpy as np
import polars as pl

from network import Hit, Supply
from network.representation import Shown
from repair.affected import Affected, affected_by_opening, affected_by_transformers
from repair.desk.incidents import Incident, incidents
from repair.inference.outages import Inference
from repair.settings import LocationSettings

SAME_EVENT_MIN = 30.0
"""A record and signals that begin this close, in minutes, and name the same users, tell of one event."""


@dataclass(frozen=True, eq=False, repr=False)
class Entry(Shown):
    """One event on the board.

    Attributes:
        key: names the event in addresses.
        supply: supply before the event.
        incident: its signals, where there are any.
        record: its row of ``outages``, where there is one.
        start: when it began, by the record or else the first signal.
        end: when all were back; ``None`` while anyone may be off.
    """

    key: str
    supply: Supply
    incident: Incident | None
    record: Mapping[str, Any] | None
    start: datetime
    end: datetime | None

    @cached_property
    def affected(self) -> Affected:
        """Who is off, or was: by the record where there is one, else by the signals."""
        return affected_by_record(self.supply, self.record) if self.record else self.incident.affected  # type: ignore[union-attr]

    @cached_property
    def important(self) -> int:
        """How many important customers are among them."""
        return int(self.affected.customers["important"].sum())

    @property
    def object_id(self) -> str | None:
        """What lost supply: a branch, feeder, transformer or customer."""
        if self.record:
            return next((self.record[name] for name in _NAMES if self.record.get(name)), None)
        return self.incident.outage.object_id if self.incident else None


@dataclass(frozen=True, eq=False, repr=False)
class Board(Shown):
    """Everything on the board at one moment: important and many customers first, then the oldest."""

    at: datetime
    active: tuple[Entry, ...]
    restored: tuple[Entry, ...]
    planned: pl.DataFrame

    def find(self, key: str) -> Entry | None:
        """Return the entry with a key."""
        return next((entry for entry in (*self.active, *self.restored) if entry.key == key), None)


_NAMES = ("branch_id", "feeder_id", "transformer_id", "customer_id")


def board(
    supply: Supply,
    tables: Mapping[str, pl.DataFrame],
    at: datetime,
    settings: LocationSettings | None = None,
    recent_days: float = 30.0,
    inference: Inference | None = None,
) -> Board:
    """Return the board at a moment; nothing later is known.

    Args:
        supply: the normal state.
        tables: ``signals``, ``sensors``, ``outages`` and ``plans`` of the contract.
        at: the moment.
        settings: rates for location.
        recent_days: records that ended earlier, and have no signals, are left out.
        inference: one that took all signals until then.
    """
    heard = tables["signals"].filter(pl.col("time") <= at)
    begun = tables["outages"].filter((pl.col("start") <= at) & pl.col("exclusion").is_null())
    found = incidents(supply, heard, tables["sensors"], settings, tables, inference)
    known = begun.filter(pl.col("end").is_null() | (pl.col("end") > at - timedelta(days=recent_days))).to_dicts()
    with_signals = begun.filter(
        pl.any_horizontal(
            [pl.col("start").is_between(each.start - _NEAR, each.last + _NEAR) for each in found]
            or [pl.lit(value=False)]
        )
    ).to_dicts()
    entries = []
    used = set()
    for incident in found:
        record = next(
            (row for row in with_signals if row["outage_id"] not in used and _same_event(incident, row)), None
        )
        if record:
            used.add(record["outage_id"])
        entries.append(_of_incident(supply, incident, record, at))
    entries += [_of_record(supply, row, at) for row in known if row["outage_id"] not in used]
    planned = tables["plans"].filter(pl.col("end") > at).sort("start", "plan_id")
    return Board(
        at,
        tuple(sorted((each for each in entries if each.end is None), key=_urgency)),
        tuple(sorted((each for each in entries if each.end is not None), key=lambda each: each.start, reverse=True)),
        planned,
    )


def affected_by_record(supply: Supply, record: Mapping[str, Any]) -> Affected:
    """Return who is off by an outage record or a plan: below its branch, of its feeder or transformer, or one customer.

    Raises:
        UnknownIdError: the record names a branch or transformer that is not in the network.
    """
    net = supply.network
    if record.get("branch_id"):
        return affected_by_opening(supply, [record["branch_id"]])
    if record.get("feeder_id"):
        of_feeder = net.transformers["transformer_id"].filter(net.transformer_feeder == record["feeder_id"])
        return affected_by_transformers(supply, of_feeder.to_list())
    if record.get("transformer_id"):
        return affected_by_transformers(supply, [record["transformer_id"]])
    named = np.flatnonzero(
        (net.customers["customer_id"] == (record.get("customer_id") or "")).fill_null(value=False).to_numpy()
    )
    return Affected(Hit(net, np.zeros(0, dtype=np.int64), named), (), ())


_NEAR = timedelta(minutes=SAME_EVENT_MIN)


def _same_event(incident: Incident, record: Mapping[str, Any]) -> bool:
    """Tell whether a record names users that the incident's signals speak of, at about the same time."""
    if not incident.start - _NEAR <= record["start"] <= incident.last + _NEAR:
        return False
    if incident.outage.object_id in {record[name] for name in _NAMES}:
        return True
    signals = incident.signals
    dark = signals.filter((pl.col("object") == "transformer") & (pl.col("kind") == "off"))["object_id"].to_list()
    spoken = set(incident.affected.hit.transformers) | set(dark)
    return not spoken.isdisjoint(affected_by_record(incident.supply, record).hit.transformers)


def _of_incident(supply: Supply, incident: Incident, record: Mapping[str, Any] | None, at: datetime) -> Entry:
    key = incident.outage.id
    if record:
        return Entry(key, supply, incident, record, record["start"], _ended(record, at))
    return Entry(key, supply, incident, None, incident.start, incident.outage.restored_at)


def _of_record(supply: Supply, record: Mapping[str, Any], at: datetime) -> Entry:
    return Entry(record["outage_id"], supply, None, record, record["start"], _ended(record, at))


def _ended(record: Mapping[str, Any], at: datetime) -> datetime | None:
    end: datetime | None = record["end"]
    return end if end is not None and end <= at else None


def _urgency(entry: Entry) -> tuple[int, int, datetime]:
    return -entry.important, -entry.affected.customer_count, entry.start
