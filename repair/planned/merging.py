"""One outage for many jobs 一停多用: which pending jobs are done together, so that all of them cost the fewest customer-hours.

The jobs are parted into groups, each done in one outage: its work is the union of the works, it lasts as long as the longest of
its jobs (crews work side by side), and who is off is found on the network, with transfer, as for a single plan. Every group whose
outage areas hang together and whose starts lie within the window is a candidate; which of them to take is a set partitioning
problem, solved exactly.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

from network import FudianError, text
from network.representation import Shown
from network.steps import step
from repair.planned.plan_desk import Cost, Job, PlanDesk
from repair.planned.planned_work import WorkOutage
from repair.restoration.program import Goal, Program

MOST_CANDIDATES = 400
"""Groups whose outage is computed at most; beyond, the answer says that there are more."""


@dataclass(frozen=True, eq=False, repr=False)
class Group(Shown):
    """Jobs in one outage.

    Attributes:
        jobs: in the order of their starts.
        outage: who is off.
        cost: what it takes.
    """

    jobs: tuple[Job, ...]
    outage: WorkOutage
    cost: Cost

    @cached_property
    def plan_ids(self) -> tuple[str, ...]:
        """The plans."""
        return tuple(job.plan_id for job in self.jobs)

    @cached_property
    def minutes(self) -> int:
        """How long the outage lasts: as long as the longest job."""
        return max(job.minutes for job in self.jobs)

    @property
    def separate_minutes(self) -> int:
        """User-minutes of the jobs done one by one."""
        return sum(job.after.user_minutes for job in self.jobs)

    @property
    def saving_ch(self) -> float:
        """Customer-hours saved by doing the jobs together."""
        return (self.separate_minutes - self.cost.user_minutes) / 60.0


@dataclass(frozen=True, eq=False, repr=False)
class Candidates(Shown):
    """The groups that may be formed.

    Attributes:
        groups: single jobs first.
        complete: whether all are there.
    """

    groups: tuple[Group, ...]
    complete: bool


@dataclass(frozen=True, eq=False, repr=False)
class Grouping(Shown):
    """The best way to part the jobs into outages.

    Attributes:
        groups: each job stands in one.
        best: whether no better grouping exists among the candidates, and no candidate is missing.
        complete: whether no candidate is missing.
    """

    groups: tuple[Group, ...]
    best: bool
    complete: bool = True

    @property
    def saving_ch(self) -> float:
        """Customer-hours saved against every job by itself."""
        return sum(group.saving_ch for group in self.groups)

    def holding(self, plan_ids: Iterable[str]) -> tuple[Group, ...]:
        """Return the groups that hold any of some plans."""
        wanted = set(plan_ids)
        return tuple(group for group in self.groups if wanted.intersection(group.plan_ids))

    def of(self, plan_id: str) -> Group | None:
        """Return the group of a plan."""
        return next((group for group in self.groups if plan_id in group.plan_ids), None)


def candidates(desk: PlanDesk, jobs: Sequence[Job]) -> Candidates:
    """Return every group of jobs whose outage areas hang together, whose starts lie within the window, and that can be isolated.

    Jobs whose areas do not touch gain nothing from one outage: each would only last as long as the longer one. Where there are
    too many, those come first that would save most if nobody were transferred.
    """
    return desk.remember(("candidates", *jobs), lambda: _candidates(desk, jobs))


def _candidates(desk: PlanDesk, jobs: Sequence[Job]) -> Candidates:
    near = {
        first: {second for second, other in enumerate(jobs) if second != first and each.outage.area & other.outage.area}
        for first, each in enumerate(jobs)
    }
    found = {frozenset([at]) for at in near}
    layer, complete = set(found), True
    for _ in range(desk.rules.merge_most - 1):
        larger = {group | {other} for group in layer for at in group for other in near[at] - group}
        layer = {group for group in larger if _within_window(desk, [jobs[at] for at in group])}
        room = MOST_CANDIDATES + len(jobs) - len(found)
        if len(layer) > room:
            promising = sorted(layer, key=lambda group: (-_saved_at_most([jobs[at] for at in group]), sorted(group)))
            layer, complete = set(promising[: max(room, 0)]), False
        found |= layer
    groups = []
    for at, chosen in enumerate(sorted(found, key=lambda each: (len(each), sorted(each)))):
        step(text("groups of plans in one outage"), at, len(found))
        members = tuple(sorted((jobs[at] for at in chosen), key=lambda job: (job.start, job.plan_id)))
        try:
            groups.append(Group(members, *desk.merged(members)))
        except FudianError:
            continue  # together they cannot be parted from a source: no such group
    return Candidates(tuple(groups), complete)


def _saved_at_most(jobs: Sequence[Job]) -> int:
    """Return the user-minutes that one outage would save if nobody were transferred."""
    together = len(frozenset[int]().union(*(job.outage.area for job in jobs))) * max(job.minutes for job in jobs)
    return sum(len(job.outage.area) * job.minutes for job in jobs) - together


def _within_window(desk: PlanDesk, jobs: Sequence[Job]) -> bool:
    starts = [job.start for job in jobs]
    return (max(starts) - min(starts)).days < desk.rules.merge_window_days


def best_grouping(desk: PlanDesk, jobs: Sequence[Job], among: Candidates | None = None) -> Grouping:
    """Return the grouping of jobs with the fewest customer-hours; of equal ones that with the fewest interruptions of users.

    Args:
        desk: what the plans share.
        jobs: the jobs to be parted into groups.
        among: the candidates, where they are known.
    """
    if not jobs:
        return Grouping((), True)
    known = among or candidates(desk, jobs)
    program = Program()
    chosen = program.variables(len(known.groups), integer=True)
    for job in jobs:
        program.row([(at, 1.0) for at, group in zip(chosen, known.groups, strict=True) if job in group.jobs], 1.0, 1.0)
    goals = [
        Goal([(at, float(group.cost.user_minutes)) for at, group in zip(chosen, known.groups, strict=True)]),
        Goal([(at, float(group.cost.interruptions)) for at, group in zip(chosen, known.groups, strict=True)]),
    ]
    values = program.best(goals, most_nodes=desk.rules.solver_nodes)
    if values is None:  # each job by itself is always a way
        return Grouping(known.groups[: len(jobs)], False, known.complete)
    taken = tuple(group for at, group in zip(chosen, known.groups, strict=True) if values[at] > 0.5)
    return Grouping(taken, program.proven and known.complete, known.complete)
