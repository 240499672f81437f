"""Planned work on the network: who is off when it is parted from its sources, before and after load is transferred 能转必转.

The work is a branch, a feeder or a transformer, or several of them in one outage. What must be opened around it comes from
:mod:`repair.isolation`; whom the neighbours can feed meanwhile, from the engine that plans restoration, with ratings, capacities
and voltages; and every step is played on the network and proven.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, MutableMapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import polars as pl

from network import FudianError, LostSupply, Supply, Text, Topology, UnknownIdError, text
from network.arrays import NONE, Indices, Numbers
from network.representation import Shown
from repair.affected import Affected, affected_by_transformers, between
from repair.isolation import Isolation, isolate_work
from repair.restoration.operation import ON_SITE, REMOTE, Operation
from repair.restoration.problem import RestorationProblem
from repair.restoration.proof import Step, play
from repair.restoration.restorer import Restorer
from repair.restoration.search import search
from repair.restoration.sequence import operations

NAMES = ("branch_id", "feeder_id", "transformer_id")
"""Columns of a plan that name the work; of several the first one counts."""


@dataclass(frozen=True)
class Work:
    """What is taken out of service in one outage.

    Attributes:
        branches: ids of branches; a closed switching device stands for what lies beyond it, an open one for both its ends.
        transformers: ids of transformers that are taken out themselves.
    """

    branches: tuple[str, ...] = ()
    transformers: tuple[str, ...] = ()

    @classmethod
    def of(cls, net: Topology, plan: Mapping[str, Any]) -> Work:
        """Return the work that a row of ``plans`` names.

        Raises:
            UnknownIdError: the network does not have it.
            FudianError: the row names nothing, or a feeder without branches.
        """
        name = next((each for each in NAMES if plan.get(each)), None)
        if name is None:
            raise FudianError(
                text("The plan names no branch, feeder or transformer, so nobody can tell who is off."),
                text("Fill in branch_id, feeder_id or transformer_id."),
            )
        named = str(plan[name])
        if name == "branch_id":
            net.branch_index(named)
            return cls((named,))
        if name == "transformer_id":
            net.transformer_index(named)
            return cls((), (named,))
        labelled = net.branches.filter(pl.col("feeder_id") == named)["branch_id"].to_list()
        if not labelled:
            known = pl.concat([net.feeders["feeder_id"], net.branches["feeder_id"].drop_nulls()]).unique().to_list()
            if named not in known:
                raise UnknownIdError("feeder", named, known)
            raise FudianError(
                text("No branch carries the label of feeder {feeder}.", feeder=named),
                text("Fill in feeder_id of its branches, or name the branch of the work."),
            )
        open_ties = set(net.branches.filter(pl.col("normally_open").fill_null(value=False))["branch_id"])
        # an open tie at the edge stays the border to its neighbour; it is worked on only where it is named itself
        return cls(tuple(branch for branch in labelled if branch not in open_ties) or tuple(labelled))

    def __or__(self, other: Work) -> Work:
        """Return both works as one, done in one outage."""
        branches = dict.fromkeys((*self.branches, *other.branches))
        return Work(tuple(branches), tuple(dict.fromkeys((*self.transformers, *other.transformers))))


@dataclass(frozen=True)
class Ways:
    """What of the network an outage takes, and what it leans on, while it lasts.

    Attributes:
        taken: nodes that lose supply at all, and transformers, counted on from the nodes.
        home: feeders in which they lie, by the place of the feeder's head in the normal state.
        over: feeders that feed somebody of them meanwhile, over a tie or as a second supply.
    """

    taken: frozenset[int] = frozenset()
    home: frozenset[int] = frozenset()
    over: frozenset[int] = frozenset()

    def shared(self, other: Ways) -> bool:
        """Return whether two outages cannot be at the same time as each was calculated by itself.

        They cannot where they take the same part, or where the one is fed over a feeder on which the other works or over which
        the other is fed: the way may be dead, or have no room for both.
        """
        over = self.over & (other.home | other.over) or other.over & self.home
        return bool(over) or not self.taken.isdisjoint(other.taken)


@dataclass(frozen=True, eq=False, repr=False)
class WorkOutage(Shown):
    """Who is off by planned work, and how the work is parted from its sources.

    Attributes:
        work: what is taken out.
        before: who is off for as long as the work lasts if only the devices around it are opened.
        after: who is off as long once load is transferred.
        touched_before: transformers that lose supply at all without transfer: those of ``before``, and those that are off only
            until a device that may not open under load is open, rising.
        touched: transformers that lose supply at all with transfer, rising.
        opened: devices around the work that are opened.
        steps: all operations in order, from the first opening to the last transfer.
        proven: whether playing the steps kept the work dead, the network radial, and every limit.
        best: whether no better transfer exists; else the search ran out of time.
        transferred: how many transformers are fed over other ways meanwhile.
        no_way: how many healthy transformers no device that can be operated leads to from a live feeder.
        no_room: how many could be reached, but not within ratings, capacities and voltages.
        refusal: why no transfer could be planned at all, where the search says so.
        lowest_voltage_pu: with the transfer in place; ``None`` where no feeder around has impedances.
        assumed: what stands in for missing data.
        idle: whether all of the work is dead already.
        ways: what of the network it takes and leans on.
        source_change_a: by how much each source gives more meanwhile, in A, shape (sources,).
    """

    work: Work
    before: Affected
    after: Affected
    touched_before: Indices
    touched: Indices
    opened: tuple[str, ...]
    steps: tuple[Step, ...]
    proven: bool
    best: bool
    transferred: int
    no_way: int
    no_room: int
    refusal: Text | None
    lowest_voltage_pu: float | None
    assumed: tuple[Text, ...]
    idle: bool
    ways: Ways
    source_change_a: Numbers

    @cached_property
    def area(self) -> frozenset[int]:
        """The transformers that lose supply at all without transfer: the outage area, by index."""
        return frozenset(self.touched_before.tolist())


def outage_of(
    restorer: Restorer,
    work: Work,
    refused: str | Iterable[str] = (),
    known: MutableMapping[Hashable, WorkOutage] | None = None,
) -> WorkOutage:
    """Return who is off by planned work, before and after transfer, with the proven steps.

    Args:
        restorer: the engine over the state of the network before the work.
        work: what is taken out.
        refused: devices that cannot be operated.
        known: outages by what is parted from supply, in the same state and without the same devices; another is added. Works
            between the same devices are one outage, and are searched for once.

    Raises:
        UnknownIdError: a branch or transformer is not in the network.
        FudianError: no device that opens under load parts the work from a source.
    """
    net = restorer.supply.network
    out = net.transformer_index(work.transformers)
    if not work.branches:
        return _of_transformers(restorer, work)
    fault = isolate_work(restorer.supply, work.branches, refused)
    part = (fault.zone, fault.devices, fault.tripped, fault.dead, np.flatnonzero(fault.barred), np.sort(out))
    key = tuple(each.tobytes() for each in part)
    found = None if known is None else known.get(key)
    if found is None:
        found = _searched(restorer, work, fault, out)
        if known is not None and found.refusal is None:  # a refusal names the work
            known[key] = found
    return replace(found, work=work)


def _searched(restorer: Restorer, work: Work, fault: Isolation, out: Indices) -> WorkOutage:
    """Return the outage of work that is parted from supply, with the transfer that feeds most."""
    net, supply = restorer.supply.network, restorer.supply
    problem, ids = RestorationProblem.of(restorer.loads, restorer.source_ampere, fault), net.branch_ids
    closed = fault.devices[~supply.is_open_at(fault.devices)]
    parted = supply.switched(open=ids(closed))
    off_before = np.union1d(supply.lost_in(parted).transformer_index, out)
    choice, refusal = None, None
    if problem.zones.count:
        try:
            problem, choice = search(problem, restorer.loads.rules.objective)
        except FudianError as none_found:
            refusal = none_found.message
    known = not net.customers.is_empty()
    transfer = operations(problem, choice) if choice is not None else _back_without_transfer(problem)
    played = play(problem, transfer, known)
    final = played.after[-1]
    off_after = np.union1d(supply.lost_in(final).transformer_index, out)
    reachable = problem.zones.zone_of(net.transformer_node) >= 0
    reachable |= problem.zones.zone_of(net.transformer_second_node) >= 0
    healthy = off_after[~_hangs_on(net, off_after, fault.zone) & ~np.isin(off_after, out)]
    lost = problem.lost.transformer_index
    return WorkOutage(
        work,
        _affected(restorer, off_before, between(supply, parted, tuple(ids(closed)))),
        _affected(restorer, off_after, between(supply, final, tuple(ids(problem.zones.isolating)))),
        np.union1d(lost, off_before),
        np.union1d(lost, off_after),
        tuple(ids(closed)),
        (*_first_steps(problem), *_renumbered(played.steps, len(fault.tripped))),
        played.proof.holds,
        choice is None or choice.proven,
        len(np.setdiff1d(off_before, off_after)),
        int((~reachable[healthy]).sum()),
        int(reachable[healthy].sum()),
        refusal,
        problem.capacity.lowest_voltage_pu(final) if len(fault.dead) else None,
        problem.capacity.assumed if len(fault.dead) else (),
        not len(fault.dead) and not len(out),
        _ways(supply, fault.dead, np.union1d(lost, off_before), _ends_closed(problem, final)),
        problem.capacity.source_load(problem.capacity.states(final)) - restorer.source_ampere,
    )  # fmt: skip


def _of_transformers(restorer: Restorer, work: Work) -> WorkOutage:
    """Return the outage of transformers that are taken out by themselves: no line is switched."""
    off = affected_by_transformers(restorer.supply, work.transformers)
    own = np.sort(off.hit.transformer_index)
    return WorkOutage(
        work, off, off, own, own, (), (), True, True, 0, 0, 0, None, None, (), not len(own),
        _ways(restorer.supply, NONE, own, NONE), np.zeros(len(restorer.source_ampere)),
    )  # fmt: skip


def _ends_closed(problem: RestorationProblem, final: Supply) -> Indices:
    """Return the nodes from which ties feed what was dead."""
    net, supply, after = problem.fault.network, problem.fault.before, problem.fault.after
    ties = problem.zones.switch[supply.is_open_at(problem.zones.switch) & ~final.is_open_at(problem.zones.switch)]
    ends = np.concatenate([net.from_node[ties], net.to_node[ties]])
    return ends[after.live(ends)]


def _ways(supply: Supply, dead: Indices, touched: Indices, over: Indices) -> Ways:
    """Return what an outage takes and leans on.

    Args:
        supply: supply in the normal state.
        dead: nodes that lose supply at all.
        touched: transformers that do.
        over: nodes from which ties feed some of them.
    """
    net = supply.network
    customers = net.customers_of_transformer.of_keys(touched)
    also = np.concatenate([net.customer_transformer[customers], net.customer_second_transformer[customers]])
    also = np.setdiff1d(also[also >= 0], touched)  # whose customers have nothing else left
    second = np.setdiff1d(_supplies(net, net.transformers_at_node.of_keys(dead)), dead)
    return Ways(
        frozenset(dead.tolist()) | frozenset((touched + len(net.nodes)).tolist()),
        _heads(supply, np.union1d(dead, _supplies(net, touched))),
        _heads(supply, np.concatenate([over, second, _supplies(net, also)])),
    )


def _supplies(net: Topology, transformers: Indices) -> Indices:
    """Return the nodes that transformers take their supply from."""
    ends = np.concatenate([net.transformer_node[transformers], net.transformer_second_node[transformers]])
    return ends[ends >= 0]


def _heads(supply: Supply, nodes: Indices) -> frozenset[int]:
    """Return the places of the heads of the feeders that feed these nodes."""
    places = supply.place_of[nodes[supply.live(nodes)]]
    return frozenset(supply.head_above[places].tolist())


def _hangs_on(net: Topology, transformers: Indices, zone: Indices) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Return which transformers have a supply inside the zone of the work."""
    first, second = net.transformer_node[transformers], net.transformer_second_node[transformers]
    inside: np.ndarray[tuple[int], np.dtype[np.bool_]] = np.isin(first, zone) | np.isin(second, zone)
    return inside


