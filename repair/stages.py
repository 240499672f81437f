"""Who is off before and after a fault is isolated, and who comes back at each step of switching (field reference 6.4, R1.8)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from network import FudianError, Hit, Network, Problem, Supply, text
from network.arrays import among
from repair.affected import Affected, affected_by_fault, between, fault_zone

CARRIERS = ("line", "cable", "bus")
"""Kinds of branch that carry current and cannot be opened; every other kind can isolate."""


@dataclass(frozen=True, eq=False)
class FaultArea:
    """A fault, its outage area and its section; the two differ until the fault is isolated.

    Attributes:
        before: who is off once protection has cleared the fault, and which devices tripped: the outage area.
        after: who stays off once only the fault section is out, and which devices isolate it; ties are left open.
        section: ids of the branches of the fault section, in the order of the table.
    """

    before: Affected
    after: Affected
    section: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Stage:
    """One step of switching.

    Attributes:
        action: ``open`` or ``close``.
        branch_id: what is operated.
        back: transformers and customers that get supply back.
        off: transformers and customers that lose it.
        energises_fault: whether the fault section is connected to a source after it, which must never be done.
    """

    action: str
    branch_id: str
    back: Hit
    off: Hit
    energises_fault: bool


def fault_area(supply: Supply, branch_id: str) -> FaultArea:
    """Return who is off by a fault before and after its isolation, and the section that must be taken out.

    Raises:
        UnknownIdError: the branch is not in the network.
    """
    net = supply.network
    branch = int(net.branch_index(branch_id)[0])
    can_open = ~net.branches["kind"].is_in(list(CARRIERS)).fill_null(value=True).to_numpy()
    zone = fault_zone(supply, branch, can_open, both_ends=True)
    around = net.branches_at_node.of_keys(zone)
    around = around[~supply.is_open[around]]
    inside = among(net.from_node[around], zone) & among(net.to_node[around], zone)
    within = inside & (~can_open[around] | (around == branch))
    ids = net.branches["branch_id"]
    isolating = tuple(ids.gather(around[~within]).to_list())
    after = between(supply, supply.without_nodes(zone), isolating)
    return FaultArea(affected_by_fault(supply, branch_id), after, tuple(ids.gather(around[within]).to_list()))


def restoration_stages(supply: Supply, fault: str, steps: Iterable[tuple[str, str]]) -> tuple[Stage, ...]:
    """Return who comes back, and who goes off, at each step after protection has cleared a fault.

    Args:
        supply: supply before the fault.
        fault: the faulted branch.
        steps: ``(action, branch_id)`` in order; the action is ``open`` or ``close``.

    Raises:
        UnknownIdError: a branch is not in the network.
        FudianError: an action is neither, or no device protects the fault, so that its source is lost.
    """
    net = supply.network
    area = fault_area(supply, fault)
    state = supply.switched(open=area.before.opened)
    if len(area.before.hit.transformer_index) > len(supply.lost_in(state).transformer_index):
        raise FudianError(
            text("No device protects {branch}: its source is lost, and stages cannot be told.", branch=fault),
            text("Add the breaker of the feeder to branches."),
        )
    ends = net.branch_index(fault)[0]
    nodes = np.array([net.from_node[ends], net.to_node[ends]])
    stages = []
    for action, branch_id in steps:
        if action not in {"open", "close"}:
            raise FudianError(text("There is no action {action!r}.", action=action), text("Use open or close."))
        then = state.switched(
            open=[branch_id] if action == "open" else (), close=[branch_id] if action == "close" else ()
        )
        fed = bool(then.live(nodes).any()) and not then.is_open[ends]
        stages.append(Stage(action, branch_id, then.lost_in(state), state.lost_in(then), fed))
        state = then
    return tuple(stages)


def problems_of_area(net: Network, affected: Affected, named: Sequence[str] = ()) -> list[Problem]:
    """Return what is wrong with the tables and the topology of the objects on a list, or named by signals.

    A customer without transformer, a transformer without section and a section without source are told here, never dropped.

    Args:
        net: the network.
        affected: the list.
        named: further ids, such as those that signals name.
    """
    ids = {*affected.hit.transformers, *affected.hit.customers, *affected.branches, *affected.opened, *named}
    return [problem for problem in net.problems if problem.object_id in ids]
