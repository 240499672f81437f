"""Whether a prearranged outage was approved early enough to be one (R1.6)."""

from __future__ import annotations

import polars as pl

from network import Problem, Workspace, schema, text
from reliability.natures import PREARRANGED
from reliability.settings import ReliabilitySettings


def late_approvals(workspace: Workspace, rules: ReliabilitySettings) -> list[Problem]:
    """Return a warning for each prearranged outage that was approved less than ``notice_h`` before its start.

    By R1.6 it is a fault outage. Its nature stays as recorded, since a contract may allow a shorter time. Records that do not
    say when they were approved are not judged.
    """
    notice = pl.duration(microseconds=round(rules.notice_h * 3_600_000_000))
    late = workspace.tables["outages"].filter(
        pl.col("nature").is_in(PREARRANGED) & (pl.col("start") - pl.col("approved_at") < notice)
    )
    message = text(
        "Approved less than {hours:g} h before its start, so it is a fault outage (R1.6)", hours=rules.notice_h
    )
    hint = text("Correct approved_at or nature; it is counted as recorded. The hours are notice_h in fudian.toml.")
    file = workspace.files.get("outages") if workspace.folder is not None else None
    return [
        Problem("warning", "outages", message, hint, file, row, "approved_at", f"{approved}", outage)
        for row, approved, outage in late.select(schema.ROW, "approved_at", "outage_id").iter_rows()
    ]
