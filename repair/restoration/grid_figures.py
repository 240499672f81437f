"""The figures of the grid, complete: structure of the feeders, the N-1 test, and the targets for both (field reference 8)."""

from __future__ import annotations

from typing import Any

from network import Text, Topology, text
from reliability.grid_kpis import feeder_kpis
from reliability.operating_kpis import Kpi
from reliability.statistics import Statistics
from reliability.targets import Further, judge_grid
from repair.restoration.n_minus_1 import NMinus1

N_1 = "n1_pass_rate"
"""The share of the public feeders that pass the N-1 test, in per cent, as plans name it."""

NO_SECTION = text("no part of it has a line or load: nothing to try")
"""Why a feeder is left out of that share."""


def further_figures(statistics: Statistics, sweep: NMinus1) -> Further:
    """Return the figures that plans set targets for and that take the N-1 test, or why there is none."""
    rate = _pass_rate(statistics, sweep)
    if isinstance(rate, Text):
        return {N_1: rate}
    passed, tested = sweep.passes_of(feeder_kpis(statistics.net).filter("public")["feeder_id"].to_list())
    return {N_1: Kpi(N_1, rate, passed, tested, "feeders")}


def grid_figures(statistics: Statistics, plan: str, sweep: NMinus1, language: str = "en") -> dict[str, Any]:
    """Return what ``fudian grid-kpi`` tells.

    Args:
        statistics: of the workspace.
        plan: whose targets for the grid are judged.
        sweep: the N-1 test, or as much of it as is done.
        language: of reasons.

    Returns:
        The KPIs of :func:`reliability.grid_kpis.grid_kpis`; ``n1_pass_rate`` of the public feeders in per cent, ``None`` while
        the test is not over; ``rows``: the structure of each feeder with ``n1_passes``, ``n1_failing`` (first branch of each
        section that fails), ``n1_missing_a`` (at most, in A) and ``n1_reason``; ``plan``, ``targets``.

    Raises:
        FudianError: the plan is not known.
    """
    targets = [each.as_dict(language) for each in judge_grid(statistics, plan, further_figures(statistics, sweep))]
    tested = (
        {feeder_row["feeder_id"]: feeder_row for feeder_row in sweep.feeder_rows(language)} if sweep.complete else {}
    )
    without = NO_SECTION if sweep.complete else _under_way(sweep)
    untested = {"passes": None, "failing": None, "missing_a": None, "reason": without.in_language(language)}
    rows = [each | _tested(tested.get(each["feeder_id"], untested)) for each in feeder_kpis(statistics.net).to_dicts()]
    rate = _pass_rate(statistics, sweep)
    return statistics.grid_kpis | {
        N_1: None if isinstance(rate, Text) else rate,
        "rows": rows,
        "plan": plan,
        "targets": targets,
        "assumptions": [each.in_language(language) for each in sweep.assumed],
    }


def _tested(row: dict[str, Any]) -> dict[str, Any]:
    """Return the columns of one feeder's test."""
    return {f"n1_{name}": row[name] for name in ("passes", "failing", "missing_a", "reason")}


def _under_way(sweep: NMinus1) -> Text:
    return text(
        "the N-1 test is under way: {done} of {all} sections", done=len(sweep.sections), all=sweep.sections_in_all
    )


def _pass_rate(statistics: Statistics, sweep: NMinus1) -> float | Text:
    if not sweep.complete:
        return _under_way(sweep)
    missing = missing_limits(statistics.net)
    if missing is not None:
        return missing
    public = set(feeder_kpis(statistics.net).filter("public")["feeder_id"])
    rate = sweep.pass_rate_of(public)
    if rate is not None:
        return rate
    reasons = (
        section.reason for section in sweep.sections if section.reason is not None and section.feeder_id in public
    )
    return next(reasons, text("no public feeder has a section"))


def missing_limits(net: Topology) -> Text | None:
    """Return what to say where nothing in the network limits a current, so that nothing can fail the N-1 test."""
    if net.branches["rating_a"].count() + net.sources["capacity_a"].count() > 0:
        return None
    return text("no branch has a rating_a and no source a capacity_a: nothing to judge by")
