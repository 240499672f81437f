"""What can still be changed about the plans to come: done live, merged, moved beyond the year, and what transfer saves."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime

import polars as pl

from reliability.live_items import LIVE_ITEMS, suggested_item
from reliability.steering.levers import OPTIONS_SCHEMA
from repair.planned.plan_desk import Job, PlanDesk
from repair.planned.precheck import pending_grouping

Option = tuple[str, str, str, datetime, bool, Mapping[str, float]]
"""Kind, name, detail, start, whether the forecast counts on it already, and hours that it saves of each transformer."""


def plan_levers(desk: PlanDesk, year_end: datetime) -> pl.DataFrame:
    """Return what each change of the plans to come saves of each transformer.

    Args:
        desk: the plans and what they share.
        year_end: first moment of the year after.

    Returns:
        The columns of :data:`reliability.steering.levers.OPTIONS_SCHEMA`.
    """
    rows = [
        (kind, name, detail, start, counted, transformer, hours)
        for kind, name, detail, start, counted, saved in (*_single(desk, year_end), *_merged(desk))
        for transformer, hours in saved.items()
        if hours
    ]
    return pl.DataFrame(rows, schema=OPTIONS_SCHEMA, orient="row")


def _single(desk: PlanDesk, year_end: datetime) -> Iterator[Option]:
    for job in desk.jobs.values():
        after = desk.hours_by_transformer(job)
        if job.named_item is not None:
            yield "live", job.plan_id, LIVE_ITEMS[job.named_item], job.start, True, after
            continue
        suggested = suggested_item(job.row["work"])
        if suggested is not None:
            yield "live", job.plan_id, LIVE_ITEMS[suggested], job.start, False, after
        elif _can_move(job, year_end):
            yield "move", job.plan_id, "", job.start, False, after
        before = desk.hours_of(job.outage.before, job.outage.touched_before, job.minutes)
        fed = {each: hours - after.get(each, 0.0) for each, hours in before.items()}
        yield "transfer", job.plan_id, "", job.start, True, fed


def _can_move(job: Job, year_end: datetime) -> bool:
    """Return whether the dates that a plan states allow it to begin in the year after."""
    latest = job.row["latest_end"]
    return latest is None or latest - (job.row["end"] - job.row["start"]) >= year_end


def _merged(desk: PlanDesk) -> Iterator[Option]:
    for group in pending_grouping(desk).groups:
        if len(group.jobs) < 2:
            continue
        separate: dict[str, float] = {}
        for job in group.jobs:
            for transformer, hours in desk.hours_by_transformer(job).items():
                separate[transformer] = separate.get(transformer, 0.0) + hours
        together = desk.hours_of(group.outage.after, group.outage.touched, group.minutes)
        saved = {
            transformer: separate.get(transformer, 0.0) - together.get(transformer, 0.0)
            for transformer in separate.keys() | together.keys()
        }
        yield (
            "merge",
            " + ".join(group.plan_ids),
            "",
            min(job.start for job in group.jobs),
            False,
            dict(sorted(saved.items())),
        )
