"""The dispatcher's board: what is out now, what came back, and what is planned, at one moment.

An incident is inferred from signals, an outage comes from a record; where both tell of the same event they are one entry.
Supply is back when a record has its end, or when everything that reported off reported on again.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property, lru_cache
from typing import Any

import numpy as np
import polars as pl

from network import LostSupply, Network, Supply
from network.arrays import Indices
from network.representation import Shown
from repair.affected import Affected, affected_by_opening, affected_by_transformers
from repair.desk.incidents import Incident, Recall, Told, incidents_told
from repair.location.looks import Look
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
    def customers(self) -> int:
        """How many customers are off, or were."""
        if self.record or self.incident is None:
            return self.affected.customer_count
        outage = self.incident.outage
        return outage.customers_off if outage.is_open else outage.customers

    @cached_property
    def important(self) -> int:
        """How many important customers are among them."""
        if self.record or self.incident is None:
            return int(self.affected.customers["important"].sum())
        outage = self.incident.outage
        ids = outage.dark_ids if outage.is_open else outage.transformer_ids
        return _Important.of(self.supply.network).among(ids, outage.customer_ids)

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

    @property
    def size_bytes(self) -> int:
        """About how much memory it holds."""
        return 4096 * (len(self.active) + len(self.restored)) + int(self.planned.estimated_size())

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
    told: Told | None = None,
    looks: Mapping[str, tuple[Look, ...]] | None = None,
    state_at: Callable[[datetime], Supply] | None = None,
    recall: Recall | None = None,
) -> Board:
    """Return the board at a moment; nothing later is known.

    Args:
        supply: the normal state.
        tables: ``signals``, ``sensors``, ``outages`` and ``plans`` of a workspace.
        at: the moment.
        settings: rates for location.
        recent_days: records that ended earlier, and have no signals, are left out.
        told: what signals told until then, where that is known already.
        looks: what crews said until then of sections that they looked at, by incident.
        state_at: gives the supply in the state of the switches of a moment, for incidents that were seen in another one.
        recall: remembers where each fault lies, from board to board.
    """
    told = told or Told.by(supply, tables, at)
    begun = tables["outages"].filter((pl.col("start") <= at) & pl.col("exclusion").is_null())
    found = incidents_told(supply, told, tables["sensors"], settings, looks, state_at, recall)
    known = begun.filter(pl.col("end").is_null() | (pl.col("end") > at - timedelta(days=recent_days))).to_dicts()
    entries = []
    used = set()
    beside = _Beside(begun)
    for incident in found:
        record = next(
            (row for row in beside.of(incident) if row["outage_id"] not in used and _same_event(incident, row)), None
        )
        if record:
            used.add(record["outage_id"])
        entries.append(_of_incident(incident.supply, incident, record, at))
    entries += [_of_record(supply, row, at) for row in known if row["outage_id"] not in used]
    planned = tables["plans"].filter(pl.col("end") > at).sort("start", "plan_id")
    return Board(
        at,
        tuple(sorted((entry for entry in entries if entry.end is None), key=_urgency)),
        tuple(sorted((entry for entry in entries if entry.end is not None), key=lambda each: each.start, reverse=True)),
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
    return Affected(LostSupply(net, np.zeros(0, dtype=np.int64), named), (), ())


_NEAR = timedelta(minutes=SAME_EVENT_MIN)


class _Beside:
    """Records by start, to find those that begin near an incident."""

    def __init__(self, records: pl.DataFrame) -> None:
        self.records = records.sort("start", maintain_order=True)
        self.starts = self.records["start"].to_list()

    def of(self, incident: Incident) -> list[dict[str, Any]]:
        """Return the records that begin near an incident."""
        first = bisect_left(self.starts, incident.start - _NEAR)
        last = bisect_right(self.starts, incident.last + _NEAR)
        return self.records[first:last].to_dicts() if last > first else []


@dataclass(frozen=True, eq=False, repr=False)
class _Important:
    """The important customers of a network: of each transformer alone, and those with two.

    Attributes:
        net: the network.
        alone: how many important customers each transformer feeds alone, shape (transformers,).
        first, second: the transformers of important customers with two supplies.
    """

    net: Network
    alone: Indices
    first: Indices
    second: Indices

    @classmethod
    @lru_cache(maxsize=4)
    def of(cls, net: Network) -> _Important:
        """Return those of a network."""
        marked = np.flatnonzero(net.customers["important"].fill_null(value=False).to_numpy())
        first, second = net.customer_transformer[marked], net.customer_second_transformer[marked]
        two = (first >= 0) & (second >= 0)
        only = np.maximum(first, second)[~two]
        alone = np.bincount(only[only >= 0], minlength=net.transformers.height).astype(np.int64)
        return cls(net, alone, first[two], second[two])

    @cached_property
    def _marked(self) -> frozenset[str]:
        return frozenset(self.net.customers.filter(pl.col("important").fill_null(value=False))["customer_id"])

    def among(self, transformer_ids: tuple[str, ...], customer_ids: tuple[str, ...]) -> int:
        """Return how many are off when these transformers and these customers are."""
        off = self.net.transformer_index(list(transformer_ids))
        both = np.isin(self.first, off) & np.isin(self.second, off) if len(self.first) else self.first
        return int(self.alone[off].sum() + both.sum() + len(self._marked.intersection(customer_ids)))


def _same_event(incident: Incident, record: Mapping[str, Any]) -> bool:
    """Tell whether a record names users that the incident's signals speak of, at about the same time."""
    if not incident.start - _NEAR <= record["start"] <= incident.last + _NEAR:
        return False
    if incident.outage.object_id in {record[name] for name in _NAMES}:
        return True
    spoken = set(incident.outage.transformer_ids) or set(incident.affected.hit.transformers)
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
    return -entry.important, -entry.customers, entry.start
