"""What several outages of one time move onto a source together, against what it can give."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from repair.planned.plan_desk import Job, PlanDesk
from repair.restoration.loading import KEPT


@dataclass(frozen=True)
class SourceShortage:
    """A source that gives more than it can while several outages last.

    Attributes:
        node: of the source.
        value_a: what it would give, in A.
        limit_a: what it can.
        with_plans: the other plans that load it further.
    """

    node: str
    value_a: float
    limit_a: float
    with_plans: tuple[str, ...]


def short_sources(desk: PlanDesk, job: Job) -> tuple[SourceShortage, ...]:
    """Return the sources that a plan loads further, and that with other outages at the same time give more than they can.

    What all outages of a moment move onto a source and away from it is added up. A source that is above its capacity before
    any of them is held to what it has.
    """
    if not job.needs_outage:
        return ()
    net, present = desk.net, desk.restorer.source_ampere
    limit = np.maximum(net.sources["capacity_a"].cast(pl.Float64).fill_null(np.inf).to_numpy(), present)
    adds = job.outage.source_change_a > KEPT
    others = [
        other
        for other in (*desk.under_way, *desk.jobs.values())
        if other is not job and other.needs_outage and other.start < job.row["end"] and job.start < other.row["end"]
    ]
    found: dict[int, SourceShortage] = {}
    for moment in sorted({job.start, *(each.start for each in others if each.start > job.start)}):
        there = [each for each in others if each.start <= moment < each.row["end"]]
        given = present + sum((each.outage.source_change_a for each in there), job.outage.source_change_a)
        for row in np.flatnonzero((given > limit * (1 + KEPT) + KEPT) & adds).tolist():
            with_it = tuple(each.plan_id for each in there if each.outage.source_change_a[row] > KEPT)
            if with_it and (row not in found or given[row] > found[row].value_a):
                node = net.nodes[int(net.source_node[row])]
                found[row] = SourceShortage(node, float(given[row]), float(limit[row]), with_it)
    return tuple(found[row] for row in sorted(found))
