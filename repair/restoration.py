"""Restoration 复电: which switches to operate, in which order, so that most is fed again before the repair (field reference 7.6).

先复电、后抢修 — power back first, repair after. The search (:mod:`repair.switching_model`) works on zones and sums. What it finds
is played step by step on the network itself, and is shown only if every step keeps the fault dead, the network radial, every
branch and source within its limit and every voltage above the lowest one.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from network import FudianError, Hit, Supply, Text, text
from network.arrays import Numbers
from repair.capacity import Overload, load_of_sources
from repair.case import Case
from repair.isolation import Isolation, isolate
from repair.loading import Loads
from repair.sequence import ON_SITE, REMOTE, Played, Proof, Step, operations, play
from repair.settings import RestorationSettings, restoration_settings

REPAIR = "repair"


@dataclass(frozen=True)
class Stage:
    """Who comes back together.

    Attributes:
        stage: ``remote``, ``on_site`` or ``repair``.
        minutes: since the fault was located.
        transformers: how many come back.
        customers: how many come back; ``None`` without a table of customers.
    """

    stage: str
    minutes: float
    transformers: int
    customers: int | None


@dataclass(frozen=True, eq=False)
class RestorationPlan:
    """How power comes back for one fault.

    Attributes:
        fault: the fault and its isolation.
        isolating: devices around the fault that have to be open, tripped ones among them.
        steps: the operations in order.
        lost: who lost supply by the trip.
        back: who has it again at the end.
        stages: what comes back when.
        overloads: limits that a step breaks; a plan with any is never returned.
        proof: what was shown.
        lowest_voltage_pu: at the end; ``None`` where no feeder around has impedances.
        best: whether no better plan exists; else the search ran out of time.
        rules: the settings.
        assumed: what stands in for missing data, and what else to know.
    """

    fault: Isolation
    isolating: tuple[str, ...]
    steps: tuple[Step, ...]
    lost: Hit
    back: Hit
    stages: tuple[Stage, ...]
    overloads: tuple[Overload, ...]
    proof: Proof
    lowest_voltage_pu: float | None
    best: bool
    rules: RestorationSettings
    assumed: tuple[Text, ...]

    @property
    def saved_transformer_hours(self) -> float:
        """Transformer-hours that are not lost because these do not wait for the repair."""
        repair = self.stages[-1].minutes
        return sum(each.transformers * max(repair - each.minutes, 0.0) for each in self.stages) / 60.0

    @property
    def saidi_saved_h(self) -> float | None:
        """Hours per medium-voltage user (a transformer) of the network that the plan saves against waiting for the repair."""
        users = self.fault.network.transformers.height
        return self.saved_transformer_hours / users if users else None

    def as_dict(self, language: str = "en") -> dict[str, Any]:
        """Return the plan in the contract's form, with stages, what it saves and what was assumed besides."""
        net = self.fault.network
        known = not net.customers.is_empty()
        ids = net.branches["branch_id"]
        return {
            "fault": ids[self.fault.branch],
            "tripped": ids.gather(self.fault.tripped).to_list(),
            "isolate": list(self.isolating),
            "steps": [vars(step) | {"restores_transformers": list(step.restores_transformers)} for step in self.steps],
            "restored_customers": self.back.customer_count if known else None,
            "unrestored_customers": self.lost.customer_count - self.back.customer_count if known else None,
            "restored_transformers": len(self.back.transformer_index),
            "unrestored_transformers": len(self.lost.transformer_index) - len(self.back.transformer_index),
            "stages": [vars(each) for each in self.stages],
            "saved_transformer_hours": self.saved_transformer_hours,
            "saidi_saved_h": self.saidi_saved_h,
            "basis": {"user_level": "MV", "N_T": net.transformers.height, "objective": self.rules.objective},
            "lowest_voltage_pu": self.lowest_voltage_pu,
            "overloads": [vars(each) for each in self.overloads],
            "proof": vars(self.proof),
            "best": self.best,
            "assumptions": [each.in_language(language) for each in self.assumed],
            "settings_changed": {
                name: value
                for name, value in self.rules.model_dump().items()
                if value != RestorationSettings.model_fields[name].default
            },
        }


