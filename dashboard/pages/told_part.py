"""What customers were told of an incident or a plan: how many, by which messages, and for a plan whether in time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from dash import html

from dashboard.parts.blocks import Part, card, row, scrolling, table
from dashboard.parts.decisions import decide, may_decide
from dashboard.parts.words import DASH, moment, number
from fudian import Utility
from fudian.outbox import STATES
from network import FudianError, translate
from repair.desk.message_texts import MESSAGE_KIND_NAMES

MESSAGE_STATE_NAMES: Mapping[str, str] = {
    "waiting": "waiting to be sent",
    "sent": "sent",
    "failed": "not delivered",
    "withdrawn": "withdrawn",
}
"""Each state of a message in words."""


def told_of(told: Mapping[str, Any], language: str) -> list[Part]:
    """Return how many customers were told, and how many messages are in which state; nothing where no channel is set.

    Args:
        told: of :meth:`fudian.Utility.messages` or :meth:`fudian.Utility.plan_messages`.
        language: ``en`` or ``zh``.
    """
    if not told["channel"] and not told["count"]:
        return []
    of = told["notified"]
    ratio = DASH if of["ratio"] is None else f"{of['ratio']:.1%}"
    said = translate(
        "Customers told: {told} of {customers} ({ratio}); {notice} more by a notice for their transformer.",
        language,
        told=f"{of['in_person']:,}",
        customers=f"{of['customers']:,}",
        ratio=ratio,
        notice=f"{of['by_notice']:,}",
    )
    heading = html.H3(translate("Messages to customers", language))
    if not told["kinds"]:
        return [heading, html.P(said, className="quiet")]
    head = [(translate("kind of message", language), "")]
    head += [(translate(MESSAGE_STATE_NAMES[state], language), "right") for state in STATES]
    rows = [
        row(
            [(translate(MESSAGE_KIND_NAMES[kind["kind"]], language), "")]
            + [(f"{kind[state]:,}", "right" if kind[state] else "right quiet") for state in STATES]
        )
        for kind in told["kinds"]
    ]
    return [heading, html.P(said), scrolling(table(head, rows, "", translate("Messages to customers", language)))]


NOTICE_NAMES: Mapping[str, str] = {"given": "given in time", "due": "not given yet", "late": "too late"}
"""Each state of the notice of a plan in words."""


def plan_told(utility: Utility, plan_id: str, language: str) -> html.Section | None:
    """Return what customers were told of a plan, the lead of the notice, and the button by which they are told now."""
    try:
        told = utility.plan_messages(plan_id, limit=1).as_dict()
    except FudianError:
        return None
    parts = told_of(told, language)
    if not parts:
        return None
    notice = told["notice"]
    lead = DASH if notice["lead_h"] is None else f"{number(notice['lead_h'], 1)} h"
    facts = [
        (translate("notice", language), translate(NOTICE_NAMES[notice["state"]], language)),
        (translate("lead of the notice", language), lead),
        (translate("lead that is required", language), f"{number(notice['required_h'], 0)} h"),
        (translate("to be told by", language), moment(notice["due_by"])),
    ]
    lines = table([], [row([(label, ""), (value, "right")]) for label, value in facts])
    now = decide(
        translate("Tell customers now", language), f"/api/v1/plans/{quote(plan_id, safe='')}/announcement", {}, "send"
    )
    door = html.Div([now], className="deciding-row") if may_decide() else None
    return card(translate("Messages to customers", language), *parts[1:], lines, door, name="plan-told")
