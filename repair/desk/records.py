"""What the desk hands to the statistics: the outage record of a closed incident, beside what meters and switching tell.

Its start is when the device opened, else the first report of darkness; its end when the last user group came back, with a stage
for each that came back before. A record counts only once a person accepted it; then it stands in the tables of the workspace like
any other.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import polars as pl

from network import FudianError, Network, text
from network.representation import Shown
from repair.desk.incidents import ALONE, FedAgain
from repair.desk.work import Sheet, Work
from repair.inference.outage import OF_CUSTOMERS, InferredOutage

ORDER_STAGES = {
    "dispatched": "dispatch_time",
    "taken": "accepted_time",
    "arrived": "arrive_time",
    "restored": "restore_time",
}
"""Column of the table of orders that each stage fills."""

ACTIVE, CALLED = "主动抢修", "95598"
"""Sources of an order as exports write them: nobody had called, or a customer had."""


@dataclass(frozen=True)
class Back:
    """When one user came back, by each that can tell.

    Attributes:
        user: a transformer, or a customer of an incident of customers alone.
        off_at: its first report of darkness; ``None`` where it gave none.
        by_meter: its report of supply; ``None`` where it gave none.
        by_switching: the operation that fed it again; ``None`` where none is known.
        taken: what the record says.
        told_by: ``switching``, ``meter``, ``stage`` (restored, on the sheet) or ``closing``.
        difference_min: by how much the meter is later than the switching; ``None`` unless both tell.
    """

    user: str
    off_at: datetime | None
    by_meter: datetime | None
    by_switching: datetime | None
    taken: datetime
    told_by: str
    difference_min: float | None


@dataclass(frozen=True, eq=False, repr=False)
class Proposed(Shown):
    """The record that an incident would leave.

    Attributes:
        incident: its id.
        outages, stages, orders, incidents: rows of those tables.
        users: when each user came back, and who tells.
        accepted_by: who accepted a record of it; ``None`` while nobody did.
    """

    incident: str
    outages: tuple[Mapping[str, Any], ...]
    stages: tuple[Mapping[str, Any], ...]
    orders: tuple[Mapping[str, Any], ...]
    incidents: tuple[Mapping[str, Any], ...]
    users: tuple[Back, ...]
    accepted_by: str | None

    @property
    def tables(self) -> dict[str, list[dict[str, Any]]]:
        """The rows by table, moments as text."""
        return {
            name: [_plain(row) for row in rows]
            for name, rows in zip(TABLES, (self.outages, self.stages, self.orders, self.incidents), strict=True)
        }

    def as_dict(self) -> dict[str, Any]:
        """Return the record for JSON."""
        users = [_plain(vars(user)) for user in self.users]
        return {"incident": self.incident, **self.tables, "users": users, "accepted_by": self.accepted_by}


TABLES = ("outages", "stages", "orders", "incidents")
"""Tables of a workspace in which a closed incident stands."""

KEYS = {"outages": "outage_id", "stages": "outage_id", "orders": "order_id", "incidents": "incident_id"}
"""Column of each of them that names an incident's rows."""


def accepted_rows(work: Work) -> dict[str, list[dict[str, Any]]]:
    """Return the rows of all records that people accepted and that hold, by table."""
    found: dict[str, list[dict[str, Any]]] = {name: [] for name in TABLES}
    for _, sheet in sorted(work.sheets.items()):
        for name, rows in (sheet.record or {}).items():
            found[name] += [dict(row) for row in rows]
    return found


def ever_told(work: Work) -> set[str]:
    """Return the ids of all rows of records that people ever accepted, those that hold no more among them."""
    return {
        str(row.get(key))
        for sheet in work.sheets.values()
        for line in sheet.history
        if line.action == "record"
        for name, rows in line.details["tables"].items()
        for row in rows
        if (key := KEYS[name]) in row
    }


