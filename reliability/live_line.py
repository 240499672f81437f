"""Live-line work 不停电作业: its ratio to all work, and the customer-hours it saved (field reference 3.2)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from network import Network
from reliability.natures import PLANNED_WORK
from reliability.period import Period
from reliability.settings import ReliabilitySettings


@dataclass(frozen=True)
class LiveRatio:
    """Live-line work of one unit, month or the whole, with numerators and denominators.

    Attributes:
        live_jobs: jobs done without an outage; ``None`` where there is no table of them that can be used.
        outage_jobs: planned outages for work (rationing left out).
        reduced_ch: customer-hours that the same work would have cost with an outage; medium-voltage users; ``None`` where no
            job tells, too low by the unknown jobs otherwise.
        prearranged_ch: customer-hours of those planned outages.
        unknown_jobs: live jobs whose saving cannot be told (no hours, or no users).
        connections: new connections that were made; live_connections of them without an outage; ``None`` as of the jobs.
        population: equivalent users, the basis of what was saved per user.
    """

    live_jobs: int | None
    outage_jobs: int
    reduced_ch: float | None
    prearranged_ch: float
    unknown_jobs: int
    connections: int | None
    live_connections: int | None
    population: float | None

    @property
    def by_jobs(self) -> float | None:
        """不停电作业化率 by jobs, in per cent."""
        return None if self.live_jobs is None else _percent(self.live_jobs, self.live_jobs + self.outage_jobs)

    @property
    def by_customer_hours(self) -> float | None:
        """不停电作业化率 by customer-hours, in per cent."""
        whole = self.work_ch
        return None if whole is None or self.reduced_ch is None else _percent(self.reduced_ch, whole)

    @property
    def work_ch(self) -> float | None:
        """Customer-hours saved and spent: the denominator of the ratio by customer-hours."""
        return None if self.reduced_ch is None else self.reduced_ch + self.prearranged_ch

    @property
    def live_connect_rate(self) -> float | None:
        """业扩不停电作业接电率, in per cent."""
        if self.live_connections is None or self.connections is None:
            return None
        return _percent(self.live_connections, self.connections)

    @property
    def saidi_avoided_h(self) -> float | None:
        """Hours per user that the live-line work saved."""
        return self.reduced_ch / self.population if self.population and self.reduced_ch is not None else None

    def as_dict(self) -> dict[str, Any]:
        """Return every figure, numerators and denominators included."""
        return vars(self) | {
            "work_ch": self.work_ch,
            "by_jobs": self.by_jobs,
            "by_customer_hours": self.by_customer_hours,
            "live_connect_rate": self.live_connect_rate,
            "saidi_avoided_h": self.saidi_avoided_h,
        }


def live_jobs_with_saving(jobs: pl.DataFrame, net: Network) -> pl.DataFrame:
    """Return the live jobs with ``users_avoided`` and ``reduced_ch``.

    The users that an outage would have cut off are those that truly hang on the job's branch in the normal state; where no
    branch is named, the number that the record states; otherwise null.
    """
    below = net.energise().users_below() if net.branches.height else np.zeros(0)
    by_branch = pl.DataFrame({"branch_id": net.branches["branch_id"], "users_below": below})
    return (
        jobs.join(by_branch, on="branch_id", how="left", maintain_order="left")
        .with_columns(users_avoided=pl.coalesce("users_below", pl.col("users_off").cast(pl.Float64)))
        .with_columns(reduced_ch=pl.col("users_avoided") * pl.col("outage_h"))
        .drop("users_below")
    )


def connected_with_outage(plans: pl.DataFrame, rules: ReliabilitySettings) -> pl.DataFrame:
    """Return the plans by which a new connection was made with an outage, with the moment at which it began as ``start``.

    A plan that says when supply was really cut was carried out. Where none says it, a plan counts by its stated time, unless its
    state says that it was not carried out, or a live-line item is named for it: done live, it stands among the live jobs.

    Args:
        plans: the table ``plans`` of a workspace.
        rules: states that say so.
    """
    by_state = ~pl.col("status").is_in(list(rules.not_carried_out)).fill_null(value=False)
    taken_as_done = by_state & pl.col("live_line_item").is_null()
    made = pl.col("connection") & (pl.col("actual_start").is_not_null() | taken_as_done)
    return plans.filter(made).with_columns(start=pl.coalesce("actual_start", "start"))


def live_ratio(
    jobs: pl.DataFrame,
    planned: pl.DataFrame,
    connected: pl.DataFrame,
    period: Period,
    users: float | None,
    is_known: bool = True,
) -> LiveRatio:
    """Return the live-line ratio of a period.

    Args:
        jobs: the table of :func:`live_jobs_with_saving`.
        planned: the ledger of the period; its prearranged rows are the planned outages.
        connected: of :func:`connected_with_outage`.
        period: the statistical period, as far as it is known; a job or plan belongs to the moment it starts.
        users: equivalent users of the period, or ``None``.
        is_known: whether there is a table of live jobs that can be used: what cannot be computed is not zero.
    """
    done = jobs.filter(_inside(period))
    outages = planned.filter(pl.col("nature").is_in(PLANNED_WORK) & pl.col("counted"))
    cut = connected.filter(_inside(period)).height
    live_connections = done.filter(pl.col("connection")).height
    told = done.is_empty() or done["reduced_ch"].count() > 0
    return LiveRatio(
        live_jobs=done.height if is_known else None,
        outage_jobs=outages.filter(pl.col("count") > 0)["outage_id"].n_unique(),
        reduced_ch=float(done["reduced_ch"].sum()) if told and is_known else None,
        prearranged_ch=float((outages["users"] * outages["h"]).sum()),
        unknown_jobs=done["reduced_ch"].null_count(),
        connections=live_connections + cut if is_known else None,
        live_connections=live_connections if is_known else None,
        population=users,
    )


def _inside(period: Period) -> pl.Expr:
    return (pl.col("start") >= period.start) & (pl.col("start") < period.end)


def _percent(part: float, whole: float) -> float | None:
    return 100 * part / whole if whole else None
