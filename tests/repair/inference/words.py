"""Signals as short words, for tests: ``T5 off 0.5`` is object, kind, minutes after noon."""

from __future__ import annotations

from datetime import datetime, timedelta

import polars as pl

from network import Network
from repair import Inference

NOON = datetime(2022, 7, 20, 12)
SCHEMA: dict[str, pl.DataType | type[pl.DataType]] = {
    "time": pl.Datetime("us"),
    "object": pl.String,
    "object_id": pl.String,
    "kind": pl.String,
    "value": pl.Float64,
}
PLANS: dict[str, pl.DataType | type[pl.DataType]] = dict.fromkeys(
    ("plan_id", "branch_id", "feeder_id", "transformer_id", "status"), pl.String
)
OUTAGES: dict[str, pl.DataType | type[pl.DataType]] = dict.fromkeys(
    ("outage_id", "branch_id", "feeder_id", "transformer_id", "customer_id", "exclusion"), pl.String
)
SPAN: dict[str, pl.DataType | type[pl.DataType]] = dict.fromkeys(("start", "end"), pl.Datetime("us"))
READS = {"answered": 1.0, "unanswered": 0.0}


def minute(after: float) -> datetime:
    return NOON + timedelta(minutes=after)


def said(*words: str) -> pl.DataFrame:
    """Return signals; a customer's name holds a dash, or begins with C."""
    rows = []
    for word in words:
        name, what, after = word.split()
        kind = "customer" if "-" in name or name[0] == "C" else "transformer" if name[0] == "T" else "branch"
        value = READS.get(what)
        rows.append((minute(float(after)), kind, name, what if value is None else "read", value))
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")


def inferred(
    net: Network, *words: str, tables: dict[str, pl.DataFrame] | None = None, at: float | None = None
) -> Inference:
    """Return the inference of words over a network, until so many minutes after noon."""
    inference = Inference(net.energise(), tables)
    inference.take(said(*words))
    if at is not None:
        inference.tick(minute(at))
    return inference
