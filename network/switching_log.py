"""A log of switching, put in the order in which it happened (R1.21).

Logs come newest first, or with several operations in one minute. Times order the rows; among rows of one time the states decide:
a closed switch opens before it closes. An operation that repeats the state of its switch changes nothing and is named.
"""

from __future__ import annotations

import polars as pl

from network.problems import Problem
from network.texts import text


def in_order(switching: pl.DataFrame, branches: pl.DataFrame) -> pl.DataFrame:
    """Return a log in the order in which it happened.

    Args:
        switching: the table ``switching`` of a workspace (``time``, ``branch_id``, ``action``), in any order.
        branches: the table ``branches`` of a workspace (``branch_id``, ``normally_open``); the log begins in the normal state.

    Returns:
        The rows by time, with ``repeats``: whether the operation finds its switch in the state that it brings about. Of one
        switch at one time, openings and closings take turns, the first being the one that changes the state; rows of
        different switches at one time stay as they were written, or turned round where the log runs newest first.
    """
    if switching.is_empty():
        return switching.with_columns(repeats=pl.lit(value=False))
    written = switching.reverse() if _runs_backwards(switching["time"]) else switching
    log = written.sort("time", maintain_order=True).with_columns(opens=pl.col("action") == "open")
    before = _before_each_time(log, branches)
    log = log.join(before, on=["branch_id", "time"], how="left", maintain_order="left")
    # of one switch at one time, the n-th opening and the n-th closing alternate; that which changes the state is first
    turn = pl.int_range(pl.len()).over("branch_id", "time", "opens") * 2 + (pl.col("opens") == pl.col("was_open"))
    slot = pl.int_range(pl.len()).over("branch_id", "time")
    alone = (log["branch_id", "time"].is_unique()).all()
    if not alone:
        log = log.with_columns(turn=turn.rank("ordinal").over("branch_id", "time") - 1, slot=slot).with_row_index("at")
        places = log.select("branch_id", "time", "slot", "at")
        log = (
            log.drop("slot", "at")
            .join(places, left_on=["branch_id", "time", "turn"], right_on=["branch_id", "time", "slot"], how="left")
            .sort("at")
            .drop("turn", "at")
        )
    state = pl.col("opens").shift(1).over("branch_id")
    return log.with_columns(repeats=pl.coalesce(state, "normally_open") == pl.col("opens")).select(
        *switching.columns, "repeats"
    )


def _runs_backwards(times: pl.Series) -> bool:
    steps = times.diff().dt.total_microseconds().drop_nulls()
    return int((steps < 0).sum()) > int((steps > 0).sum())


def _before_each_time(log: pl.DataFrame, branches: pl.DataFrame) -> pl.DataFrame:
    """Return the state of each switch before each time at which it is operated: ``was_open``, and ``normally_open``."""
    normal = branches.select("branch_id", pl.col("normally_open").fill_null(value=False)).unique("branch_id")
    opened = pl.col("opens").cast(pl.Int64).sum()
    # as many openings as closings leave the switch as it was; otherwise the state of which there are more is left
    left = log.group_by("branch_id", "time", maintain_order=True).agg(more=opened * 2 - pl.len())
    after = pl.when(pl.col("more") != 0).then(pl.col("more") > 0).forward_fill().over("branch_id")
    return left.join(normal, on="branch_id", how="left", maintain_order="left").select(
        "branch_id",
        "time",
        pl.col("normally_open").fill_null(value=False),
        was_open=pl.coalesce(after.shift(1).over("branch_id"), pl.col("normally_open").fill_null(value=False)),
    )


def repeated_operations(switching: pl.DataFrame, branches: pl.DataFrame, file: str | None = None) -> list[Problem]:
    """Return a warning for each operation that finds its switch in the state that it brings about.

    Args:
        switching: the table ``switching`` of a workspace.
        branches: the table ``branches`` of a workspace.
        file: name of the file of the log, to name it in a problem.
    """
    log = in_order(switching, branches)
    hint = text("Log the operation that is missing before it, or remove the row that was written twice.")
    said = {
        "open": text("the switch is open already, by the log or in the normal state; the row changes nothing"),
        "close": text("the switch is closed already, by the log or in the normal state; the row changes nothing"),
    }
    rows = log.filter("repeats").select("action", "branch_id", "row" if "row" in log.columns else pl.lit(None))
    return [
        Problem("warning", "switching", said[action], hint, file, row, "action", action, branch)
        for action, branch, row in rows.rows()
    ]
