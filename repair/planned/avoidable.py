"""Which planned outages could have been avoided, one by one: done live, fed over another way, done together, and notice missed.

For each prearranged outage for work of a period: a live-line item was named or is suggested by its words (能带不停); some of its
users could have been fed over another way (能转必转), by the network as it is now; another outage within ``merge_window_days``
before cut off the same users, so that one outage would have done (一停多用); users were told too late.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import polars as pl

from network import FudianError, Text, text
from network.steps import step
from reliability.live_items import LIVE_ITEMS, suggested_item
from reliability.natures import PLANNED_WORK
from reliability.notice import notice_of
from reliability.period import Period
from reliability.query import Query
from repair.planned.plan_desk import PlanDesk
from repair.planned.planned_work import NAMES, Work

WAYS = {
    "live": text("a live-line item could do it"),
    "transfer": text("users could have been fed over another way"),
    "merge": text("could have been one outage with another"),
    "notice": text("users were told too late"),
}
"""Why an outage, or a part of it, need not have been; the last says what went wrong besides."""


@dataclass(frozen=True)
class AvoidableOutage:
    """A planned outage that was carried out.

    Attributes:
        outage_id: the record.
        start: when it began.
        unit: of most of its users.
        place: what the record names.
        work: words of the plan, else the cause of the record.
        users: medium-voltage users that were off.
        ch: their customer-hours in the period.
        plan_id: the plan of the same place and time; ``None`` where there is none.
        live_item: the item that could do it.
        live_ch: customer-hours that it would have saved: all of them.
        transfer_ch: of users who could have been fed over another way, but for the switching; ``None`` where that cannot be told.
        merge_with: the outage before with which it could have been one.
        merge_ch: what that saves: of each user of both the shorter of the two.
        notice_lead_h: hours before the start at which users were told; ``None`` where that is not recorded.
        notice_required_h: hours that are required.
        notice_ch: its customer-hours, where users were told too late.
        avoidable_ch: customer-hours that the best of live work, transfer and merging would have saved, each user counted once.
        reason: why transfer cannot be told.
    """

    outage_id: str
    start: datetime
    unit: str | None
    place: str | None
    work: str | None
    users: int
    ch: float
    plan_id: str | None
    live_item: int | None
    live_ch: float
    transfer_ch: float | None
    merge_with: str | None
    merge_ch: float
    notice_lead_h: float | None
    notice_required_h: float
    notice_ch: float
    avoidable_ch: float
    reason: Text | None = None

    @property
    def ways(self) -> tuple[str, ...]:
        """Which of :data:`WAYS` hold."""
        hours = {
            "live": self.live_ch, "transfer": self.transfer_ch or 0.0, "merge": self.merge_ch, "notice": self.notice_ch,
        }  # fmt: skip
        return tuple(way for way in WAYS if hours[way] > 0)

    def as_dict(self, language: str = "en") -> dict[str, Any]:
        """Return every figure, the ways in words."""
        return vars(self) | {
            "start": self.start.isoformat(),
            "live_item_name": LIVE_ITEMS.get(self.live_item or 0),
            "ways": list(self.ways),
            "says": [WAYS[way].in_language(language) for way in self.ways],
            "reason": self.reason.in_language(language) if self.reason else None,
        }


@dataclass(frozen=True)
class Avoidable:
    """The planned outages of a period.

    Attributes:
        period: of the records.
        outages: all of them, what could be avoided first.
        notes: what they rest on.
    """

    period: Period
    outages: tuple[AvoidableOutage, ...]
    notes: tuple[Text, ...]

    @property
    def totals(self) -> dict[str, tuple[int, float]]:
        """How many outages each of :data:`WAYS` holds for, and their customer-hours of it."""
        return {
            way: (
                sum(way in outage.ways for outage in self.outages),
                sum(getattr(outage, f"{way}_ch") or 0.0 for outage in self.outages),
            )
            for way in WAYS
        }

    def as_dict(self, language: str = "en") -> dict[str, Any]:
        """Return the outages one by one, and the sums."""
        return {
            "period": self.period.as_dict(),
            "ch": sum(outage.ch for outage in self.outages),
            "avoidable_ch": sum(outage.avoidable_ch for outage in self.outages),
            "totals": {
                way: {"means": WAYS[way].in_language(language), "outages": count, "ch": hours}
                for way, (count, hours) in self.totals.items()
            },
            "rows": [outage.as_dict(language) for outage in self.outages],
            "basis": {"notes": [note.in_language(language) for note in self.notes]},
        }


Hours = dict[str, float]
"""Customer-hours of each user in one outage."""


def avoidable(desk: PlanDesk, query: Query, most: int) -> Avoidable:
    """Return the planned outages of a period with what could have been avoided of each.

    Args:
        desk: network, records and rules.
        query: the period.
        most: transfer is tried for so many of the outages that cost most.
    """
    window = timedelta(days=desk.rules.merge_window_days)
    wider = replace(query, period=Period(query.period.start - window, query.period.end))
    before = _hours_by_outage(desk, wider)
    own = _hours_by_outage(desk, query)
    records = _records(desk, own.keys() | before.keys())
    partners = _Partners({each: (records[each]["start"], hours) for each, hours in before.items()}, window)
    plans = _plans_by_place(desk)
    dearest = sorted(own, key=lambda each: (-sum(own[each].values()), each))
    found = []
    for place, each in enumerate(dearest):
        step(text("planned outages that were carried out"), place, len(dearest))
        found.append(_judged(desk, records[each], own[each], partners, plans, is_tried=place < most))
    notes = [text("transfer is judged by the network as it is at {moment}, in the normal state", moment=desk.as_of)]
    if len(dearest) > most:
        notes.append(
            text("transfer was tried for the {most} of {count} outages that cost most", most=most, count=len(dearest))
        )
    ordered = sorted(found, key=lambda each: (-each.avoidable_ch, -each.ch, each.outage_id))
    return Avoidable(query.period, tuple(ordered), tuple(notes))


def _hours_by_outage(desk: PlanDesk, query: Query) -> dict[str, Hours]:
    rows = desk.statistics.ledger(query).filter(pl.col("counted") & pl.col("nature").is_in(PLANNED_WORK))
    sums = rows.group_by("outage_id", "user_id").agg(ch=(pl.col("users") * pl.col("h")).sum())
    found: dict[str, Hours] = defaultdict(dict)
    for outage, user, hours in sums.sort("outage_id", "user_id").iter_rows():
        found[outage][user] = hours
    return found


def _records(desk: PlanDesk, wanted: Iterable[str]) -> dict[str, dict[str, Any]]:
    table = desk.net.workspace.tables["outages"].filter(pl.col("outage_id").is_in(list(wanted)))
    return {row["outage_id"]: row for row in table.sort("start", descending=True).to_dicts()}


def _plans_by_place(desk: PlanDesk) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in desk.net.workspace.tables["plans"].to_dicts():
        if place := _place(row):
            found[place].append(row)
    return found


def _place(row: Mapping[str, Any]) -> str | None:
    """Return what a row names, with the kind of place, so that a branch and a feeder of one name stay apart."""
    return next((f"{name}:{row[name]}" for name in NAMES if row[name]), None)


def _plan_of(record: Mapping[str, Any], plans: Mapping[str, list[dict[str, Any]]]) -> dict[str, Any] | None:
    """Return the plan of the same place that was to go on while the outage did, the nearest in its start."""
    end = record["end"] or datetime.max
    near = [
        plan
        for plan in plans.get(_place(record) or "", ())
        if plan["actual_start"] == record["start"] or (plan["start"] < end and record["start"] < plan["end"])
    ]
    return min(near, key=lambda plan: abs((plan["actual_start"] or plan["start"]) - record["start"]), default=None)


def _judged(
    desk: PlanDesk,
    record: Mapping[str, Any],
    hours: Hours,
    partners: _Partners,
    plans: Mapping[str, list[dict[str, Any]]],
    *,
    is_tried: bool,
) -> AvoidableOutage:
    plan = _plan_of(record, plans)
    work = (plan or {}).get("work") or record["cause"]
    item = (plan or {}).get("live_line_item")
    item = item if item in LIVE_ITEMS else suggested_item(work)
    whole = sum(hours.values())
    fed, reason = _fed_over(desk, record, hours) if is_tried else (None, text("not tried"))
    partner, shared = partners.best(record["outage_id"], record["start"], hours)
    by_user = {user: max((fed or {}).get(user, 0.0), shared.get(user, 0.0)) for user in hours}
    told = notice_of(
        record["start"], (plan or {}).get("notified_at"), record["nature"].startswith("P-TEMP"), desk.as_of,
        desk.statistics.settings,
    )  # fmt: skip
    units = desk.net.transformers.filter(pl.col("transformer_id").is_in(list(hours)))["unit"].drop_nulls()
    return AvoidableOutage(
        record["outage_id"],
        record["start"],
        record["unit"] or next(iter(units.mode().sort()), None),
        (_place(record) or ":").partition(":")[2] or None,
        work,
        len(hours),
        whole,
        None if plan is None else plan["plan_id"],
        item,
        whole if item is not None else 0.0,
        None if fed is None else sum(fed.values()),
        partner,
        sum(shared.values()),
        told.lead_h,
        told.required_h,
        whole if told.lead_h is not None and told.state == "late" else 0.0,
        whole if item is not None else sum(by_user.values()),
        reason,
    )


def _fed_over(desk: PlanDesk, record: Mapping[str, Any], hours: Hours) -> tuple[Hours | None, Text | None]:
    """Return the customer-hours of the users who could have been fed over another way, but for the switching, or why not."""
    try:
        outage = desk.outage_of(Work.of(desk.net, record))
    except FudianError as refusal:
        return None, refusal.message
    ids = desk.net.transformers["transformer_id"]
    off_after = set(ids.gather(outage.after.hit.transformer_index).to_list())
    could = set(ids.gather(outage.before.hit.transformer_index).to_list()) - off_after
    switching_h = 2 * desk.rules.transfer_min / 60
    return {user: max(each - switching_h, 0.0) for user, each in hours.items() if user in could}, None


class _Partners:
    """Outages by user, to find for each the one before with which it shares most."""

    def __init__(self, outages: Mapping[str, tuple[datetime, Hours]], window: timedelta) -> None:
        self._window = window
        self._outages = outages
        self._of_user: dict[str, list[str]] = defaultdict(list)
        for outage, (_, hours) in outages.items():
            for user in hours:
                self._of_user[user].append(outage)

    def best(self, outage_id: str, start: datetime, hours: Hours) -> tuple[str | None, Hours]:
        """Return the outage before that saves most if both had been one, and what it saves of each user of both."""
        near = {
            other
            for user in hours
            for other in self._of_user.get(user, ())
            if other != outage_id and start - self._window < self._outages[other][0] < start
        }
        best, saved = None, dict[str, float]()
        for other in sorted(near):
            both = self._outages[other][1]
            shared = {user: min(each, both[user]) for user, each in hours.items() if user in both}
            if sum(shared.values()) > sum(saved.values()):
                best, saved = other, shared
        return best, saved
