"""What a calendar of planned outages must keep: crews, budgets, ways of the network, and who has been off too often."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import polars as pl

from network import Text, text
from reliability.repeat import RULES, binds, rooms
from repair.planned.merging import Group
from repair.planned.plan_desk import NO_UNIT, PlanDesk

OVER_CREWS, OVER_BUDGET, TOO_OFTEN, SAME_WAYS = "crews", "budget", "too_often", "same_ways"

Choices = Sequence[tuple[Group, datetime]]
"""Groups, each with a start."""


@dataclass(frozen=True)
class Rule:
    """A sum over choices that may not exceed a limit.

    Attributes:
        kind: ``crews``, ``budget``, ``too_often`` or ``same_ways``.
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
        guides: those that are only told.
        remarks: what could not be checked.
    """

    rules: tuple[Rule, ...]
    guides: tuple[Rule, ...]
    remarks: tuple[Text, ...]


def rules_of(desk: PlanDesk, choices: Choices) -> Rules:
    """Return the rules that some of these choices together could break."""
    crews, no_crews = _crews(desk, choices)
    years, months, no_budget = _budgets(desk, choices)
    kept = months if desk.rules.monthly_budget == "keep" else []
    guides = [] if kept else months
    found = (*crews, *years, *kept, *_too_often(desk, choices), *_same_ways(choices))
    return Rules(found, tuple(guides), (*no_crews, *no_budget))


def _crews(desk: PlanDesk, choices: Choices) -> tuple[list[Rule], list[Text]]:
    """Return that no unit has more jobs on a day than crews; a job counts on every day on which it goes on."""
    terms: dict[tuple[str, datetime], list[tuple[int, float]]] = defaultdict(list)
    for at, (group, start) in enumerate(choices):
        on: Counter[tuple[str, datetime]] = Counter(
            (job.row["unit"] or NO_UNIT, day) for job in group.jobs for day in _days(start, job.minutes)
        )
        for (unit, day), jobs in on.items():
            terms[unit, day].append((at, float(jobs)))
    crews = desk.net.workspace.tables["crews"]
    counts = dict(crews.drop_nulls("unit").group_by("unit").len().iter_rows())
    busy = Counter((job.row["unit"] or NO_UNIT, day) for job in desk.under_way for day in _days(job.start, job.minutes))
    rules, unknown = [], set()
    for (unit, day), own in terms.items():
        limit = desk.rules.jobs_per_day or counts.get(unit)
        if limit is None:
            unknown.add(unit)
            continue
        says = text("jobs of {unit} on {day}", unit=unit or "—", day=f"{day:%Y-%m-%d}")
        rules.append(Rule(OVER_CREWS, says, tuple(own), float(max(limit - busy[unit, day], 0))))
    said = [
        text(
            "no crews of {unit} are known: its jobs of a day are not limited (jobs_per_day, or the table crews)",
            unit=unit or "—",
        )
        for unit in sorted(unknown)
    ]
    return rules, said


def _days(start: datetime, minutes: int) -> list[datetime]:
    """Return every day on which work of so many minutes goes on."""
    first = start.replace(hour=0, minute=0, second=0, microsecond=0)
    last = start + timedelta(minutes=max(minutes, 1)) - timedelta(microseconds=1)
    return [first + timedelta(days=each) for each in range((last - first).days + 1)]


def _budgets(desk: PlanDesk, choices: Choices) -> tuple[list[Rule], list[Rule], list[Text]]:
    """Return that no unit's users are off for more customer-hours than its budget leaves: of the year, and of each month."""
    monthly: dict[tuple[str, int, int], list[tuple[int, float]]] = defaultdict(list)
    for at, (group, start) in enumerate(choices):
        for (unit, year, month), hours in group.cost.hours_by_month(start, group.minutes).items():
            if hours:
                monthly[unit, year, month].append((at, hours))
    yearly: dict[tuple[str, int], list[tuple[int, float]]] = defaultdict(list)
    for (unit, year, _), own in monthly.items():
        in_year = dict(yearly[unit, year])
        for at, hours in own:
            in_year[at] = in_year.get(at, 0.0) + hours
        yearly[unit, year] = list(in_year.items())
    years, months, unknown = [], [], set()
    for (unit, year), own in yearly.items():
        limit = _left(desk, unit, year)
        if limit is None:
            unknown.add(unit)
        else:
            years.append(_hours(unit, str(year), own, limit))
    for (unit, year, month), own in monthly.items():
        budget = desk.budget_of(unit, year)
        if budget is not None and budget.monthly_plan_ch is not None:
            left = budget.monthly_plan_ch - budget.prearranged_by_month_ch.get(month, 0.0)
            left -= sum(hours for key, hours in _under_way(desk) if key == (unit, year, month))
            months.append(_hours(unit, f"{year}-{month:02}", own, max(left, 0.0)))
    said = [
        text("no budget of {unit}: its customer-hours are not limited", unit=unit or "—") for unit in sorted(unknown)
    ]
    return years, months, said


