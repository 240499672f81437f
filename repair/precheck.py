"""A planned outage, calculated before anything is cut 先算后停: who is off, what it costs, the checks, and a verdict (4.3).

Four checks of the field, each with its reason: 能转必转 (transfer what can be transferred), 能带不停 (no outage where the work can
be done live), 先算后停 (calculate before cutting), 一停多用 (one outage for many jobs). Beside them the rules of repeated outages
(4.4), of notice (5.2), of peak hours and holidays, and the grade of the plan (4.5).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import polars as pl

from network import FudianError, Text, text
from reliability.budget import Budget, budget_words
from reliability.live_items import LIVE_ITEMS, suggested_item
from reliability.notice import Notice, notice_of
from reliability.plan_grade import grade_words, plan_grade
from repair.affected import Affected
from repair.merging import Group, Grouping, best_grouping
from repair.mobile_supply import MobileSupply, mobile_supplies
from repair.plan_desk import NO_UNIT, Cost, Job, PlanDesk

VERDICTS = ("approve", "merge", "convert-to-live", "reduce", "reject")
CHECKS = ("transfer", "live_line", "calculated", "merging")
"""能转必转, 能带不停, 先算后停, 一停多用."""


@dataclass(frozen=True)
class Check:
    """One of the four checks.

    Attributes:
        name: of :data:`CHECKS`.
        state: ``used``, ``partly``, ``possible`` (it could be used), ``not_used`` or ``not_needed``.
        reason: why.
    """

    name: str
    state: str
    reason: Text


@dataclass(frozen=True)
class Off:
    """Who is off for as long as the work lasts, and what that costs.

    Attributes:
        transformers: medium-voltage users in service.
        customers: low-voltage customers; ``None`` without a table of them, as the two after.
        important: ids of important customers.
        sensitive: ids of sensitive customers.
        ch_mv: customer-hours of medium-voltage users, switching included.
        ch_lv: of low-voltage customers.
        saidi_h: hours per medium-voltage user of the network.
    """

    transformers: int
    customers: int | None
    important: tuple[str, ...] | None
    sensitive: tuple[str, ...] | None
    ch_mv: float
    ch_lv: float | None
    saidi_h: float | None

    def as_dict(self) -> dict[str, Any]:
        """Return every figure."""
        lists = {name: None if ids is None else list(ids) for name, ids in
                 (("important", self.important), ("sensitive", self.sensitive))}  # fmt: skip
        return vars(self) | lists


@dataclass(frozen=True, eq=False)
class PlanCheck:
    """A planned outage, checked.

    Attributes:
        row: the row of ``plans``.
        job: the plan as computed; ``None`` where it cannot be.
        before: who is off without transfer.
        after: who is off with it.
        budgets: of the units whose users are off, with their customer-hours.
        checks: the four checks.
        group: the jobs that are best done with it; itself alone where merging saves nothing.
        mobile: what mobile supplies could feed.
        breaches: users whom it cuts off once too often.
        notice: whether users are told in time.
        grade: of the plan.
        verdict: one of :data:`VERDICTS`.
        reasons: why, most weighty first.
        remarks: what else to know: peak hours, customers to be looked after, what was assumed.
    """

    row: dict[str, Any]
    job: Job | None
    before: Off | None
    after: Off | None
    budgets: tuple[tuple[Budget | None, str, float], ...]
    checks: tuple[Check, ...]
    group: Group | None
    mobile: tuple[MobileSupply, ...]
    breaches: pl.DataFrame | None
    notice: Notice | None
    grade: str | None
    verdict: str
    reasons: tuple[Text, ...]
    remarks: tuple[Text, ...]

    @property
    def budget_light(self) -> str | None:
        """The worst light of the budgets: ``red``, ``amber``, ``green``; ``None`` where no unit has a budget."""
        lights = [budget.light(hours) for budget, _, hours in self.budgets if budget is not None]
        return next((light for light in ("red", "amber", "green") if light in lights), None)

    def as_dict(self, language: str = "en") -> dict[str, Any]:
        """Return the check in the contract's form."""
        row, job = self.row, self.job
        names = ("plan_id", "start", "end", "nature", "branch_id", "feeder_id", "transformer_id", "work", "unit", "status")
        result: dict[str, Any] = {name: _plain(row[name]) for name in names} | {
            "verdict": self.verdict,
            "reasons": [each.in_language(language) for each in self.reasons],
            "grade": self.grade,
            "grade_means": grade_words(self.grade).in_language(language) if self.grade else None,
            "before": self.before.as_dict() if self.before else None,
            "after": self.after.as_dict() if self.after else None,
            "checks": [
                {"check": each.name, "state": each.state, "reason": each.reason.in_language(language)} for each in self.checks
            ],
            "remarks": [each.in_language(language) for each in self.remarks],
            "budget_light": self.budget_light,
            "budgets": [_budget_dict(budget, unit, hours) for budget, unit, hours in self.budgets],
        }
        if job is None:
            return result
        outage = job.outage
        return result | {
            "isolate": list(outage.opened),
            "steps": [vars(step) | {"restores_transformers": list(step.restores_transformers)} for step in outage.steps],
            "transformers_before": outage.before.hit.transformers,
            "transformers_after": outage.after.hit.transformers,
            "proof": {"holds": outage.proven, "best": outage.best, "lowest_voltage_pu": outage.lowest_voltage_pu},
            "merge": _merge_dict(self.group),
            "mobile_supplies": [each.as_dict() for each in self.mobile],
            "breaches": [] if self.breaches is None else [_all_plain(each) for each in self.breaches.to_dicts()],
            "notice": None if self.notice is None else _all_plain(vars(self.notice)),
        }


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value


