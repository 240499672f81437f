"""Whether the desk is well: for a load balancer in one word, for Prometheus in figures."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from fastapi.responses import JSONResponse, PlainTextResponse
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from dashboard import forms
from fudian.desk import Desk


def health_router(desk: Desk, responses: dict[int | str, dict[str, Any]]) -> APIRouter:
    """Return the routes that tell how the desk is.

    Args:
        desk: that is looked after.
        responses: how every route refuses.
    """
    routes = APIRouter(responses=responses)

    @routes.get("/public/health", response_model=forms.Health, tags=["service"])
    def health() -> JSONResponse:
        """Tell whether the store answers and takes what comes in, and the desk works; 503 where not."""
        is_well = desk.is_working and not desk.is_refusing and _answers(desk)
        return JSONResponse({"status": "ok" if is_well else "failing"}, 200 if is_well else 503)

    @routes.get("/api/v1/metrics", tags=["service"], response_class=PlainTextResponse)
    def metrics() -> PlainTextResponse:
        """Return counters of the desk in the text form of Prometheus."""
        return PlainTextResponse(exposition(desk), media_type="text/plain; version=0.0.4")

    return routes


def _answers(desk: Desk) -> bool:
    try:
        with desk.ledger.store.reading() as connection:
            connection.execute(select(1)).scalar_one()
    except SQLAlchemyError:
        return False
    return True


def exposition(desk: Desk) -> str:
    """Return counters of the desk in the text form of Prometheus."""
    open_sheets = sum(not sheet.is_closed for sheet in list(desk.work.sheets.values()))
    lines = ["# HELP fudian_signals_total Reports by what came of them.", "# TYPE fudian_signals_total counter"]
    lines += [f'fudian_signals_total{{outcome="{name}"}} {count}' for name, count in desk.counts.items()]
    for name, kind, described, value in (
        ("fudian_signals_waiting", "gauge", "Reports that wait to be kept or judged.", desk.waiting),
        ("fudian_desk_working", "gauge", "1 while the writer and the judge run.", int(desk.is_working)),
        ("fudian_store_refusing", "gauge", "1 while the store cannot be written.", int(desk.is_refusing)),
        ("fudian_sheets_open", "gauge", "Incidents with decisions that nobody closed.", open_sheets),
        ("fudian_operations", "gauge", "Operations that hold.", len(desk.work.operations.held)),
    ):
        lines += [f"# HELP {name} {described}", f"# TYPE {name} {kind}", f"{name} {value}"]
    return "\n".join(lines) + "\n"
