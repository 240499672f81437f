"""The calendar of planned outages 停电计划综合平衡: all plans on the days and in the groups that cost the fewest hours.

Every plan may move within its dates (``earliest_start`` and ``latest_end``; without them by ``shift_days`` either way) and keeps
its time of day; jobs whose outage areas hang together may be done in one outage (:mod:`repair.planned.merging`).
What must be kept: the
crews of each unit, budgets of month and year, the rules of frequent outages with what users have already had, the notice to
users, and holidays; and outages at the same time keep out of each other's way. One mixed-integer program chooses day and group
of every plan at once. A plan for which there is no day is said, with the reason, and never dropped in silence.
"""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cached_property
from typing import Any

import numpy as np
import polars as pl

from network import Problem, Text, listed, text
from network.representation import Shown
from network.steps import step
from reliability.notice import notice_of
from repair.planned.calendar_rules import OVER_BUDGET, OVER_CREWS, SAME_WAYS, TOO_OFTEN, Rule, rules_of
from repair.planned.merging import Group, candidates
from repair.planned.plan_desk import Job, PlanDesk
from repair.planned.precheck import under_way_dicts
from repair.restoration.program import Goal, Program

HOLIDAY, NOTICE, DATES = "holiday", "notice", "dates"
REASONS = {
    HOLIDAY: text("a holiday"),
    NOTICE: text("users cannot be told in time"),
    DATES: text("outside the dates of the plan"),
    OVER_CREWS: text("too few crews"),
    OVER_BUDGET: text("over the budget"),
    TOO_OFTEN: text("users off once too often"),
    SAME_WAYS: text("another outage needs the same ways at that time"),
}
"""Why a day is not allowed, or a rule is broken."""


WITHIN = 1e-9
"""Sums this little above a limit keep it."""


@dataclass(frozen=True, eq=False, repr=False)
class Option(Shown):
    """A group on a day.

    Attributes:
        group: the jobs.
        start: when the outage begins: on the day, at the earliest time of day of its jobs.
        against: code of :data:`REASONS` for which the day is not allowed, or ``None``.
    """

    group: Group
    start: datetime
    against: str | None

    @property
    def end(self) -> datetime:
        """When it ends."""
        return self.start + timedelta(minutes=self.group.minutes)

    @property
    def moved_days(self) -> int:
        """By how many days its jobs are moved, in all."""
        return sum(abs((self.start.date() - job.start.date()).days) for job in self.group.jobs)


@dataclass(frozen=True, eq=False, repr=False)
class Entry(Shown):
    """One outage of the calendar.

    Attributes:
        option: the group and its day.
    """

    option: Option

    def as_dict(self) -> dict[str, Any]:
        """Return the outage with what became of its plans."""
        group = self.option.group
        return {
            "plan_ids": list(group.plan_ids),
            "start": self.option.start.isoformat(),
            "end": self.option.end.isoformat(),
            "unit": group.jobs[0].row["unit"],
            "ch": group.cost.customer_hours,
            "separate_ch": group.separate_minutes / 60.0,
            "saving_ch": group.saving_ch,
            "transformers": len(group.outage.after.hit.transformer_index),
            "merged": len(group.jobs) > 1,
            "moved": {job.plan_id: (self.option.start.date() - job.start.date()).days for job in group.jobs},
        }


