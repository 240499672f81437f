"""Incidents: signals that belong together, each with its location and its affected list."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

import numpy as np
import polars as pl

from network import Supply
from repair.affected import Affected, affected_by_fault, affected_by_opening, affected_by_transformers
from repair.location import Location, locate
from repair.settings import LocationSettings
from repair.signals import standing_trips, still_dark

ABNORMAL_KINDS = ("trip", "fault_current", "off", "call")
"""Kinds of signal that open an incident; readings alone do not."""


@dataclass(frozen=True, eq=False)
class Incident:
    """Signals of one source's area that follow each other closely.

    Attributes:
        supply: supply before the incident.
        signals: its rows of the ``signals`` table, in order of time.
        sensors: the ``sensors`` table.
        settings: rates for location; those of the workspace by default.
    """

    supply: Supply
    signals: pl.DataFrame
    sensors: pl.DataFrame
    settings: LocationSettings | None = None

    @property
    def start(self) -> datetime:
        """Time of the first signal."""
        first: datetime = self.signals["time"][0]
        return first

    @property
    def last(self) -> datetime:
        """Time of the last signal."""
        latest: datetime = self.signals["time"][-1]
        return latest

    @cached_property
    def location(self) -> Location:
        """Where the fault lies."""
        return locate(self.supply, self.signals, self.sensors, self.settings)

    @cached_property
    def affected(self) -> Affected:
        """Who is off: below the tripped device, else below what protects the most probable section, else the dark transformers.

        A device that tripped and reclosed left nobody off.
        """
        tripped = standing_trips(self.signals)
        if tripped or self.location.outage["state"] == "restored":
            return affected_by_opening(self.supply, tripped)
        if self.location.ranked:
            return affected_by_fault(self.supply, self.location.ranked[0].branches[0])
        dark = still_dark(self.signals).filter(pl.col("object") == "transformer")["object_id"]
        return affected_by_transformers(self.supply, dark.to_list())


def incidents(
    supply: Supply,
    signals: pl.DataFrame,
    sensors: pl.DataFrame,
    settings: LocationSettings | None = None,
    gap_min: float = 60.0,
) -> list[Incident]:
    """Split signals into incidents: one source's area, no gap longer than ``gap_min`` minutes; latest first.

    Signals of objects that the supply does not reach stand together as one area.
    """
    if signals.is_empty():
        return []
    area = pl.Series("area", _source_of(supply, signals))
    parts = (
        signals.with_columns(area)
        .sort("time", maintain_order=True)
        .with_columns(gap=(pl.col("time").diff().over("area").dt.total_seconds() > gap_min * 60).fill_null(value=False))
        .with_columns(number=pl.col("gap").cum_sum().over("area"))
        .partition_by("area", "number", maintain_order=True)
    )
    found = [
        Incident(supply, part.drop("area", "gap", "number"), sensors, settings)
        for part in parts
        if part["kind"].is_in(ABNORMAL_KINDS).any()
    ]
    return sorted(found, key=lambda incident: incident.start, reverse=True)


def _source_of(supply: Supply, signals: pl.DataFrame) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """Return the place of the source that feeds the object of each signal, -1 where none does."""
    net = supply.network
    branch_place = np.maximum(supply.place_of[net.from_node], supply.place_of[net.to_node])
    places = pl.concat(
        [
            _objects("branch", net.branches["branch_id"], branch_place),
            _objects("transformer", net.transformers["transformer_id"], supply.transformer_place),
            _objects("customer", net.customers["customer_id"], supply.customer_place),
        ]
    )
    place = signals.join(places, on=["object", "object_id"], how="left", maintain_order="left")["place"].fill_null(-1)
    at = place.to_numpy()
    return np.where(at > 0, supply.source_above[at], -1)


def _objects(kind: str, ids: pl.Series, places: np.ndarray[tuple[int], np.dtype[np.int64]]) -> pl.DataFrame:
    return pl.DataFrame({"object": pl.repeat(kind, len(ids), eager=True), "object_id": ids, "place": places})
