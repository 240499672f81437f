"""Plans are announced by themselves: in time for the notice that is due, and again when they change."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import polars as pl

from fudian.desk import Desk, DeskStoreError
from fudian.utility import Utility
from network import FudianError
from reliability.settings import ReliabilitySettings
from repair.settings import MessageSettings

_log = logging.getLogger("fudian")


class Announcing:
    """Announces what is due at a desk; what was looked at and has not changed since is not looked at again.

    Args:
        desk: that announces.
    """

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self._seen: dict[str, tuple[Any, ...]] = {}

    def announce_due(self) -> int:
        """Have those told who are off by plans whose notice is due; return of how many plans.

        Raises:
            DeskStoreError: the store cannot be written; the rest is announced later.
        """
        count = 0
        for plan_id, stands in due_plans(self.desk.utility):
            if self._seen.get(plan_id) == stands:
                continue
            try:
                count += self.desk.announce(plan_id, "desk") > 0
            except DeskStoreError:
                raise
            except FudianError as refusal:
                _log.warning("Plan %s cannot be announced: %s", plan_id, refusal)
            self._seen[plan_id] = stands
        return count


def due_plans(utility: Utility) -> Iterator[tuple[str, tuple[Any, ...]]]:
    """Give the plans to come of which customers have to be told by now, or of whose change, each with how it stands.

    Notice is due ``planned_notice_h`` before a planned outage and ``temporary_notice_h`` before a temporary one; a plan is given
    ``announce_ahead_h`` earlier, so that what waits for the morning or fails at first is still in time.
    """
    settings = utility.workspace.settings
    rules, notice, now = MessageSettings.of(settings), ReliabilitySettings.of(settings), utility.workspace.reading.now()
    if not (rules.to and rules.announce_plans):
        return
    for row in utility.workspace.tables["plans"].filter(pl.col("start") > now).sort("start").to_dicts():
        is_temporary = (row["nature"] or "").startswith("P-TEMP")
        hours = notice.temporary_notice_h if is_temporary else notice.planned_notice_h
        ahead = timedelta(hours=hours + rules.announce_ahead_h)
        if row["status"] in rules.cancelled or row["start"] - now <= ahead:
            yield row["plan_id"], (row["start"], row["end"], row["status"], row["nature"], row["live_line_item"])