def _hours(unit: str, period: str, terms: list[tuple[int, float]], limit: float) -> Rule:
    says = text("customer-hours of {unit} in {period}", unit=unit or "—", period=period)
    return Rule(OVER_BUDGET, says, tuple(terms), limit)


def _left(desk: PlanDesk, unit: str, year: int) -> float | None:
    """Return what a year's budget leaves for all plans to come, approved ones among them."""
    budget = desk.budget_of(unit, year)
    if budget is None or budget.annual_ch is None:
        return None
    rest = sum(hours for key, hours in _under_way(desk) if key[:2] == (unit, year))
    return max(budget.annual_ch - budget.consumed_ch - rest, 0.0)


def _under_way(desk: PlanDesk) -> Iterator[tuple[tuple[str, int, int], float]]:
    """Give the customer-hours that are left of the outages under way, by unit, year and month."""
    for job in desk.under_way:
        if job.needs_outage:
            yield from job.after.hours_by_month(job.start, job.minutes).items()


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
                            rule=RULES[rule])  # fmt: skip
                found[terms, room] = Rule(TOO_OFTEN, says, terms, float(room))
    return list(found.values())


def _same_ways(choices: Choices) -> list[Rule]:
    """Return that no two outages at the same time take the same part of the network, or lean on what the other takes.

    Intervals that overlap in pairs all hold the moment at which the last of them begins, so that the starts are enough.
    """
    groups = list(dict.fromkeys(group for group, _ in choices))
    taking: dict[int, list[Group]] = defaultdict(list)
    users: dict[int, list[Group]] = defaultdict(list)
    for group in groups:
        for each in group.outage.ways.taken:
            taking[each].append(group)
        for feeder in group.outage.ways.over:
            users[feeder].append(group)
    found = [(tuple((group, 1.0) for group in each), 1.0) for each in _largest(taking.values())]
    for feeder, over in users.items():
        beside = [each for each in groups if feeder in each.outage.ways.home and each not in over]
        jobs = float(len({job.plan_id for group in beside for job in group.jobs}) or 1)
        found.append(((*((each, jobs) for each in over), *((each, 1.0) for each in beside)), jobs))
    at_group: dict[Group, list[tuple[int, datetime]]] = defaultdict(list)
    for at, (group, start) in enumerate(choices):
        at_group[group].append((at, start))
    rules: dict[tuple[tuple[int, float], ...], Rule] = {}
    for weights, limit in found:
        for terms in _at_once(weights, at_group):
            if sum(weight for _, weight in terms) > limit:
                rules.setdefault(
                    terms, Rule(SAME_WAYS, text("outages at the same time over the same ways"), terms, limit)
                )
    return list(rules.values())


def _at_once(
    weights: Sequence[tuple[Group, float]], at_group: dict[Group, list[tuple[int, datetime]]]
) -> Iterator[tuple[tuple[int, float], ...]]:
    """Give, for each start, the choices that are under way then."""
    if frozenset.intersection(*(frozenset(group.plan_ids) for group, _ in weights)):
        return  # a job they all hold is done once, so that only one of them is ever taken
    spans = [
        (start, start + timedelta(minutes=group.minutes), at, weight)
        for group, weight in weights
        for at, start in at_group[group]
    ]
    for moment in sorted({start for start, *_ in spans}):
        yield tuple((at, weight) for start, end, at, weight in spans if start <= moment < end)


def _largest(sets: Iterable[Sequence[Group]]) -> list[tuple[Group, ...]]:
    """Return those of some sets, given in one order, that no other holds."""
    kept: list[tuple[frozenset[Group], tuple[Group, ...]]] = []
    for each in sorted(dict.fromkeys(tuple(one) for one in sets), key=len, reverse=True):
        if not any(larger.issuperset(each) for larger, _ in kept):
            kept.append((frozenset(each), each))
    return [each for _, each in kept]
