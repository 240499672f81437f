"""Who is off before and after a fault is isolated (field reference 6.4); who comes back when, a restoration plan tells."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from network import Problem, Supply
from network.representation import Shown
from repair.affected import Affected, affected_by_trip, between
from repair.isolation import isolate


@dataclass(frozen=True, eq=False, repr=False)
class FaultArea(Shown):
    """A fault, its outage area and its section; the two differ until the fault is isolated.

    Attributes:
        before: who is off once protection has cleared the fault, and which devices tripped: the outage area.
        after: who stays off once only the fault section is out, and which devices isolate it; ties are left open.
        section: ids of the branches of the fault section, in the order of the table.
    """

    before: Affected
    after: Affected
    section: tuple[str, ...]

    def as_dict(self, language: str = "en") -> dict[str, Any]:
        """Return the list before isolation for commands and routes, with ``after_isolation``, ``section`` and ``problems``."""
        after = {name: value for name, value in self.after.as_dict().items() if name != "opened"}
        return answer_of(self.before, language) | {
            "after_isolation": after | {"isolated_by": list(self.after.opened)},
            "section": list(self.section),
        }


def fault_area(supply: Supply, fault_on: str | Iterable[str]) -> FaultArea:
    """Return who is off by a fault before and after its isolation, and the section that must be taken out.

    Args:
        supply: supply before the fault.
        fault_on: the faulted branch, or all branches among which it lies.

    Raises:
        UnknownIdError: a branch is not in the network.
    """
    net, fault = supply.network, isolate(supply, fault_on)
    ids = net.branches["branch_id"]
    around = net.branches_at_node.of_keys(fault.zone)
    around = around[~supply.is_open_at(around)]
    inside = np.isin(net.from_node[around], fault.zone) & np.isin(net.to_node[around], fault.zone)
    within = inside & ~net.switching[around]
    isolating = tuple(ids.gather(around[~within]).to_list())
    after = between(supply, supply.without_nodes(fault.zone), isolating)
    return FaultArea(affected_by_trip(fault), after, tuple(ids.gather(around[within]).to_list()))


def problems_of_area(affected: Affected, named: Iterable[str] = ()) -> list[Problem]:
    """Return what is wrong with the tables and the topology of the objects on a list, or named by signals.

    A customer without transformer, a transformer without section and a section without source are told here, never dropped.

    Args:
        affected: the list.
        named: further ids, such as those that signals name.
    """
    ids = {*affected.hit.transformers, *affected.hit.customers, *affected.branches, *affected.opened, *named}
    return [problem for problem in affected.network.problems if problem.object_id in ids]


def answer_of(affected: Affected, language: str = "en", named: Iterable[str] = ()) -> dict[str, Any]:
    """Return a list in the form of commands and routes, with the ``problems`` of what stands on it or is named besides."""
    problems = problems_of_area(affected, named)
    return affected.as_dict() | {"problems": [problem.as_dict(language) for problem in problems]}
