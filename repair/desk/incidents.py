"""Incidents for the desk: what was inferred, with its signals, its location and its affected list."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

import numpy as np
import polars as pl

from network import LostSupply, Supply
from network.arrays import NONE
from network.representation import Shown
from repair.affected import Affected, affected_by_opening, affected_by_transformers
from repair.desk.heard import Heard
from repair.desk.switched import Seen, SwitchedInference
from repair.inference.outage import OF_CUSTOMERS, InferredOutage
from repair.inference.outages import Inference
from repair.location.looks import Look
from repair.location.sections import Location, locate
from repair.settings import LocationSettings

ALONE = frozenset({"transformer", *OF_CUSTOMERS})
"""Levels of outages of single users; all others are of a line."""

Recall = Callable[[Hashable, Callable[[], Location]], Location]
"""Gives what was located before under the same key, else locates it."""

GAP = timedelta(hours=1)
"""Signals of one incident follow each other without a longer silence."""


@dataclass(frozen=True)
class FedAgain:
    """Who of an incident was fed again by operations of one moment 转供复电.

    Attributes:
        at: when, local time.
        transformer_ids: the transformers.
        customers: how many customers hang on them alone.
    """

    at: datetime
    transformer_ids: tuple[str, ...]
    customers: int

    def as_dict(self) -> dict[str, Any]:
        """Return it for JSON."""
        return vars(self) | {"transformer_ids": list(self.transformer_ids)}


@dataclass(frozen=True, eq=False, repr=False)
class Incident(Shown):
    """One inferred outage with what was heard of it.

    Attributes:
        supply: supply before the incident.
        outage: what was inferred.
        heard: all signals, with ``place`` and ``head`` (see :meth:`Inference.places`).
        sensors: the ``sensors`` table.
        window: signals up to so long before its start belong to it.
        settings: rates for location; those of the workspace by default.
        sure: how probable it is that each transformer is off.
        looks: what crews said of sections that they looked at.
        recall: remembers where the fault lies, for as long as nothing more is heard of it; without it nothing is remembered.
        fed_again: who has power again by what was operated since, in order of time.
    """

    supply: Supply
    outage: InferredOutage
    heard: Heard
    sensors: pl.DataFrame
    window: timedelta
    settings: LocationSettings | None = None
    sure: Mapping[str, float] | None = None
    looks: tuple[Look, ...] = ()
    recall: Recall | None = None
    fed_again: tuple[FedAgain, ...] = ()

    @property
    def start(self) -> datetime:
        """When the first of its devices went off."""
        return self.outage.start

    @property
    def last(self) -> datetime:
        """When something was heard of it last."""
        return self.outage.last

    @cached_property
    def signals(self) -> pl.DataFrame:
        """Its rows of the ``signals`` table, in order of time; none once they are forgotten.

        Of a line: what switches and sensors of the feeder say, all transformers and customers below, and who else on the feeder
        answers a reading, which tells where the fault is not; else what the transformer and its customers say.
        """
        since = self.heard.since(self.start - self.window)
        own = since.filter(self._is_own).sort("time", maintain_order=True)
        silence = (own["time"].diff() > GAP) & (own["time"] > self.last)
        return own.filter(silence.fill_null(value=False).cum_sum() == 0).drop("place", "head")

    @property
    def _is_own(self) -> pl.Expr:
        supply, net = self.supply, self.supply.network
        level, object_id = self.outage.level, self.outage.object_id
        if level in {"transformer", "customers"}:
            customers = net.customers_of_transformer.of_keys(net.transformer_index(object_id))
            ids = net.customers["customer_id"].gather(customers)
            of_customer = (pl.col("object") == "customer") & pl.col("object_id").is_in(ids.implode())
            return of_customer | ((pl.col("object") == "transformer") & (pl.col("object_id") == object_id))
        if level in {"box", "customer"}:
            named = pl.col("box_id" if level == "box" else "customer_id") == object_id
            of_box = net.customers.filter(named)["customer_id"]
            return (pl.col("object") == "customer") & pl.col("object_id").is_in(of_box.implode())
        place = int(supply.place_to(net.branch_index(object_id))[0])
        below = pl.col("place").is_between(place, int(supply.end[place]), closed="left")
        tells_of_feeder = (pl.col("object") == "branch") | (pl.col("kind") == "read")
        return below | (tells_of_feeder & (pl.col("head") == int(supply.head_above[place])))

    @cached_property
    def tripped(self) -> tuple[str, ...]:
        """The devices whose last word is that they tripped."""
        words = self.signals.filter((pl.col("object") == "branch") & pl.col("kind").is_in(["trip", "reclose", "close"]))
        last = words.group_by("object_id", maintain_order=True).last()
        return tuple(last.filter(pl.col("kind") == "trip")["object_id"])

    @cached_property
    def location(self) -> Location:
        """Where the fault lies."""

        def located() -> Location:
            return locate(self.supply, self.signals, self.sensors, self.settings, self.looks)

        if self.recall is None:
            return located()
        heard = self.signals
        return self.recall(("location", self.supply, heard.height, int(heard.hash_rows().sum()), self.looks), located)

    @cached_property
    def affected(self) -> Affected:
        """Who is off by it now; who was, once all are back."""
        found = affected_by_outage(self.supply, self.outage)
        if self.sure is None or not self.outage.is_open:
            return found
        back = {each for fed in self.fed_again for each in fed.transformer_ids}.difference(self.outage.dark_ids)
        who = [each for each in self.outage.transformer_ids if each not in back]
        return replace(found, sure={each: self.sure.get(each, 0.0) for each in who})


def affected_by_outage(supply: Supply, outage: InferredOutage) -> Affected:
    """Return who is off by one inferred outage now; who was, once all are back.

    Args:
        supply: supply before it.
        outage: an overturned or reclosed one leaves nobody off.
    """
    return _affected(supply, [outage], {outage.id: outage.dark_ids if outage.is_open else outage.transformer_ids})


def affected_by_outages(supply: Supply, outages: Iterable[InferredOutage]) -> Affected:
    """Return who is off now by inferred outages together.

    Args:
        supply: supply before them.
        outages: those that are not open leave nobody off.
    """
    still = [outage for outage in outages if outage.is_open]
    return _affected(supply, still, {each.id: each.dark_ids for each in still})


def _affected(supply: Supply, outages: list[InferredOutage], who: Mapping[str, tuple[str, ...]]) -> Affected:
    net = supply.network
    transformers = list(dict.fromkeys(each for ids in who.values() for each in ids))
    hit = affected_by_transformers(supply, transformers).hit
    customers, _ = net.known_customers(
        {each for outage in outages if outage.phases is None for each in outage.customer_ids}
    )
    lines = [each for each in outages if each.level not in ALONE and who[each.id]]
    branches: dict[str, None] = {}
    for outage in lines:
        opening = affected_by_opening(supply, [outage.object_id, *outage.ends])
        branches |= dict.fromkeys(_dead(supply, outage, opening, set(who[outage.id])))
    opened = tuple(dict.fromkeys(line.object_id for line in lines))
    alone = np.asarray(customers, dtype=np.int64) if len(customers) else NONE
    return Affected(
        LostSupply(net, hit.transformer_index, np.union1d(hit.customer_index, alone)),
        tuple(branch for branch in branches if branch not in opened),
        opened,
    )


def _dead(supply: Supply, outage: InferredOutage, opening: Affected, off: set[str]) -> tuple[str, ...]:
    """Return the branches below an outage that carry nothing: all of them, or those that lead to no transformer with supply."""
    if off >= set(outage.transformer_ids):
        return opening.branches
    net = supply.network
    back = net.transformer_index([each for each in outage.transformer_ids if each not in off])
    place = supply.transformer_place[back]
    fed = np.zeros(len(supply.end), dtype=np.int64)
    np.add.at(fed, place[place >= 0], 1)
    carries = supply.sum_below(fed) > 0
    below = supply.place_below(net.branch_index(list(opening.branches)))
    return tuple(
        branch for branch, at in zip(opening.branches, below.tolist(), strict=True) if at < 0 or not carries[at]
    )


@dataclass(frozen=True, eq=False, repr=False)
class Told(Shown):
    """What signals told until a moment: whole, and never changed by what is heard later.

    Attributes:
        at: the moment; ``None`` where nothing was heard.
        outages: all incidents, latest first.
        heard: the signals, with ``place`` and ``head`` (see :meth:`Inference.places`).
        window: signals up to so long before the start of an incident belong to it.
        sure: how probable it is that each transformer is off, where it is not negligible.
        seen: in which state of the switches an incident was seen, by id, where that is not the first one.
        fed_again: by incident: who was fed again by what was operated since, and is not among its ``dark_ids``.
    """

    at: datetime | None
    outages: tuple[InferredOutage, ...]
    heard: Heard
    window: timedelta
    sure: Mapping[str, float]
    seen: Mapping[str, Seen] = field(default_factory=dict)
    fed_again: Mapping[str, tuple[FedAgain, ...]] = field(default_factory=dict)

    def partly_restored_at(self, incident: str) -> datetime | None:
        """Return when operations first fed some of the users of an incident again, but not all; ``None`` where they did not."""
        fed = self.fed_again.get(incident)
        outage = next((each for each in self.outages if fed and each.id == incident), None)
        if not fed or outage is None or len(fed[0].transformer_ids) >= outage.transformers:
            return None
        return fed[0].at

    @property
    def incidents(self) -> list[dict[str, Any]]:
        """The incidents for JSON, each with who was fed again by operations."""
        return [
            outage.as_dict() | {"fed_again": [each.as_dict() for each in self.fed_again.get(outage.id, ())]}
            for outage in self.outages
        ]

    @classmethod
    def of(cls, inference: Inference | SwitchedInference, signals: pl.DataFrame | Heard) -> Told:
        """Return what an inference tells now.

        Args:
            inference: one that took these signals.
            signals: the table ``signals`` of a workspace, or what was heard with ``place`` and ``head`` already.
        """
        placed = signals if isinstance(signals, Heard) else Heard.of(inference.places(signals))
        window = timedelta(minutes=inference.rules.window_min)
        seen = inference.seen() if isinstance(inference, SwitchedInference) else {}
        return cls(inference.at, inference.incidents, placed, window, inference.sure(), seen)

    @classmethod
    def by(cls, supply: Supply, tables: Mapping[str, pl.DataFrame], at: datetime | None = None) -> Told:
        """Return what the ``signals`` of some tables tell at a moment, by default that of the last one.

        Args:
            supply: supply before them.
            tables: ``signals`` of a workspace; ``plans`` and ``outages`` explain beforehand.
            at: the moment; nothing later is known.
        """
        signals = tables["signals"] if at is None else tables["signals"].filter(pl.col("time") <= at)
        inference = Inference(supply, tables)
        inference.take(signals)
        if at is not None:
            inference.tick(at)
        return cls.of(inference, signals)


def state_told(supply: Supply, told: Told) -> Supply:
    """Return the supply as signals tell it: open is the head of each outage of a line that is off now.

    Where some of its users are back, that is what leads to those only that are not.

    Args:
        supply: supply before the outages, in the state of the switches that is known otherwise.
        told: what signals told.
    """
    opened: dict[str, None] = {}
    for outage in told.outages:
        if outage.is_open and outage.dark_ids and outage.level not in ALONE:
            heads = _heads_of_dead(supply, outage) if outage.back else (outage.object_id, *outage.ends)
            opened |= dict.fromkeys(heads)
    return supply.switched(open=tuple(opened))


def _heads_of_dead(supply: Supply, outage: InferredOutage) -> tuple[str, ...]:
    """Return the branches that carry nothing and hang on one that does."""
    dead = _dead(supply, outage, affected_by_opening(supply, [outage.object_id, *outage.ends]), set(outage.dark_ids))
    net = supply.network
    index = net.branch_index(list(dead))
    fed = supply.place_to(index) >= 0
    index, dead = index[fed], tuple(pl.Series(dead, dtype=pl.String).filter(pl.Series(fed)))
    above = supply.branch_to[supply.parent[supply.place_to(index)]]
    are_heads = ~np.isin(above, index)
    return tuple(branch for branch, is_head in zip(dead, are_heads.tolist(), strict=True) if is_head)


def incidents(
    supply: Supply,
    signals: pl.DataFrame,
    sensors: pl.DataFrame,
    settings: LocationSettings | None = None,
    tables: Mapping[str, pl.DataFrame] | None = None,
) -> list[Incident]:
    """Return the incidents that signals tell of and that a fault explains, latest first.

    Overturned ones are left out, and what plans or arrears explain.

    Args:
        supply: supply before them.
        signals: the table ``signals`` of a workspace.
        sensors: the table ``sensors`` of a workspace.
        settings: rates for location; those of the workspace by default.
        tables: ``plans`` and ``outages`` of a workspace, which explain beforehand.
    """
    return incidents_told(supply, Told.by(supply, {**(tables or {}), "signals": signals}), sensors, settings)


def incidents_told(
    supply: Supply,
    told: Told,
    sensors: pl.DataFrame,
    settings: LocationSettings | None = None,
    looks: Mapping[str, tuple[Look, ...]] | None = None,
    state_at: Callable[[datetime], Supply] | None = None,
    recall: Recall | None = None,
) -> list[Incident]:
    """Return the incidents of what was told already; see :func:`incidents`.

    Args:
        supply: supply before them, in the first state of the switches.
        told: what signals told.
        sensors: the table ``sensors`` of a workspace.
        settings: rates for location; those of the workspace by default.
        looks: what crews said of sections that they looked at, by incident.
        state_at: gives the supply in the state of a moment, for incidents that were seen in another one.
        recall: remembers where each fault lies; see :class:`Incident`.
    """
    of, placed = looks or {}, dict[int, Heard]()
    found = []
    for outage in told.outages:
        if outage.state == "overturned" or outage.plan_or_record is not None:
            continue
        own, heard, seen = supply, told.heard, told.seen.get(outage.id)
        if seen is not None:
            own = seen.inference.supply if state_at is None else state_at(seen.since)
            if id(seen.inference) not in placed:
                since = min(each.start for each in told.outages) - told.window
                there = heard.since(since).drop("place", "head")
                placed[id(seen.inference)] = Heard.of(seen.inference.places(there))
            heard = placed[id(seen.inference)]
        looked, fed = of.get(outage.id, ()), told.fed_again.get(outage.id, ())
        found.append(Incident(own, outage, heard, sensors, told.window, settings, told.sure, looked, recall, fed))
    return found


def several_incidents(
    supply: Supply, signals: pl.DataFrame, sensors: pl.DataFrame, tables: Mapping[str, pl.DataFrame] | None = None
) -> list[Incident]:
    """Return the outages of lines that signals tell of, where there is more than one: each is located by itself.

    Args:
        supply: supply before them.
        signals: the table ``signals`` of a workspace.
        sensors: the table ``sensors`` of a workspace.
        tables: ``plans`` and ``outages`` of a workspace, which explain beforehand.

    Returns:
        Those by which most customers lost supply first; none where the signals tell of one incident at most.
    """
    found = [
        incident for incident in incidents(supply, signals, sensors, None, tables) if incident.outage.level not in ALONE
    ]
    found.sort(key=lambda each: (-each.outage.customers, each.start))
    return found if len(found) > 1 else []


def affected_by_signals(
    supply: Supply, signals: pl.DataFrame, tables: Mapping[str, pl.DataFrame], at: datetime | None = None
) -> Affected:
    """Return who is off at a moment by all that signals tell until then, and how sure that is.

    Args:
        supply: supply before them.
        signals: the table ``signals`` of a workspace.
        tables: ``plans`` and ``outages`` of a workspace, which explain beforehand.
        at: the moment; by default that of the last signal.
    """
    return affected_by_told(supply, Told.by(supply, {**tables, "signals": signals}, at))


def affected_by_told(supply: Supply, told: Told) -> Affected:
    """Return who is off by what was told, and how sure that is."""
    found = affected_by_outages(supply, told.outages)
    approximate = tuple(sorted({outage.object_id for outage in told.outages if outage.is_open and outage.approximate}))
    return Affected(found.hit, found.branches, found.opened, told.sure, approximate)
