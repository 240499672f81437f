"""The HTTP interface ``/api/v1``: the answers of the commands, in the same form."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import polars as pl
from fastapi import APIRouter, Body, FastAPI, Query, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse

from dashboard.service import Service
from network import FudianError, UnknownIdError, Workspace, WorkspaceError, text, translate
from network.texts import language_of
from reliability import Period
from reliability import statistics as figures
from reliability.frequent import frequent_outages
from reliability.frequent import preset as preset_named
from reliability.notice import late_approvals
from reliability.rolling import rolling as rolling_by_day
from reliability.targets import plan_year
from repair import affected_by_opening, answer_of, fault_area, locate
from repair.location.sensor_health import health_of
from repair.planned.plan_desk import PlanDesk
from repair.planned.precheck import precheck as check_plans
from repair.planned.precheck import statement

LOCAL = ZoneInfo("Asia/Shanghai")

WAIT_S = 30.0
"""For how long an answer waits for the N-1 test; where that is not over by then, the answer says how far it is."""

By = Annotated[str, Query(description="columns to break down by, with commas")]
Moment = Annotated[datetime | None, Query()]


def install(server: FastAPI, service: Service) -> None:
    """Add the routes over a service, and the form of their errors."""
    server.include_router(_statistics_routes(service))
    server.include_router(_target_routes(service))
    server.include_router(_repair_routes(service))
    server.include_router(_plan_routes(service))
    server.add_exception_handler(FudianError, _refused)
    server.add_exception_handler(RequestValidationError, _unreadable)
    server.add_exception_handler(Exception, _failed)

    @server.get("/api/{rest:path}", include_in_schema=False)
    def nothing_here(rest: str) -> JSONResponse:
        problem = text("There is no route /api/{rest}.", rest=rest)
        return JSONResponse({"error": str(problem), "hint": str(text("See /openapi.json for the routes."))}, 404)


def _language(request: Request) -> str:
    return language_of(request.query_params.get("lang", "")) or "en"


def _refused(request: Request, error: Exception) -> JSONResponse:
    language = _language(request)
    problem = error if isinstance(error, FudianError) else FudianError(text("Something went wrong inside Fudian."))
    answer: dict[str, Any] = {
        "error": problem.message.in_language(language),
        "hint": problem.hint.in_language(language) if problem.hint else None,
    }
    if isinstance(problem, WorkspaceError):
        answer["errors"] = [each.as_dict(language) for each in problem.problems]
    return JSONResponse(answer, 404 if isinstance(problem, UnknownIdError) else 422)


def _failed(request: Request, error: Exception) -> JSONResponse:
    """Answer for what should not happen: the log of the server keeps the traceback, the caller never sees it."""
    del error
    language = _language(request)
    return JSONResponse(
        {
            "error": translate("Something went wrong inside Fudian.", language),
            "hint": translate("The log of the server says more; the other pages are not affected.", language),
        },
        500,
    )


def _unreadable(request: Request, error: Exception) -> JSONResponse:
    faults = error.errors() if isinstance(error, RequestValidationError) else []
    said = "; ".join(f"{'.'.join(str(part) for part in fault['loc'])}: {fault['msg']}" for fault in faults)
    language = _language(request)
    return JSONResponse(
        {
            "error": translate("The request cannot be read: {faults}", language, faults=said),
            "hint": translate("See /openapi.json for the routes.", language),
        },
        422,
    )


def _local(moment: datetime | None) -> datetime | None:
    """Return a time as the tables hold it: local, without zone."""
    return moment if moment is None or moment.tzinfo is None else moment.astimezone(LOCAL).replace(tzinfo=None)


def _period(service: Service, start: datetime | None, end: datetime | None) -> Period:
    """Return the period asked for; by default the last calendar year with records."""
    start, end = _local(start), _local(end)
    service.statistics.require_records()
    first = start.year if start else None
    whole = Period.year(first or (end.year if end else service.years[-1]))
    return Period(start or whole.start, end or whole.end)


def _columns(by: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in by.split(",") if part.strip())


def _statistics_routes(service: Service) -> APIRouter:
    routes = APIRouter(prefix="/api/v1", tags=["reliability"])
    statistics = service.statistics

    @routes.get("/check")
    def check(request: Request) -> dict[str, Any]:
        """List what is wrong with the tables and the topology."""
        doubtful = late_approvals(service.net.workspace, statistics.settings)
        return service.net.check(_language(request), doubtful)

    @routes.get("/indices")
    def indices(
        request: Request,
        start: Moment = None,
        end: Moment = None,
        by: By = "",
        level: str = "mv",
        med: str = "include",
        as_of: Moment = None,
        engine: str = "polars",
    ) -> dict[str, Any]:
        """Return the indices of a period."""
        query = figures.Query(_period(service, start, end), _columns(by), level, med, _local(as_of))
        return statistics.statement(query, engine, _language(request))

    @routes.get("/ledger")
    def ledger(
        request: Request,
        start: Moment = None,
        end: Moment = None,
        level: str = "mv",
        med: str = "include",
        as_of: Moment = None,
        event: str | None = None,
        customer: str | None = None,
    ) -> dict[str, Any]:
        """Return the interruptions behind a figure."""
        query = figures.Query(_period(service, start, end), (), level, med, _local(as_of))
        rows = statistics.ledger_rows(query, event, customer, _language(request))
        return {"period": {"start": query.period.start, "end": query.period.end}, "level": level, "rows": rows}

    @routes.get("/audit")
    def audit(
        request: Request, start: Moment = None, end: Moment = None, level: str = "mv", as_of: Moment = None
    ) -> dict[str, Any]:
        """Compare the outage records with the switching log and the meters."""
        query = figures.Query(_period(service, start, end), (), level, as_of=_local(as_of) or statistics.as_of)
        return statistics.audit_statement(query, _language(request))

    @routes.get("/frequent")
    def frequent(
        preset: str = "nea",
        level: str = "mv",
        med: str = "include",
        as_of: Moment = None,
        days: Annotated[int | None, Query(ge=1, le=3660, description="of a window, for custom")] = None,
        times: Annotated[int | None, Query(ge=1, description="outages that are too many, for custom")] = None,
    ) -> dict[str, Any]:
        """List users and feeders that lose supply too often, and who soon may."""
        statistics.require_records()
        return frequent_outages(statistics, preset_named(preset, days, times), _local(as_of), level, med).as_dict()

    @routes.get("/rolling")
    def rolling(
        start: Moment = None,
        end: Moment = None,
        days: Annotated[int, Query(ge=1, le=3660, description="of a window, by the calendar")] = 365,
        centred: bool = False,
        level: str = "mv",
        med: str = "include",
        as_of: Moment = None,
    ) -> dict[str, Any]:
        """Return SAIDI, SAIFI and CAIDI of the window of days up to each day of a period."""
        query = figures.Query(_period(service, start, end), (), level, med, _local(as_of) or statistics.as_of)
        rows = rolling_by_day(statistics, query, days, centred).to_dicts()
        return {"period": query.period.as_dict(), "level": level, "days": days, "centred": centred, "rows": rows}

    @routes.get("/cross-check")
    def cross_check(request: Request, as_of: Moment = None) -> dict[str, Any]:
        """Compare the reliability system's own report with itself and with the figures here."""
        statistics.require_records()
        return statistics.cross_check(_local(as_of) or statistics.as_of).as_dict(_language(request))

    return routes