def proposed(
    net: Network,
    outage: InferredOutage,
    sheet: Sheet,
    users: Sequence[str],
    signals: pl.DataFrame,
    log: pl.DataFrame,
    fed_again: Sequence[FedAgain] = (),
) -> Proposed:
    """Return the record that an incident would leave.

    Args:
        net: the network.
        outage: what signals tell of it.
        sheet: what was decided on it.
        users: its transformers, or customers, as operators have moved them.
        signals: those heard since it began.
        log: operations of switches (``time``, ``branch_id``, ``action``), those of the desk among them.
        fed_again: who is not off any more by what was operated alone.

    Raises:
        FudianError: it is not closed, or nobody is known to have been off.
    """
    if sheet.closed_at is None:
        raise FudianError(
            text("The incident {incident} is not closed.", incident=sheet.incident), text("Close it first.")
        )
    if not users:
        raise FudianError(
            text("Nobody is known to have been off by {incident}.", incident=sheet.incident),
            text("Undo its closing, or move users to it."),
        )
    start = _start(outage, signals)
    backs = _backs(net, outage, sheet, users, signals, log, start, fed_again)
    end = max(back.taken for back in backs)
    whole = set(users) == set(outage.transformer_ids if outage.transformer_ids else outage.customer_ids)
    rows = _outage_rows(net, outage, sheet, users, start, end, whole)
    stages: list[dict[str, Any]] = []
    if len(rows) == 1:
        name = rows[0]["outage_id"]
        stages = [
            {"outage_id": name, "restored_at": back.taken, "transformer_id": back.user}
            for back in backs
            if back.taken < end and outage.level not in ALONE
        ]
    else:
        ends = {back.user: back.taken for back in backs}
        rows = [row | {"end": ends[row["transformer_id"] or row["customer_id"]]} for row in rows]
    found = [
        {"incident_id": sheet.incident, "branch_id": each, "start": start, "end": end} for each in sheet.section[:1]
    ]
    accepted = next((line.who for line in reversed(sheet.lines) if line.action == "record"), None)
    orders = _orders(sheet, rows[0]["outage_id"], start, signals, users, net)
    return Proposed(sheet.incident, tuple(rows), tuple(stages), tuple(orders), tuple(found), tuple(backs), accepted)


def _start(outage: InferredOutage, signals: pl.DataFrame) -> datetime:
    """Return when the device at the head opened, else when the first user was off."""
    trips = signals.filter(
        (pl.col("object") == "branch")
        & (pl.col("object_id") == outage.object_id)
        & (pl.col("kind") == "trip")
        & (pl.col("time") >= outage.start)
        & (pl.col("time") <= outage.last)
    )["time"]
    first = trips.min()
    return first if isinstance(first, datetime) else outage.start


def _backs(
    net: Network,
    outage: InferredOutage,
    sheet: Sheet,
    users: Sequence[str],
    signals: pl.DataFrame,
    log: pl.DataFrame,
    start: datetime,
    fed_again: Sequence[FedAgain],
) -> list[Back]:
    own = signals.filter(pl.col("object_id").is_in(users) & (pl.col("time") >= start)).sort("time")
    off, on = (dict(_first(own, kind).iter_rows()) for kind in ("off", "on"))
    still_off = dict(_last_dark(own.filter(pl.col("object_id").is_in(outage.dark_ids))).iter_rows())
    switched = {} if outage.level in ALONE else _fed_again(net, outage, users, log, signals, start)
    switched |= {user: fed.at for fed in fed_again for user in fed.transformer_ids}
    switched = {user: at for user, at in switched.items() if user not in still_off or still_off[user] <= at}
    restored = sheet.stages.get("restored")
    found = []
    for user in users:
        meter, switching = on.get(user), switched.get(user)
        named = (("switching", switching), ("meter", meter), ("stage", restored), ("closing", sheet.closed_at))
        told_by, taken = next((by, at) for by, at in named if at is not None)
        difference = None
        if meter is not None and switching is not None:
            difference = (meter - switching).total_seconds() / 60
        found.append(Back(user, off.get(user), meter, switching, max(taken, start), told_by, difference))
    return found


def _first(own: pl.DataFrame, kind: str) -> pl.DataFrame:
    """Return the first report of a kind of each user; of supply, the first after its last report of darkness."""
    reports = own.filter(pl.col("kind") == kind)
    if kind == "on":
        last_off = own.filter(pl.col("kind") == "off").group_by("object_id").agg(last=pl.col("time").max())
        reports = reports.join(last_off, on="object_id", how="left").filter(
            pl.col("last").is_null() | (pl.col("time") > pl.col("last"))
        )
    return reports.group_by("object_id").agg(pl.col("time").min()).select("object_id", "time")


