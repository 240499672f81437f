"""Spans that overlap, against a look at every pair."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from reliability.overlaps import overlapping

ORIGIN = datetime(2022, 1, 1)
SCHEMA: dict[str, Any] = {"key": pl.Int64, "start": pl.Datetime("us"), "end": pl.Datetime("us")}

spans = st.lists(st.tuples(st.integers(0, 2), st.integers(0, 6), st.none() | st.integers(1, 5)), max_size=8)


def frame(given_spans: list[tuple[int, int, int | None]]) -> pl.DataFrame:
    rows = [
        (key, ORIGIN + timedelta(hours=start), None if hours is None else ORIGIN + timedelta(hours=start + hours))
        for key, start, hours in given_spans
    ]
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")


@given(spans, spans)
def test_pairs_are_those_that_a_look_at_all_finds(
    one: list[tuple[int, int, int | None]], other: list[tuple[int, int, int | None]]
) -> None:
    def hours(span: tuple[int, int, int | None]) -> set[int]:
        return set(range(span[1], 100 if span[2] is None else span[1] + span[2]))

    expected = [
        (at, beside)
        for at, first in enumerate(one)
        for beside, second in enumerate(other)
        if first[0] == second[0] and hours(first) & hours(second)
    ]
    left, right = overlapping(frame(one), frame(other), "key")
    assert list(zip(left.tolist(), right.tolist(), strict=True)) == expected


def test_a_hundred_thousand_spans_of_one_user_are_no_square() -> None:
    count = 100_000
    start = pl.Series(range(count)) * 3_600_000_000
    table = pl.DataFrame({"key": [1] * count, "start": start, "end": start + 1_800_000_000}).cast(pl.Schema(SCHEMA))
    left, right = overlapping(table, table, "key")
    assert left.tolist() == right.tolist() == list(range(count))