def _target_routes(service: Service) -> APIRouter:
    routes = APIRouter(prefix="/api/v1", tags=["reliability"])
    statistics = service.statistics

    @routes.get("/targets")
    def targets(request: Request, plan: str, year: int | None = None, as_of: Moment = None) -> dict[str, Any]:
        """Judge the figures of a year against a plan."""
        statistics.require_records()
        judged = year or plan_year(statistics, plan)
        results = service.targets(plan, judged, as_of=_local(as_of), wait_s=WAIT_S)
        return {"plan": plan, "year": judged, "rows": [each.as_dict(_language(request)) for each in results]}

    @routes.get("/grid-kpi")
    def grid_kpi(request: Request, plan: str = "gongan-2022") -> dict[str, Any]:
        """Return the grid-structure KPIs of the public feeders with the N-1 test, judged against a plan."""
        return service.grid(plan, _language(request), WAIT_S)

    @routes.get("/plans")
    def plans() -> dict[str, Any]:
        """Return the plans that can be judged, and the years with records."""
        return {"plans": service.plans, "years": service.years}

    @routes.get("/live-ratio")
    def live_ratio(start: Moment = None, end: Moment = None, by: By = "") -> dict[str, Any]:
        """Return the live-line ratio with numerators and denominators."""
        period = _period(service, start, end)
        rows = statistics.live_ratios(period, _columns(by))
        return {"period": period.as_dict(), "rows": rows}

    return routes