@dataclass(frozen=True, eq=False, repr=False)
class CalendarPlan(Shown):
    """The best calendar, beside the one that was submitted.

    Attributes:
        desk: what the plans share.
        jobs: the plans in it, as submitted.
        entries: the outages, by their starts.
        unscheduled: plans for which there is no day, and why.
        live: plans that name a live-line item and need no outage; they are not in the calendar.
        uncomputed: plans that cannot be computed, and why.
        broken: what the submitted calendar breaks.
        best: whether no better calendar exists.
        remarks: what was not checked, or assumed.
    """

    desk: PlanDesk
    jobs: tuple[Job, ...]
    entries: tuple[Entry, ...]
    unscheduled: tuple[tuple[Job, Text], ...]
    live: tuple[Job, ...]
    uncomputed: tuple[tuple[str, Text], ...]
    broken: tuple[Text, ...]
    best: bool
    remarks: tuple[Text, ...]

    @property
    def submitted_ch(self) -> float:
        """Customer-hours of the plans as submitted, one by one."""
        return sum(job.after.user_minutes for job in self.jobs) / 60.0

    @property
    def unscheduled_ch(self) -> float:
        """Those of them that have no day."""
        return sum(job.after.user_minutes for job, _ in self.unscheduled) / 60.0

    @cached_property
    def planned_ch(self) -> float:
        """Customer-hours of the calendar."""
        return sum(each.option.group.cost.user_minutes for each in self.entries) / 60.0

    @property
    def saving_ch(self) -> float:
        """What the calendar saves; a plan without a day saves nothing."""
        return self.submitted_ch - self.unscheduled_ch - self.planned_ch

    @property
    def live_ch(self) -> float:
        """What the plans that go live would have cost."""
        return sum(job.after.user_minutes for job in self.live) / 60.0

    def as_dict(self, language: str = "en", rejected: Iterable[Problem] = ()) -> dict[str, Any]:
        """Return the calendar in the form of commands and routes.

        Args:
            language: ``en`` or ``zh``.
            rejected: what is wrong with rows of the table.
        """
        return {
            "as_of": self.desk.as_of.isoformat(),
            "submitted_ch": self.submitted_ch,
            "planned_ch": self.planned_ch,
            "saving_ch": self.saving_ch,
            "unscheduled_ch": self.unscheduled_ch,
            "saidi_saved_h": self.saving_ch / self.desk.users if self.desk.users else None,
            "entries": [each.as_dict() for each in self.entries],
            "unscheduled": [
                {"plan_id": job.plan_id, "ch": job.after.customer_hours, "reason": why.in_language(language)}
                for job, why in self.unscheduled
            ],
            "live": [
                {"plan_id": job.plan_id, "live_line_item": job.named_item, "saved_ch": job.after.customer_hours}
                for job in self.live
            ],
            "uncomputed": [{"plan_id": plan, "reason": why.in_language(language)} for plan, why in self.uncomputed],
            "broken_as_submitted": [each.in_language(language) for each in self.broken],
            "best": self.best,
            "under_way": under_way_dicts(self.desk),
            "remarks": [each.in_language(language) for each in self.remarks],
            "rejected": [each.as_dict(language) for each in rejected],
        }


def calendar_plan(desk: PlanDesk, live_as_outage: bool = False) -> CalendarPlan:
    """Return the calendar with the fewest plans left over, then the fewest customer-hours, interruptions and moved days.

    Args:
        desk: the plans and what they share.
        live_as_outage: whether plans that name a live-line item stand in the calendar as outages, too.
    """
    every = list(desk.jobs.values())
    live = tuple(job for job in every if not (job.needs_outage or live_as_outage))
    jobs = tuple(job for job in every if job not in live)
    groups = candidates(desk, jobs)
    options = [option for group in groups.groups for option in _options(desk, group)]
    rules = rules_of(desk, [(each.group, each.start) for each in options])
    chosen, proven = _choose(desk, jobs, options, rules.rules)
    taken = [option for option, is_taken in zip(options, chosen, strict=True) if is_taken]
    scheduled = {plan for option in taken for plan in option.group.plan_ids}
    left_over = [job for job in jobs if job.plan_id not in scheduled]
    chosen_at = {at for at, is_taken in enumerate(chosen) if is_taken}
    remarks = [*rules.remarks, *_over(rules.guides, options, chosen_at)]
    if not groups.complete:
        remarks.append(text("there are more groups of jobs than were tried: a cheaper calendar may exist"))
    return CalendarPlan(
        desk,
        jobs,
        tuple(Entry(option) for option in sorted(taken, key=lambda each: (each.start, each.group.plan_ids))),
        tuple(_reasons(left_over, options, rules.rules)),
        live,
        tuple((plan, refusal.message) for plan, refusal in desk.refused.items()),
        tuple(_broken(options, (*rules.rules, *rules.guides))),
        proven and groups.complete,
        tuple(remarks),
    )