def _all_plain(values: dict[str, Any]) -> dict[str, Any]:
    return {name: _plain(value) for name, value in values.items()}


def _budget_dict(budget: Budget | None, unit: str, hours: float) -> dict[str, Any]:
    if budget is None:
        return {"unit": unit or None, "annual_ch": None, "plan_ch": hours, "share": None, "after_ch": None, "light": None}
    own = {"plan_ch": hours, "share": budget.share(hours), "after_ch": budget.after(hours), "light": budget.light(hours)}
    return budget.as_dict() | own


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
    return [_checked(desk, row, grouping) for row in rows]


def pending_grouping(desk: PlanDesk) -> Grouping:
    """Return the best grouping of the jobs that need an outage: those that no plan offers to do live."""
    return best_grouping(desk, [job for job in desk.jobs.values() if job.named_item is None])


def _checked(desk: PlanDesk, row: dict[str, Any], grouping: Grouping) -> PlanCheck:
    plan_id = row["plan_id"]
    if plan_id in desk.refused:
        refusal = desk.refused[plan_id]
        said = tuple(each for each in (refusal.message, refusal.hint) if each)
        return PlanCheck(row, None, None, None, (), (), None, (), None, None, None, "reject", said, ())
    job = desk.jobs[plan_id]
    before = _off(desk, job, job.outage.before, job.outage.touched_before, job.before)
    after = _off(desk, job, job.outage.after, job.outage.touched, job.after)
    units = [(unit, minutes / 60.0) for unit, minutes in sorted(job.after.by_unit.items())]
    budgets = tuple((desk.budget_of(unit, job.start.year, plan_id), unit, hours) for unit, hours in units)
    group = grouping.of(plan_id)
    mobile = mobile_supplies(desk, job)
    temporary = (row["nature"] or "").startswith("P-TEMP")
    notice = notice_of(job.start, row["notified_at"], temporary, desk.as_of, desk.statistics.settings)
    checks = (
        _transfer_check(job),
        _live_check(job, mobile),
        _calculated_check(budgets, job.after),
        _merging_check(desk, job, group),
    )
    grade = plan_grade(
        desk.voltage_kv(job), after.transformers > 0, job.named_item is not None, desk.rules.utility_profile,
        desk.rules.default_grade,
    )  # fmt: skip
    found = PlanCheck(
        row, job, before, after, budgets, checks, group, mobile, desk.breaches(job), notice, grade, "approve", (), ()
    )
    verdict, reasons = _verdict(desk, found)
    return PlanCheck(**{**vars(found), "verdict": verdict, "reasons": reasons, "remarks": _remarks(desk, found)})