def _repair_routes(service: Service) -> APIRouter:
    routes = APIRouter(prefix="/api/v1", tags=["repair"])

    @routes.get("/n-1")
    def n_minus_1(
        request: Request,
        wait_s: Annotated[float, Query(ge=0, le=60, description="return sooner only when all is tried")] = 0.0,
    ) -> dict[str, Any]:
        """Return the N-1 test as far as it is done; the first call begins it. ``complete`` says whether it is over."""
        return service.n_minus_1(wait_s).as_dict(_language(request))

    @routes.get("/affected")
    def affected(
        request: Request,
        opened: Annotated[
            str | None, Query(alias="open", description="branches that open together, with commas")
        ] = None,
        fault: Annotated[str | None, Query(description="branch that a fault strikes")] = None,
    ) -> dict[str, Any]:
        """Return who is off when branches open, or when a fault strikes one; of a fault also who is once it is isolated."""
        if (opened is None) == (fault is None):
            raise FudianError(text("Name exactly one of open and fault."), text("For example ?open=F01-K01."))
        if opened is not None:
            return answer_of(affected_by_opening(service.present(), _columns(opened)), _language(request))
        return fault_area(service.present(), fault or "").as_dict(_language(request))

    @routes.get("/sensor-health")
    def health() -> dict[str, Any]:
        """Return what closed incidents tell of each sensor."""
        return health_of(service.net)

    @routes.get("/restore")
    def restoration(
        request: Request,
        fault: Annotated[str, Query(description="branch that a fault strikes")],
        objective: Annotated[str | None, Query(description="customers or kw")] = None,
        refused: Annotated[str, Query(description="devices that cannot be operated, with commas")] = "",
    ) -> dict[str, Any]:
        """Plan how power comes back around a fault; every step is proven."""
        return service.restoration(fault, _columns(refused), objective).as_dict(_language(request))

    @routes.post("/locate")
    def location(request: Request, signals: Annotated[list[dict[str, Any]], Body()]) -> dict[str, Any]:
        """Find the faulted section from rows of the signals table."""
        given = _with_rows(service, "signals", signals)
        usable = given.tables["signals"]
        faults = [each for each in given.errors if each.table == "signals"]
        if usable.is_empty():
            raise WorkspaceError(text("No signal can be used."), faults, text("Mend the rows that are named."))
        found = locate(service.supply, usable, service.net.workspace.tables["sensors"])
        return found.as_dict() | {"rejected": [each.as_dict(_language(request)) for each in faults]}

    @routes.get("/incidents")
    def incidents(request: Request) -> dict[str, Any]:
        """Return the incidents that all signals tell of, and what is wrong with signals."""
        return service.inferred(_language(request))

    @routes.post("/signals")
    def signals(request: Request, rows: Annotated[list[dict[str, Any]], Body()], now: Moment = None) -> dict[str, Any]:
        """Take signals into account, and return which incidents changed."""
        return service.hear(rows, _local(now), _language(request))

    return routes


def _plan_routes(service: Service) -> APIRouter:
    routes = APIRouter(prefix="/api/v1", tags=["planned outages"])

    @routes.get("/precheck")
    def precheck(
        request: Request, plan: Annotated[str, Query(description="ids of plans, with commas; all by default")] = ""
    ) -> dict[str, Any]:
        """Calculate the planned outages to come before anything is cut."""
        wanted = _columns(plan)
        service.desk.require(wanted)
        checks = [each for each in service.checks if not wanted or each.plan_id in wanted]
        return statement(service.desk, checks, service.net.workspace.problems_of("plans"), _language(request))

    @routes.post("/precheck")
    def precheck_rows(request: Request, plans: Annotated[list[dict[str, Any]], Body()]) -> dict[str, Any]:
        """Calculate rows of the plans table beside those of the workspace."""
        given = _with_rows(service, "plans", plans)
        rejected = given.problems_of("plans")
        if given.tables["plans"].is_empty():
            raise WorkspaceError(text("No plan can be used."), rejected, text("Mend the rows that are named."))
        desk = PlanDesk.of(service.statistics, given.tables["plans"], as_of=service.as_of)
        checks = check_plans(desk, given.tables["plans"]["plan_id"])
        return statement(desk, checks, rejected, _language(request))

    @routes.get("/calendar")
    def calendar(
        request: Request,
        live_as_outage: Annotated[bool, Query(description="plan outages also where a live-line item is named")] = False,
    ) -> dict[str, Any]:
        """Find days and groups for all planned outages to come."""
        rejected = service.net.workspace.problems_of("plans")
        return service.calendar(live_as_outage).as_dict(_language(request), rejected)

    return routes


def _with_rows(service: Service, table: str, rows: list[dict[str, Any]]) -> Workspace:
    """Return the workspace with these rows instead of its own, read and checked as a file would be."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    columns = {name: [None if row.get(name) is None else str(row[name]) for row in rows] for name in names}
    with TemporaryDirectory() as folder:
        path = Path(folder) / f"{table}.csv"
        pl.DataFrame(columns, schema=dict.fromkeys(names, pl.String)).write_csv(path)
        return service.net.workspace.with_file(table, path)
