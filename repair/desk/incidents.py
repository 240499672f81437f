"""Incidents for the desk: what was inferred, with its signals, its location and its affected list."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property

import numpy as np
import polars as pl

from network import Hit, Supply
from network.arrays import NONE
from network.representation import Shown
from repair.affected import Affected, affected_by_opening, affected_by_transformers
from repair.inference.outages import Inference, InferredOutage
from repair.location.sections import Location, locate
from repair.settings import LocationSettings

GAP = timedelta(hours=1)
"""Signals of one incident follow each other without a longer silence."""


@dataclass(frozen=True, eq=False, repr=False)
class Incident(Shown):
    """One inferred outage with what was heard of it.

    Attributes:
        supply: supply before the incident.
        outage: what was inferred.
        heard: all signals in order of time, with ``place`` and ``head`` (see :meth:`Inference.places`).
        sensors: the ``sensors`` table.
        window: signals up to so long before its start belong to it.
        settings: rates for location; those of the workspace by default.
    """

    supply: Supply
    outage: InferredOutage
    heard: pl.DataFrame
    sensors: pl.DataFrame
    window: timedelta
    settings: LocationSettings | None = None

    @property
    def start(self) -> datetime:
        """When the first of its devices went off."""
        return self.outage.start

    @property
    def last(self) -> datetime:
        """Time of the last signal."""
        latest: datetime = self.signals["time"][-1]
        return latest

    @cached_property
    def signals(self) -> pl.DataFrame:
        """Its rows of the ``signals`` table, in order of time.

        Of a line: what switches and sensors of the feeder say, all transformers and customers below, and who else on the feeder
        answers a reading, which tells where the fault is not; else what the transformer and its customers say.
        """
        since = self.heard.filter(pl.col("time") >= self.start - self.window)
        own = since.filter(self._is_own)
        silence = (own["time"].diff() > GAP) & (own["time"] > self.start)
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
        if level == "customer":
            return (pl.col("object") == "customer") & (pl.col("object_id") == object_id)
        place = int(supply.place_below(net.branch_index(object_id))[0])
        below = pl.col("place").is_between(place, int(supply.end[place]), closed="left")
        tells_of_feeder = (pl.col("object") == "branch") | (pl.col("kind") == "read")
        return below | (tells_of_feeder & (pl.col("head") == int(supply.head_above[place])))

    @cached_property
    def location(self) -> Location:
        """Where the fault lies."""
        return locate(self.supply, self.signals, self.sensors, self.settings)

    @cached_property
    def affected(self) -> Affected:
        """Who is off, or was: nobody by a device that tripped and reclosed."""
        return affected_by_outages(self.supply, [self.outage], self.signals)


def affected_by_outages(supply: Supply, outages: Iterable[InferredOutage], signals: pl.DataFrame) -> Affected:
    """Return who is off by inferred outages together: below each line, at each transformer, and customers on their own.

    Args:
        supply: supply before them.
        outages: overturned and reclosed ones leave nobody off.
        signals: table of the contract; tells which customers of a transformer are off.
    """
    net = supply.network
    out = [each for each in outages if each.state != "overturned" and each.reason != "reclosed"]
    lines = [each.object_id for each in out if each.explanation == "line"]
    opening = affected_by_opening(supply, list(dict.fromkeys(lines)))
    transformers = {each.object_id for each in out if each.level == "transformer"}
    named = {each.object_id for each in out if each.level == "customer"}
    several = net.transformer_index([each.object_id for each in out if each.level == "customers"])
    if len(several):
        ids = net.customers["customer_id"].gather(net.customers_of_transformer.of_keys(several))
        spoke = (pl.col("object") == "customer") & pl.col("kind").is_in(["off", "call"])
        named |= set(signals.filter(spoke & pl.col("object_id").is_in(ids.implode()))["object_id"])
    hit = affected_by_transformers(supply, [*opening.hit.transformers, *transformers]).hit
    alone = NONE
    if named:
        alone = np.flatnonzero(net.customers["customer_id"].is_in(sorted(named)).to_numpy())
    return Affected(
        Hit(net, hit.transformer_index, np.union1d(hit.customer_index, alone)), opening.branches, opening.opened
    )


def incidents(
    supply: Supply,
    signals: pl.DataFrame,
    sensors: pl.DataFrame,
    settings: LocationSettings | None = None,
    tables: Mapping[str, pl.DataFrame] | None = None,
    inference: Inference | None = None,
) -> list[Incident]:
    """Return the incidents that signals tell of and that a fault explains, latest first.

    Overturned ones are left out, and what plans or arrears explain.

    Args:
        supply: supply before them.
        signals: table of the contract.
        sensors: table of the contract.
        settings: rates for location; those of the workspace by default.
        tables: ``plans`` and ``outages`` of the contract, which explain beforehand.
        inference: one that took these signals already.
    """
    if inference is None:
        inference = Inference(supply, tables)
        inference.take(signals)
    heard = inference.places(signals).sort("time", maintain_order=True)
    window = timedelta(minutes=inference.rules.window_min)
    return [
        Incident(supply, outage, heard, sensors, window, settings)
        for outage in inference.incidents
        if outage.state != "overturned" and outage.plan_or_record is None
    ]


def affected_by_signals(supply: Supply, signals: pl.DataFrame, tables: Mapping[str, pl.DataFrame]) -> Affected:
    """Return who is off now by all that signals tell.

    Args:
        supply: supply before them.
        signals: table of the contract.
        tables: ``plans`` and ``outages`` of the contract, which explain beforehand.
    """
    inference = Inference(supply, tables)
    inference.take(signals)
    return affected_by_outages(supply, [each for each in inference.incidents if each.is_open], signals)