def _off(desk: PlanDesk, job: Job, affected: Affected, touched: np.ndarray[Any, Any], cost: Cost) -> Off:
    known = not desk.net.customers.is_empty()
    index = affected.hit.transformer_index
    customers = affected.customers
    marked = {
        name: tuple(customers.filter(pl.col(name).fill_null(value=False))["customer_id"]) if known else None
        for name in ("important", "sensitive")
    }
    return Off(
        int(desk.serving[index].sum()),
        affected.customer_count if known else None,
        marked["important"],
        marked["sensitive"],
        cost.customer_hours,
        desk.low_voltage_hours(affected, touched, job.minutes),
        cost.customer_hours / desk.users if desk.users else None,
    )


# The four checks ------------------------------------------------------------------------------------------------------


def _transfer_check(job: Job) -> Check:
    """能转必转: what can be fed over another way is."""
    outage = job.outage
    if outage.idle:
        return Check("transfer", "not_needed", text("the work is dead or open already: nobody is off"))
    healthy = outage.transferred + outage.no_way + outage.no_room
    if not healthy:
        return Check("transfer", "not_needed", text("all who are off hang on the part under work: there is nobody to transfer"))
    if outage.refusal is not None:
        return Check("transfer", "not_used", outage.refusal)
    if not outage.no_way + outage.no_room:
        return Check("transfer", "used", text(
            "all {count} transformers beside the work are fed over other ways, within ratings and voltage", count=healthy
        ))  # fmt: skip
    rest = text(
        "{fed} of {count} transformers beside the work are fed over other ways; no device leads to {way} of the others from a "
        "live feeder, and for {room} the ways have no room within ratings and voltage",
        fed=outage.transferred, count=healthy, way=outage.no_way, room=outage.no_room,
    )  # fmt: skip
    return Check("transfer", "partly" if outage.transferred else "not_used", rest)


def _live_check(job: Job, mobile: tuple[MobileSupply, ...]) -> Check:
    """能带不停: the work can be done live, or users are fed by mobile supply meanwhile."""
    named, suggested = job.named_item, suggested_item(job.row["work"])
    if named is not None:
        name = LIVE_ITEMS.get(named)
        if name is None:
            return Check("live_line", "not_used", text("there is no live-line item {item}: they run from 1 to 33", item=named))
        return Check("live_line", "possible", text("the plan names live-line item {item} {name}", item=named, name=name))
    if suggested is not None:
        return Check("live_line", "possible", text(
            "the words of the work suggest live-line item {item} {name}; a survey on site must say whether it can be done",
            item=suggested, name=LIVE_ITEMS[suggested],
        ))  # fmt: skip
    if mobile:
        best = max(mobile, key=lambda each: each.saved_ch)
        return Check("live_line", "possible", text(
            "no live-line item is named or suggested; mobile supply could save {hours:.1f} customer-hours", hours=best.saved_ch
        ))  # fmt: skip
    return Check("live_line", "not_used", text(
        "the plan names no live-line item, its words suggest none, and the settings name no generator or substation car that fits"
    ))  # fmt: skip


