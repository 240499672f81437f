"""Records of the statistics that tell when an outage ended: they close the incident that they tell of (field reference 6.3)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
import polars as pl

from network import Supply
from network.arrays import Indices
from network.representation import Shown
from repair.inference.devices import EVER

SAME_EVENT = timedelta(minutes=30)
"""A record and an incident that begin this close, and name the same place, tell of one event."""

_ORIGIN = datetime(1970, 1, 1)


@dataclass(frozen=True, eq=False, repr=False)
class Records(Shown):
    """Records with an end, by start; all of shape (records,).

    Attributes:
        start, end: in ms.
        first, last: span of places in depth-first order that each names.
    """

    start: Indices
    end: Indices
    first: Indices
    last: Indices

    @classmethod
    def of(cls, supply: Supply, tables: Mapping[str, pl.DataFrame]) -> Records:
        """Return the records of the table ``outages`` that have an end and name a place with supply."""
        table = tables.get("outages")
        if table is None or table.is_empty():
            return cls(*(np.zeros(0, dtype=np.int64) for _ in range(4)))
        kept = table.filter(pl.col("end").is_not_null() & pl.col("exclusion").is_null()).sort("start")
        first, last = _spans(supply, kept)
        known = first >= 0
        start, end = (kept[name].dt.epoch("ms").to_numpy()[known] for name in ("start", "end"))
        return cls(start, end, first[known], last[known])

    def some_between(self, begin: int, until: int) -> bool:
        """Tell whether some record may tell of an incident that began and was heard of between two moments, in ms."""
        margin = SAME_EVENT // timedelta(milliseconds=1)
        first, last = np.searchsorted(self.start, [begin - margin, until + margin + 1])
        return bool(last > first)

    def end_of(self, start: datetime, heard: datetime, span: tuple[int, int], at: datetime) -> datetime | None:
        """Return when an incident ended, by the record that tells of it; ``None`` where none does that is known by then.

        Args:
            start: when it began.
            heard: when something was heard of it last.
            span: first and last place that lost supply by it.
            at: the moment.
        """
        if not len(self.start):
            return None
        begin, until = (_ms(each) for each in (start - SAME_EVENT, heard + SAME_EVENT))
        a, b = np.searchsorted(self.start, [begin, until + 1])
        some = slice(int(a), int(b))
        meets = (self.first[some] < span[1]) & (span[0] < self.last[some])
        meets &= (self.end[some] <= _ms(at)) & (self.end[some] > _ms(start))
        ends = self.end[some][meets]
        return None if not len(ends) else _ORIGIN + timedelta(milliseconds=int(ends.max()))


def _spans(supply: Supply, records: pl.DataFrame) -> tuple[Indices, Indices]:
    """Return the span of places of each record, -1 where it names none with supply."""
    net = supply.network
    first, last = np.full(records.height, -1, dtype=np.int64), np.full(records.height, -1, dtype=np.int64)
    branch, which = net.known_branches(records["branch_id"].fill_null(""))
    place = supply.place_below(branch)
    first[which], last[which] = place, np.where(place >= 0, supply.end[place], -1)
    transformer, which = net.known_transformers(records["transformer_id"].fill_null(""))
    place = supply.transformer_place[transformer]
    first[which], last[which] = place, place + 1
    for feeder in records["feeder_id"].drop_nulls().unique().to_list():
        own = np.flatnonzero((net.transformer_feeder == feeder).fill_null(value=False).to_numpy())
        places = supply.transformer_place[own]
        places = places[places >= 0]
        if len(places):
            mine = (records["feeder_id"] == feeder).fill_null(value=False).to_numpy() & (first < 0)
            first[mine], last[mine] = places.min(), places.max() + 1
    return first, last


def _ms(moment: datetime) -> int:
    span = (moment - _ORIGIN) / timedelta(milliseconds=1)
    return int(max(-int(EVER), min(int(EVER), span)))
