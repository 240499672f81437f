"""The HTTP interface ``/api/v1``: the answers of the commands, in the same form."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from dashboard.access.refusals import REFUSALS
from dashboard.field.routes import job_routes
from dashboard.intake.http import intake_router
from dashboard.intake.work import work_router
from dashboard.pool import Pool
from dashboard.routes.parameters import spoken
from dashboard.routes.planned import planned_routes
from dashboard.routes.reliability import reliability_routes
from dashboard.routes.repair import repair_routes
from dashboard.routes.steering import steering_routes
from fudian.desk import Desk
from fudian.fresh import Fresh
from network import FudianError, UnknownIdError, WorkspaceError, text, translate


def install(server: FastAPI, served: Fresh, desk: Desk, pool: Pool) -> None:
    """Add the routes over a workspace and its desk, and the form of their errors."""
    server.include_router(intake_router(desk, REFUSALS))
    server.include_router(work_router(desk, REFUSALS))
    server.include_router(job_routes(desk, pool, REFUSALS))
    for routes in (reliability_routes, repair_routes, planned_routes, steering_routes):
        server.include_router(routes(served, pool))
    server.add_exception_handler(FudianError, _refused)
    server.add_exception_handler(RequestValidationError, _unreadable)
    server.add_exception_handler(HTTPException, _not_taken)

    @server.get("/api/{rest:path}", include_in_schema=False)
    def nothing_here(rest: str) -> JSONResponse:
        problem = text("There is no route /api/{rest}.", rest=rest)
        return JSONResponse({"error": str(problem), "hint": str(text("See /openapi.json for the routes."))}, 404)


def _refused(request: Request, error: Exception) -> JSONResponse:
    language = spoken(request)
    problem = error if isinstance(error, FudianError) else FudianError(text("Something went wrong inside Fudian."))
    answer: dict[str, Any] = {
        "error": problem.message.in_language(language),
        "hint": problem.hint.in_language(language) if problem.hint else None,
    }
    if isinstance(problem, WorkspaceError):
        answer["errors"] = [each.as_dict(language) for each in problem.problems]
    return JSONResponse(answer, 404 if isinstance(problem, UnknownIdError) else 422)


def _not_taken(request: Request, error: Exception) -> JSONResponse:
    status = error.status_code if isinstance(error, HTTPException) else HTTPStatus.INTERNAL_SERVER_ERROR
    language = spoken(request)
    if status == HTTPStatus.BAD_REQUEST:  # a body of other bytes than those of a text in JSON
        said = translate("The request cannot be read: {faults}", language, faults=str(getattr(error, "detail", "")))
    else:
        said = translate("There is no route {path}.", language, path=request.url.path)
        if status != HTTPStatus.NOT_FOUND:
            said = translate("{path} cannot be asked so.", language, path=request.url.path)
    hint = translate("See /openapi.json for the routes.", language)
    return JSONResponse({"error": said, "hint": hint}, status, headers=getattr(error, "headers", None))


def _unreadable(request: Request, error: Exception) -> JSONResponse:
    faults = error.errors() if isinstance(error, RequestValidationError) else []
    said = "; ".join(f"{'.'.join(str(part) for part in fault['loc'])}: {fault['msg']}" for fault in faults)
    language = spoken(request)
    return JSONResponse(
        {
            "error": translate("The request cannot be read: {faults}", language, faults=said),
            "hint": translate("See /openapi.json for the routes.", language),
        },
        422,
    )
