"""What signals say at their latest: which devices stand open after a trip, which meters are dark."""

from __future__ import annotations

import polars as pl

STATE_KINDS = ("trip", "reclose", "close", "off", "on")
"""Kinds that change the state of an object; the others only tell about it."""


def last_word(signals: pl.DataFrame) -> pl.DataFrame:
    """Return the last state signal of each object: ``object, object_id, kind``, in order of each object's first."""
    return (
        signals.filter(pl.col("kind").is_in(STATE_KINDS))
        .sort("time", maintain_order=True)
        .group_by("object", "object_id", maintain_order=True)
        .agg(pl.col("kind").last())
    )


def standing_trips(signals: pl.DataFrame) -> list[str]:
    """Return the branches that tripped and neither reclosed nor were closed since, first tripped first."""
    return last_word(signals).filter((pl.col("object") == "branch") & (pl.col("kind") == "trip"))["object_id"].to_list()


def still_dark(signals: pl.DataFrame) -> pl.DataFrame:
    """Return the transformers and customers whose last word is that they are off."""
    return last_word(signals).filter((pl.col("object") != "branch") & (pl.col("kind") == "off"))