def _affected(restorer: Restorer, off: Indices, branches: Affected) -> Affected:
    """Return who is off when these transformers are: customers with a second transformer that is fed stay on."""
    ids = restorer.supply.network.transformers["transformer_id"].gather(off).to_list()
    hit: LostSupply = affected_by_transformers(restorer.supply, ids).hit
    return Affected(hit, branches.branches, branches.opened)


def _back_without_transfer(problem: RestorationProblem) -> list[Operation]:
    """Return the operations that leave only the devices around the work open: nothing is fed from another feeder."""
    remote = problem.fault.network.remote
    closing = np.setdiff1d(problem.fault.tripped, problem.fault.devices)
    first = [Operation(int(branch), "open", REMOTE if remote[branch] else ON_SITE) for branch in problem.to_isolate]
    last = [Operation(int(branch), "close", REMOTE if remote[branch] else ON_SITE) for branch in closing]
    return [*first, *last]


def _first_steps(problem: RestorationProblem) -> list[Step]:
    """Return the openings under load that part the work from its sources."""
    net, tripped = problem.fault.network, problem.fault.tripped
    remote = net.remote
    ids = net.branch_ids(tripped)
    return [
        Step(order, "open", branch_id, bool(remote[branch]), REMOTE if remote[branch] else ON_SITE, (),
             None if net.customers.is_empty() else 0)
        for order, (branch, branch_id) in enumerate(zip(tripped.tolist(), ids, strict=True), 1)
    ]  # fmt: skip


def _renumbered(steps: Iterable[Step], before: int) -> list[Step]:
    return [Step(**{**vars(step), "order": step.order + before}) for step in steps]
