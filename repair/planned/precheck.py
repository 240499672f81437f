"""A planned outage, calculated before anything is cut 先算后停: who is off, what it costs, the checks, and a verdict (4.3).

What is computed stands here; the four checks and the verdict in :mod:`repair.planned.plan_checks`. Beside them are
judged: the rules of
repeated outages (4.4), of notice (5.2), peak hours and holidays, and the grade of the plan (4.5).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import polars as pl

from network import Problem, Text, text
from network.arrays import Indices
from network.representation import Shown
from network.steps import step
from reliability.notice import notice_of
from reliability.plan_grade import grade_words, plan_grade
from repair.affected import Affected
from repair.planned.merging import Group, Grouping, best_grouping
from repair.planned.mobile_supply import mobile_supplies
from repair.planned.plan_checks import CHECKS, LIGHTS, VERDICTS, Facts, Off, Share, remarks_of, verdict_of
from repair.planned.plan_desk import Cost, Job, PlanDesk
from repair.planned.source_room import short_sources


@dataclass(frozen=True, eq=False, repr=False)
class PlanCheck(Shown):
    """A planned outage, checked.

    Attributes:
        row: the row of ``plans``.
        facts: what was computed; ``None`` where nothing can be.
        verdict: of :data:`repair.planned.plan_checks.VERDICTS`.
        reasons: why, most weighty first.
        remarks: what else to know.
    """

    row: dict[str, Any]
    facts: Facts | None
    verdict: str
    reasons: tuple[Text, ...]
    remarks: tuple[Text, ...]

    @property
    def plan_id(self) -> str:
        """The plan."""
        return str(self.row["plan_id"])

    @property
    def place(self) -> str | None:
        """What is worked on, as the plan names it."""
        place: str | None = self.row["branch_id"] or self.row["feeder_id"] or self.row["transformer_id"]
        return place

    def as_dict(self, language: str = "en") -> dict[str, Any]:
        """Return the check for commands and routes; without facts there is only the row, the verdict and its reasons."""
        names = (
            "plan_id",
            "start",
            "end",
            "nature",
            "branch_id",
            "feeder_id",
            "transformer_id",
            "work",
            "unit",
            "status",
        )
        result: dict[str, Any] = {name: _plain(self.row[name]) for name in names} | {
            "verdict": self.verdict,
            "verdict_means": VERDICTS[self.verdict].in_language(language),
            "reasons": [reason.in_language(language) for reason in self.reasons],
            "remarks": [remark.in_language(language) for remark in self.remarks],
        }
        return result | (_facts_dict(self.facts, language) if self.facts else dict.fromkeys(_FACTS))


_FACTS = (
    "before", "after", "checks", "budget_light", "budgets", "grade", "grade_means", "isolate", "steps", "transformers_before",
    "transformers_after", "proof", "merge", "mobile_supplies", "breaches", "notice",
    "duration",
)  # fmt: skip


def _facts_dict(facts: Facts, language: str) -> dict[str, Any]:
    outage = facts.job.outage
    return {
        "before": facts.before.as_dict(),
        "after": facts.after.as_dict(),
        "checks": [
            {
                "check": check.name,
                "means": CHECKS[check.name].in_language(language),
                "state": check.state,
                "reason": check.reason.in_language(language),
            }
            for check in facts.checks
        ],
        "budget_light": facts.budget_light,
        "budgets": [share.as_dict() for share in facts.shares],
        "grade": facts.grade,
        "grade_means": grade_words(facts.grade).in_language(language),
        "isolate": list(outage.opened),
        "steps": [step.as_dict() for step in outage.steps],
        "transformers_before": outage.before.hit.transformers,
        "transformers_after": outage.after.hit.transformers,
        "proof": {"holds": outage.proven, "best": outage.best, "lowest_voltage_pu": outage.lowest_voltage_pu},
        "merge": _merge_dict(facts.group),
        "mobile_supplies": [each.as_dict() for each in facts.mobile],
        "breaches": [_all_plain(each) for each in facts.breaches.to_dicts()],
        "notice": _all_plain(vars(facts.notice)),
        "duration": facts.duration.as_dict(language) if facts.duration else None,
    }


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value


def _all_plain(values: dict[str, Any]) -> dict[str, Any]:
    return {name: _plain(value) for name, value in values.items()}


def _merge_dict(group: Group | None) -> dict[str, Any] | None:
    if group is None or len(group.jobs) < 2:
        return None
    return {
        "plan_ids": list(group.plan_ids),
        "separate_ch": group.separate_minutes / 60.0,
        "merged_ch": group.cost.customer_hours,
        "saving_ch": group.saving_ch,
        "hours": group.minutes / 60.0,
        "isolate": list(group.outage.opened),
    }


def precheck(desk: PlanDesk, plan_ids: Iterable[str] | None = None) -> list[PlanCheck]:
    """Return the check of every plan to come, or of some.

    Args:
        desk: the plans and what they share.
        plan_ids: of the plans wanted; all by default.
    """
    wanted = None if plan_ids is None else set(plan_ids)
    grouping = pending_grouping(desk)
    rows = [row for row in desk.plans.to_dicts() if wanted is None or row["plan_id"] in wanted]
    checks = []
    for at, row in enumerate(rows):
        step(text("checks of plans"), at, len(rows))
        checks.append(_checked(desk, row, grouping))
    return checks


def pending_grouping(desk: PlanDesk) -> Grouping:
    """Return the best grouping of the jobs that need an outage: those that no plan offers to do live."""
    return desk.remember(
        "grouping", lambda: best_grouping(desk, [job for job in desk.jobs.values() if job.needs_outage])
    )


def _checked(desk: PlanDesk, row: dict[str, Any], grouping: Grouping) -> PlanCheck:
    plan_id = row["plan_id"]
    if plan_id in desk.refused:
        refusal = desk.refused[plan_id]
        said = tuple(each for each in (refusal.message, refusal.hint) if each)
        return PlanCheck(row, None, "reject", said, ())
    facts = _facts(desk, desk.jobs[plan_id], grouping)
    return PlanCheck(row, facts, *verdict_of(desk, facts), remarks_of(desk, facts))


def _facts(desk: PlanDesk, job: Job, grouping: Grouping) -> Facts:
    row, outage = job.row, job.outage
    after = _off(desk, job, outage.after, outage.touched, job.after)
    shares = tuple(
        Share(unit, year, hours, desk.budget_of(unit, year, job.plan_id))
        for (unit, year), hours in sorted(job.hours_by_year.items())
        if job.needs_outage
    )
    group = grouping.of(job.plan_id)
    together = () if group is None else group.jobs
    return Facts(
        job,
        _off(desk, job, outage.before, outage.touched_before, job.before),
        after,
        shares,
        group,
        mobile_supplies(desk, job),
        desk.breaches(job),
        notice_of(job.start, row["notified_at"], job.is_temporary, desk.as_of, desk.statistics.settings),
        plan_grade(
            desk.voltage_kv(job), after.transformers > 0, not job.needs_outage, desk.rules.utility_profile,
            desk.rules.default_grade,
        ),
        desk.rules.merge_window_days,
        tuple(each for each in desk.in_the_way(job) if job.needs_outage and each not in together),
        grouping.complete,
        desk.durations.predict(row),
        short_sources(desk, job),
    )  # fmt: skip


def _off(desk: PlanDesk, job: Job, affected: Affected, touched: Indices, cost: Cost) -> Off:
    known = not desk.net.customers.is_empty()
    customers = affected.customers
    marked = {
        name: tuple(customers.filter(pl.col(name).fill_null(value=False))["customer_id"]) if known else None
        for name in ("important", "sensitive")
    }
    return Off(
        int(desk.serving[affected.hit.transformer_index].sum()),
        affected.customer_count if known else None,
        marked["important"],
        marked["sensitive"],
        cost.customer_hours,
        desk.low_voltage_hours(affected, touched, job.minutes),
        cost.customer_hours / desk.users if desk.users else None,
    )


def rows_of(checks: Iterable[PlanCheck], language: str = "en") -> pl.DataFrame:
    """Return one row per plan for people, in words: what it is, who is off, what it costs, and the verdict.

    Args:
        checks: of :func:`precheck`.
        language: ``en`` or ``zh``.
    """
    columns: dict[str, Any] = {
        "plan_id": pl.String, "start": pl.Datetime("us"), "end": pl.Datetime("us"), "place": pl.String, "work": pl.String,
        "unit": pl.String, "transformers_before": pl.Int64, "transformers_after": pl.Int64, "customers_after": pl.Int64,
        "ch_before": pl.Float64, "ch_after": pl.Float64, "budget_light": pl.String, "grade": pl.String, "verdict": pl.String,
    }  # fmt: skip
    rows = []
    for check in checks:
        facts, row = check.facts, check.row
        own: dict[str, Any] = {name: row[name] for name in ("plan_id", "start", "end", "work", "unit")}
        own |= {"place": check.place, "verdict": VERDICTS[check.verdict].in_language(language)}
        if facts is not None:
            own |= {
                "transformers_before": facts.before.transformers,
                "transformers_after": facts.after.transformers,
                "customers_after": facts.after.customers,
                "ch_before": facts.before.ch_mv,
                "ch_after": facts.after.ch_mv,
                "budget_light": LIGHTS[facts.budget_light].in_language(language) if facts.budget_light else None,
                "grade": grade_words(facts.grade).in_language(language),
            }
        rows.append(own)
    return pl.DataFrame(rows, schema=columns)


def statement(
    desk: PlanDesk, checks: Iterable[PlanCheck], rejected: Iterable[Problem] = (), language: str = "en"
) -> dict[str, Any]:
    """Return the checks for commands and routes: basis, totals of these plans, plans, and the rows that could not be read.

    What merging saves is that of the groups in which one of these plans is; ``merging_best`` says whether no grouping of all
    plans saves more.

    Args:
        desk: what the plans share.
        checks: of :func:`precheck`.
        rejected: what is wrong with rows of the table.
        language: ``en`` or ``zh``.
    """
    found = list(checks)
    before, after = total(found)
    return {
        "basis": {
            "as_of": desk.as_of.isoformat(),
            "user_level": "MV",
            "N_T": desk.users,
            "says": [each.in_language(language) for each in desk.basis],
            "left_out": desk.left_out,
        },
        "ch_before": before,
        "ch_after": after,
        "merging_saves_ch": sum(
            each.saving_ch for each in pending_grouping(desk).holding(each.plan_id for each in found)
        ),
        "under_way": under_way_dicts(desk),
        "merging_best": pending_grouping(desk).best,
        "plans": [each.as_dict(language) for each in found],
        "rejected": [each.as_dict(language) for each in rejected],
    }


def under_way_dicts(desk: PlanDesk) -> list[dict[str, Any]]:
    """Return the plans under way, each with the customer-hours that are left of it."""
    starts = dict(desk.going_on.select("plan_id", "start").iter_rows()) if desk.under_way else {}
    return [
        {
            "plan_id": job.plan_id,
            "start": starts[job.plan_id].isoformat(),
            "end": job.row["end"].isoformat(),
            "rest_ch": job.after.customer_hours if job.needs_outage else 0.0,
        }
        for job in desk.under_way
    ]


def total(checks: Iterable[PlanCheck]) -> tuple[float, float]:
    """Return the customer-hours of all plans that can be computed, before and after transfer."""
    known = [check.facts for check in checks if check.facts is not None]
    return sum(each.before.ch_mv for each in known), sum(each.after.ch_mv for each in known)
