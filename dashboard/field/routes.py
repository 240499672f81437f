"""Routes of a crew's telephone: its page with what keeps it working out of reach, its jobs, what it reports, photographs."""

from __future__ import annotations

from http import HTTPStatus
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Body, Query, Request
from fastapi import Path as InPath
from fastapi.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response

from dashboard import forms
from dashboard.access.reader import reader
from dashboard.field.crew_page import crew_page
from dashboard.pool import Pool, PooledRouter
from fudian.desk import RETRY_S, Desk, DeskStoreError
from fudian.field_reports import take_reports
from fudian.photographs import photograph
from network import FudianError, text
from network.texts import language_of

_FILES = {
    "app.js": "text/javascript",
    "worker.js": "text/javascript",
    "style.css": "text/css",
    "manifest.json": "application/manifest+json",
}
_FOLDER = Path(__file__).parent
_MAY_ASK = "camera=(self), geolocation=(self), microphone=(), payment=(), usb=()"


def field_router(desk: Desk, language: str, responses: dict[int | str, dict[str, Any]]) -> APIRouter:
    """Return the routes of the page and of what it sends.

    Args:
        desk: keeps what crews report.
        language: of the page where the address names none.
        responses: how every route refuses.
    """
    routes = APIRouter(responses=responses)

    @routes.get("/crew", include_in_schema=False)
    def page(lang: str = "") -> HTMLResponse:
        shown = crew_page(language_of(lang) or language, reader().shown_name or reader().who)
        return HTMLResponse(shown, headers={"Permissions-Policy": _MAY_ASK})

    @routes.get("/crew/{name}", include_in_schema=False)
    def file(name: str) -> Response:
        kind = _FILES.get(name)
        if kind is None:
            return PlainTextResponse("", HTTPStatus.NOT_FOUND)
        of_all = {"Service-Worker-Allowed": "/crew"} if name == "worker.js" else {}
        return PlainTextResponse((_FOLDER / name).read_text("utf-8"), media_type=kind, headers=of_all)

    @routes.post("/api/v1/crew/reports", response_model=forms.ReportsTaken, tags=["repair"])
    def report(request: Request, rows: Annotated[list[dict[str, Any]], Body()]) -> JSONResponse:
        """Keep what crews report: ``event_id``, ``incident``, ``report``, ``crew_id``; ``ago_s``, ``branches``, ``note``.

        A report whose ``event_id`` was kept before is ``known``; what cannot be taken is ``refused``, and hinders no other.
        """
        spoken = language_of(request.query_params.get("lang", "")) or "en"
        try:
            outcomes = take_reports(desk, rows, reader().who)
        except DeskStoreError as refusal:
            said = {"error": refusal.message.in_language(spoken), "hint": str(refusal.hint or "")}
            return JSONResponse(said, HTTPStatus.SERVICE_UNAVAILABLE, {"Retry-After": str(RETRY_S)})
        return JSONResponse({"outcomes": [outcome.as_dict(spoken) for outcome in outcomes]})

    @routes.get("/api/v1/photographs/{photo_id}", tags=["repair"], response_class=Response)
    def picture(photo_id: Annotated[str, InPath(max_length=64, description="as the sheet lists it")]) -> Response:
        """Return a photograph from the place of an incident."""
        image = photograph(desk.ledger.store, photo_id)
        if image is None:
            raise FudianError(
                text("There is no photograph {photo_id!r}.", photo_id=photo_id),
                text("The sheet lists those there are."),
            )
        return Response(image, media_type="image/jpeg")

    return routes


def job_routes(desk: Desk, pool: Pool, responses: dict[int | str, dict[str, Any]]) -> PooledRouter:
    """Return the route of the jobs, which may take a plan of all crews."""
    routes = PooledRouter(pool, prefix="/api/v1", tags=["repair"], responses=responses)

    @routes.get("/crew/jobs", response_model=forms.Rows)
    def jobs(
        crew: Annotated[str | None, Query(description="whose jobs come first", max_length=200)] = None,
    ) -> dict[str, Any]:
        """Return the open jobs as a crew sees them: its own first; no customer is named."""
        return desk.utility.crew_jobs(crew or None).as_dict()

    return routes
