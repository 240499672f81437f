"""Rules of the tables of load: what a row of a load curve or of a measurement has to say to be used."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from network.texts import Text, text


@dataclass(frozen=True)
class Rule:
    """Rows that are left out.

    Attributes:
        wrong: where it holds a row cannot be used.
        message, hint: what is said of it.
        column: where it stands.
    """

    wrong: pl.Expr
    message: Text
    hint: Text
    column: str


_NONE_MEASURED = pl.all_horizontal(pl.col("current_a", "kw", "voltage_v", "voltage_kv").is_null())

LOAD_RULES: Mapping[str, Sequence[Rule]] = {
    "load_profile": (
        Rule(
            pl.col("class").is_null() == pl.col("transformer_id").is_null(),
            text("A row of a load curve names a class or a transformer, one of the two; the row was left out"),
            text("Fill in class, or transformer_id."),
            "class",
        ),
        Rule(
            pl.col("hour") > 23,
            text("The hours of a day are 0 to 23; the row was left out"),
            text("Write 0 for the hour after midnight, 23 for the one before it."),
            "hour",
        ),
        Rule(
            pl.col("month") > 12,
            text("The months are 1 to 12; the row was left out"),
            text("Correct the month; blank means every one."),
            "month",
        ),
        Rule(
            pl.col("weekday") > 7,
            text("The days of the week are 1 (Monday) to 7 (Sunday); the row was left out"),
            text("Correct the day; blank means every one."),
            "weekday",
        ),
    ),
    "measurements": (
        Rule(
            _NONE_MEASURED,
            text("The row measures nothing: no current, no power, no voltage; it was left out"),
            text("Fill in current_a, kw, voltage_v or voltage_kv."),
            "current_a",
        ),
    ),
}
"""The rules of each table; the first that a row breaks is told."""
