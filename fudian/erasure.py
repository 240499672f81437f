"""Personal data of the desk's store: taken out on request, or after a time, with a line that says so and no longer of whom.

The store holds of a customer what signals and decisions name by its id; names, phones and addresses stand in the workspace alone.
"""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any
from uuid import uuid4

from sqlalchemy import delete, select, update

from fudian.ledger import DeskEvent, Ledger
from fudian.store import Store
from fudian.store.desk_tables import DESK_EVENTS
from fudian.store.message_tables import MESSAGES
from fudian.store.photograph_tables import PHOTOGRAPHS
from network import FudianError, text

ERASED = "erased"
"""What stands in the place of a customer's id, and of the words of a note about it."""


def erase(store: Store, who: str, customer: str | None = None, before: datetime | None = None) -> int:
    """Take customers out of the events of a store while no desk runs on it; that it was done is kept, with who did it.

    Reports of a customer stay as reports of nobody, so that counts stay true; what was inferred of that customer alone is gone.

    Args:
        store: of the desk.
        who: asks for it.
        customer: id of one customer; by default all.
        before: only events that were received before, with zone; by default all of the customer.

    Returns:
        How many events, messages and photographs were changed.

    Raises:
        FudianError: neither is named, or a desk runs on the store.
    """
    if customer is None and before is None:
        raise FudianError(text("Nobody is named whose data shall be erased."), text("Name a customer, or a day."))
    held = store.hold("desk")
    try:
        changed = erased(store, customer, before)
        said: dict[str, Any] = {"action": "erase", "events": changed}
        if before is not None:
            said["before"] = before.isoformat()
        Ledger(store).keep([DeskEvent(f"erasure-{uuid4()}", "erasure", who, said)])
    finally:
        held.close()
    return changed


def erased(store: Store, customer: str | None, before: datetime | None) -> int:
    """Take one customer, or all, out of events and messages; return of how many. Who calls it holds the store and keeps that."""
    wanted = select(DESK_EVENTS.c.number, DESK_EVENTS.c.details)
    if before is not None:
        wanted = wanted.where(DESK_EVENTS.c.received_at < before)
    if customer is not None:
        wanted = wanted.where(
            DESK_EVENTS.c.details.contains(json.dumps(customer, ensure_ascii=False)[1:-1], autoescape=True)
        )
    changed = 0
    with store.writing() as connection:
        for number, details in connection.execute(wanted).all():
            told = json.loads(details)
            left = _without(told, customer)
            if left != told:
                content = json.dumps(left, ensure_ascii=False)
                connection.execute(update(DESK_EVENTS).where(DESK_EVENTS.c.number == number).values(details=content))
                changed += 1
        told_them = (MESSAGES.c.to_kind == "customer") & (MESSAGES.c.to_id != ERASED)
        if before is not None:
            told_them &= MESSAGES.c.queued_at < before
        if customer is not None:
            told_them &= MESSAGES.c.to_id == customer
        messages = connection.execute(update(MESSAGES).where(told_them).values(to_id=ERASED))
        if customer is None:  # nobody can tell whom a photograph shows
            old = PHOTOGRAPHS.c.received_at < before
            changed += connection.execute(delete(PHOTOGRAPHS).where(old)).rowcount
    return changed + messages.rowcount


def _without(told: dict[str, Any], customer: str | None) -> dict[str, Any]:
    """Return what an event says without a customer, or without any."""
    left = dict(told)
    if told.get("object") == "customer" and customer in {None, told.get("object_id")}:
        left["object_id"] = ERASED
    if customer is None:
        return left
    for name, value in told.items():
        if name in {"note", "reason"} and isinstance(value, str) and customer in value:
            left[name] = ERASED
        elif name == "users" and customer in value:
            left[name] = [each for each in value if each != customer]
        elif name == "user" and value == customer:
            left[name] = ERASED
    return left
