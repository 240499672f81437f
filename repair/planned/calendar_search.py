"""Which choices a calendar takes: a start, one plan after another, then made better, all plans at once or a few at a time.

Each choice is a group of plans on a day, each plan is done once or has no day, and rules are sums over choices with a limit. A
program over all plans finds the best calendar and proves it. Where it would be too large, it is asked again and again for a few
plans that stand in each other's way, while all others keep their days: a calendar never gets worse, and ends where no such few
plans can be arranged better. Work is counted in programs and nodes of their search trees, so that the answer does not depend on
how busy the machine is.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.sparse import coo_array, csc_array, csr_array

from network import text
from network.arrays import NONE, Indices, Mask, Numbers
from network.steps import step
from repair.planned.calendar_rules import WITHIN, Rule
from repair.restoration.program import Goal, Program

MOST_TERMS = 30_000
"""A program with more than so many terms is solved for a few plans at a time."""

TOGETHER = 7
"""So many plans are arranged anew at a time, with those that they are merged with."""

NODES_OF_FEW = 20
"""Nodes of the search tree for a few plans; to put their program together counts as so many, too."""


@dataclass(frozen=True)
class Choice:
    """A group of plans on a day.

    Attributes:
        plans: their numbers.
        allowed: whether the day is allowed by itself.
        minutes: user-minutes of the outage.
        interruptions: users that it cuts off.
        moved_days: by how many days its plans are moved, in all.
    """

    plans: tuple[int, ...]
    allowed: bool
    minutes: int
    interruptions: int
    moved_days: int


@dataclass(frozen=True)
class Found:
    """A calendar.

    Attributes:
        taken: numbers of the choices.
        best: whether no calendar is better.
        left_over_at_least: so many plans have no day in any calendar.
        minutes_at_least: user-minutes of the cheapest outages for the same plans, if no rule held between them.
    """

    taken: tuple[int, ...]
    best: bool
    left_over_at_least: int
    minutes_at_least: int


@dataclass(frozen=True, eq=False)
class Spans:
    """Rules as sums over spans of steps.

    Attributes:
        steps: what each choice (column) adds to each step (row).
        first: the first step of each rule.
        end: the step after its last one.
        limits: the most allowed.
    """

    steps: csc_array
    first: Indices
    end: Indices
    limits: Numbers

    @classmethod
    def of(cls, rules: Sequence[Rule], choices: int) -> Spans:
        """Return the spans of some rules."""
        every = {id(rule.series): rule.series for rule in rules}
        offsets, steps, columns, adds = {}, [NONE], [NONE], [np.zeros(0)]
        count = 0
        for key, series in every.items():
            offsets[key] = count
            steps.append(count + np.repeat(np.arange(len(series.begins) - 1), np.diff(series.begins)))
            columns.append(series.choices)
            adds.append(series.adds)
            count += len(series.begins) - 1
        table = (np.concatenate(adds), (np.concatenate(steps), np.concatenate(columns)))
        return cls(
            csc_array(coo_array(table, shape=(count, choices))),
            np.array([offsets[id(rule.series)] + rule.first for rule in rules], dtype=np.int64),
            np.array([offsets[id(rule.series)] + rule.end for rule in rules], dtype=np.int64),
            np.array([rule.limit for rule in rules], dtype=np.float64),
        )

    @property
    def terms(self) -> int:
        """How many terms the rules have, written out."""
        sizes = np.append(0, np.cumsum(np.bincount(self.steps.indices, minlength=self.steps.shape[0])))
        return int((sizes[self.end] - sizes[self.first]).sum())

    def added(self, taken: Sequence[int]) -> Numbers:
        """Return what choices add to each step."""
        own = self._entries(np.array(taken, dtype=np.int64))
        added = np.bincount(self.steps.indices[own], self.steps.data[own], minlength=self.steps.shape[0])
        return added.astype(np.float64)

    def left(self, added: Numbers) -> Numbers:
        """Return what each rule leaves beside what was added."""
        return self.limits - self._summed(added)

    def room(self, left: Numbers) -> Numbers:
        """Return how much each step can still take: what the tightest of its rules leaves."""
        rules, begins = self._over
        room = np.full(self.steps.shape[0], np.inf)
        has = np.diff(np.append(begins, len(rules))) > 0
        if has.any():
            room[has] = np.minimum.reduceat(left[rules], begins[has])
        return room

    def fits(self, choice: int, room: Numbers) -> bool:
        """Return whether a choice keeps the rules where each step has some room."""
        own = slice(self.steps.indptr[choice], self.steps.indptr[choice + 1])
        return bool((self.steps.data[own] <= room[self.steps.indices[own]] + WITHIN).all())

    def fitting(self, room: Numbers) -> Mask:
        """Return which choices keep the rules where each step has some room."""
        fits = np.ones(self.steps.shape[1], dtype=np.bool_)
        fits[self._columns[self.steps.data > room[self.steps.indices] + WITHIN]] = False
        return fits

    def in_the_way(self, choices: Sequence[int], taken: Sequence[int], room: Numbers) -> Numbers:
        """Return for each of what is taken how many of the rules it fills that some choices would break.

        Args:
            choices: what is wanted.
            taken: what is taken.
            room: what each step can take beside it.
        """
        wanted = np.zeros(self.steps.shape[0])
        own = self._entries(np.array(choices, dtype=np.int64))
        np.maximum.at(wanted, self.steps.indices[own], self.steps.data[own])
        full = (wanted > room + WITHIN).astype(np.float64)
        spans = np.flatnonzero(self._summed(full) > 0)  # rules with a step that is wanted and full
        crossed = np.zeros(self.steps.shape[0] + 1)
        np.add.at(crossed, self.first[spans], 1.0)
        np.add.at(crossed, self.end[spans], -1.0)
        weight = np.cumsum(crossed)[:-1]
        columns = np.array(taken, dtype=np.int64)
        mine = np.repeat(np.arange(len(columns)), np.diff(self.steps.indptr)[columns])
        summed = np.bincount(mine, weight[self.steps.indices[self._entries(columns)]], minlength=len(columns))
        return summed.astype(np.float64)

    def binding(self, choices: Indices, left: Numbers) -> Iterator[tuple[list[tuple[int, float]], float]]:
        """Give the rules that some choices together could break: their terms by place among the choices, and what is left.

        Rules with the same terms are given once, and those that another holds and binds are not.
        """
        own = csr_array(self.steps[:, choices])
        filled = np.flatnonzero(np.diff(own.indptr))
        first, end = np.searchsorted(filled, self.first), np.searchsorted(filled, self.end)
        total = self._summed(np.asarray(own.sum(axis=1), dtype=np.float64).ravel())
        asked = np.flatnonzero(total > left + WITHIN)
        given: dict[tuple[bytes, bytes], tuple[int, int, float]] = {}
        for rule in asked[np.lexsort((left[asked], -end[asked], first[asked]))].tolist():
            steps = filled[first[rule] : end[rule]]
            span = slice(own.indptr[steps[0]], own.indptr[steps[-1] + 1])
            key = own.indices[span].tobytes(), own.data[span].tobytes()
            if key not in given or left[rule] < given[key][2]:
                given[key] = int(span.start), int(span.stop), float(left[rule])
        for begin, stop, most in given.values():
            yield list(zip(own.indices[begin:stop].tolist(), own.data[begin:stop].tolist(), strict=True)), most

    @cached_property
    def _columns(self) -> Indices:
        """The choice of each entry."""
        return np.repeat(np.arange(self.steps.shape[1]), np.diff(self.steps.indptr))

    def _entries(self, choices: Indices) -> Indices:
        begins, counts = self.steps.indptr[choices], np.diff(self.steps.indptr)[choices]
        return np.repeat(begins - np.append(0, np.cumsum(counts)[:-1])[: len(counts)], counts) + np.arange(counts.sum())

    def _summed(self, steps: Numbers) -> Numbers:
        single = self.end == self.first + 1
        whole = steps.copy()
        whole[self.first[single]] = 0.0  # those that are no whole numbers stay out of the running sum
        running = np.append(0.0, np.cumsum(whole))
        return np.where(single, steps[self.first], running[self.end] - running[self.first])

    @cached_property
    def _over(self) -> tuple[Indices, Indices]:
        """The rules over each step, one step after another, and where those of each begin; a step without any has none."""
        counts = self.end - self.first
        rules = np.repeat(np.arange(len(counts)), counts)
        steps = np.arange(len(rules)) + np.repeat(
            self.first - np.append(0, np.cumsum(counts)[:-1])[: len(counts)], counts
        )
        by_step = np.argsort(steps, kind="stable")
        return rules[by_step], np.searchsorted(steps[by_step], np.arange(self.steps.shape[0]))


Value = tuple[int, int, int, int]
"""Plans left over, user-minutes, interruptions, moved days: the first that differs tells which calendar is better."""


class Search:
    """The choices and rules of one calendar.

    Attributes:
        count: how many plans there are.
        choices: groups on days.
    """

    def __init__(self, count: int, choices: Sequence[Choice], rules: Sequence[Rule], most_nodes: int) -> None:
        self.count, self.choices, self._most_nodes, self._nodes = count, choices, most_nodes, 0
        self._spans = Spans.of(rules, len(choices))

    def found(self) -> Found:
        """Return the best calendar that was found."""
        if not self.count:
            return Found((), True, 0, 0)
        taken = self.greedy()
        if self.terms <= MOST_TERMS:
            taken, best = self.exact(taken)
        else:
            taken, best = self.improved(taken), False
        minutes = self._cheapest(self._planned(taken))[1]
        return Found(taken, best, self.count - int(self._has_a_day.sum()), minutes)

    @property
    def terms(self) -> int:
        """How many terms a program over all plans would have."""
        return int(self._spans.terms)

    def value(self, taken: Sequence[int]) -> Value:
        """Return what a calendar is judged by."""
        own = [self.choices[each] for each in taken]
        return (
            self.count - sum(len(each.plans) for each in own),
            sum(each.minutes for each in own),
            sum(each.interruptions for each in own),
            sum(each.moved_days for each in own),
        )

    def keeps(self, taken: Sequence[int]) -> bool:
        """Return whether a calendar keeps every rule, takes allowed days alone, and does no plan twice."""
        plans = [plan for each in taken for plan in self.choices[each].plans]
        allowed = all(self.choices[each].allowed for each in taken)
        left = self._spans.left(self._spans.added(taken))
        return allowed and len(plans) == len(set(plans)) and bool((left >= -WITHIN).all())

    # One after another --------------------------------------------------------------------------------------------

    def greedy(self) -> tuple[int, ...]:
        """Return a calendar made of the cheapest groups one after another, those first that cut off the fewest users for a plan.

        Each comes on the free day by which it is moved least; where a group has none, its plans come by themselves.
        """
        groups, _ = self._cheapest(np.arange(self.count))
        order = sorted(groups, key=lambda each: (self._of(each).interruptions / len(each), len(self._days[each]), each))
        singles = [(plan,) for group in order if len(group) > 1 for plan in group]
        taken: list[int] = []
        planned = set[int]()
        room = self._spans.room(self._spans.left(self._spans.added(())))
        for at, group in enumerate((*order, *singles)):
            step(text("the calendar of plans"), min(at, self.count), 2 * self.count)
            if not planned.isdisjoint(group):
                continue
            day = next((each for each in self._days.get(group, ()) if self._spans.fits(each, room)), None)
            if day is not None:
                taken.append(day)
                planned.update(group)
                room = self._spans.room(self._spans.left(self._spans.added(taken)))
        return tuple(sorted(taken))

    # The program --------------------------------------------------------------------------------------------------

    def exact(self, start: tuple[int, ...]) -> tuple[tuple[int, ...], bool]:
        """Return the best calendar by one program over all plans, and whether it is known to be the best."""
        step(text("the calendar of plans"), self.count, 2 * self.count)
        return self._arranged(np.arange(self.count), start, self._most_nodes)

    def improved(self, start: tuple[int, ...]) -> tuple[int, ...]:
        """Return a calendar in which a few plans at a time were arranged as well as they can be beside all others."""
        taken, left = start, self._most_nodes
        room = self._spans.room(self._spans.left(self._spans.added(taken)))
        tried: set[tuple[frozenset[int], tuple[int, ...]]] = set()
        better = True
        while better and left > 0:
            better = False
            for seed in self._to_better(taken):
                done = self.count * (self._most_nodes - max(left, 0)) // self._most_nodes
                step(text("the calendar of plans"), self.count + done, 2 * self.count)
                few = self._around(seed, taken, room)
                beside = tuple(each for each in taken if few.isdisjoint(self.choices[each].plans))
                if left <= 0 or (few, beside) in tried:
                    continue
                tried.add((few, beside))
                before = self._nodes
                arranged, _ = self._arranged(np.array(sorted(few)), taken, NODES_OF_FEW)
                left -= NODES_OF_FEW + self._nodes - before
                if self.value(arranged) < self.value(taken):
                    taken, better = arranged, True
                    room = self._spans.room(self._spans.left(self._spans.added(taken)))
        return taken

    def _arranged(self, plans: Indices, taken: tuple[int, ...], most_nodes: int) -> tuple[tuple[int, ...], bool]:
        """Return a calendar in which some plans are arranged anew, and whether they cannot be arranged better.

        Args:
            plans: their numbers; whatever is merged with one of them is among them.
            taken: the calendar so far; all others keep their days.
            most_nodes: of the search tree.
        """
        anew = np.isin(np.arange(self.count), plans)
        beside = [each for each in taken if not anew[self.choices[each].plans[0]]]
        left = self._spans.left(self._spans.added(beside))
        own = np.array([bool(anew[list(group)].all()) for group in self._days], dtype=np.bool_)
        open_ = self._open[own[self._group_of_open] & self._spans.fitting(self._spans.room(left))[self._open]]
        program = Program()
        chosen = program.variables(len(open_), integer=True)
        left_over = program.variables(len(plans), integer=True)
        doing: dict[int, list[tuple[int, float]]] = {int(plan): [] for plan in plans}
        for variable, each in zip(chosen.tolist(), open_.tolist(), strict=True):
            for plan in self.choices[each].plans:
                doing[plan].append((variable, 1.0))
        for variable, plan in zip(left_over.tolist(), plans.tolist(), strict=True):
            program.row([*doing[plan], (variable, 1.0)], 1.0, 1.0)
        for terms, most in self._spans.binding(open_, np.maximum(left, 0.0)):
            program.row(terms, most=most)
        goals = [Goal([(int(each), 1.0) for each in left_over])]
        for name in ("minutes", "interruptions", "moved_days"):
            weights = [float(getattr(self.choices[each], name)) for each in open_]
            goals.append(Goal([pair for pair in zip(chosen.tolist(), weights, strict=True) if pair[1]]))
        held = set(taken)
        begun = np.array([each in held for each in open_.tolist()], dtype=np.bool_)
        done = {plan for each in open_[begun].tolist() for plan in self.choices[each].plans}
        start = np.concatenate([begun, [plan not in done for plan in plans.tolist()]]).astype(np.float64)
        values = program.best(goals, most_nodes=most_nodes, start=start)
        self._nodes += program.nodes
        if values is None:
            return taken, False
        anew_taken = open_[values[: len(open_)] > 0.5].tolist()
        arranged = tuple(sorted([*beside, *anew_taken]))
        if self.keeps(arranged) and self.value(arranged) <= self.value(taken):
            return arranged, program.proven
        return taken, False

    def _cheapest(self, plans: Indices) -> tuple[list[tuple[int, ...]], int]:
        """Return the cheapest groups that have a day and hold some plans once each, and their user-minutes.

        Plans that have no day by themselves or with others are left out.
        """
        wanted = {int(plan) for plan in plans if self._has_a_day[plan]}
        groups = [group for group in self._days if wanted.issuperset(group)]
        program = Program()
        chosen = program.variables(len(groups), integer=True)
        doing: dict[int, list[tuple[int, float]]] = {plan: [] for plan in sorted(wanted)}
        for variable, group in zip(chosen.tolist(), groups, strict=True):
            for plan in group:
                doing[plan].append((variable, 1.0))
        alone = {plan: int(program.variables(1, integer=True)[0]) for plan in doing}
        for plan, terms in doing.items():
            program.row([*terms, (alone[plan], 1.0)], 1.0, 1.0)
        goals = [Goal([(variable, 1.0) for variable in alone.values()])]
        minutes = [self._of(group).minutes for group in groups]
        goals.append(Goal([(int(at), float(each)) for at, each in zip(chosen, minutes, strict=True)]))
        values = program.best(goals, most_nodes=self._most_nodes)
        if values is None:
            return [group for group in groups if len(group) == 1], 0
        taken = np.flatnonzero(values[: len(groups)] > 0.5).tolist()
        least = sum(minutes[each] for each in taken) if program.proven else 0
        return [groups[each] for each in taken], least

    # What stands in the way ---------------------------------------------------------------------------------------

    def _to_better(self, taken: tuple[int, ...]) -> list[int]:
        """Return the plans around which a calendar may become better: without a day first, then by the days of their moves."""
        moved = {plan: self.choices[each].moved_days for each in taken for plan in self.choices[each].plans}
        asked = [
            plan for plan in range(self.count) if self._has_a_day[plan] and (moved.get(plan) != 0 or self._beside[plan])
        ]
        return sorted(asked, key=lambda plan: (plan in moved, -moved.get(plan, 0), plan))

    def _around(self, seed: int, taken: tuple[int, ...], room: Numbers) -> frozenset[int]:
        """Return a plan with those that it may be merged with or that hold its days."""
        mine = [each for group, days in self._days.items() if seed in group for each in days]
        shared = self._spans.in_the_way(mine, taken, room)
        holding = [taken[at] for at in np.argsort(-shared, kind="stable") if shared[at]]
        few = dict.fromkeys([seed, *sorted(self._beside[seed])][:TOGETHER])
        for each in holding:
            if len(few) >= TOGETHER:
                break
            few |= dict.fromkeys(self.choices[each].plans)
        merged = [self.choices[each].plans for each in taken if not set(few).isdisjoint(self.choices[each].plans)]
        return frozenset([*few, *(plan for plans in merged for plan in plans)])

    # What holds for all -------------------------------------------------------------------------------------------

    @cached_property
    def _open(self) -> Indices:
        """The choices that are allowed and keep the rules by themselves."""
        allowed = np.array([choice.allowed for choice in self.choices], dtype=np.bool_)
        return np.flatnonzero(allowed & self._spans.fitting(self._spans.room(self._spans.limits)))

    @cached_property
    def _group_of_open(self) -> Indices:
        """The place of the group of each of them among all groups."""
        places = {group: at for at, group in enumerate(self._days)}
        return np.array([places[self.choices[each].plans] for each in self._open.tolist()], dtype=np.int64)

    @cached_property
    def _days(self) -> dict[tuple[int, ...], list[int]]:
        """The choices of each group that may be taken, by the days that they are moved."""
        days: dict[tuple[int, ...], list[int]] = {}
        for each in sorted(self._open.tolist(), key=lambda at: (self.choices[at].moved_days, at)):
            days.setdefault(self.choices[each].plans, []).append(each)
        return days

    @cached_property
    def _has_a_day(self) -> Mask:
        has = np.zeros(self.count, dtype=np.bool_)
        has[[plan for group in self._days for plan in group]] = True
        return has

    @cached_property
    def _beside(self) -> list[set[int]]:
        """The plans that each may be merged with."""
        beside: list[set[int]] = [set() for _ in range(self.count)]
        for group in self._days:
            for plan in group:
                beside[plan].update(group)
        return [others - {plan} for plan, others in enumerate(beside)]

    def _of(self, group: tuple[int, ...]) -> Choice:
        return self.choices[self._days[group][0]]

    def _planned(self, taken: Sequence[int]) -> Indices:
        return np.array(sorted(plan for each in taken for plan in self.choices[each].plans), dtype=np.int64)
