"""A closed incident is opened again when a user is still without power: by a report, a call-back 回访 or readings 召测."""

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

_UNANSWERED = ((pl.col("kind") == "read") & (pl.col("value") == 0)).fill_null(value=False)


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


def still_dark(work: Work, told: Told, net: Network, signals: pl.DataFrame, reads: int) -> Iterator[StillDark]:
    """Give, for each closed incident, the first signal after its closing by which one of its users is still dark.

    Args:
        work: the sheets.
        told: which incidents there are, and whose; these signals among what it heard.
        net: which customers hang on which transformer.
        signals: the table ``signals`` of a workspace.
        reads: unanswered readings of a user since, with no sign of power between them, that say so.
    """
    closed = {name: sheet.closed_at for name, sheet in list(work.sheets.items()) if sheet.closed_at is not None}
    if not closed:
        return
    since = min(closed.values())
    dark = signals.filter((pl.col("kind").is_in(DARK) | _UNANSWERED) & (pl.col("time") > since))
    if dark.is_empty():
        return
    users = _incident_of_user(work, told, closed)
    found: set[str] = set()
    read = _readings(told, since) if (dark["kind"] == "read").any() else {}
    for at, object_, object_id, kind in dark.sort("time").select("time", "object", "object_id", "kind").iter_rows():
        for user in _users_named(net, object_, object_id):
            incident = users.get(user)
            if incident is None or incident in found or not closed[incident] < at <= closed[incident] + WITHIN:
                continue
            words = [word for moment, word in read.get((object_, object_id), ()) if closed[incident] < moment <= at]
            if kind != "read" or words[-reads:] == [False] * reads:
                found.add(incident)
                yield StillDark(incident, kind, object_id, at)


def _readings(told: Told, since: datetime) -> dict[tuple[str, str], list[tuple[datetime, bool]]]:
    """Return when each device that was read showed power, or did not answer, since a moment, in order of time."""
    shows = told.heard.since(since).filter(pl.col("kind").is_in(["on", "read"])).with_columns(dark=_UNANSWERED)
    found: dict[tuple[str, str], list[tuple[datetime, bool]]] = {}
    for at, object_, object_id, is_dark in (
        shows.sort("time").select("time", "object", "object_id", "dark").unique(maintain_order=True).iter_rows()
    ):
        found.setdefault((object_, object_id), []).append((at, not is_dark))
    return found


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
