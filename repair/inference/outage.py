"""One incident that signals tell of, as the desk shows it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields, replace
from datetime import datetime
from itertools import chain, groupby
from operator import attrgetter
from typing import Any

from repair.inference.feeder_tree import LEVELS as LINE_LEVELS

OF_CUSTOMERS = ("box", "customers", "customer")
"""Levels of outages of customers whose transformer has supply: of one meter box, of several, of one."""

LEVELS = (*LINE_LEVELS, "transformer", *OF_CUSTOMERS)
"""整线, 主线, 支线, 分支线, 台区, 表箱, 多户, 单户."""

STATES = ("suspected", "confirmed", "restored", "overturned")
"""疑似停电, 确认停电, 已复电, 误报推翻."""

EXPLANATIONS = ("line", "source", "transformer", "customers", "customer", "plan", "arrears")
"""线路故障停电, 电源失电, 台区停电, 多户停电, 单户停电, 计划停电, 欠费停电."""

REASONS_OF_STATE = ("", "trip_contradicted", "read_during", "reclosed", "overrun", "record", "stale", "phases")
"""Why it is in that state, where that is not by its own signals."""


@dataclass(frozen=True)
class RunnerUp:
    """The next best answer to where an outage begins."""

    object_id: str
    probability: float


@dataclass(frozen=True)
class BestExplanation:
    """The most probable explanation of what was heard of one feeder, as a whole.

    Attributes:
        faults: faulted branches.
        opened: devices that are open.
        closed_again: devices that were open and are closed.
        probability: of just this, faults, devices and the state of every node together.
    """

    faults: tuple[str, ...]
    opened: tuple[str, ...]
    closed_again: tuple[str, ...]
    probability: float


@dataclass(frozen=True)
class Doubted:
    """A signal that is probably wrong, as the incident has it."""

    object: str
    object_id: str
    kind: str
    time: datetime


@dataclass(frozen=True, slots=True)
class InferredOutage:
    """One incident that the signals tell of.

    Attributes:
        id: its start and its object; stays while they do.
        level: one of :data:`LEVELS`.
        object_id: the branch at its head, the transformer, meter box or customer; for several customers their transformer.
        probability: that the outage begins just there.
        runner_up: the next best place where it may begin instead; ``None`` where there is none.
        explanation: one of :data:`EXPLANATIONS`; no fault order is needed for ``plan`` and ``arrears``.
        state: one of :data:`STATES`; bars on ``sure``.
        sure: how probable it is that somebody there is off now, or was, once it is restored.
        reason: one of :data:`REASONS_OF_STATE`: ``trip_contradicted`` (a device that tripped is not open), ``read_during`` (it
            was read while it said to be off), ``reclosed``, ``overrun`` (of planned work), ``record`` (a record of the
            statistics ended it), ``stale`` (nothing was heard of it for long), ``phases`` (not all of them are lost); else blank.
        start: when the first of its devices went off, local time.
        last: when something was heard of it last.
        restored_at: when the last of them was back; ``None`` while one is off.
        transformers, customers: how many lost supply by it.
        customers_off: how many customers are off by it now.
        expected_customers: how many of them are off now, as the sum of their probabilities.
        dark, back: how many of its transformers are off now, and how many are back: more than none and fewer than all is a
            partial restoration.
        meters, calls: how many distinct customers' meters reported off, and how many customers called.
        tripped: whether a switch tripped at its head or below.
        doubted: its signals that are probably wrong.
        plan_or_record: id of the plan, or of the record of arrears, that explains it.
        transformer_ids: the transformers that lost supply by it.
        dark_ids: those that are off now.
        customer_ids: for an outage of customers alone, who they are.
        next_read: the transformer whose reading would tell most about who is off; ``None`` where none tells anything.
        phases: the phases that are lost, where it is not all of them.
        ends: on a closed ring, the branches beside its head that part it from what has supply; where a source was lost, the heads
            of its other feeders.
        approximate: whether its feeder has so many closed rings that only the most probable sets of openings were looked at.
    """

    id: str
    level: str
    object_id: str
    probability: float
    runner_up: RunnerUp | None
    explanation: str
    state: str
    sure: float
    reason: str
    start: datetime
    last: datetime
    restored_at: datetime | None
    transformers: int
    customers: int
    customers_off: int
    expected_customers: float
    dark: int
    back: int
    meters: int
    calls: int
    tripped: bool
    doubted: tuple[Doubted, ...]
    plan_or_record: str | None
    transformer_ids: tuple[str, ...]
    dark_ids: tuple[str, ...]
    customer_ids: tuple[str, ...]
    next_read: str | None
    phases: str | None = None
    ends: tuple[str, ...] = ()
    approximate: bool = False

    @property
    def is_open(self) -> bool:
        """Whether someone is, or may be, without supply."""
        return self.state in {"suspected", "confirmed"}

    @property
    def is_stale(self) -> bool:
        """Whether nothing was heard of it for so long that it takes in no new signals."""
        return self.reason == "stale"

    @property
    def needs_order(self) -> bool:
        """Whether a crew must go: an open incident that neither a plan nor arrears explain, and that is not stale."""
        return self.is_open and not self.is_stale and self.explanation not in {"plan", "arrears"}

    def as_dict(self) -> dict[str, Any]:
        """Return the incident with all its fields, for JSON."""
        runner_up = None if self.runner_up is None else vars(self.runner_up)
        doubted = [vars(each) for each in self.doubted]
        own = {each.name: getattr(self, each.name) for each in fields(self)}
        return own | {"runner_up": runner_up, "doubted": doubted, "needs_order": self.needs_order}


def latest_first(outages: Iterable[InferredOutage]) -> tuple[InferredOutage, ...]:
    """Return incidents latest first, each with an id of its own."""
    start, others = attrgetter("start"), attrgetter("level", "object_id", "state")
    taken: dict[str, int] = {}
    shown = []
    at_once = groupby(sorted(outages, key=start, reverse=True), start)
    for each in chain.from_iterable(sorted(group, key=others) for _, group in at_once):
        taken[each.id] = taken.get(each.id, 0) + 1
        shown.append(each if taken[each.id] == 1 else replace(each, id=f"{each.id}-{taken[each.id]}"))
    return tuple(shown)
