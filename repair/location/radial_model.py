"""Fault location on radial feeders, a marginal of the posterior of inference: no evidence is used twice (field reference 6.3).

Sections, their borders and what another look would tell are those of :mod:`repair.location.radial_sections`; what one fault, two
or none explain of the signals comes from the one model of what is out: flags, trips, reclosings, lock-outs, fuses, readings,
calls and silence together.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
import polars as pl

from network import Supply
from network.arrays import NONE, Indices, Numbers
from network.representation import Shown
from repair.inference.device_words import OPEN, OPEN_AFTER_RECLOSE, flag_likelihoods
from repair.inference.devices import EVER, Devices
from repair.inference.events import Events
from repair.inference.feeder_tree import FeederTree
from repair.inference.intake import Intake, Removed
from repair.inference.judgement import Judge, Prepared
from repair.inference.posterior import Posterior
from repair.inference.states import DARK, LIVE, UNHEARD
from repair.inference.words import Rows
from repair.location.radial_sections import RadialSections
from repair.settings import InferenceSettings

LEAST_PROBABILITY = 1e-4
"""A section in which the fault lies with no more than this is no place of it when the next check is sought."""

CONDITIONED = 9
"""Sections for which a second fault is looked for, at most: those where one fault is most probable."""


@dataclass(frozen=True, eq=False, repr=False)
class Court(Shown):
    """What judges signals on one supply, kept because it is asked often."""

    supply: Supply
    rules: InferenceSettings

    @classmethod
    def of(cls, supply: Supply) -> Court:
        """Return that of a supply."""
        return _court(supply, InferenceSettings.of(supply.network.workspace.settings))

    @cached_property
    def devices(self) -> Devices:
        """Devices that report."""
        return Devices(self.supply.network)

    @cached_property
    def tree(self) -> FeederTree:
        """The pieces of the supply."""
        return FeederTree(self.supply)

    @cached_property
    def judge(self) -> Judge:
        """The judge."""
        return Judge(self.tree, self.devices, self.rules)

    def events(self, signals: pl.DataFrame, pieces: Indices) -> Events:
        """Return all signals of some pieces as one event each, at the moment of the last signal."""
        last = signals["time"].max()
        rows = Intake(self.supply, self.devices, self.rules).read(signals, last, Removed())  # type: ignore[arg-type]
        place = self.places_of(rows.device)
        piece = self.tree.piece_of(place)
        number = np.full(len(self.tree.first) + 1, -1, dtype=np.int64)
        number[pieces] = np.arange(len(pieces))
        event = number[piece]
        order = np.lexsort((rows.word, rows.device, event))
        order = order[event[order] >= 0]
        device, word = rows.device[order], rows.word[order]
        first = np.append(True, (np.diff(device) != 0) | (np.diff(word) != 0))[: len(device)]
        at = np.full(len(pieces), int(rows.time.max()) if len(word) else 0)
        return Events(pieces, at, event[order][first], Rows(device[first], word[first]), NONE)

    def places_of(self, device: Indices) -> Indices:
        """Return the place of each device, -1 where it is dead or cuts off nobody."""
        supply, devices = self.supply, self.devices
        place = np.full(len(device), -1, dtype=np.int64)
        terminal, switch = device < devices.customers_from, device >= devices.branches_from
        place[terminal] = supply.transformer_place[device[terminal]]
        meter = ~terminal & ~switch
        place[meter] = self.tree.customer_place(device[meter] - devices.customers_from)
        place[switch] = supply.place_below(device[switch] - devices.branches_from)
        return place


@lru_cache(maxsize=4)
def _court(supply: Supply, rules: InferenceSettings) -> Court:
    return Court(supply, rules)


@dataclass(frozen=True, eq=False, repr=False)
class RadialModel(RadialSections):
    """The signals of one incident on feeders without loops, weighed by the posterior of inference.

    Attributes:
        heard: the signals of the incident.
        prior_of_branch: relative rate of faults of each branch of the network; shape (branches,).
    """

    heard: pl.DataFrame
    prior_of_branch: Numbers

    # The one model ------------------------------------------------------------------------------------------------

    @cached_property
    def _court(self) -> Court:
        return Court.of(self.feeders.supply)

    @cached_property
    def _case(self) -> Prepared:
        """The evidence of all feeders in question."""
        court, feeders = self._court, self.feeders
        spans = [
            np.flatnonzero((court.tree.first >= first) & (court.tree.first < last))
            for first, last in zip(feeders.first, feeders.last, strict=True)
        ]
        events = court.events(self.heard, np.concatenate(spans))
        nodes = court.judge.nodes_of(events)
        return court.judge.prepare(events, self._flag_likelihoods(nodes))

    def _flag_likelihoods(self, place: Indices) -> Numbers:
        """Return how probable what the sensor at each place of the supply reports is, by fault current."""
        found = np.ones((len(place), 3))
        heard = np.flatnonzero(~np.isnan(self.seen))
        supply = self.feeders.supply
        at = np.searchsorted(place, supply.place_of[self.feeders.node[self.sensors.place[heard]]])
        found[at] = flag_likelihoods(
            self.seen[heard] > 0, self.sensors.miss[heard], self.sensors.false[heard], self.rules.upstream_flag_rate
        )
        return found

    @cached_property
    def _node(self) -> Indices:
        """The node of the evidence for each candidate."""
        places = self.feeders.supply.place_of[self.feeders.node[self.candidates]]
        return np.searchsorted(self._case.place, places)

    def _weighed(self, posterior: Posterior, values: Numbers) -> Numbers:
        """Return the mean over ways of reporting of values by node; shape (nodes, …)."""
        case = self._case
        weight, _ = case.weights(posterior)
        return np.asarray(np.einsum("wn,wn...->n...", weight[:, case.event], values))

    def _given(self, faults: Numbers) -> tuple[Numbers, Numbers]:
        """Return what several sets of faults explain.

        Args:
            faults: which faults are given, shape (sets, nodes).

        Returns:
            log P(signals | just these), shape (sets,), and how much better one more fault at each candidate explains them, shape
            (sets, candidates).
        """
        case = self._case
        posterior = case.posterior(faults)
        logs = posterior.log_evidence + np.log([quality[0] for quality in case.rules.qualities])[:, None, None]
        total = np.logaddexp.reduce(logs, axis=0)
        weight = np.exp(logs - total)
        return total.sum(axis=1), (posterior.with_fault * weight[:, :, case.event]).sum(axis=0)[:, self._node]

    @cached_property
    def _without(self) -> tuple[float, Numbers]:
        total, better = self._given(np.zeros((1, len(self._case.place))))
        return float(total[0]), better[0]

    @property
    def log_nothing(self) -> float:
        """Log P(signals | no fault at all), on the scale of :attr:`log_likelihood`."""
        return self._without[0]

    @cached_property
    def log_likelihood(self) -> Numbers:
        """Log P(signals | just one fault, there), shape (candidates,)."""
        total, better = self._without
        return np.asarray(total + np.log(np.maximum(better, 1e-300)))

    @property
    def scale(self) -> float:
        """The greatest log-likelihood of one fault; likelihoods are given relative to it."""
        return float(self.log_likelihood.max())

    def _best_candidate(self, section: int) -> int:
        members = np.flatnonzero(self.section == section)
        return int(members[np.argmax(self.log_likelihood[members])])

    def pairs(self, prior: Numbers) -> Numbers:
        """Return the sum of P(signals | faults at a and b) x prior of a x prior of b, up to a constant.

        A second fault is looked for beside one in each of the few sections where one fault is most probable.
        """
        sections = len(self.head)
        one = np.bincount(self.section, prior * np.exp(self.log_likelihood - self.scale), sections)
        found = np.zeros((sections, sections))
        mass = np.bincount(self.section, prior, sections)
        chosen = np.argsort(-one)[:CONDITIONED]
        faults = np.zeros((len(chosen), len(self._case.place)))
        best = [self._best_candidate(int(section)) for section in chosen]
        faults[np.arange(len(chosen)), self._node[best]] = 1.0
        for section, total, better in zip(chosen, *self._given(faults), strict=True):
            row = np.bincount(self.section, prior * better, sections)
            found[section] = mass[section] * row * np.exp(min(float(total) - self.scale, 700.0))
        return np.maximum(found, found.T)

    def dark(self, posterior: Numbers) -> Numbers:
        """Return how probable it is that each place is dark, shape (places,), given the posterior of one fault.

        One fault or more is where it may lie by that: what else may have failed elsewhere says nothing of it. An event is sure to
        have happened as far as priors go.
        """
        case = self._case
        may_lie = np.bincount(self.section, posterior, len(self.head))[self.section] > LEAST_PROBABILITY
        prior = np.zeros(len(case.place))
        prior[self._node[may_lie]] = self.prior_of_branch[
            self.feeders.supply.branch_to[case.place[self._node[may_lie]]]
        ]
        found = case.posterior(np.minimum(prior / prior.sum(), 0.5))
        state = self._weighed(found, found.state)
        places = self.feeders.supply.place_of[self.feeders.node[1:]]
        node = np.searchsorted(self._case.place, places)
        node = np.minimum(node, len(self._case.place) - 1)
        known = self._case.place[node] == places
        dark = np.where(known, state[node, DARK] + state[node, UNHEARD], 0.0)
        return np.concatenate([[0.0], dark])

    # What contradicts an explanation ------------------------------------------------------------------------------

    def contradictions(self, sections: Sequence[int]) -> list[tuple[str, int, str]]:
        """Return the signals that are probably wrong if the fault lies in one section, or faults in each of several."""
        case = self._case
        fault = np.zeros(len(case.place))
        fault[self._node[[self._best_candidate(section) for section in sections]]] = 1.0
        posterior = case.posterior(fault)
        flow, state = self._weighed(posterior, posterior.flow), self._weighed(posterior, posterior.state)
        opened = self._weighed(posterior, posterior.opened)
        return [*self._doubted_flags(flow), *self._doubted_trips(flow, opened), *self._doubted_users(posterior, state)]

    def _doubted_flags(self, flow: Numbers) -> list[tuple[str, int, str]]:
        places = self.feeders.supply.place_of[self.feeders.node[self.sensors.place]]
        at = np.searchsorted(self._case.place, places)
        false = (self.seen > 0) & (flow[at].sum(axis=1) < 0.5)
        missing = (self.seen == 0) & (flow[at, 1] > 0.5)
        return [
            ("fault_current", int(self.sensors.branch[i]), "false" if false[i] else "missing")
            for i in np.flatnonzero(false | missing)
        ]

    def _doubted_trips(self, flow: Numbers, opened: Numbers) -> list[tuple[str, int, str]]:
        case = self._case
        tripped = np.isin(case.doing, (OPEN, OPEN_AFTER_RECLOSE))
        wrong = tripped & (flow.sum(axis=1) < 0.5) & (opened < 0.5)
        branch = self.feeders.supply.branch_to[case.place[np.flatnonzero(wrong)]]
        return [("trip", int(each), "false") for each in branch]

    def _doubted_users(self, posterior: Posterior, state: Numbers) -> list[tuple[str, int, str]]:
        case = self._case
        weight, _ = case.weights(posterior)
        states = posterior.state
        dark, was = np.zeros(len(case.node)), np.zeros(len(case.node))
        for way, share in enumerate(weight):
            dark += share[case.of_transformer] * (states[way, case.node] * case.heard.dead[way, case.heard.row]).sum(
                axis=1
            )
            was += share[case.of_transformer] * (states[way, case.node] * case.heard.gone[way, case.heard.row]).sum(
                axis=1
            )
        words, row = case.heard.users.terminals, case.heard.users.at
        lives = state[case.node[row], LIVE] > 0.5
        off, read = words.last_off > -EVER, words.answered > words.last_off
        wrong_off = off & lives & ~(words.answered > words.last_off)
        wrong_read = read & (dark[row] >= 0.5)
        found = [("off", int(case.transformer[row[i]]), "false") for i in np.flatnonzero(wrong_off)]
        return found + [("read", int(case.transformer[row[i]]), "false") for i in np.flatnonzero(wrong_read)]
