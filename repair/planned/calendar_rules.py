"""What a calendar of planned outages must keep: crews, budgets, ways of the network, and who has been off too often."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
import polars as pl

from network import Text, text
from network.arrays import Indices, Numbers
from reliability.repeat import RULES, binds, rooms
from repair.planned.merging import Group
from repair.planned.plan_desk import NO_UNIT, PlanDesk

OVER_CREWS, OVER_BUDGET, TOO_OFTEN, SAME_WAYS = "crews", "budget", "too_often", "same_ways"

WITHIN = 1e-9
"""Sums this little above a limit keep it."""

_Span = tuple[str, datetime, datetime]
"""A rule and when its span begins and ends."""

Choices = Sequence[tuple[Group, datetime]]
"""Groups, each with a start."""


@dataclass(frozen=True, eq=False)
class Series:
    """Choices in an order, in steps; rules are sums over steps that follow each other.

    Attributes:
        choices: numbers of choices.
        adds: what each of them adds.
        begins: where each step begins among the choices, and where the last of them ends.
    """

    choices: Indices
    adds: Numbers
    begins: Indices


@dataclass(frozen=True, eq=False)
class Rule:
    """A sum over choices that may not exceed a limit.

    Attributes:
        kind: ``crews``, ``budget``, ``too_often`` or ``same_ways``.
        says: what it is.
        series: the choices that are counted, with others that are not.
        first: the first step of the series that is counted.
        end: the first after it that is not.
        limit: the most allowed.
    """

    kind: str
    says: Text
    series: Series
    first: int
    end: int
    limit: float

    @property
    def choices(self) -> Indices:
        """The numbers of choices that are counted."""
        return self.series.choices[self._span]

    @property
    def adds(self) -> Numbers:
        """What each of them adds."""
        return self.series.adds[self._span]

    @property
    def _span(self) -> slice:
        return slice(int(self.series.begins[self.first]), int(self.series.begins[self.end]))


def _rule(kind: str, says: Text, terms: Iterable[tuple[int, float]], limit: float) -> Rule:
    numbers, adds = zip(*terms, strict=True)
    one_step = Series(np.array(numbers, dtype=np.int64), np.array(adds, dtype=np.float64), np.array([0, len(adds)]))
    return Rule(kind, says, one_step, 0, 1, limit)


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
        rules.append(_rule(OVER_CREWS, says, own, float(max(limit - busy[unit, day], 0))))
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
    return _rule(OVER_BUDGET, says, terms, limit)


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
    kept = desk.history.filter(pl.col("user_id").is_in(list(covering)))
    voltage = max((desk.voltage_kv(job) for group in groups for job in group.jobs), default=0.0)
    left = rooms(kept, preset, [start for _, start in choices], voltage)
    named: dict[str, dict[_Span, int]] = defaultdict(dict)
    others: dict[_Span, int] = {}
    for user, rule, since, until, _, room in left.iter_rows():
        (others if user is None else named[user])[rule, since, until] = room
    spans = list(dict.fromkeys([*others, *(span for own in named.values() for span in own)]))
    found: list[Rule] = []
    for user, left_of in _hardest(covering, named, others, spans):
        jobs = {job.plan_id for group in covering[user] for job in group.jobs}
        by_rule: dict[str, list[tuple[datetime, datetime, int]]] = defaultdict(list)
        for (rule, since, until), room in zip(spans, left_of.tolist(), strict=True):
            if room < len(jobs):
                by_rule[rule].append((since, until, room))
        for rule, own in by_rule.items():
            binding = [
                each for each in covering[user] if any(binds(preset, rule, job.row["nature"]) for job in each.jobs)
            ]
            found += _spans_of(user, rule, own, [(*pair, each) for each in binding for pair in at_group[each]])
    return found


def _hardest(
    covering: dict[str, list[Group]], named: dict[str, dict[_Span, int]], others: dict[_Span, int], spans: list[_Span]
) -> Iterator[tuple[str, Indices]]:
    """Give the users whose rooms keep those of all others too, with what each span leaves them.

    A user is kept by another whom every group that cuts off the first cuts off too, and whom no span leaves more.
    """
    free = np.iinfo(np.int64).max
    usual = np.array([others.get(span, free) for span in spans], dtype=np.int64)
    at_span = {span: at for at, span in enumerate(spans)}
    given: list[tuple[frozenset[Group], Indices]] = []
    for user in sorted(covering, key=lambda each: -len(covering[each])):
        left_of = usual.copy()
        for span, room in named[user].items():
            left_of[at_span[span]] = room
        own = frozenset(covering[user])
        if not any(own <= larger and (less <= left_of).all() for larger, less in given):
            given.append((own, left_of))
            yield user, left_of


def _spans_of(
    user: str,
    rule: str,
    spans: Sequence[tuple[datetime, datetime, int]],
    counting: Sequence[tuple[int, datetime, Group]],
) -> Iterator[Rule]:
    """Give one rule for each span in which a user could be off too often; a span that another holds and binds is left out.

    Args:
        user: who stands for all that are in the same case.
        rule: name of the rule.
        spans: since when, until when, and how many outages are left.
        counting: choices that count, with their starts and groups.
    """
    order = sorted(counting, key=lambda each: each[1])
    starts = sorted({start for _, start, _ in order})
    begins = np.searchsorted(
        np.array([start for _, start, _ in order], dtype="M8[us]"), np.array(starts, dtype="M8[us]")
    )
    numbers = np.array([at for at, *_ in order], dtype=np.int64)
    series = Series(numbers, np.ones(len(numbers)), np.append(begins, len(numbers)))
    ranges = [(bisect_left(starts, since), bisect_left(starts, until), room, since) for since, until, room in spans]
    wider: list[tuple[int, int]] = []  # where spans end that began earlier, and what they leave
    for first, end, room, since in sorted(ranges, key=lambda each: (each[0], -each[1], each[2], each[3])):
        if first == end or any(end <= later and less <= room for later, less in wider):
            continue
        wider = [each for each in wider if each[0] > end or each[1] < room] + [(end, room)]
        says = text("outages of user {user} from {since} on, by the rule {rule}", user=user, since=f"{since:%Y-%m-%d}",
                    rule=RULES[rule])  # fmt: skip
        yield Rule(TOO_OFTEN, says, series, first, end, float(room))


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
                    terms, _rule(SAME_WAYS, text("outages at the same time over the same ways"), terms, limit)
                )
    return list(rules.values())


def _at_once(
    weights: Sequence[tuple[Group, float]], at_group: dict[Group, list[tuple[int, datetime]]]
) -> Iterator[tuple[tuple[int, float], ...]]:
    """Give, for each start, the choices that are under way then."""
    if frozenset.intersection(*(frozenset(group.plan_ids) for group, _ in weights)):
        return  # a job they all hold is done once, so that only one of them is ever taken
    own = [(group, weight, at, start) for group, weight in weights for at, start in at_group[group]]
    begins = np.array([start for *_, start in own], dtype="M8[us]")
    ends = begins + np.array([group.minutes for group, *_ in own], dtype="m8[m]")
    terms = [(at, weight) for _, weight, at, _ in own]
    for moment in np.unique(begins):
        under_way = np.flatnonzero((begins <= moment) & (moment < ends)).tolist()
        yield tuple(terms[each] for each in under_way)


def _largest(sets: Iterable[Sequence[Group]]) -> list[tuple[Group, ...]]:
    """Return those of some sets, given in one order, that no other holds."""
    kept: list[tuple[frozenset[Group], tuple[Group, ...]]] = []
    for members in sorted(dict.fromkeys(tuple(one) for one in sets), key=len, reverse=True):
        if not any(larger.issuperset(members) for larger, _ in kept):
            kept.append((frozenset(members), members))
    return [each for _, each in kept]
