"""What a calendar of planned outages must keep: crews of a day, budgets of a month and a year, and who has been off too often."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import polars as pl

from network import Text, text
from reliability.budget import Budget
from reliability.repeat import binds, rooms
from repair.merging import Group
from repair.plan_desk import NO_UNIT, PlanDesk

OVER_CREWS, OVER_BUDGET, TOO_OFTEN = "crews", "budget", "too_often"

Choices = Sequence[tuple[Group, datetime]]
"""Groups, each with a start."""


@dataclass(frozen=True)
class Rule:
    """A sum over choices that may not exceed a limit.

    Attributes:
        kind: ``crews``, ``budget`` or ``too_often``.
        says: what it is.
        terms: number of a choice, and what it adds.
        limit: the most allowed.
    """

    kind: str
    says: Text
    terms: tuple[tuple[int, float], ...]
    limit: float


@dataclass(frozen=True)
class Rules:
    """All rules over some choices.

    Attributes:
        rules: those that could be broken.
        remarks: what could not be checked.
    """

    rules: tuple[Rule, ...]
    remarks: tuple[Text, ...]


def rules_of(desk: PlanDesk, choices: Choices) -> Rules:
    """Return the rules that some of these choices together could break."""
    found: list[Rule] = []
    remarks: list[Text] = []
    for make in (_crews, _budgets):
        rules, said = make(desk, choices)
        found += rules
        remarks += said
    return Rules((*found, *_too_often(desk, choices)), tuple(remarks))


def _crews(desk: PlanDesk, choices: Choices) -> tuple[list[Rule], list[Text]]:
    """Return that no unit has more jobs on a day than crews."""
    terms: dict[tuple[str, datetime], list[tuple[int, float]]] = defaultdict(list)
    for at, (group, start) in enumerate(choices):
        day = start.replace(hour=0, minute=0, second=0, microsecond=0)
        for unit in {job.row["unit"] or NO_UNIT for job in group.jobs}:
            own = sum((job.row["unit"] or NO_UNIT) == unit for job in group.jobs)
            terms[unit, day].append((at, float(own)))
    crews = desk.net.workspace.tables["crews"]
    counts = dict(crews.drop_nulls("unit").group_by("unit").len().iter_rows())
    rules, unknown = [], set()
    for (unit, day), own in terms.items():
        limit = desk.rules.jobs_per_day or counts.get(unit)
        if limit is None:
            unknown.add(unit)
            continue
        says = text("jobs of {unit} on {day}", unit=unit or "—", day=f"{day:%Y-%m-%d}")
        rules.append(Rule(OVER_CREWS, says, tuple(own), float(limit)))
    said = [
        text(
            "no crews of {unit} are known: its jobs of a day are not limited (jobs_per_day, or the table crews)",
            unit=unit or "—",
        )
        for unit in sorted(unknown)
    ]
    return rules, said


def _budgets(desk: PlanDesk, choices: Choices) -> tuple[list[Rule], list[Text]]:
    """Return that no unit's users are off for more customer-hours than its budget of the month and of the year leaves."""
    monthly: dict[tuple[str, int, int], list[tuple[int, float]]] = defaultdict(list)
    for at, (group, start) in enumerate(choices):
        for unit, minutes in group.cost.by_unit.items():
            if minutes:
                monthly[unit, start.year, start.month].append((at, minutes / 60.0))
    yearly: dict[tuple[str, int], list[tuple[int, float]]] = defaultdict(list)
    for (unit, year, _), own in monthly.items():
        yearly[unit, year] += own
    rules, unknown = [], set()
    for (unit, year), own in yearly.items():
        limit = _left(desk, unit, year)
        if limit is None:
            unknown.add(unit)
        else:
            rules.append(Rule(OVER_BUDGET, text("customer-hours of {unit} in {period}", unit=unit, period=str(year)),
                              tuple(own), limit))  # fmt: skip
    for (unit, year, month), own in monthly.items():
        budget = _budget(desk, unit, year)
        if budget is not None and budget.monthly_plan_ch is not None:
            limit = max(budget.monthly_plan_ch - budget.prearranged_by_month_ch.get(month, 0.0), 0.0)
            says = text("customer-hours of {unit} in {period}", unit=unit, period=f"{year}-{month:02}")
            rules.append(Rule(OVER_BUDGET, says, tuple(own), limit))
    return rules, [
        text("no budget of {unit}: its customer-hours are not limited", unit=unit or "—") for unit in sorted(unknown)
    ]


def _budget(desk: PlanDesk, unit: str, year: int) -> Budget | None:
    return desk.budget_of(unit, year)


def _left(desk: PlanDesk, unit: str, year: int) -> float | None:
    """Return what a year's budget leaves for all plans to come, approved ones among them."""
    budget = _budget(desk, unit, year)
    if budget is None or budget.annual_ch is None:
        return None
    return max(budget.annual_ch - budget.consumed_ch, 0.0)


def _too_often(desk: PlanDesk, choices: Choices) -> list[Rule]:
    """Return that nobody is off more often than the rules allow, with what the records have."""
    preset = desk.frequent_rules
    groups = list(dict.fromkeys(group for group, _ in choices))
    counting = {group: desk.counting(group.outage) for group in groups}
    covering: dict[str, list[Group]] = defaultdict(list)
    for group in groups:
        for user in counting[group]:
            covering[user].append(group)
    at_group: dict[Group, list[tuple[int, datetime]]] = defaultdict(list)
    for at, (group, start) in enumerate(choices):
        at_group[group].append((at, start))
    starts = [start for _, start in choices]
    kept = desk.history.filter(pl.col("user_id").is_in(list(covering)))
    voltage = max((desk.voltage_kv(job) for group in groups for job in group.jobs), default=0.0)
    left = rooms(kept, preset, starts, voltage)
    named: dict[str, list[tuple[str, datetime, datetime, int]]] = defaultdict(list)
    others: list[tuple[str, datetime, datetime, int]] = []
    for user, rule, since, until, _, room in left.iter_rows():
        (others if user is None else named[user]).append((rule, since, until, room))
    found: dict[tuple[tuple[tuple[int, float], ...], float], Rule] = {}
    for user, own in covering.items():
        jobs = {job.plan_id for group in own for job in group.jobs}
        spans = {each[:3]: each for each in others} | {each[:3]: each for each in named[user]}
        for rule, since, until, room in spans.values():
            if room >= len(jobs):
                continue
            terms = tuple(
                (at, 1.0)
                for group in own
                if any(binds(preset, rule, job.row["nature"]) for job in group.jobs)
                for at, start in at_group[group]
                if since <= start < until
            )
            if terms and (terms, room) not in found:
                says = text("outages of user {user} from {since} on, by the rule {rule}", user=user, since=f"{since:%Y-%m-%d}",
                            rule=rule)  # fmt: skip
                found[terms, room] = Rule(TOO_OFTEN, says, terms, float(room))
    return list(found.values())
