"""Whether a prearranged outage was approved early enough to be one (R1.6), and whether users are told of it in time (5.2)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import polars as pl

from network import Problem, Workspace, text
from network.tables.table_form import ROW
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
        for row, approved, outage in late.select(ROW, "approved_at", "outage_id").iter_rows()
    ]


@dataclass(frozen=True)
class Notice:
    """Whether users are told of a planned outage in time (5.2).

    Attributes:
        state: ``given``, ``due`` (there is time until ``due_by``), or ``late``.
        lead_h: hours from the notice to the start; ``None`` while none is given.
        required_h: hours that are required.
        due_by: when users have to be told at the latest.
    """

    state: str
    lead_h: float | None
    required_h: float
    due_by: datetime


def notice_of(
    start: datetime, notified_at: datetime | None, temporary: bool, as_of: datetime, rules: ReliabilitySettings
) -> Notice:
    """Return whether users are told in time; a notice that was sent too late counts as none.

    Args:
        start: start of the outage; of a plan that was moved, the new one.
        notified_at: when users were told of that start.
        temporary: whether the outage is a temporary one, for which less time is required.
        as_of: nothing later is known.
        rules: of the workspace.
    """
    required = rules.temporary_notice_h if temporary else rules.planned_notice_h
    due_by = start - timedelta(hours=required)
    lead = None if notified_at is None else (start - notified_at) / timedelta(hours=1)
    given = notified_at is not None and notified_at <= due_by
    return Notice("given" if given else "due" if as_of <= due_by else "late", lead, required, due_by)
