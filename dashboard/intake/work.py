"""Work on incidents over HTTP: the sheet of each, and what is decided on it."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Body
from fastapi import Path as InPath

from dashboard.access.reader import reader
from fudian.desk import Desk

Incident = Annotated[str, InPath(description="id of the incident, as /incidents gives it", max_length=200)]


def work_router(desk: Desk, responses: dict[int | str, dict[str, Any]]) -> APIRouter:
    """Return the routes by which people work on incidents.

    Args:
        desk: keeps what they decide.
        responses: how every route refuses.
    """
    routes = APIRouter(prefix="/api/v1", tags=["repair"], responses=responses)

    @routes.get("/incidents/{incident}/sheet")
    def sheet(incident: Incident) -> dict[str, Any]:
        """Return the sheet of an incident: stages with times, orders, commander, steps done, and its whole history."""
        return desk.sheet(incident).as_dict()

    @routes.post("/incidents/{incident}/decisions")
    def decide(incident: Incident, decision: Annotated[dict[str, Any], Body()]) -> dict[str, Any]:
        """Keep a decision on an incident: acknowledge, hand_over, stage, order, close, undo …; return the sheet then.

        ``event_id`` is the sender's own number of the decision, which makes it safe to send it again.
        """
        event_id = decision.pop("event_id", None)
        return desk.decide(incident, decision, reader().who, None if event_id is None else str(event_id)).as_dict()

    return routes
