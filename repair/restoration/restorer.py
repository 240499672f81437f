"""Restoration 复电: which switches to operate, in which order, so that most is fed again before the repair (field reference 7.6).

先复电、后抢修 — power back first, repair after. The search (:mod:`repair.restoration.switching_model`) works on zones and
sums. What it finds
is played step by step on the network itself, and is shown only if every step keeps the fault dead, the network radial, every
branch and source within its limit and every voltage above the lowest one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from typing import Any

import numpy as np
import polars as pl

from network import FudianError, LostSupply, Supply, Text, Topology, text
from network.arrays import Indices, Numbers
from network.ids import each_of
from network.representation import Shown
from repair.affected import Affected, between
from repair.isolation import Isolation, isolate, resumed
from repair.restoration.capacity import Overload, load_of_sources
from repair.restoration.load_curve import (
    Hour,
    LoadBasis,
    LoadCurve,
    cold_load_after,
    highest_of,
    hours_until,
    planning_loads,
    said_of,
)
from repair.restoration.loading import Loads
from repair.restoration.missing import LIMIT, SEARCH, Missing, missing
from repair.restoration.mobile import MobileNeed, mobile_needs
from repair.restoration.operation import ON_SITE, REMOTE
from repair.restoration.problem import PARTS_OF_KW, RestorationProblem
from repair.restoration.proof import Played, Proof, Step, play
from repair.restoration.search import search, with_permission
from repair.restoration.sequence import operations
from repair.restoration.switching_model import SwitchingSolution
from repair.settings import PlannedSettings, RestorationSettings

REPAIR = "repair"

MOST_STEPS = 2_000
"""Operations of one plan: each is proven on the whole network."""


@dataclass(frozen=True)
class Stage:
    """Who comes back together.

    Attributes:
        stage: ``remote``, ``on_site`` or ``repair``.
        minutes: since the fault was located.
        transformers: how many come back.
        customers: how many come back; ``None`` without a table of customers.
        transformer_ids, customer_ids: who they are.
    """

    stage: str
    minutes: float
    transformers: int
    customers: int | None
    transformer_ids: tuple[str, ...]
    customer_ids: tuple[str, ...]


@dataclass(frozen=True)
class Savings:
    """What is saved against waiting for the repair.

    Attributes:
        transformer_hours: hours of medium-voltage users (transformers) that are not lost.
        customer_hours: hours of customers that are not lost; ``None`` without a table of customers.
        saidi_h: hours per medium-voltage user of the network; ``None`` where it has none.
    """

    transformer_hours: float
    customer_hours: float | None
    saidi_h: float | None

    def as_dict(self) -> dict[str, float | None]:
        """Return ``saved_transformer_hours, saved_customer_hours, saidi_saved_h``."""
        return {
            "saved_transformer_hours": self.transformer_hours,
            "saved_customer_hours": self.customer_hours,
            "saidi_saved_h": self.saidi_h,
        }


@dataclass(frozen=True)
class State:
    """Branches that differ from the time before the fault: without supply, fed again, open, closed."""

    dead: tuple[str, ...]
    back: tuple[str, ...]
    opened: tuple[str, ...]
    closed: tuple[str, ...]


@dataclass(frozen=True, eq=False, repr=False)
class RestorationPlan(Shown):
    """How power comes back for one fault.

    Attributes:
        fault: the fault and its isolation.
        isolating: devices that are open at the end for the sake of the fault: those around it, and those that tripped and stay.
        steps: the operations in order.
        states: supply after the trip, then after each step.
        lost: who lost supply by the trip.
        back: who has it again at the end.
        stages: what comes back when.
        missing: who stays off until the repair, and why.
        mobile: what mobile supply could do for important customers among them.
        overloads: limits that a step breaks; a plan with any is never returned.
        proof: what was shown.
        lowest_voltage_pu: at the end; ``None`` where no feeder around has impedances.
        load: the load at which it was proven.
        best: whether it is certain that nothing could feed more; else the search has done all its work, or losses left a gap.
        gap: what could be fed more at most, by the objective: customers (important ones by their weight) or kW; 0 for the best.
        rules: the settings.
        assumed: what stands in for missing data, and what else to know.
        done: operations that were carried out before, each ``open`` or ``close`` with its device; the plan goes on from there.
    """

    fault: Isolation
    isolating: tuple[str, ...]
    steps: tuple[Step, ...]
    states: tuple[Supply, ...]
    lost: LostSupply
    back: LostSupply
    stages: tuple[Stage, ...]
    missing: tuple[Missing, ...]
    mobile: tuple[MobileNeed, ...]
    overloads: tuple[Overload, ...]
    proof: Proof
    lowest_voltage_pu: float | None
    load: LoadBasis
    best: bool
    gap: float
    rules: RestorationSettings
    assumed: tuple[Text, ...]
    done: tuple[tuple[str, str], ...] = ()

    def _line(self) -> str:
        back, lost = len(self.back.transformer_index), len(self.lost.transformer_index)
        return f"RestorationPlan: {len(self.steps)} steps bring back {back} of {lost} transformers"

    def _table(self) -> pl.DataFrame:
        columns = ("order", "action", "branch_id", "remote", "stage", "restores_customers")
        return pl.DataFrame([{name: getattr(step, name) for name in columns} for step in self.steps])

    @cached_property
    def savings(self) -> tuple[Savings, ...]:
        """What each step saves against waiting for the repair."""
        minutes = {stage.stage: stage.minutes for stage in self.stages}
        return tuple(self._savings(step, max(minutes[REPAIR] - minutes[step.stage], 0.0) / 60.0) for step in self.steps)

    @cached_property
    def users(self) -> int:
        """Medium-voltage users of the network in service: N_T."""
        return int((self.fault.network.transformer_node >= 0).sum())

    def _savings(self, step: Step, saved_h: float) -> Savings:
        users, transformers = self.users, len(step.restores_transformers)
        customers = step.restores_customers
        return Savings(
            transformers * saved_h,
            None if customers is None else customers * saved_h,
            transformers * saved_h / users if users else None,
        )

    @property
    def saved(self) -> Savings:
        """What the whole plan saves against waiting for the repair."""
        users, is_known = self.users, not self.fault.network.customers.is_empty()
        transformer_hours = sum(saving.transformer_hours for saving in self.savings)
        return Savings(
            transformer_hours,
            sum(saving.customer_hours or 0.0 for saving in self.savings) if is_known else None,
            transformer_hours / users if users else None,
        )

    def state(self, steps: int) -> State:
        """Return what the network looks like after so many steps, beside the time before the fault."""
        before, tripped, now = self.fault.before, self.states[0], self.states[steps]
        ids = self.fault.network.branches["branch_id"]
        opened = tuple(ids.filter(now.is_open & ~before.is_open).to_list())
        closed = tuple(ids.filter(~now.is_open & before.is_open).to_list())
        dead = between(before, now, opened).branches
        off_at_first = between(before, tripped, opened).branches
        still_dead = set(dead)
        return State(dead, tuple(branch for branch in off_at_first if branch not in still_dead), opened, closed)

    def feeds_again(self, branch_ids: Sequence[str]) -> tuple[str, ...]:
        """Return those of some branches that have no supply now and have it at the end."""
        net, index = self.fault.network, self.fault.network.branch_index(list(branch_ids))
        first, last = (
            np.all([state.live(end[index]) for end in (net.from_node, net.to_node)], axis=0) & ~state.is_open_at(index)
            for state in (self.states[0], self.states[-1])
        )
        return tuple(net.branches["branch_id"].gather(index[last & ~first]).to_list())

    def affected(self) -> pl.DataFrame:
        """Return everyone who lost supply, as a dispatcher prints it, with ``stage`` and ``minutes`` until they are back."""
        back = pl.DataFrame(
            [(customer, stage.stage, stage.minutes) for stage in self.stages for customer in stage.customer_ids],
            {"customer_id": pl.String, "stage": pl.String, "minutes": pl.Float64},
            orient="row",
        )
        return Affected(self.lost, (), ()).table().join(back, on="customer_id", how="left", maintain_order="left")

    def as_dict(self, language: str = "en") -> dict[str, Any]:
        """Return the plan in the form of commands and routes, with stages, what it saves and what was assumed besides."""
        net = self.fault.network
        known = not net.customers.is_empty()
        ids = net.branches["branch_id"]
        return {
            "fault": ", ".join(self.fault.ids),
            "faults": list(self.fault.ids),
            "tripped": ids.gather(self.fault.tripped).to_list(),
            "isolate": list(self.isolating),
            "steps": [
                step.as_dict() | savings.as_dict() for step, savings in zip(self.steps, self.savings, strict=True)
            ],
            "restored_customers": self.back.customer_count if known else None,
            "unrestored_customers": self.lost.customer_count - self.back.customer_count if known else None,
            "restored_transformers": len(self.back.transformer_index),
            "unrestored_transformers": len(self.lost.transformer_index) - len(self.back.transformer_index),
            "stages": [
                vars(stage) | {"transformer_ids": list(stage.transformer_ids), "customer_ids": list(stage.customer_ids)}
                for stage in self.stages
            ],
            "done": [list(each) for each in self.done],
            "missing": [each.as_dict(language) for each in self.missing],
            "mobile": [each.as_dict(language) for each in self.mobile],
            **self.saved.as_dict(),
            "basis": {"user_level": "MV", "N_T": self.users, "objective": self.rules.objective},
            "lowest_voltage_pu": self.lowest_voltage_pu,
            "load": self.load.as_dict(),
            "overloads": [vars(overload) for overload in self.overloads],
            "proof": vars(self.proof),
            "best": self.best,
            "gap": self.gap,
            "assumptions": [each.in_language(language) for each in self.assumed],
        }


def restore(
    supply: Supply,
    fault: str | Iterable[str],
    refused: str | Iterable[str] = (),
    objective: str | None = None,
    settings: RestorationSettings | None = None,
    tripped: str | Iterable[str] = (),
    done: Iterable[str] = (),
    at: datetime | None = None,
    hours_off: float = 0.0,
) -> RestorationPlan:
    """Return the best proven plan that brings power back around a fault.

    Args:
        supply: supply before the fault, or the present state in which it has been cleared.
        fault: the faulted branch, or several at once; for a bus, or a source that is lost, its node.
        refused: devices that cannot be operated.
        objective: ``customers`` or ``kw``; that of the settings by default.
        settings: rules; those of the workspace by default.
        tripped: devices that are known to have tripped.
        done: operations carried out since, in order, as ``open:S1`` or ``close:K1``: the rest is planned from the state they
            reached.
        at: now, from which on a load curve is followed; without it each load is taken at its highest hour.
        hours_off: for how many hours those who lost supply have been without it by now.

    Raises:
        UnknownIdError: a branch is not in the network.
        FudianError: there is no such objective, an operation is none, or no plan can be proven.
    """
    return Restorer.of(supply, settings).plan(fault, refused, objective, tripped, done, at, hours_off)


@dataclass(frozen=True, eq=False, repr=False)
class Restorer(Shown):
    """Makes plans for faults in one state of a network.

    Attributes:
        supply: supply before any fault.
        loads: the load of every transformer.
        source_ampere: load of each source, in A, shape (sources,).
    """

    supply: Supply
    loads: Loads
    source_ampere: Numbers

    @classmethod
    def of(cls, supply: Supply, settings: RestorationSettings | None = None) -> Restorer:
        """Prepare a state: the loads, and what each source gives.

        Raises:
            WorkspaceError: a setting cannot be used.
        """
        loads = Loads.of(supply.network, settings or RestorationSettings.of(supply.network.workspace.settings))
        return cls(supply, loads, load_of_sources(loads, supply))

    @classmethod
    def for_planning(cls, supply: Supply, settings: RestorationSettings | None = None) -> Restorer:
        """Prepare a state at the load for what names no hour of its own: the N-1 test, planned work.

        Raises:
            WorkspaceError: a setting cannot be used.
        """
        rules = settings or RestorationSettings.of(supply.network.workspace.settings)
        loads = planning_loads(Loads.of(supply.network, rules))
        return cls(supply, loads, load_of_sources(loads, supply))

    def plan(
        self,
        fault: str | Iterable[str],
        refused: str | Iterable[str] = (),
        objective: str | None = None,
        tripped: str | Iterable[str] = (),
        done: Iterable[str] = (),
        at: datetime | None = None,
        hours_off: float = 0.0,
    ) -> RestorationPlan:
        """Return the best proven plan for a fault; see :func:`restore`."""
        rules = self.loads.rules
        measure = objective or rules.objective
        if measure not in {"customers", "kw"}:
            raise FudianError(
                text("There is no objective {objective!r}.", objective=measure), text("Use customers or kw.")
            )
        refused = each_of(refused)
        if not each_of(fault):
            raise FudianError(text("No fault is named."), text("Name one branch, or several with commas."))
        isolation = isolate(self.supply, fault, refused, tripped)
        by_hand = self._too_late(isolation)
        if by_hand:
            isolation = isolate(self.supply, fault, (*refused, *by_hand), tripped)
        carried_out = _operations_named(done)
        if carried_out:
            reached = [isolation.after]
            for action, branch_id in carried_out:
                reached.append(reached[-1].switched(**{action: [branch_id]}))
            if len(reached[-1].loops) > len(reached[-2].loops):
                before = each_of(done)[:-1]
                return _amid_a_move(self.plan(fault, refused, objective, tripped, before, at, hours_off), carried_out)
            isolation = resumed(isolation, reached[-1])
        found = self._proven(isolation, measure, at, hours_off)
        return self._plan(found, measure, bool(by_hand), carried_out)

    def _proven(self, fault: Isolation, measure: str, at: datetime | None, hours_off: float) -> _Found:
        """Return the best that keeps the limits at the load of now and of each hour until the repair.

        It is sought at the hour with the most load around the fault: nothing that keeps the limits in all hours feeds more. Where
        another hour breaks one, it is sought again with each load at its highest.
        """
        rules, known = self.loads.rules, not self.supply.network.customers.is_empty()
        hours_off += rules.manual_min / 60.0
        cold_load = cold_load_after(hours_off, rules)
        lost = fault.before.lost_in(fault.after).transformer_index
        hours = hours_until(self.loads, self._curve, lost, at, self._repair_min(fault), cold_load)
        typical = RestorationProblem.of(self.loads, self.source_ampere, fault)
        worst = hours[0]
        if len(hours) > 1:
            nodes = np.concatenate([fault.dead, *(state.part.nodes for state in typical.capacity.states_after)])
            around = self.supply.network.transformers_at_node.of_keys(np.unique(nodes))
            worst = max(hours, key=lambda each: each.kw_of(around))
        told = (hour.at for hour in hours if self._curve is not None and hour.at is not None)
        basis = LoadBasis(hours_off, cold_load, tuple(told), worst.at if self._curve is not None else None)
        basis = replace(basis, said=said_of(hours, self._curve, basis))
        problem = self._at_load(typical, worst)
        if problem.zones.count == 0:
            return _Found(problem, play(problem, [], known), True, 0.0, basis)
        problem, choice = search(problem, measure)
        most = choice.value if choice.proven else choice.most

        def nothing() -> tuple[RestorationProblem, SwitchingSolution]:
            return problem, SwitchingSolution.nothing(problem.zones)

        planned: list[Callable[[], tuple[RestorationProblem, SwitchingSolution]]] = [lambda: (problem, choice)]
        if len(hours) > 1:
            planned.append(lambda: search(self._at_load(typical, highest_of(hours)), measure))
            planned.append(nothing)
        too_many = 0
        for plan in planned:
            of, chosen = plan()
            steps = operations(of, chosen)
            if len(steps) > MOST_STEPS:
                planned += [] if too_many else [nothing]
                too_many = len(steps)
                continue
            if all(play(self._at_load(of, hour), steps, known).proof.holds for hour in hours):
                short = (most - chosen.value) / (PARTS_OF_KW if measure == "kw" else 1.0)
                best = chosen.value >= most if chosen is not choice else choice.proven
                return _Found(of, play(of, steps, known), best, 0.0 if best else short, basis, chosen, too_many)
        if too_many:
            raise FudianError(
                text(
                    "A plan for a fault on {branch} would take {count} operations; {most} can be proven one by one.",
                    branch=", ".join(fault.ids), count=too_many, most=MOST_STEPS,
                ),
                text("Everything that the fault cut off waits for the repair."),
            )  # fmt: skip
        raise FudianError(
            text("The plan for a fault on {branch} could not be proven and is not shown.", branch=", ".join(fault.ids)),
            text("Please report it, with the workspace if you may share it."),
        )

    @cached_property
    def _curve(self) -> LoadCurve | None:
        return LoadCurve.of(self.supply.network)

    def _at_load(self, problem: RestorationProblem, hour: Hour) -> RestorationProblem:
        """Return a case at the load of an hour."""
        if hour.warm is self.loads:
            return problem.at_load(hour.cold, self.source_ampere, hour.warm)
        return problem.at_load(hour.cold, load_of_sources(hour.warm, self.supply), hour.warm)

    def _repair_min(self, fault: Isolation) -> float:
        """Return the minutes until the last of the faults is repaired."""
        hours = fault.network.branches["repair_h"].gather(fault.branches).cast(pl.Float64).to_list()
        given = [self.loads.rules.repair_h if hour is None else hour for hour in hours]
        return 60.0 * max([*given, *([self.loads.rules.repair_h] if len(fault.nodes) else [])])

    def _too_late(self, fault: Isolation) -> tuple[str, ...]:
        """Return the devices that nobody reaches before a fault is repaired: those operated on site where that takes as long."""
        net = self.supply.network
        if self._repair_min(fault) > self.loads.rules.manual_min:
            return ()
        on_site = net.switching & ~net.branches["remote"].fill_null(value=False).to_numpy()
        return tuple(net.branches["branch_id"].filter(pl.Series(on_site)).to_list())

    def _missing(self, found: _Found, measure: str) -> tuple[Missing, ...]:
        """Return who stays off and why; of whom a limit keeps off, whether only a permission is missing."""
        problem, end = found.problem, found.played.after[-1]
        if not len(problem.fault.dead):
            return ()
        found_missing = missing(problem, end)
        if found.too_many:
            return tuple(_too_long(each, found.too_many) for each in found_missing)
        is_limited = any(each.reason == LIMIT for each in found_missing)
        if self.loads.rules.transfer_allowed != "make_before_break" or not is_limited or found.choice is None:
            return found_missing
        freely = with_permission(problem, measure, found.choice)
        if freely is None or freely[1] is found.choice:
            return found_missing
        more = set(freely[0].state_of(freely[1]).lost_in(end).transformers)
        return tuple(each.with_permission() if more.issuperset(each.transformers) else each for each in found_missing)

    def _plan(
        self, found: _Found, measure: str, remote_only: bool, done: tuple[tuple[str, str], ...]
    ) -> RestorationPlan:
        problem, played = found.problem, found.played
        net, rules = self.supply.network, self.loads.rules.model_copy(update={"objective": measure})
        moved = list(zip(played.steps, played.gains, strict=True))
        early = [gain for step, gain in moved if step.stage == REMOTE]
        late = [gain for step, gain in moved if step.stage == ON_SITE]
        rest = problem.fault.before.lost_in(played.after[-1])
        return RestorationPlan(
            problem.fault,
            tuple(net.branches["branch_id"].gather(_stay_open(problem, played.after[-1])).to_list()),
            played.steps,
            played.after,
            problem.lost,
            played.after[-1].lost_in(problem.fault.after),
            (
                _stage(net, REMOTE, rules.remote_min, early),
                _stage(net, ON_SITE, rules.manual_min, late),
                _stage(net, REPAIR, self._repair_min(problem.fault), [rest]),
            ),
            self._missing(found, measure),
            mobile_needs(
                problem.capacity.loads,
                problem.fault.before,
                played.after[-1],
                PlannedSettings.of(net.workspace.settings),
            ),
            played.overloads,
            played.proof,
            problem.capacity.lowest_voltage_pu(played.after[-1]),
            found.load,
            found.best,
            found.gap,
            rules,
            (*problem.capacity.assumed, *found.load.said, *_remarks(problem, rules, played, remote_only)),
            done,
        )


@dataclass(frozen=True, eq=False)
class _Found:
    """What was found for a fault: the case, the steps as played, how good they are, at which load, and what was chosen.

    Where a better plan takes too many operations, ``too_many`` is how many.
    """

    problem: RestorationProblem
    played: Played
    best: bool
    gap: float
    load: LoadBasis
    choice: SwitchingSolution | None = None
    too_many: int = 0


def _too_long(part: Missing, operations_count: int) -> Missing:
    """Return why a part stays off that a plan of too many operations would feed."""
    if part.reason != SEARCH:
        return part
    said = text(
        "{way} could feed {count} more transformers with {operations} operations; {most} can be proven one by one",
        way=part.way, count=len(part.transformers), operations=operations_count, most=MOST_STEPS,
    )  # fmt: skip
    return replace(part, said=said)


def _amid_a_move(plan: RestorationPlan, done: tuple[tuple[str, str], ...]) -> RestorationPlan:
    """Return the rest of a plan of which a first step has joined two live parts.

    Raises:
        FudianError: the plan does not begin with that step.
    """
    action, branch_id = done[-1]
    if not plan.steps or (plan.steps[0].action, plan.steps[0].branch_id) != (action, branch_id):
        raise FudianError(
            text("{branch} is closed and joins two live parts, and no plan goes on from there.", branch=branch_id),
            text("Open it again and tick that off, or undo it."),
        )
    steps = tuple(replace(step, order=step.order - 1) for step in plan.steps[1:])
    return replace(plan, steps=steps, states=plan.states[1:], done=done)


def _operations_named(done: Iterable[str]) -> tuple[tuple[str, str], ...]:
    """Return operations that are named as ``open:S1`` or ``close:K1``.

    Raises:
        FudianError: one is named otherwise.
    """
    named = tuple(each.partition(":")[::2] for each in each_of(done))
    for action, branch_id in named:
        if action not in {"open", "close"} or not branch_id:
            raise FudianError(
                text("{operation!r} is no operation.", operation=f"{action}:{branch_id}"),
                text("Write open:DEVICE or close:DEVICE."),
            )
    return named


def _remarks(
    problem: RestorationProblem, rules: RestorationSettings, played: Played, remote_only: bool
) -> Iterator[Text]:
    """Give what else stands in for missing data, and why a plan may be empty."""
    rating_a = problem.capacity.loads.rating_a
    closed = problem.fault.network.branch_index([step.branch_id for step in played.steps if step.action == "close"])
    if len(unrated := closed[np.isinf(rating_a[closed])]):
        ids = ", ".join(problem.fault.network.branches["branch_id"].gather(unrated).to_list())
        yield text("What the plan closes has no rating_a, taken as unlimited: {branches}", branches=ids)
    for node in problem.fault.network.nodes.gather(problem.fault.lost_sources):
        yield text(
            "No breaker, recloser or fuse lies between the fault and source {node}: it is cleared at the source, and all that "
            "hangs on it is lost",
            node=node,
        )
    if remote_only:
        yield text("The repair is over before anybody on site could switch: only remote operations are planned")
    if problem.fault.network.branches["repair_h"].gather(problem.fault.branches).null_count() or len(
        problem.fault.nodes
    ):
        yield text("The faulted branch has no repair_h: taken as {hours:g} h", hours=rules.repair_h)
    if problem.zones.count == 0 and len(problem.fault.dead):
        yield text("No device that can be operated leads from a live feeder to the healthy part: no tie helps")
    if not len(problem.fault.dead):
        yield text("The branch is open or dead: this fault puts nobody off")


def _stay_open(problem: RestorationProblem, end: Supply) -> Indices:
    """Return the devices that isolate the fault or tripped, and are open at the end."""
    devices = np.union1d(problem.zones.isolating, problem.fault.tripped)
    return devices[end.is_open_at(devices)]


def _stage(net: Topology, name: str, minutes: float, gains: Iterable[LostSupply]) -> Stage:
    """Return a stage of those who gain supply."""
    gains = tuple(gains)
    transformers = tuple(each for gain in gains for each in gain.transformers)
    customers = tuple(each for gain in gains for each in gain.customers)
    return Stage(
        name, minutes, len(transformers), None if net.customers.is_empty() else len(customers), transformers, customers
    )