def restore(
    supply: Supply,
    fault: str,
    refused: Iterable[str] = (),
    objective: str | None = None,
    settings: RestorationSettings | None = None,
) -> RestorationPlan:
    """Return the best proven plan that brings power back around a fault.

    Args:
        supply: supply before the fault.
        fault: the faulted branch.
        refused: devices that cannot be operated.
        objective: ``customers`` or ``kw``; that of the settings by default.
        settings: rules; those of the workspace by default.

    Raises:
        UnknownIdError: a branch is not in the network.
        FudianError: there is no such objective; nothing clears the fault; or no plan can be proven.
    """
    return Restorer.of(supply, settings).plan(fault, refused, objective)


@dataclass(frozen=True, eq=False)
class Restorer:
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
        loads = Loads.of(supply.network, settings or restoration_settings(supply.network.workspace.settings))
        return cls(supply, loads, load_of_sources(loads, supply))

    def plan(self, fault: str, refused: Iterable[str] = (), objective: str | None = None) -> RestorationPlan:
        """Return the best proven plan for a fault; see :func:`restore`."""
        rules = self.loads.rules
        measure = objective or rules.objective
        if measure not in {"customers", "kw"}:
            raise FudianError(
                text("There is no objective {objective!r}.", objective=measure), text("Use customers or kw.")
            )
        case = Case.of(self.loads, self.source_ampere, isolate(self.supply, fault, refused))
        known = not self.supply.network.customers.is_empty()
        if case.zones.count == 0:
            return self._plan(case, play(case, [], known), True, measure)
        choice = case.search(measure)
        played = play(case, operations(case, choice), known)
        if not played.proof.holds:
            raise FudianError(
                text("The plan for a fault on {branch} could not be proven and is not shown.", branch=fault),
                text("Please report it, with the workspace if you may share it."),
            )
        return self._plan(case, played, choice.proven, measure)

    def _plan(self, case: Case, played: Played, best: bool, measure: str) -> RestorationPlan:
        net, rules = self.supply.network, self.loads.rules.model_copy(update={"objective": measure})
        ids, lost = net.branches["branch_id"], case.lost
        back = played.after[-1].lost_in(case.fault.after)
        known = not net.customers.is_empty()
        repair_h = net.branches["repair_h"][case.fault.branch]
        assumed = [*case.capacity.assumed]
        if repair_h is None:
            assumed.append(text("The faulted branch has no repair_h: taken as {hours:g} h", hours=rules.repair_h))
        if case.zones.count == 0 and len(case.fault.dead):
            assumed.append(
                text("No device that can be operated leads from a live feeder to the healthy part: no tie helps")
            )
        if not len(case.fault.dead):
            assumed.append(text("The branch is open or dead: this fault puts nobody off"))
        stages = []
        for name, minutes in ((REMOTE, rules.remote_min), (ON_SITE, rules.manual_min)):
            gains = [gain for step, gain in zip(played.steps, played.gains, strict=True) if step.stage == name]
            customers = sum(gain.customer_count for gain in gains) if known else None
            stages.append(Stage(name, minutes, sum(len(gain.transformer_index) for gain in gains), customers))
        rest = len(lost.transformer_index) - len(back.transformer_index)
        repair_min = 60.0 * (rules.repair_h if repair_h is None else float(repair_h))
        stages.append(Stage(REPAIR, repair_min, rest, lost.customer_count - back.customer_count if known else None))
        return RestorationPlan(
            case.fault,
            tuple(ids.gather(case.zones.isolating).to_list()),
            played.steps,
            lost,
            back,
            tuple(stages),
            played.overloads,
            played.proof,
            case.capacity.lowest_voltage_pu(played.after[-1]),
            best,
            rules,
            tuple(assumed),
        )
