"""Who is told what because of a decision: written in the transaction that keeps the decision."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import polars as pl
from sqlalchemy import Connection

from fudian.crew_questions import CrewQuestions
from fudian.foundation import Foundation
from fudian.ledger import Beside, DeskEvent
from fudian.live import LiveQuestions
from fudian.outbox import Outbox
from fudian.planning_questions import PlanningQuestions
from fudian.store.tables import utc_now
from network import FudianError, text
from reliability.live_items import LIVE_ITEMS
from repair.affected import Affected, affected_by_transformers
from repair.desk.messages import (
    Addressee,
    Announced,
    Message,
    Standing,
    addressees,
    due_at,
    incident_messages,
    plan_messages,
)
from repair.desk.switching_plan import StillToSwitch
from repair.desk.work import STAGES, Line, Sheet
from repair.inference.outage import OF_CUSTOMERS, InferredOutage
from repair.settings import InferenceSettings, MessageSettings

_log = logging.getLogger("fudian")


def beside_decision(utility: CrewQuestions, outbox: Outbox, sheet: Sheet, event: DeskEvent) -> Beside | None:
    """Return what writes the messages that a decision asks for; ``None`` where no channel is set, so that nobody is told.

    Args:
        utility: that knows who is affected.
        outbox: where they wait.
        sheet: before the decision.
        event: the decision.
    """
    try:
        rules = MessageSettings.of(utility.workspace.settings)
    except FudianError:
        _log.exception("Nobody is told of what is decided: the settings of messages cannot be used")
        return None
    if not rules.to:
        return None
    undone = int(event.details["number"]) if event.details["action"] == "undo" else None
    return _beside(utility, outbox, sheet.after(Line.of(event)), rules, undone)[0]


def leads_to_page(utility: LiveQuestions, sheet: Sheet, several: Sequence[Mapping[str, Any]]) -> bool:
    """Tell whether an incident gets a public page with some decisions: customers are told of it now, and are led there.

    Args:
        utility: whose settings count.
        sheet: before the decisions.
        several: the decisions.
    """
    try:
        rules = MessageSettings.of(utility.workspace.settings)
    except FudianError:  # nobody is told, and the log says so
        return False
    begins = STAGES.index(rules.fault_from)
    told = any(
        each.get("action") == "stage" and each.get("stage") in STAGES and STAGES.index(str(each["stage"])) >= begins
        for each in several
    )
    had = any(line.action in {"link", "unlink"} for line in sheet.history)  # who took it away wants none
    return bool(rules.to and rules.page) and told and not had


def beside_signals(utility: CrewQuestions, outbox: Outbox, sheet: Sheet) -> Beside | None:
    """Return what writes the messages that an incident asks for by what was heard since; ``None`` where it asks for none."""
    rules = MessageSettings.of(utility.workspace.settings)
    write, count = _beside(utility, outbox, sheet, rules)
    return write if rules.to and count else None


def _beside(
    utility: CrewQuestions, outbox: Outbox, sheet: Sheet, rules: MessageSettings, undone: int | None = None
) -> tuple[Beside, int]:
    """Return what writes the messages that a sheet asks for, and how many they are."""
    earlier = [
        each.message
        for each in outbox.of(sheet.incident)
        if each.state != "withdrawn" and not (each.event == undone and each.state == "waiting")
    ]
    messages = to_tell(utility, sheet, earlier, rules)
    return _writing(utility, outbox, messages, rules, undone), len(messages)


def _writing(
    utility: Foundation,
    outbox: Outbox,
    messages: list[Message],
    rules: MessageSettings,
    undone: int | None = None,
) -> Beside:
    reading = utility.workspace.reading
    now = reading.now()
    wall = reading.wall(now)
    due_on_the_wall = (due_at(message, wall, rules) for message in messages)
    waits = [
        timedelta() if due == wall else reading.local(due.replace(tzinfo=reading.zone)) - now for due in due_on_the_wall
    ]

    def write(connection: Connection, new: tuple[DeskEvent, ...]) -> None:
        at = utc_now()
        if undone is not None:
            outbox.withdraw(connection, undone)
        due = [(message, at + wait) for message, wait in zip(messages, waits, strict=True)]
        outbox.queue(connection, new[-1].number or 0, due, at)

    return write


def to_tell(utility: CrewQuestions, sheet: Sheet, earlier: Sequence[Message], rules: MessageSettings) -> list[Message]:
    """Return what has to be told now of an incident.

    Nobody is told of one that is part of another, that a plan or arrears explain, or that turned out to be none.

    Args:
        utility: that knows who is affected.
        sheet: of the incident.
        earlier: what was told, or waits to be told, of it.
        rules: of the workspace.
    """
    outage = outage_of(utility, sheet.incident)
    if outage is None or sheet.merged_into or outage.explanation in {"plan", "arrears"} or outage.state == "overturned":
        return []
    customers, transformers = affected_rows(utility, sheet.incident)
    who = addressees(customers, transformers)
    back: set[tuple[str, str]] = set()
    if outage.transformer_ids and outage.back:
        dark = set(outage.dark_ids)
        live = set(outage.transformer_ids) - dark
        back = {("transformer", each) for each in live}
        back |= {
            ("customer", customer_id)
            for customer_id in customers.filter(pl.col("transformer_id").is_in(live))["customer_id"]
        }
    cause = "upstream" if sheet.upstream or outage.explanation == "source" else outage.explanation
    standing = Standing.of(sheet, cause, outage.start, outage.last)
    left = utility.sooner_than_repair(sheet)
    expected = (left.at, left.until) if left is not None and left.everybody else utility.range_of(sheet.incident)
    sooner = {} if left is None else _sooner(left, customers, transformers)
    standing = replace(standing, range=expected, sooner=sooner, page=sheet.link if rules.page else None)
    return incident_messages(standing, who, back, earlier, rules)


def _sooner(
    left: StillToSwitch, customers: pl.DataFrame, transformers: pl.DataFrame
) -> dict[tuple[str, str], tuple[datetime, datetime]]:
    """Return the range of those who come back by steps still to come, by kind and id; with two supplies by the first of them."""
    named: list[tuple[str, str, tuple[str | None, ...]]]
    named = [("transformer", each, (each,)) for each in transformers["transformer_id"]]
    fed = customers.select("customer_id", "transformer_id", "second_transformer_id").iter_rows()
    named += [("customer", each, (first, second)) for each, first, second in fed]
    known = ((kind, each, left.until_of(supplies)) for kind, each, supplies in named)
    return {(kind, each): (left.at, until) for kind, each, until in known if until is not None}


def outage_of(utility: LiveQuestions, incident: str) -> InferredOutage | None:
    """Return the outage of an incident by signals, of one that was split off that of its parent; ``None`` without signals."""
    named = utility.work.parent(incident) or incident
    return next((outage for outage in utility.told().outages if outage.id == named), None)


def affected_rows(utility: LiveQuestions, incident: str) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the customers that lost supply by an incident, and their transformers, as rows of those tables.

    Whom operators moved to another incident belongs to that one.
    """
    net, outage = utility.network, outage_of(utility, incident)
    own: tuple[str, ...] = ()
    if outage is not None and outage.id == incident:
        own = outage.customer_ids if outage.level in OF_CUSTOMERS else outage.transformer_ids
    users = utility.work.users(incident, own)
    transformers, place = net.known_transformers(users)
    named = {users[each] for each in place.tolist()}
    off = affected_by_transformers(net.energise(), named).hit.customer_index
    alone, _ = net.known_customers([user for user in users if user not in named])
    customers = net.customers[np.union1d(off, alone)]
    of_customers, _ = net.known_transformers(customers["transformer_id"].unique(maintain_order=True).to_list())
    return customers, net.transformers[np.union1d(transformers, of_customers)]


