"""The N-1 test (field reference 8): after a fault in any one section, can its neighbours feed the healthy rest of the feeder?

A section is what no switching device divides. The load to transfer is all that lost supply, is healthy, and could get it from
somewhere without passing the fault: what hangs on the faulted section alone, such as a lateral behind its fuse, belongs to it,
and is given beside as stranded. A feeder passes if every section does; one that no tie can feed from elsewhere does not.

The load is that of the setting ``planning_load``; those who come back take what they do after the outage (``cold_load``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from network import FudianError, Supply, Text, text
from network.arrays import Indices, components
from repair.isolation import isolate
from repair.restoration.load_curve import cold_load_after
from repair.restoration.problem import RestorationProblem
from repair.restoration.restorer import Restorer
from repair.restoration.search import search, search_without_moves
from repair.restoration.switching_model import SwitchingSolution
from repair.restoration.without_ties import WithoutTies
from repair.settings import RestorationSettings

_TOLD_TIMES = 500
"""How often the progress of a test is told: each time all that is known is told."""

LEAST_A = 1e-3
"""What is missing less is not missing."""


@dataclass(frozen=True)
class SectionResult:
    """A fault in one section.

    Attributes:
        feeder_id: its feeder.
        branch_id: a branch of the section, on which the fault was put.
        transfer_a: healthy load that lost supply and could be fed, in A; ``None`` where it could not be tried, as those below.
        missing_a: what of it no plan within the limits can feed, in A.
        missing_without_moves_a: the same where no live load is moved to make room, in A: what the moves are worth.
        stranded_a: healthy load that hangs on the section alone, in A.
        ties: open devices between what lost supply and what did not, other than those that tripped.
        reason: why it could not be tried; ``None`` where it was.
    """

    feeder_id: str
    branch_id: str
    transfer_a: float | None
    missing_a: float | None
    missing_without_moves_a: float | None
    stranded_a: float | None
    ties: int | None
    reason: Text | None = None

    @property
    def passes(self) -> bool | None:
        """Whether all that could be fed can be fed within the limits; ``None`` where it could not be tried."""
        return None if self.missing_a is None else self.missing_a < LEAST_A


@dataclass(frozen=True)
class NMinus1:
    """The test of every feeder, or as much of it as is done.

    Attributes:
        sections: the result of each section that was tried, by feeder.
        sections_in_all: how many there are to try.
        assumed: what stands in for missing data.
    """

    sections: tuple[SectionResult, ...]
    sections_in_all: int
    assumed: tuple[Text, ...]

    @property
    def complete(self) -> bool:
        """Whether every section was tried."""
        return len(self.sections) == self.sections_in_all

    @cached_property
    def feeders(self) -> dict[str, list[SectionResult]]:
        """The sections of each feeder."""
        found: dict[str, list[SectionResult]] = {}
        for section in self.sections:
            found.setdefault(section.feeder_id, []).append(section)
        return found

    @property
    def pass_rate(self) -> float | None:
        """Feeders that pass, in per cent of all; ``None`` without feeders, or while sections are untried."""
        return self.pass_rate_of(self.feeders)

    def pass_rate_of(self, feeder_ids: Iterable[str]) -> float | None:
        """Return the share of these feeders that passes, in per cent of those with a section.

        ``None`` as above, and where one of them could not be tried.
        """
        feeders = [each for each in feeder_ids if each in self.feeders]
        passed, tested = self.passes_of(feeders)
        return 100.0 * passed / tested if tested and tested == len(feeders) and self.complete else None

    def passes_of(self, feeder_ids: Iterable[str]) -> tuple[int, int]:
        """Return how many of these feeders pass, and how many could be tried."""
        feeders = self.feeders
        tried = [_passes(feeders[each]) for each in feeder_ids if each in feeders]
        tested = [each for each in tried if each is not None]
        return sum(tested), len(tested)

    def feeder_rows(self, language: str = "en") -> list[dict[str, Any]]:
        """Return a row for each feeder: whether it passes, its sections, those that fail, what is missing at most, in A."""
        no_tie = _NO_TIE.in_language(language)
        return [
            {
                "feeder_id": feeder,
                "passes": _passes(sections),
                "sections": len(sections),
                "failing": [section.branch_id for section in sections if section.passes is False],
                "missing_a": max(
                    (section.missing_a for section in sections if section.missing_a is not None), default=None
                ),
                "reason": _reason(sections, no_tie, language),
            }
            for feeder, sections in self.feeders.items()
        ]

    def as_dict(self, language: str = "en") -> dict[str, Any]:
        """Return ``pass_rate`` in per cent, ``feeders`` and ``sections`` as rows, what was assumed, and how much is done."""
        return {
            "pass_rate": self.pass_rate,
            "complete": self.complete,
            "sections_tried": len(self.sections),
            "sections_in_all": self.sections_in_all,
            "feeders": self.feeder_rows(language),
            "sections": [
                vars(section)
                | {"passes": section.passes, "reason": section.reason.in_language(language) if section.reason else None}
                for section in self.sections
            ],
            "assumptions": [each.in_language(language) for each in self.assumed],
        }


_NO_TIE = text("no tie that can be closed")


def _reason(sections: Sequence[SectionResult], no_tie: str, language: str) -> str | None:
    """Return why a feeder could not be tried, or why it fails whatever its sections do."""
    untried = next((section.reason for section in sections if section.reason is not None), None)
    if untried is not None:
        return untried.in_language(language)
    return None if any(section.ties for section in sections) else no_tie


def _passes(sections: Sequence[SectionResult]) -> bool | None:
    """Return whether a feeder passes; ``None`` where a section could not be tried and none fails."""
    found = [section.passes for section in sections]
    if False in found:
        return False
    return None if None in found else any(section.ties for section in sections)


def n_minus_1(
    supply: Supply,
    settings: RestorationSettings | None = None,
    progress: Callable[[NMinus1], None] | None = None,
    known: Callable[[], Mapping[str, SectionResult]] = dict,
) -> NMinus1:
    """Try a fault in every section of every feeder that has a label.

    A section without a line is one if it has load; the fault is put on the device that feeds it then.

    Args:
        supply: supply before any fault.
        settings: rules; those of the workspace by default.
        progress: is told after every section what is known by then.
        known: gives results of the same test by branch, where it was made elsewhere; asked until it gives any.
    """
    restorer = Restorer.for_planning(supply, settings)
    faults, assumed = list(_sections(supply)), _assumed(restorer)
    found: list[SectionResult] = []
    told_at_once = (
        None if _cold_load(restorer) != 1.0 else WithoutTies.of(restorer.loads, supply, _zone_of_node(supply))
    )
    told_every = max(len(faults) // _TOLD_TIMES, 1)
    before: Mapping[str, SectionResult] = {}
    for number, fault in enumerate(faults):
        if not before and number % told_every == 0:
            before = known()
        at_once = None if told_at_once is None else _at_once(told_at_once, *fault)
        found.append(before.get(fault[2]) or at_once or _try(restorer, *fault[1:]))
        if progress and len(found) % told_every == 0:
            progress(NMinus1(tuple(found), len(faults), assumed))
    return NMinus1(tuple(found), len(faults), assumed)


def _assumed(restorer: Restorer) -> tuple[Text, ...]:
    """Return what stands in for what the tables do not say, all over the network."""
    net, loads = restorer.supply.network, restorer.loads
    said = list(loads.assumed)
    if (factor := _cold_load(restorer)) != 1.0:
        hours = loads.rules.manual_min / 60.0
        said.append(
            text(
                "Who comes back takes {factor:g} times their load, after {hours:.1f} h without supply",
                factor=factor,
                hours=hours,
            )
        )
    if count := int(np.isinf(loads.rating_a).sum()):
        said.append(text("{count} branches have no rating_a: taken as unlimited", count=count))
    if count := net.sources["capacity_a"].null_count():
        said.append(text("{count} sources have no capacity_a: taken as unlimited", count=count))
    if net.branches["feeder_id"].null_count() == net.branches.height:
        said.append(text("no branch has a feeder_id: there is no feeder to test"))
    is_line = ~net.switching & restorer.supply.live(net.from_node)
    if count := int(np.isnan(loads.impedance_ohm[: len(is_line)][is_line]).sum()):
        said.append(text("{count} lines have no r_ohm and x_ohm: voltage is not checked on their feeders", count=count))
    return tuple(said)


def _sections(supply: Supply) -> Iterator[tuple[int, str, str]]:
    """Give the first branch of each section that is no device, or the device that feeds it: its index, its feeder, its id."""
    net = supply.network
    live = (supply.place_of[net.from_node] >= 0) & (supply.place_of[net.to_node] >= 0) & ~supply.is_open
    labelled = net.branches["feeder_id"].is_not_null().to_numpy()
    branches = np.flatnonzero(live & labelled & ~net.switching)
    seen: set[int] = set()
    zone = _zone_of_node(supply)
    rows = net.branches[branches].select("feeder_id", "branch_id").rows()
    for branch, (feeder, branch_id) in zip(branches.tolist(), rows, strict=True):
        at = int(zone[net.from_node[branch]])
        if at not in seen:
            seen.add(at)
            yield branch, feeder, branch_id
    devices = np.flatnonzero(live & labelled & net.switching)
    ends = np.stack([net.from_node[devices], net.to_node[devices]])
    beyond = zone[ends[np.argmax(supply.place_of[ends], axis=0), np.arange(len(devices))]]
    loaded = set(zone[net.transformer_node[net.transformer_node >= 0]].tolist())
    rows = net.branches[devices].select("feeder_id", "branch_id").rows()
    for device, at, (feeder, branch_id) in zip(devices.tolist(), beyond.tolist(), rows, strict=True):
        if at in loaded and at not in seen:
            seen.add(at)
            yield device, feeder, branch_id


def _zone_of_node(supply: Supply) -> Indices:
    net = supply.network
    joins = ~supply.is_open & ~net.switching
    return components(len(net.nodes), net.from_node[joins], net.to_node[joins])


def _at_once(told: WithoutTies, branch: int, feeder_id: str, branch_id: str) -> SectionResult | None:
    """Return the result of a section on a feeder without ties, ``None`` for any other."""
    transfer, stranded = float(told.transfer_a[branch]), float(told.stranded_a[branch])
    return None if np.isnan(transfer) else SectionResult(feeder_id, branch_id, transfer, 0.0, 0.0, stranded, 0)


def _try(restorer: Restorer, feeder_id: str, branch_id: str) -> SectionResult:
    """Try a fault on one branch."""
    try:
        fault = isolate(restorer.supply, branch_id)
        cold = restorer.loads.times_of(fault.before.lost_in(fault.after).transformer_index, _cold_load(restorer))
        problem = RestorationProblem.of(cold, restorer.source_ampere, fault, warm=restorer.loads)
        zones = problem.zones
        ties = _ties(problem)
        healthy = np.setdiff1d(problem.fault.dead, problem.fault.zone)
        lost = _ampere_at(problem, healthy)
        transfer = _ampere_at(problem, zones.nodes)
        without, missing = 0.0, 0.0
        if zones.count:
            without, missing = _missing(problem, transfer)
        return SectionResult(feeder_id, branch_id, transfer, missing, without, lost - transfer, ties)
    except FudianError as refused:
        return SectionResult(feeder_id, branch_id, None, None, None, None, None, refused.message)


def _cold_load(restorer: Restorer) -> float:
    """Return what those who come back take over their load, once those on site have switched."""
    rules = restorer.loads.rules
    return cold_load_after(rules.manual_min / 60.0, rules)


def _missing(problem: RestorationProblem, transfer_a: float) -> tuple[float, float]:
    """Return what of the load to transfer no plan feeds, in A: where no live load is moved, and where it is as allowed."""
    loads = problem.capacity.loads
    policy, still = loads.rules.transfer_allowed, problem
    if (
        policy == "with_short_interruption"
    ):  # who may lose supply for a moment says how the other choices come about, too
        rules = loads.rules.model_copy(update={"transfer_allowed": "never"})
        still = replace(problem, capacity=replace(problem.capacity, loads=replace(loads, rules=rules)))
    best = search_without_moves(still, "kw", first_goals_only=True)
    without = transfer_a - _fed_a(problem, best)
    if without < LEAST_A or policy == "never":
        return without, without
    known = best if still is problem else None
    moved = search(problem, "kw", first_goals_only=True, without=known)[1]
    return without, min(transfer_a - _fed_a(problem, moved), without)


def _fed_a(problem: RestorationProblem, choice: SwitchingSolution) -> float:
    """Return what those take who come back by a choice, in A."""
    fed = choice.fed & ~choice.zones.live
    return _ampere_at(problem, choice.zones.nodes[fed[choice.zones.zone]])


def _ties(problem: RestorationProblem) -> int:
    fault, net = problem.fault, problem.fault.network
    around = net.branches_at_node.of_keys(fault.dead)
    around = np.setdiff1d(around[net.switching[around] & fault.after.is_open_at(around)], fault.tripped)
    return int((fault.after.live(net.from_node[around]) | fault.after.live(net.to_node[around])).sum())


def _ampere_at(problem: RestorationProblem, nodes: Indices) -> float:
    """Return what those take who lost supply and have their first or second supply at these nodes, in A."""
    net, lost = problem.fault.network, problem.lost.transformer_index
    here = np.isin(net.transformer_node[lost], nodes) | np.isin(net.transformer_second_node[lost], nodes)
    return float(problem.capacity.loads.ampere[lost[here]].sum())
