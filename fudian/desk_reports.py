"""Reports as the ledger keeps them, and as they are read again: what a start makes the desk of."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import islice

import orjson
import polars as pl

from fudian.ledger import DeskEvent, Ledger, Report, event_id_of
from fudian.store import Store
from fudian.utility import Utility
from network.tables.table_form import ROW
from repair.desk.work import Work

AT_ONCE = 20_000
"""Reports that are kept in one transaction at most."""

HEARD_AT = "heard_at"
"""Of a report that is not heard as of the clock: the local time that was named."""

WORK = ("operation", "decision", "order")
"""Kinds of events of which the work on incidents is made."""


def heard_again(utility: Utility, ledger: Ledger) -> Iterator[pl.DataFrame]:
    """Ingest all that a ledger holds, each report as of the time at which it came; give what was heard, in parts."""
    skew = timedelta(minutes=utility.skew_limit_min)
    for part in _parts(ledger.since(kinds=("signal",))):
        heard = pl.Series("heard", [_heard_at(utility, event) for event in part], dtype=pl.Datetime("us"))
        read = _table(utility, part).with_columns(heard)
        early = pl.col("time") > pl.col("heard") + skew
        utility.ingest_table(read.filter(~early).drop("heard"), (), heard.max(), is_certain=True)  # type: ignore[arg-type]
        for few in read.filter(early).partition_by("heard"):
            utility.ingest_table(few.drop("heard"), (), few["heard"][0], is_certain=True)
        yield read.drop("heard")


def at_desk(utility: Utility, store: Store) -> Utility:
    """Have a utility know what the desk of a store knows, without being the desk: for questions beside one that runs."""
    ledger = Ledger(store)
    utility.work = Work.of(ledger.since(kinds=WORK))
    for _ in heard_again(utility, ledger):
        pass
    return utility


def as_reports(read: pl.DataFrame, who: str, now: datetime | None) -> list[Report]:
    """Return the rows of a table as they are kept; without an id of the sender's each is named by what it says."""
    texts = read.with_columns(pl.col("time").dt.to_string("iso:strict")).drop("event_id", ROW)
    heard = {} if now is None else {HEARD_AT: now.isoformat()}
    names = texts.columns
    reports = []
    for given, *row in zip(read["event_id"].to_list(), *(texts[name].to_list() for name in names), strict=True):
        said = {name: value for name, value in zip(names, row, strict=True) if value is not None}
        event_id = f"{who}:{given}" if given else event_id_of("signal", said)
        reports.append(Report(event_id, who, orjson.dumps(said | heard).decode()))
    return reports


def _parts(events: Iterator[DeskEvent]) -> Iterator[list[DeskEvent]]:
    while part := list(islice(events, AT_ONCE)):
        yield part


def _table(utility: Utility, events: list[DeskEvent]) -> pl.DataFrame:
    """Return events as rows of the signals table."""
    schema = utility.workspace.tables["signals"].schema
    as_text = {name: pl.String() if kind == pl.Datetime else kind for name, kind in schema.items()}
    rows = pl.DataFrame([dict(event.details) for event in events], schema=as_text)
    return rows.with_columns(pl.col("time").str.to_datetime(time_unit="us"))


def _heard_at(utility: Utility, event: DeskEvent) -> datetime:
    """Return the local time at which a report was heard."""
    given = event.details.get(HEARD_AT)
    return datetime.fromisoformat(given) if given else utility.moment(event.received_at) or datetime.max