def rows_of(plan: CalendarPlan) -> pl.DataFrame:
    """Return one row per outage for people: when, which plans, what it costs, and by how many days its plans are moved."""
    columns: dict[str, Any] = {
        "start": pl.Datetime("us"), "end": pl.Datetime("us"), "plans": pl.String, "unit": pl.String, "transformers": pl.Int64,
        "moved_days": pl.Int64, "separate_ch": pl.Float64, "ch": pl.Float64, "saving_ch": pl.Float64,
    }  # fmt: skip
    rows = [
        each.as_dict()
        | {
            "start": each.option.start,
            "end": each.option.end,
            "plans": ", ".join(each.option.group.plan_ids),
            "moved_days": each.option.moved_days,
        }
        for each in plan.entries
    ]
    return pl.DataFrame([{name: row[name] for name in columns} for row in rows], schema=columns)


# Days -----------------------------------------------------------------------------------------------------------------


def _options(desk: PlanDesk, group: Group) -> Iterator[Option]:
    """Give every day on which a group might be done; the day that a single plan was submitted for in any case."""
    at = min(job.start.time() for job in group.jobs)
    spans = [_dates(desk, job) for job in group.jobs]
    first, last = max(span[0] for span in spans), min(span[1] for span in spans)
    days = [first + timedelta(days=each) for each in range((last - first).days + 1)]
    submitted = group.jobs[0].start.date() if len(group.jobs) == 1 else None
    if submitted is not None and submitted not in days:
        days.append(submitted)
    for day in days:
        start = datetime.combine(day, at)
        yield Option(group, start, _day_against(desk, group, start))


def _dates(desk: PlanDesk, job: Job) -> tuple[date, date]:
    """Return the first and the last day on which a plan may begin."""
    shift = timedelta(days=desk.rules.shift_days)
    earliest, latest = job.row["earliest_start"], job.row["latest_end"]
    first = (earliest or job.start - shift).date()
    last = (latest - timedelta(minutes=job.minutes) if latest else job.start + shift).date()
    return max(first, desk.as_of.date()), last


def _day_against(desk: PlanDesk, group: Group, start: datetime) -> str | None:
    end = start + timedelta(minutes=group.minutes)
    if desk.on_holiday(start, end):
        return HOLIDAY
    for other in desk.under_way:
        if other.needs_outage and start < other.row["end"] and group.outage.ways.shared(other.outage.ways):
            return SAME_WAYS
    for job in group.jobs:
        earliest, latest = job.row["earliest_start"], job.row["latest_end"]
        if start < desk.as_of or (earliest and start < earliest) or (latest and end > latest):
            return DATES
        told = job.row["notified_at"] if start == job.start else None
        if len(group.outage.touched) and (
            notice_of(start, told, job.is_temporary, desk.as_of, desk.statistics.settings).state == "late"
        ):
            return NOTICE
    return None


# The choice -----------------------------------------------------------------------------------------------------------


def _choose(
    desk: PlanDesk, jobs: Sequence[Job], options: Sequence[Option], rules: Sequence[Rule]
) -> tuple[list[bool], bool]:
    """Return which options are taken, and whether that is known to be the best."""
    if not jobs:
        return [False] * len(options), True
    program = Program()
    taken = program.variables(len(options), integer=True)
    left_over = program.variables(len(jobs), integer=True)
    for variable, option in zip(taken.tolist(), options, strict=True):
        if option.against is not None:
            program.fix(variable, 0.0)
    doing: dict[Job, list[tuple[int, float]]] = defaultdict(list)
    for variable, option in zip(taken.tolist(), options, strict=True):
        for job in option.group.jobs:
            doing[job].append((variable, 1.0))
    for variable, job in zip(left_over.tolist(), jobs, strict=True):
        program.row([*doing[job], (variable, 1.0)], 1.0, 1.0)
    for rule in rules:
        program.row([(int(taken[at]), weight) for at, weight in rule.terms], most=rule.limit)
    weights = (
        [float(option.group.cost.user_minutes) for option in options],
        [float(option.group.cost.interruptions) for option in options],
        [float(option.moved_days) for option in options],
    )
    goals = [Goal([(int(each), 1.0) for each in left_over])]
    goals += [Goal([pair for pair in zip(taken.tolist(), each, strict=True) if pair[1]]) for each in weights]
    none_has_a_day = np.concatenate([np.zeros(len(taken)), np.ones(len(left_over))])  # keeps every rule
    step(text("the calendar of plans"), 0, 1)
    values = program.best(goals, time.monotonic() + desk.rules.solver_limit_s, start=none_has_a_day)
    if values is None:
        return [False] * len(options), False
    return [bool(values[each] > 0.5) for each in taken], program.proven


