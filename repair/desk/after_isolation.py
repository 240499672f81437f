"""Who stays off once the faults that signals tell of are isolated: the likeliest section of each, and all sections weighed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import polars as pl

from network import Supply
from network.arrays import Indices
from network.representation import Shown
from repair.affected import Affected, affected_by_transformers, sure_of_customers
from repair.area_of_fault import fault_area
from repair.desk.incidents import ALONE, Incident, Told, incidents_told

MOST_SECTIONS = 12
"""Sections of one incident that are weighed; what the others would leave off counts as all that is off now."""


@dataclass(frozen=True, eq=False, repr=False)
class AfterIsolation(Shown):
    """Who stays off once each fault is isolated where it most probably lies.

    Attributes:
        who: the list.
        expected_customers: how many customers stay off, as the sum of probabilities over users and sections.
        sections: for each outage of a line its ``incident``, the ``branches`` of its most probable section, the ``probability``
            of that, and the devices it is ``isolated_by``.
    """

    who: Affected
    expected_customers: float
    sections: tuple[dict[str, Any], ...]

    def as_dict(self) -> dict[str, Any]:
        """Return the list and what it rests on, for JSON."""
        told = {name: value for name, value in self.who.as_dict().items() if name not in {"opened", "branches"}}
        return told | {"expected_customers": self.expected_customers, "sections": list(self.sections)}


def after_isolation(
    supply: Supply, told: Told, sensors: pl.DataFrame, now: Affected, settings: Any = None
) -> AfterIsolation:
    """Return who stays off once the faults that signals tell of are isolated.

    Outages of single users stay as they are, and so do those whose fault no section can be told of.

    Args:
        supply: supply before them.
        told: what signals told.
        sensors: the table ``sensors`` of a workspace.
        now: who is off by them at present, with probabilities.
        settings: rates for location; those of the workspace by default.
    """
    net = supply.network
    sure = np.zeros(net.transformers.height)
    named = now.sure or {}
    sure[net.transformer_index(list(named))] = list(named.values())
    stays, listed, sections = sure.copy(), np.zeros(len(sure), dtype=np.bool_), []
    listed[now.hit.transformer_index] = True
    for incident in incidents_told(supply, told, sensors, settings):
        if not incident.outage.is_open or incident.outage.level in ALONE or not incident.location.ranked:
            continue
        dark = net.transformer_index(list(incident.outage.dark_ids))
        if not len(dark):
            continue
        left = 1.0
        share = np.zeros(len(dark))
        for section in incident.location.ranked[:MOST_SECTIONS]:
            share += section.probability * np.isin(dark, _kept_off(supply, section.branches))
            left -= section.probability
        stays[dark] *= np.clip(share + max(left, 0.0), 0.0, 1.0)
        kept, told_of = _most_probable(supply, incident)
        listed[dark[~np.isin(dark, kept)]] = False
        sections.append(told_of)
    ids = net.transformers["transformer_id"].gather(np.flatnonzero(listed)).to_list()
    who = affected_by_transformers(supply, ids)
    alone = now.hit.customer_index[
        ~np.isin(net.customer_transformer[now.hit.customer_index], now.hit.transformer_index)
    ]
    hit = replace(who.hit, customer_index=np.union1d(who.hit.customer_index, alone))
    return AfterIsolation(replace(who, hit=hit), float(sure_of_customers(hit, stays).sum()), tuple(sections))


def _kept_off(supply: Supply, branch_ids: tuple[str, ...]) -> Indices:
    return fault_area(supply, branch_ids).after.hit.transformer_index


def _most_probable(supply: Supply, incident: Incident) -> tuple[Indices, dict[str, Any]]:
    section = incident.location.ranked[0]
    area = fault_area(supply, section.branches)
    told = {
        "incident": incident.outage.id,
        "branches": list(section.branches),
        "probability": section.probability,
        "isolated_by": list(area.after.opened),
    }
    return area.after.hit.transformer_index, told