def _calculated_check(budgets: tuple[tuple[Budget | None, str, float], ...], cost: Cost) -> Check:
    """先算后停: the figures exist and are within the budget."""
    hours = cost.customer_hours
    if not budgets:
        return Check("calculated", "used", text("{hours:.1f} customer-hours; no budget is touched", hours=hours))
    lacking = [unit for budget, unit, _ in budgets if budget is None or budget.annual_ch is None]
    if lacking:
        return Check("calculated", "partly", text(
            "{hours:.1f} customer-hours; no budget of {units}: fill in the table budget", hours=hours,
            units=", ".join(unit or "—" for unit in lacking),
        ))  # fmt: skip
    tightest = min(budgets, key=lambda each: each[0].after(each[2]) or 0.0)  # type: ignore[union-attr]
    budget, unit, own = tightest
    assert budget is not None
    left = budget.after(own) or 0.0
    if budget.light(own) == "red":
        return Check("calculated", "not_used", text(
            "{hours:.1f} customer-hours are {over:.1f} more than {unit} has left of its {year} budget",
            hours=own, over=-left, unit=unit, year=budget.year,
        ))  # fmt: skip
    return Check("calculated", "used", text(
        "{hours:.1f} customer-hours; {left:.1f} of the {year} budget of {unit} are left then", hours=own, left=left,
        year=budget.year, unit=unit,
    ))  # fmt: skip


def _merging_check(desk: PlanDesk, job: Job, group: Group | None) -> Check:
    """一停多用: other pending jobs are done in the same outage."""
    if group is None:
        return Check("merging", "not_needed", text("to be done live, so it is not merged with outages"))
    others = [each for each in group.plan_ids if each != job.plan_id]
    if others:
        return Check("merging", "possible", text(
            "together with {plans} it saves {hours:.1f} customer-hours and one outage of those whom both cut off",
            plans=", ".join(others), hours=group.saving_ch,
        ))  # fmt: skip
    return Check("merging", "not_needed", text(
        "no other job within {days} days makes one outage cheaper than two", days=desk.rules.merge_window_days
    ))  # fmt: skip


# The verdict ----------------------------------------------------------------------------------------------------------


def _verdict(desk: PlanDesk, found: PlanCheck) -> tuple[str, tuple[Text, ...]]:
    """Return the verdict and why: live before merged, merged before refused, refused before approved."""
    job, after = found.job, found.after
    assert job is not None
    assert after is not None
    against = _against(desk, found)
    if after.transformers and job.named_item in LIVE_ITEMS:
        return "convert-to-live", (found.checks[1].reason, text(
            "done live, nobody is off: {hours:.1f} customer-hours are saved", hours=after.ch_mv
        ), *against)  # fmt: skip
    if found.group is not None and len(found.group.jobs) > 1:
        return "merge", (found.checks[3].reason, *against)
    if against:
        return ("reduce" if _can_reduce(found) else "reject"), against
    return "approve", (found.checks[2].reason, found.checks[0].reason)


def _against(desk: PlanDesk, found: PlanCheck) -> tuple[Text, ...]:
    """Return what speaks against a plan as it stands."""
    said = []
    job, breaches, notice = found.job, found.breaches, found.notice
    assert job is not None
    assert notice is not None
    if breaches is not None and breaches.height:
        said.append(text(
            "{count} users would be off once too often by the rules {rules} of {preset}, {user} among them",
            count=breaches["user_id"].n_unique(), rules=", ".join(breaches["rule"].unique(maintain_order=True)),
            preset=desk.rules.frequent_preset, user=breaches["user_id"][0],
        ))  # fmt: skip
    if found.budget_light == "red":
        said.append(found.checks[2].reason)
    if notice.state == "late" and found.after is not None and found.after.transformers:
        said.append(text(
            "users cannot be told {hours:g} h before any more: they had to be told by {due:%Y-%m-%d %H:%M}",
            hours=notice.required_h, due=notice.due_by,
        ))  # fmt: skip
    if desk.on_holiday(job.start, job.row["end"]):
        said.append(text("it falls on a holiday, on which nobody is cut off for planned work"))
    return tuple(said)


