"""Questions of what customers were told."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import polars as pl

from fudian.answers import Answer
from fudian.foundation import stating_settings
from fudian.outbox import STATES, Outgoing
from fudian.planning_questions import PlanningQuestions
from fudian.telling import affected_rows, announced, told_by_plan
from reliability.settings import ReliabilitySettings
from repair.desk.message_texts import text_of
from repair.desk.messages import KINDS, notified, plan_notice
from repair.privacy import mask_name
from repair.settings import MessageSettings


class MessageQuestions(PlanningQuestions):
    """What can be told of messages to customers."""

    @stating_settings
    def messages(self, incident: str, masked: bool = True, limit: int = 1000) -> Answer:
        """Return what customers were told of an incident, and how many of its affected list were told 通知到户率.

        Args:
            incident: its id.
            masked: whether names of customers are masked, as for everybody who need not call them.
            limit: how many messages are listed, the newest first; their number is told besides.

        Returns:
            One row per message: ``number``, ``kind``, ``to`` (customer or transformer), ``id``, ``text``, ``state`` (waiting,
            sent, failed, withdrawn), ``queued_at``, ``due_at``, ``sent_at`` (local times), ``attempts``, ``error``.

        Raises:
            FudianError: there is no such incident.
            WorkspaceError: a setting cannot be used.
        """
        self.sheet(incident)
        customers, _ = affected_rows(self, incident)
        return self._told_of({"incident": incident}, incident, customers, masked, limit)

    @stating_settings
    def plan_messages(self, plan_id: str, masked: bool = True, limit: int = 1000) -> Answer:
        """Return what customers were told of a planned outage, how many of its affected list were told, and whether in time.

        Args:
            plan_id: of the plan.
            masked: whether names of customers are masked, as for everybody who need not call them.
            limit: how many messages are listed, the newest first; their number is told besides.

        Returns:
            One row per message, as :meth:`messages` has them; with ``notice`` besides: ``state`` (given, due, late), ``lead_h``
            from the last customer that was told of the present start to that start, ``required_h`` and ``due_by``.

        Raises:
            FudianError: there is no such plan, or nobody can tell who is off by it.
            WorkspaceError: a setting cannot be used.
        """
        plan, affected = announced(self, plan_id)
        who, customers = told_by_plan(affected), affected.customers
        found = () if self.outbox is None else self.outbox.of(plan.subject)
        sent = [(each.message, at) for each in found if (at := self.moment(each.sent_at)) is not None]
        rules = ReliabilitySettings.of(self.workspace.settings)
        notice = plan_notice(plan, who, sent, self.workspace.reading.now(), rules)
        said = {"plan_id": plan_id, "notice": vars(notice) | {"due_by": notice.due_by.isoformat()}}
        return self._told_of(said, plan.subject, customers, masked, limit)

    def _told_of(self, said: dict[str, Any], subject: str, customers: pl.DataFrame, masked: bool, limit: int) -> Answer:
        """Return the messages of an incident or a plan."""
        outbox = self.outbox
        shown = () if outbox is None else outbox.of(subject, limit)[::-1]
        counts = {} if outbox is None else outbox.counts_of(subject)
        names = _names(self.network.customers, shown, masked)
        rules = MessageSettings.of(self.workspace.settings)
        rows = [
            {
                "number": each.number,
                "kind": each.message.kind,
                "to": each.message.to.kind,
                "id": each.message.to.id,
                "text": text_of(each.message, names.get(each.message.to.id), rules),
                "state": each.state,
                "queued_at": self.moment(each.queued_at),
                "due_at": self.moment(each.due_at),
                "sent_at": self.moment(each.sent_at),
                "attempts": each.attempts,
                "error": each.error,
            }
            for each in shown
        ]
        told = notified(customers, set() if outbox is None else outbox.reached(subject))
        form = said | {
            "channel": bool(rules.to),
            "notified": told.as_dict(),
            "count": sum(counts.values()),
            "kinds": _by_kind(counts),
            "rows": [_plain(row) for row in rows],
        }
        return Answer("messages", pl.DataFrame(rows, _SCHEMA), f"{form['count']} messages", lambda _: form)


_TIMES = ("queued_at", "due_at", "sent_at")
_SCHEMA: dict[str, Any] = {
    "number": pl.Int64,
    "kind": pl.String,
    "to": pl.String,
    "id": pl.String,
    "text": pl.String,
    "state": pl.String,
    **dict.fromkeys(_TIMES, pl.Datetime("us")),
    "attempts": pl.Int64,
    "error": pl.String,
}


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    """Return a row with its moments as text."""
    return {name: value.isoformat() if isinstance(value, datetime) else value for name, value in row.items()}


def _by_kind(counts: Mapping[tuple[str, str], int]) -> list[dict[str, Any]]:
    """Return how many messages of each kind are in each state."""
    kinds = [kind for kind in KINDS if any(kind == known for known, _ in counts)]
    return [{"kind": kind} | {state: counts.get((kind, state), 0) for state in STATES} for kind in kinds]


def _names(customers: pl.DataFrame, shown: tuple[Outgoing, ...], masked: bool) -> dict[str, str]:
    """Return the names of the customers of some messages, as far as they are known."""
    wanted = [each.message.to.id for each in shown if each.message.to.kind == "customer"]
    rows = customers.filter(pl.col("customer_id").is_in(wanted) & pl.col("name").is_not_null())
    name = mask_name(pl.col("name")) if masked else pl.col("name")
    return dict(rows.select("customer_id", name).iter_rows())
