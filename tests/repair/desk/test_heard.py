"""What was heard is the same whether it lies open or packed."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from network.arrays import Mask
from repair.desk import heard as room
from repair.desk.heard import Heard

NOON = datetime(2022, 7, 20, 12)
COLUMNS: dict[str, Any] = {
    "time": pl.Datetime("us"),
    "object_id": pl.String,
    "value": pl.Float64,
    "event_id": pl.String,
}


def table(minutes: list[int], first: int) -> pl.DataFrame:
    rows = [(NOON + timedelta(minutes=each), f"T{first + at}", None, f"e{at}") for at, each in enumerate(minutes)]
    return pl.DataFrame(rows, schema=COLUMNS, orient="row")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    batches=st.lists(st.lists(st.integers(0, 60), max_size=6), max_size=12),
    at=st.integers(-1, 61),
    needed=st.sets(st.integers(0, 80)),
)
def test_packed_or_not_it_is_what_was_heard(
    monkeypatch: pytest.MonkeyPatch, batches: list[list[int]], at: int, needed: set[int]
) -> None:
    monkeypatch.setattr(room, "AT_ONCE", 7)
    moment, plain, heard = NOON + timedelta(minutes=at), table([], 0), Heard.of(table([], 0))
    for batch in batches:
        new = table(batch, plain.height)
        plain, heard = pl.concat([plain, new]), heard.and_then(new)
    assert heard.recent.height < 7
    plain = plain.with_columns(event_id=pl.lit(None, dtype=pl.String))
    assert heard.all.equals(plain)
    assert heard.since(moment).equals(plain.filter(pl.col("time") >= moment))
    assert heard.newest_until(moment) == plain.filter(pl.col("time") <= moment)["time"].max()

    def is_needed(rows: pl.DataFrame) -> Mask:
        told = pl.col("object_id").is_in([f"T{each}" for each in needed]) | (pl.col("time") >= moment)
        return rows.select(told).to_series().to_numpy()

    assert heard.only(is_needed, moment).all.equals(plain.filter(pl.Series(is_needed(plain), dtype=pl.Boolean)))
    assert heard.all.equals(plain), "whoever holds it sees what was heard then"
