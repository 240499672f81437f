"""A closed incident is opened again when one of its users is still without power: by a report, or by a call-back 回访."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import polars as pl

from network import Network
from repair.desk.incidents import Told
from repair.desk.work import Work

WITHIN = timedelta(hours=24)
"""For so long after it was closed a report of darkness is of the same incident; later it is a new one."""

DARK = ("call", "off")
"""Kinds of signals by which somebody says to be without power."""


@dataclass(frozen=True)
class StillDark:
    """One word that an incident is not over.

    Attributes:
        incident: which was closed.
        kind: of the signal.
        object_id: the transformer or customer.
        at: when it was said.
    """

    incident: str
    kind: str
    object_id: str
    at: datetime


def still_dark(work: Work, told: Told, net: Network, signals: pl.DataFrame) -> Iterator[StillDark]:
    """Give, for each closed incident, the first signal after its closing by which one of its users is still dark.

    Args:
        work: the sheets.
        told: which incidents there are, and whose.
        net: which customers hang on which transformer.
        signals: the table ``signals`` of a workspace.
    """
    closed = {name: sheet.closed_at for name, sheet in list(work.sheets.items()) if sheet.closed_at is not None}
    if not closed:
        return
    dark = signals.filter(pl.col("kind").is_in(DARK) & (pl.col("time") > min(closed.values())))
    if dark.is_empty():
        return
    users = _incident_of_user(work, told, closed)
    found: set[str] = set()
    for at, object_, object_id, kind in dark.sort("time").select("time", "object", "object_id", "kind").iter_rows():
        for user in _users_named(net, object_, object_id):
            incident = users.get(user)
            if incident is not None and incident not in found and closed[incident] < at <= closed[incident] + WITHIN:
                found.add(incident)
                yield StillDark(incident, kind, object_id, at)


def _incident_of_user(work: Work, told: Told, closed: Mapping[str, datetime]) -> dict[str, str]:
    """Return the incident of each user of those that are closed; of several the one that was closed last."""
    inferred = {outage.id: (*outage.transformer_ids, *outage.customer_ids) for outage in told.outages}
    return {
        user: name
        for name in sorted(closed, key=lambda each: closed[each])
        for user in work.users(name, inferred.get(name, ()))
    }


def _users_named(net: Network, object_: str, object_id: str) -> tuple[str, ...]:
    """Return the user that a signal speaks of, and the transformer that it hangs on."""
    if object_ != "customer":
        return (object_id,)
    index, _ = net.known_customers([object_id])
    above = [int(each) for each in net.customer_transformer[index] if each >= 0]
    return (object_id, *(net.transformers["transformer_id"][each] for each in above))
