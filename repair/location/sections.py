"""Fault-section location 故障定位: which section explains the signals, with an honest probability (field reference 7).

Prior: length times failure rate. Likelihood: flags, trips, dark and live transformers and calls, all together, each able to be
wrong at its own rate: :mod:`repair.location.radial_model`, and :mod:`repair.location.meshed_model` where current can come from
two sides. Bayes' rule gives the
answer exactly, for one fault and for two. Sections that nothing heard could separate stand together; sections that explain the
signals equally well are all returned.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import islice
from typing import Any

import numpy as np
import polars as pl

from network import Supply, Topology
from network.arrays import Indices, Numbers
from network.representation import Shown
from network.tables.frames import require_table
from repair.inference.outages import Inference
from repair.location.evidence import Sensors, Witnesses, lower_place, tripped_branches
from repair.location.feeders import Feeders, sums_of
from repair.location.looks import Look, weights
from repair.location.meshed_model import MeshedModel
from repair.location.next_check import Check, best_checks
from repair.location.parts import borders_of, parts_of
from repair.location.radial_model import RadialModel
from repair.settings import LocationSettings

Model = RadialModel | MeshedModel

SAME = 1e-9
"""Probabilities this close, relative to each other, are the same."""

HALF = 0.5
"""What is more probable than that is rather so than not."""

SHOWN_EXPLANATIONS = 10
"""So many explanations are listed; the others are only counted in the probability of two faults."""

BRANCH_KINDS = ("fault_current", "trip")
"""Kinds of signal that branches give."""

CHOICES, PARTS = 3, 5
"""So many sections can be chosen to plan for, and so many parts of each."""

LIKELIEST = "1"
"""The place of the most probable section."""

DARK_FOR_A_LINE = 2
"""Without a flag or a trip, so many dark transformers speak of a fault on a line."""


@dataclass(frozen=True)
class Section:
    """A part of the network that nothing heard can separate.

    Attributes:
        branches: branch ids, from the source outwards.
        probability: that the fault lies here, if there is one fault.
        bounded_by: the branches at its borders that a sensor or a device tells from it; on a radial feeder the first is on the
            source side, if there is one.
    """

    branches: tuple[str, ...]
    probability: float
    bounded_by: tuple[str, ...]


@dataclass(frozen=True)
class Suspect:
    """A signal that the answer contradicts: ``thought`` is ``missing`` or ``false``."""

    object_id: str
    kind: str
    thought: str


@dataclass(frozen=True)
class Explanation:
    """A fault in one section, or faults in two at once, that can be told from all others.

    Attributes:
        sections: one or two places in :attr:`Location.ranked`; none: there is no fault, and what was heard is wrong.
        probability: of just this, among all with one fault and with two. A second fault behind which the first hides, on the
            same way to the source, cannot be seen: it is part of the explanation with one section.
    """

    sections: tuple[int, ...]
    probability: float


@dataclass(frozen=True, eq=False, repr=False)
class Location(Shown):
    """Where the fault lies, what speaks against it, and what to check next.

    Attributes:
        ranked: sections by falling probability; they add up to one.
        ambiguous: more than one section is equally probable.
        supply: supply before the fault.
        signals: what was heard.
        reading: the signals weighed, of which the rest is told when asked; ``None`` where they tell of no fault.
    """

    ranked: tuple[Section, ...]
    ambiguous: bool
    supply: Supply
    signals: pl.DataFrame
    reading: SectionPosterior | None

    @cached_property
    def outage(self) -> dict[str, str | None]:
        """``level``, ``object_id`` and ``state`` of what is out, as :mod:`repair.inference` has it from these signals alone.

        Of several outages the one with most transformers. Where nobody is off, as far as is known, but a fault is more
        probable than none, ``section`` with the first branch of the most probable one; else ``none``.
        """
        inference = Inference(self.supply)
        inference.take(self.signals, self.signals["time"].max())  # type: ignore[arg-type]
        out = max(inference.incidents, key=lambda each: (each.is_open, each.transformers, each.customers), default=None)
        if out is None and self.ranked and self.nothing < HALF:
            state = "confirmed" if 1 - self.nothing >= inference.rules.confirmed else "suspected"
            return {"level": "section", "object_id": self.ranked[0].branches[0], "state": state}
        if out is None:
            return {"level": "none", "object_id": None, "state": "none"}
        return {"level": out.level, "object_id": out.object_id, "state": out.state}

    @cached_property
    def places(self) -> dict[str, Section]:
        """What can be planned for: sections, each followed by the parts that switches can part it into: ``1``, ``1.1``, ``2``."""
        found: dict[str, Section] = {}
        for rank, section in enumerate(self.ranked[:CHOICES], 1):
            found[str(rank)] = section
            parts = self.parts(section)
            if len(parts) > 1:
                found |= {f"{rank}.{at}": part for at, part in enumerate(parts[:PARTS], 1)}
        return found

    def place_of(self, branches: Iterable[str]) -> str:
        """Return the smallest place that holds some branches; the likeliest where none does, or none is named."""
        told = set(branches)
        held = (place for place, each in reversed(self.places.items()) if told and told <= set(each.branches))
        return next(held, LIKELIEST)

    @property
    def unused(self) -> dict[str, int]:
        """Signals that this answer does not use, by kind."""
        return dict(self.signals.filter(pl.col("kind") == "on").group_by("kind").len().rows())

    @property
    def explanations(self) -> tuple[Explanation, ...]:
        """The most probable of all explanations with one fault and with two, by falling probability."""
        return self.reading.explanations if self.reading else ()

    @property
    def two_faults(self) -> float:
        """How probable it is that there are faults in two sections that can both be seen."""
        return self.reading.two_faults if self.reading else 0.0

    @property
    def nothing(self) -> float:
        """How probable it is that nothing happened at all."""
        return self.reading.nothing if self.reading else 0.0

    @property
    def suspect_signals(self) -> tuple[Suspect, ...]:
        """Signals that must be wrong if the first explanation (or one of the equal first sections) is true."""
        return self.reading.suspects if self.reading else ()

    @property
    def checks(self) -> tuple[Check, ...]:
        """The best check of each kind; the one that tells most first."""
        return self.reading.checks if self.reading else ()

    @property
    def next_check(self) -> Check | None:
        """The check that tells most; ``None`` when nothing is left to gain."""
        return self.checks[0] if self.checks else None

    @cached_property
    def covering(self) -> tuple[Section, ...]:
        """The fewest sections that hold the fault with 90 % probability or more, if there is one fault."""
        reached = np.cumsum([section.probability for section in self.ranked])
        return self.ranked[: int(np.searchsorted(reached, 0.9 - 1e-12)) + 1]

    def parts(self, section: Section) -> tuple[Section, ...]:
        """Return the parts of a section that switching devices can part, by falling probability; it alone where it is one part.

        Nothing heard tells them apart; within the section a fault is as probable as length times failure rate, and what crews
        said of it.

        Args:
            section: one of :attr:`ranked`.
        """
        found = parts_of(self.supply, section.branches)
        if len(found) == 1 or self.reading is None:
            return (section,)
        known = self.reading.of_branch(section.branches)
        each = [Section(part, sum(known[branch] for branch in part), borders_of(self.supply, part)) for part in found]
        return tuple(sorted(each, key=lambda part: -part.probability))

    def as_dict(self) -> dict[str, Any]:
        """Return the location in the form of commands and routes."""
        check = self.next_check
        return {
            "ranked": [
                {"branches": list(each.branches), "probability": each.probability, "bounded_by": list(each.bounded_by)}
                for each in self.ranked
            ],
            "ambiguous": self.ambiguous,
            "suspect_signals": [vars(suspect_signal) for suspect_signal in self.suspect_signals],
            "next_check": None if check is None else vars(check),
            "checks": [vars(each) for each in self.checks],
            "two_faults": self.two_faults,
            "nothing": self.nothing,
            "explanations": [
                {
                    "sections": [list(self.ranked[index].branches) for index in explanation.sections],
                    "probability": explanation.probability,
                }
                for explanation in self.explanations
            ],
            "outage": self.outage,
            "unused_signals": self.unused,
        }


@dataclass(frozen=True, eq=False, repr=False)
class SectionPosterior(Shown):
    """The signals of one incident, weighed.

    Attributes:
        model: what they say of every fault and every two.
        prior: of each candidate; they add up to one, but for what crews said of sections that they looked at.
        rules: rates.
    """

    model: Model
    prior: Numbers
    rules: LocationSettings

    @cached_property
    def _one(self) -> Numbers:
        """Prior times likelihood of one fault at each candidate."""
        return np.asarray(self.prior * np.exp(self.model.log_likelihood - self.model.scale))

    @cached_property
    def posterior(self) -> Numbers:
        """How probable one fault is at each candidate."""
        return np.asarray(self._one / self._one.sum())

    def of_branch(self, branch_ids: Sequence[str]) -> dict[str, float]:
        """Return how probable one fault is on each of some branches; 0 on one that is no candidate."""
        index = self.model.feeders.supply.network.branch_index(list(branch_ids))
        known = np.bincount(self.model.branch, self.posterior, int(max(index.max(), self.model.branch.max())) + 1)
        return dict(zip(branch_ids, known[index].tolist(), strict=True))

    @cached_property
    def probability(self) -> Numbers:
        """How probable one fault is in each section."""
        return sums_of(self.model.section, self.posterior, int(self.model.section.max()) + 1)

    @cached_property
    def _order(self) -> Indices:
        return np.argsort(-self.probability, kind="stable")

    @property
    def sections(self) -> tuple[Section, ...]:
        """The sections by falling probability."""
        model = self.model
        ids = model.feeders.supply.network.branches["branch_id"]
        by_section = np.argsort(model.section, kind="stable")
        members = _ids_of(ids, np.split(model.branch[by_section], np.cumsum(np.bincount(model.section))[:-1]))
        borders = _ids_of(ids, model.borders())
        return tuple(Section(members[i], float(self.probability[i]), borders[i]) for i in self._order)

    @cached_property
    def _told(self) -> tuple[Numbers, Numbers, float]:
        """How probable each section alone is, each two, and no fault; two that hide behind each other count for the one seen."""
        share = self.rules.second_fault_rate
        alone = (1 - share) * sums_of(self.model.section, self._one, len(self.probability))
        pairs = np.zeros((len(alone), len(alone)))
        if share > 0:
            both = share * self.model.pairs(self.prior)
            pairs = np.where(self.model.separate, both, 0.0)
            alone += self.model.seen_of_hidden(both - pairs)
            pairs = np.triu(pairs + pairs.T)
        nothing = self.rules.no_fault_prior
        none = np.exp(min(self.model.log_nothing - self.model.scale, 700.0)) * nothing / (1 - nothing)
        total = alone.sum() + pairs.sum() + none
        return alone / total, pairs / total, float(none / total)

    @property
    def nothing(self) -> float:
        """How probable it is that there is no fault at all, and what was heard is wrong."""
        return self._told[2]

    @property
    def two_faults(self) -> float:
        """How probable it is that there are faults in two sections that can both be seen."""
        return float(self._told[1].sum())

    @cached_property
    def explanations(self) -> tuple[Explanation, ...]:
        """The most probable explanations, by falling probability."""
        alone, pairs, nothing = self._told
        rank = np.argsort(self._order)
        few = np.argsort(-pairs, axis=None)[:SHOWN_EXPLANATIONS]
        found: list[tuple[tuple[int, ...], float]] = [
            ((int(rank[i]),), alone[i]) for i in np.argsort(-alone)[:SHOWN_EXPLANATIONS]
        ]
        for one, other in zip(*np.unravel_index(few, pairs.shape), strict=True):
            found.append((tuple(sorted((int(rank[one]), int(rank[other])))), pairs[one, other]))
        found.append(((), nothing))
        found.sort(key=lambda each: (-each[1], each[0]))
        return tuple(Explanation(sections, float(p)) for sections, p in found[:SHOWN_EXPLANATIONS] if p > 0)

    @cached_property
    def suspects(self) -> tuple[Suspect, ...]:
        """The signals that contradict at least one of the most probable explanations."""
        best: list[tuple[int, ...]] = [
            (int(i),) for i in np.flatnonzero(self.probability >= self.probability.max() * (1 - SAME))
        ]
        sections = next((explanation.sections for explanation in self.explanations if explanation.sections), ())
        if len(sections) > 1:
            best = [tuple(int(self._order[i]) for i in sections)]
        found = dict.fromkeys(wrong for sections in best for wrong in self.model.contradictions(sections))
        net = self.model.feeders.supply.network
        ids = {True: net.branches["branch_id"], False: net.transformers["transformer_id"]}
        return tuple(Suspect(ids[kind in BRANCH_KINDS][index], kind, thought) for kind, index, thought in found)

    @cached_property
    def checks(self) -> tuple[Check, ...]:
        """The best check of each kind; the one that tells most first."""
        return best_checks(self.model, self.posterior, self.rules)


def locate(
    supply: Supply,
    signals: pl.DataFrame,
    sensors: pl.DataFrame | Sensors | None = None,
    settings: LocationSettings | None = None,
    looks: Iterable[Look] = (),
) -> Location:
    """Return the faulted section.

    Args:
        supply: supply before the fault.
        signals: the table ``signals`` of a workspace, of one incident; every kind counts.
        sensors: the table ``sensors`` of a workspace, with the rates of each sensor; unknown rates take
            the default of the settings. Who asks often gives :meth:`repair.location.evidence.Sensors.of` of the table.
        settings: default rates and priors; those of the workspace by default.
        looks: what crews said of sections that they looked at, in order.

    Returns:
        The location; no sections where nothing heard can tell of a fault on an energised branch.
    """
    require_table(signals, "signals")
    net = supply.network
    rules = settings or LocationSettings.of(net.workspace.settings)
    prepared = sensors if isinstance(sensors, Sensors) else Sensors.of(supply, sensors, rules)
    model = _model(supply, signals, prepared, rules)
    if model is None:
        return Location((), False, supply, signals, None)
    prior = _prior(net, rules)[model.branch]
    looked = weights(net, model.branch, looks, rules)
    reading = SectionPosterior(model, prior / prior.sum() * looked, rules)
    equal = reading.probability >= reading.probability.max() * (1 - SAME)
    return Location(reading.sections, int(equal.sum()) > 1, supply, signals, reading)


def _model(supply: Supply, signals: pl.DataFrame, sensors: Sensors, rules: LocationSettings) -> Model | None:
    """Cut out the feeders that the signals speak of, and return what is heard there; nothing where they tell of no fault."""
    net = supply.network
    hearing = sensors.hearing(supply, signals, rules)
    witnesses = Witnesses.of(net, signals, rules)
    tripped = tripped_branches(net, signals)
    tripped = tripped[lower_place(supply, tripped) >= 0]
    witness_place = supply.transformer_place[witnesses.transformer]
    dark = witness_place[(witnesses.weight > 0) & (witness_place >= 0)]
    told = np.concatenate([hearing.place[hearing.heard & (hearing.report != 0)], lower_place(supply, tripped)])
    if not len(told):
        told = dark if len(dark) >= DARK_FOR_A_LINE else hearing.place[hearing.heard]
    if not len(told):
        return None
    feeders = Feeders.of(supply, np.unique(supply.source_above[told]))
    here = feeders.place(lower_place(supply, tripped)) >= 0
    given = (feeders, hearing.on(feeders), tripped[here], witnesses.on(feeders), rules)
    model = MeshedModel(*given) if len(feeders.loops) else RadialModel(*given, signals, _prior(net, rules))
    return model if len(model.branch) else None


def _ids_of(ids: pl.Series, groups: list[Indices]) -> list[tuple[str, ...]]:
    """Return the ids of several groups of indices."""
    names = iter(ids.gather(np.concatenate(groups)).to_list())
    return [tuple(islice(names, len(group))) for group in groups]


@lru_cache(maxsize=4)
def _prior(net: Topology, rules: LocationSettings) -> Numbers:
    """Return the relative rate of faults per branch: length times failure rate; unknown ones take the mean of their kind."""
    rate = net.branches.select(
        length=pl.col("length_km"),
        rate=pl.coalesce("failures_per_km_yr", pl.lit(rules.failures_per_km_yr)),
        device=~pl.col("kind").is_in(["line", "cable", "bus"]),
    )
    known = rate.select(pl.col("length") * pl.col("rate"), "device").drop_nulls()
    lines = known.filter(~pl.col("device"))
    typical = (known if lines.is_empty() else lines)["length"].mean()
    if typical is None or not isinstance(typical, float) or typical <= 0:
        return np.ones(net.branches.height)
    filled = rate.select(
        pl.when(pl.col("device") & pl.col("length").is_null())
        .then(rules.device_failures_yr)
        .otherwise((pl.col("length") * pl.col("rate")).fill_null(typical))
    )[:, 0]
    return filled.clip(typical * 1e-6).to_numpy()