def _reasons(jobs: Sequence[Job], options: Sequence[Option], rules: Sequence[Rule]) -> Iterator[tuple[Job, Text]]:
    """Give each of some plans that have no day with the reason."""
    wanted = {(job.plan_id,) for job in jobs}
    alone: dict[str, list[int]] = defaultdict(list)
    for at, option in enumerate(options):
        if option.group.plan_ids in wanted:
            alone[option.group.plan_ids[0]].append(at)
    asked = {at for own in alone.values() for at in own}
    binding: dict[int, list[tuple[Rule, float]]] = defaultdict(list)
    for rule in rules:
        for at, weight in rule.terms:
            if at in asked:
                binding[at].append((rule, weight))
    for job in jobs:
        yield job, _why([(options[at], binding[at]) for at in alone[job.plan_id]])


def _why(alone: Sequence[tuple[Option, Sequence[tuple[Rule, float]]]]) -> Text:
    """Say why a plan has no day: what forbids each of its days by itself, or that the others leave none.

    Args:
        alone: its days, each with the rules that it adds to, and how much.
    """
    counted: Counter[str] = Counter()
    for option, binding in alone:
        against = option.against or next((rule.kind for rule, weight in binding if weight > rule.limit), None)
        if against is None:
            kinds = sorted({rule.kind for rule, _ in binding})
            return text(
                "no day is left beside the other plans, under the rules: {rules}",
                rules=listed([REASONS[kind] for kind in kinds]),
            )
        counted[against] += 1
    if not counted:
        return text("there is no day between its earliest start and its latest end")
    days = [text("{count} × {reason}", count=count, reason=REASONS[kind]) for kind, count in counted.most_common()]
    return text("none of its {count} days is allowed: {reasons}", count=len(alone), reasons=listed(days))


def _broken(options: Sequence[Option], rules: Sequence[Rule]) -> Iterator[Text]:
    """Give what the calendar breaks as it was submitted."""
    submitted = {
        at
        for at, option in enumerate(options)
        if len(option.group.jobs) == 1 and option.start == option.group.jobs[0].start
    }
    for at in sorted(submitted):
        if (against := options[at].against) is not None:
            yield text("{plan}: {reason}", plan=options[at].group.plan_ids[0], reason=REASONS[against])
    yield from _over(rules, options, submitted)


def _over(rules: Sequence[Rule], options: Sequence[Option], chosen: set[int]) -> Iterator[Text]:
    """Give each rule that some options together break, once for the same plans."""
    told = set()
    for rule in rules:
        taken = [(at, weight) for at, weight in rule.terms if at in chosen]
        used = sum(weight for _, weight in taken)
        plans = tuple(sorted(plan for at, _ in taken for plan in options[at].group.plan_ids))
        if used > rule.limit + WITHIN and (rule.kind, plans) not in told:
            told.add((rule.kind, plans))
            if rule.kind == SAME_WAYS:
                yield text("{rule}: {plans}", rule=rule.says, plans=", ".join(plans))
                continue
            yield text(
                "{rule}: {used:g} of at most {limit:g} by {plans}", rule=rule.says, used=round(used, 1),
                limit=round(rule.limit, 1), plans=", ".join(plans),
            )  # fmt: skip