def beside_announcement(utility: PlanningQuestions, outbox: Outbox, plan_id: str) -> tuple[Beside, int]:
    """Return what writes the messages that a plan asks for now, and how many they are.

    Raises:
        FudianError: there is no such plan, nobody can tell who is off by it, or no channel is set.
    """
    rules = MessageSettings.of(utility.workspace.settings)
    if not rules.to:
        raise FudianError(
            text("Nobody can be told: no channel for messages is set."),
            text("Fill in to under [messages] in fudian.toml."),
        )
    plan, affected = announced(utility, plan_id)
    earlier = [each.message for each in outbox.of(plan.subject) if each.state != "withdrawn"]
    messages = plan_messages(plan, told_by_plan(affected), earlier, utility.workspace.reading.now())
    return _writing(utility, outbox, messages, rules), len(messages)


def announced(utility: PlanningQuestions, plan_id: str) -> tuple[Announced, Affected]:
    """Return a plan as customers are told of it, and who is off for as long as its work lasts.

    Raises:
        FudianError: there is no such plan, or nobody can tell who is off by it.
    """
    rows = utility.workspace.tables["plans"].filter(pl.col("plan_id") == plan_id).to_dicts()
    if not rows:
        raise FudianError(
            text("There is no plan {plan_id!r}.", plan_id=plan_id), text("The table of plans lists those there are.")
        )
    row, settings = rows[-1], utility.workspace.settings
    refused = {*InferenceSettings.of(settings).not_approved, *MessageSettings.of(settings).cancelled}
    lines = dict(utility.network.feeders.select("feeder_id", "name").iter_rows())
    plan = Announced(
        f"plan:{plan_id}",
        row["start"],
        row["end"],
        (row["nature"] or "").startswith("P-TEMP"),
        row["status"] is not None and row["status"] not in refused and row["live_line_item"] not in LIVE_ITEMS,
        row["status"] in MessageSettings.of(settings).cancelled,
        row["work"] or "",
        lines.get(row["feeder_id"]) or "",
    )
    return plan, utility.affected_by_plan(row)


def told_by_plan(affected: Affected) -> tuple[Addressee, ...]:
    """Return who is told on behalf of those that a plan takes off."""
    net, customers = affected.network, affected.customers
    of_customers, _ = net.known_transformers(customers["transformer_id"].unique(maintain_order=True).to_list())
    return addressees(customers, net.transformers[np.union1d(affected.hit.transformer_index, of_customers)])