def _last_dark(own: pl.DataFrame) -> pl.DataFrame:
    """Return when each user last reported to be off, or did not answer a reading."""
    dark = (pl.col("kind") == "off") | ((pl.col("kind") == "read") & (pl.col("value") == 0))
    return own.filter(dark).group_by("object_id").agg(pl.col("time").max())


def _fed_again(
    net: Network,
    outage: InferredOutage,
    users: Sequence[str],
    log: pl.DataFrame,
    signals: pl.DataFrame,
    start: datetime,
) -> dict[str, datetime]:
    """Return the operation since which each transformer has been fed, with the head of the outage open from the start."""
    closings = signals.filter((pl.col("object") == "branch") & pl.col("kind").is_in(["close", "reclose"]))
    told = closings.select("time", branch_id="object_id", action=pl.lit("close"))
    since = pl.concat([log.select("time", "branch_id", "action"), told]).filter(pl.col("time") > start)
    known, which = net.known_branches(since["branch_id"])
    del known
    since = since[which].sort("time", maintain_order=True)
    state = net.energise(log.filter(pl.col("time") <= start)).switched(open=[outage.object_id])
    fed: dict[str, datetime] = {}
    for (at,), rows in since.group_by("time", maintain_order=True):
        last = dict(rows.select("branch_id", "action").iter_rows())
        state = state.switched(
            open=[branch for branch, action in last.items() if action == "open"],
            close=[branch for branch, action in last.items() if action == "close"],
        )
        dead = set(state.dead())
        for user in users:
            if user in dead:
                fed.pop(user, None)
            else:
                fed.setdefault(user, at)
    return fed


def _outage_rows(
    net: Network,
    outage: InferredOutage,
    sheet: Sheet,
    users: Sequence[str],
    start: datetime,
    end: datetime,
    whole: bool,
) -> list[dict[str, Any]]:
    """Return one row for the place that lost supply, or one for each user where the place would name others too."""
    nature = "F-EXT" if sheet.upstream else "F-INT"
    shared = {"start": start, "end": end, "nature": nature, "external": bool(sheet.upstream)}
    if sheet.commander:
        shared["incident_commander"] = sheet.commander
    blank = dict.fromkeys(("branch_id", "transformer_id", "customer_id"))
    name = sheet.incident
    if whole and outage.level not in OF_CUSTOMERS:
        is_line = outage.level not in ALONE
        below = set(net.energise().below(outage.object_id).transformers) if is_line else set(users)
        if below == set(users):
            kind = "branch_id" if is_line else "transformer_id"
            return [{"outage_id": name, **shared, **blank, kind: outage.object_id}]
    known = set(net.transformers["transformer_id"])
    return [
        {"outage_id": name if place == 1 else f"{name}-{place}", **shared, **blank}
        | {"transformer_id" if user in known else "customer_id": user}
        for place, user in enumerate(users, 1)
    ]


def _orders(
    sheet: Sheet, outage_id: str, start: datetime, signals: pl.DataFrame, users: Sequence[str], net: Network
) -> list[dict[str, Any]]:
    """Return its orders; the first is the parent of the others."""
    if not sheet.orders:
        return []
    called = first_call(signals, users, net, start)
    made = sheet.stages.get("dispatched") or sheet.stages.get("accepted") or sheet.closed_at
    source = CALLED if called is not None and made is not None and called <= made else ACTIVE
    times: dict[str, Any] = {column: sheet.stages.get(stage) for stage, column in ORDER_STAGES.items()}
    times["accept_time"] = sheet.stages.get("accepted") or called or start
    parent = sheet.orders[0]
    return [
        {"order_id": order, "parent_id": None if order == parent else parent, "outage_id": outage_id, "source": source}
        | times
        for order in sheet.orders
    ]


def first_call(signals: pl.DataFrame, users: Iterable[str], net: Network, since: datetime) -> datetime | None:
    """Return when one of the customers of some users called first; ``None`` where nobody did."""
    calls = signals.filter((pl.col("kind") == "call") & (pl.col("time") >= since)).sort("time")
    wanted = set(users)
    for at, customer in calls.select("time", "object_id").iter_rows():
        index, _ = net.known_customers([customer])
        above = {net.transformers["transformer_id"][int(each)] for each in net.customer_transformer[index] if each >= 0}
        if customer in wanted or above & wanted:
            found: datetime = at
            return found
    return None


def _plain(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value.isoformat() if isinstance(value, datetime) else value for name, value in row.items()}
