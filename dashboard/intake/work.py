"""Work on incidents over HTTP: the sheet of each, and what is decided on it."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Body, Query, Request
from fastapi import Path as InPath

from dashboard import forms
from dashboard.access.reader import reader
from dashboard.intake.http import sender
from dashboard.routes.parameters import AsOf, End, Start
from fudian.desk import Desk
from network.texts import language_of

Incident = Annotated[str, InPath(description="id of the incident, as /incidents gives it", max_length=200)]
Plan = Annotated[str, InPath(description="id of the plan", max_length=200)]


def work_router(desk: Desk, responses: dict[int | str, dict[str, Any]]) -> APIRouter:
    """Return the routes by which people work on incidents.

    Args:
        desk: keeps what they decide.
        responses: how every route refuses.
    """
    routes = APIRouter(prefix="/api/v1", tags=["repair"], responses=responses)

    _incidents(routes, desk)
    _messages(routes, desk)
    _operations(routes, desk)
    return routes


def _incidents(routes: APIRouter, desk: Desk) -> None:
    @routes.get("/incidents/{incident}/sheet", response_model=forms.Sheet)
    def sheet(incident: Incident) -> dict[str, Any]:
        """Return the sheet of an incident: stages with times, orders, commander, steps done, and its whole history."""
        return desk.utility.sheet(incident).as_dict()

    @routes.get("/incidents/{incident}/record", response_model=forms.Answered)
    def record(incident: Incident) -> dict[str, Any]:
        """Return the outage record that a closed incident would leave, and by whom each user is told to be back."""
        return desk.utility.proposed(incident).as_dict()

    @routes.get("/desk-kpi", response_model=forms.Answered)
    def desk_kpi(start: Start = None, end: End = None) -> dict[str, Any]:
        """Return how incidents were dealt with: begun before a call, one order, inferred rightly, back in what time."""
        return desk.utility.desk_kpi(start, end).as_dict()

    @routes.post("/incidents/{incident}/decisions", response_model=forms.Sheet)
    def decide(incident: Incident, decision: Annotated[dict[str, Any], Body()]) -> dict[str, Any]:
        """Keep a decision on an incident: acknowledge, hand_over, stage, order, close, undo …; return the sheet then.

        ``event_id`` is the sender's own number of the decision, which makes it safe to send it again.
        """
        event_id = decision.pop("event_id", None)
        return desk.decide(incident, decision, reader().who, None if event_id is None else str(event_id)).as_dict()


def _messages(routes: APIRouter, desk: Desk) -> None:
    @routes.get("/incidents/{incident}/messages", response_model=forms.Rows)
    def messages(
        incident: Incident, limit: Annotated[int, Query(ge=1, le=10_000, description="the newest so many")] = 1000
    ) -> dict[str, Any]:
        """Return what customers were told of an incident, and the share of its affected list that was told."""
        return desk.utility.messages(incident, reader().is_masked, limit).as_dict()

    @routes.get("/plans/{plan_id}/messages", response_model=forms.Rows)
    def plan_messages(
        plan_id: Plan, limit: Annotated[int, Query(ge=1, le=10_000, description="the newest so many")] = 1000
    ) -> dict[str, Any]:
        """Return what customers were told of a planned outage, the share of those off by it, and whether in time."""
        return desk.utility.plan_messages(plan_id, reader().is_masked, limit).as_dict()

    @routes.post("/plans/{plan_id}/announcement", response_model=forms.Announced)
    def announce(plan_id: Plan, said: Annotated[dict[str, Any] | None, Body()] = None) -> dict[str, Any]:
        """Have customers told of a planned outage, or of what changed since they were; ``event_id`` as with decisions."""
        event_id = (said or {}).get("event_id")
        count = desk.announce(plan_id, reader().who, None if event_id is None else str(event_id))
        return {"plan_id": plan_id, "messages": count}


def _operations(routes: APIRouter, desk: Desk) -> None:
    @routes.get("/dispatch-kpi", response_model=forms.Answered)
    def dispatch_kpi(start: Start = None, end: End = None) -> dict[str, Any]:
        """Return how crews arrived, how ranges held, how many customers were told, and what no dispatch could have saved."""
        return desk.utility.dispatch_kpi(start, end).as_dict()

    @routes.get("/operations", response_model=forms.Answered)
    def operations(as_of: AsOf = None) -> dict[str, Any]:
        """Return what was operated, and in what the state of the switches differs from the normal one."""
        return desk.utility.operated(as_of)

    @routes.post("/operations", response_model=forms.OperationsTaken)
    def operate(
        request: Request, rows: Annotated[dict[str, Any] | list[dict[str, Any]], Body(description="one, or a list")]
    ) -> dict[str, Any]:
        """Keep operations: ``action`` is open, close, cut, join, jumper, remove or undo; ``branch_id``, ``at``, ``reason``.

        A jumper also says ``from_node`` and ``to_node``, an undo the ``number`` of the operation. ``event_id`` is the sender's
        own number of the operation, which makes it safe to send it again. What cannot be taken is among ``problems``.
        """
        language = language_of(request.query_params.get("lang", "")) or "en"
        given = rows if isinstance(rows, list) else [rows]
        kept, known, refused = desk.operate(given, sender(request))
        if isinstance(rows, dict) and refused:
            raise refused[0][1]
        problems = [
            {"row": place + 1, "error": wrong.message.in_language(language),
             "hint": wrong.hint.in_language(language) if wrong.hint else None}
            for place, wrong in refused
        ]  # fmt: skip
        return {
            "accepted": len(given) - known - len(refused),
            "repeated": known,
            "operations": [each.as_dict() for each in kept],
            "problems": problems,
        }