def _can_reduce(found: PlanCheck) -> bool:
    """Return whether fewer hours or users could mend all that speaks against a plan.

    Mobile supply for all who would be off too often, and a budget that is not used up, can; neither mends a notice or a holiday.
    """
    assert found.notice is not None
    fed = {user for each in found.mobile for user in each.transformers}
    too_often = set() if found.breaches is None else set(found.breaches["user_id"])
    red = found.budget_light == "red"
    some_left = all((budget.remaining_ch or 0.0) > 0 for budget, _, hours in found.budgets if budget and budget.light(hours) == "red")
    return found.notice.state != "late" and too_often <= fed and (bool(too_often) or red) and (not red or some_left)


def _remarks(desk: PlanDesk, found: PlanCheck) -> tuple[Text, ...]:
    job, after, notice = found.job, found.after, found.notice
    assert job is not None
    assert after is not None
    assert notice is not None
    said = []
    if found.budget_light == "amber":
        said.append(text("the budget is amber: less than {share:.0%} of it is left then",
                         share=desk.statistics.settings.budget_amber_share))  # fmt: skip
    if after.important:
        said.append(text("{count} important customers are off: agree with them first, {ids}", count=len(after.important),
                         ids=", ".join(after.important[:5])))  # fmt: skip
    if after.sensitive:
        said.append(text("{count} sensitive customers are off: look after them, {ids}", count=len(after.sensitive),
                         ids=", ".join(after.sensitive[:5])))  # fmt: skip
    if peak := desk.in_peak(job.start, job.row["end"]):
        said.append(text("it overlaps the peak hours {spans}", spans=", ".join(peak)))
    if notice.state == "due" and after.transformers:
        said.append(text("users have to be told by {due:%Y-%m-%d %H:%M}", due=notice.due_by))
    for budget, unit, _ in found.budgets:
        if (words := budget_words(budget)) is not None:
            said.append(text("{unit}: {words}", unit=unit or NO_UNIT, words=words) if unit else words)
    if not found.mobile and after.transformers and desk.rules.generator_kva is None:
        said.append(text("the settings name no generator (generator_kva), so its saving and cost are not known"))
    said += [text("the generator or car has no cost in the settings, so its cost is not known")
             for each in found.mobile[:1] if each.cost is None]  # fmt: skip
    if not job.outage.proven:
        said.append(text("the switching steps could not be proven: look at them before use"))
    return (*said, *job.outage.assumed, *desk.basis)


def rows_of(checks: Iterable[PlanCheck]) -> pl.DataFrame:
    """Return one row per plan for people: what it is, who is off, what it costs, and the verdict."""
    columns = {
        "plan_id": pl.String, "start": pl.Datetime("us"), "end": pl.Datetime("us"), "place": pl.String, "work": pl.String,
        "unit": pl.String, "transformers_before": pl.Int64, "transformers_after": pl.Int64, "customers_after": pl.Int64,
        "ch_before": pl.Float64, "ch_after": pl.Float64, "budget_light": pl.String, "grade": pl.String, "verdict": pl.String,
    }  # fmt: skip
    rows = [
        {name: each.row[name] for name in ("plan_id", "start", "end", "work", "unit")}
        | {
            "place": each.row["branch_id"] or each.row["feeder_id"] or each.row["transformer_id"],
            "transformers_before": each.before.transformers if each.before else None,
            "transformers_after": each.after.transformers if each.after else None,
            "customers_after": each.after.customers if each.after else None,
            "ch_before": each.before.ch_mv if each.before else None,
            "ch_after": each.after.ch_mv if each.after else None,
            "budget_light": each.budget_light,
            "grade": each.grade,
            "verdict": each.verdict,
        }
        for each in checks
    ]
    return pl.DataFrame(rows, schema=columns)


def total(checks: Iterable[PlanCheck]) -> tuple[float, float]:
    """Return the customer-hours of all plans that can be computed, before and after transfer."""
    known = [(each.before.ch_mv, each.after.ch_mv) for each in checks if each.before and each.after]
    return sum(before for before, _ in known), sum(after for _, after in known)


__all__ = ["CHECKS", "VERDICTS", "Check", "FudianError", "Off", "PlanCheck", "pending_grouping", "precheck", "rows_of", "total"]
