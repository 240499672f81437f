"""For how long the desk keeps what it was told: personal data is erased and raw reports are folded once they have served.

Nothing of an incident that goes on is touched. What was done, and how much of what, stays in the ledger.
"""

from __future__ import annotations

import json
import logging
import threading
from collections import Counter
from datetime import UTC, datetime, timedelta
from uuid import uuid4

from sqlalchemy import Connection, delete, select
from sqlalchemy.exc import SQLAlchemyError

from fudian.desk import Desk
from fudian.erasure import erased
from fudian.ledger import DeskEvent
from fudian.retention_settings import RetentionSettings
from fudian.store.desk_tables import DESK_EVENTS

LOOKS_EVERY_S = 3600.0
"""How often a server looks whether anything is old enough."""

AT_ONCE = 20_000
"""Reports that are folded in one transaction: no report waits for long meanwhile."""

DESK = "desk"
"""Who did it."""

_log = logging.getLogger("fudian")


def tidy(desk: Desk, now: datetime | None = None) -> tuple[int, int]:
    """Erase and fold what is old enough.

    Args:
        desk: whose store it is.
        now: the moment, with zone; by default the clock.

    Returns:
        How many events and messages customers were taken out of, and how many reports were folded.
    """
    rules = RetentionSettings.of(desk.utility.workspace.settings)
    moment = now or datetime.now(UTC)
    since = _going_on_since(desk, moment)
    changed = folded = 0
    if rules.personal_days:
        changed = erased(desk.ledger.store, None, min(moment - timedelta(days=rules.personal_days), since))
        if changed:
            said = {"action": "erase", "events": changed, "days": rules.personal_days}
            desk.ledger.keep([DeskEvent(f"erasure-{uuid4()}", "erasure", DESK, said)])
    if rules.signals_days:
        while part := _fold(desk, min(moment - timedelta(days=rules.signals_days), since)):
            folded += part
    return changed, folded


def _going_on_since(desk: Desk, now: datetime) -> datetime:
    """Return when the first of the incidents began that go on: those of which reports tell, and those that nobody closed."""
    told = {outage.id: outage for outage in desk.utility.told().outages}
    sheets = {name: sheet for name, sheet in list(desk.work.sheets.items()) if name in told}
    going_on = [
        each.start
        for name, each in told.items()
        if (each.is_open and not each.is_stale) or (name in sheets and not sheets[name].is_closed)
    ]
    zone = desk.utility.workspace.reading.zone
    return min((start.replace(tzinfo=zone).astimezone(UTC) for start in going_on), default=now)


def _fold(desk: Desk, before: datetime) -> int:
    """Fold some reports that were received before a moment; return how many."""
    old = (
        select(DESK_EVENTS.c.number, DESK_EVENTS.c.details)
        .where(DESK_EVENTS.c.kind == "signal", DESK_EVENTS.c.received_at < before)
        .order_by(DESK_EVENTS.c.number)
        .limit(AT_ONCE)
    )
    with desk.ledger.store.reading() as connection:
        rows = connection.execute(old).all()
    if not rows:
        return 0
    counts: Counter[tuple[str, str, str]] = Counter()
    for _, details in rows:
        said = json.loads(details)
        counts[str(said.get("time", ""))[:10], str(said.get("object")), str(said.get("kind"))] += 1
    names = ("day", "object", "kind")
    told = [dict(zip(names, key, strict=True)) | {"count": count} for key, count in sorted(counts.items())]

    def fold(connection: Connection, _: object) -> None:
        gone = (DESK_EVENTS.c.kind == "signal") & DESK_EVENTS.c.number.between(rows[0].number, rows[-1].number)
        connection.execute(delete(DESK_EVENTS).where(gone & (DESK_EVENTS.c.received_at < before)))

    said = {"action": "fold", "events": len(rows), "before": before.isoformat(), "counts": told}
    desk.ledger.keep([DeskEvent(f"erasure-{uuid4()}", "erasure", DESK, said)], fold)
    return len(rows)


class Retention:
    """Looks from time to time whether anything of a desk is old enough, until it is closed.

    Args:
        desk: that is looked after.
        every_s: how often.
    """

    def __init__(self, desk: Desk, every_s: float = LOOKS_EVERY_S) -> None:
        self.desk = desk
        self._every_s = every_s
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="desk-retention", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Finish what is being done, and stop."""
        self._closing.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._closing.wait(self._every_s):
            try:
                tidy(self.desk)
            except SQLAlchemyError as error:
                _log.warning("What is old enough could not be taken out; it is tried again: %s", type(error).__name__)
