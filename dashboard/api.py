"""The HTTP interface ``/api/v1``: the answers of the commands, in the same form."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any

from fastapi import APIRouter, Body, FastAPI, Query, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import FileResponse, JSONResponse, Response

from dashboard.access.refusals import REFUSALS
from dashboard.intake.http import intake_router
from dashboard.intake.work import work_router
from dashboard.pool import Pool, PooledRouter
from fudian.desk import Desk
from fudian.fresh import Fresh
from network import FudianError, UnknownIdError, WorkspaceError, text, translate
from network.texts import language_of

WAIT_S = 30.0
"""For how long an answer waits for the N-1 test; where that is not over by then, the answer says how far it is."""

REPORT_KINDS = {
    ".pdf": "application/pdf",
    ".docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
"""Media types of the files of a report."""

By = Annotated[str, Query(description="columns to break down by, with commas")]
Moment = Annotated[datetime | None, Query()]
Source = Annotated[str, Query(description="records, or switching for the replay of the switching log")]
Year = Annotated[int | None, Query(ge=1900, le=2199)]


def install(server: FastAPI, served: Fresh, desk: Desk, pool: Pool) -> None:
    """Add the routes over a workspace and its desk, and the form of their errors."""
    server.include_router(intake_router(desk, REFUSALS))
    server.include_router(work_router(desk, REFUSALS))
    server.include_router(_statistics_routes(served, pool))
    server.include_router(_target_routes(served, pool))
    server.include_router(_repair_routes(served, pool))
    server.include_router(_plan_routes(served, pool))
    server.include_router(_steering_routes(served, pool))
    server.add_exception_handler(FudianError, _refused)
    server.add_exception_handler(RequestValidationError, _unreadable)

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


def _columns(by: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in by.split(",") if part.strip())


def _statistics_routes(served: Fresh, pool: Pool) -> APIRouter:
    routes = PooledRouter(pool, prefix="/api/v1", tags=["reliability"], responses=REFUSALS)

    @routes.get("/check")
    def check(request: Request) -> dict[str, Any]:
        """List what is wrong with the tables, the topology and the settings."""
        return served.utility.check().as_dict(_language(request))

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
        source: Source = "records",
        standard: Annotated[str, Query(description="dlt, or ieee beside it")] = "dlt",
    ) -> dict[str, Any]:
        """Return the indices of a period."""
        answer = served.utility.indices((start, end), _columns(by), level, med, as_of, engine, source, standard)
        return answer.as_dict(_language(request))

    @routes.get("/ledger")
    def ledger(
        request: Request,
        start: Moment = None,
        end: Moment = None,
        level: str = "mv",
        med: str = "include",
        as_of: Moment = None,
        source: Source = "records",
        event: str | None = None,
        customer: str | None = None,
    ) -> dict[str, Any]:
        """Return the interruptions behind a figure."""
        period = (start, end) if start or end else None
        return served.utility.ledger(period, level, med, as_of, source, event, customer).as_dict(_language(request))

    @routes.get("/audit")
    def audit(
        request: Request, start: Moment = None, end: Moment = None, level: str = "mv", as_of: Moment = None
    ) -> dict[str, Any]:
        """Compare the outage records with the switching log and the meters."""
        return served.utility.audit((start, end), level, as_of).as_dict(_language(request))

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
        return served.utility.frequent(preset, level, med, as_of, days, times).as_dict()

    @routes.get("/rolling")
    def rolling(
        request: Request,
        start: Moment = None,
        end: Moment = None,
        days: Annotated[int, Query(ge=1, le=3660, description="of a window, by the calendar")] = 365,
        centred: bool = False,
        level: str = "mv",
        med: str = "include",
        as_of: Moment = None,
    ) -> dict[str, Any]:
        """Return SAIDI, SAIFI and CAIDI of the window of days up to each day of a period."""
        return served.utility.rolling((start, end), days, centred, level, med, as_of).as_dict(_language(request))

    @routes.get("/cross-check")
    def cross_check(request: Request, as_of: Moment = None) -> dict[str, Any]:
        """Compare the reliability system's own report with itself and with the figures here."""
        return served.utility.cross_check(as_of).as_dict(_language(request))

    return routes


def _target_routes(served: Fresh, pool: Pool) -> APIRouter:
    routes = PooledRouter(pool, prefix="/api/v1", tags=["reliability"], responses=REFUSALS)

    @routes.get("/targets")
    def targets(request: Request, plan: str, year: Year = None, as_of: Moment = None) -> dict[str, Any]:
        """Judge the figures of a year against a plan."""
        return served.utility.targets(plan, year, as_of=as_of, wait_s=WAIT_S).as_dict(_language(request))

    @routes.get("/grid-kpi")
    def grid_kpi(request: Request, plan: str = "gongan-2022") -> dict[str, Any]:
        """Return the grid-structure KPIs of the public feeders with the N-1 test, judged against a plan."""
        return served.utility.grid_kpi(plan, WAIT_S).as_dict(_language(request))

    @routes.get("/plans")
    def plans() -> dict[str, Any]:
        """Return the plans that can be judged, and the years with records."""
        return {"plans": served.utility.target_plans, "years": served.utility.years}

    @routes.get("/live-ratio")
    def live_ratio(request: Request, start: Moment = None, end: Moment = None, by: By = "") -> dict[str, Any]:
        """Return the live-line ratio with numerators and denominators."""
        return served.utility.live_ratio((start, end), _columns(by)).as_dict(_language(request))

    return routes


def _repair_routes(served: Fresh, pool: Pool) -> APIRouter:
    routes = PooledRouter(pool, prefix="/api/v1", tags=["repair"], responses=REFUSALS)

    @routes.get("/n-1")
    def n_1(
        request: Request,
        wait_s: Annotated[float, Query(ge=0, le=60, description="return sooner only when all is tried")] = 0.0,
    ) -> dict[str, Any]:
        """Return the N-1 test as far as it is done; the first call begins it. ``complete`` says whether it is over."""
        return served.utility.n_1(wait_s).as_dict(_language(request))

    @routes.get("/weak-spots")
    def weak_spots(request: Request, as_of: Moment = None) -> dict[str, Any]:
        """Return the weak spots of the grid, worst first, and what would lift each."""
        return served.utility.weak_spots(as_of).as_dict(_language(request))

    @routes.get("/affected")
    def affected(
        request: Request,
        opened: Annotated[
            str | None, Query(alias="open", description="branches that open together, with commas")
        ] = None,
        fault: Annotated[str | None, Query(description="branch that a fault strikes")] = None,
        as_of: Moment = None,
    ) -> dict[str, Any]:
        """Return who is off when branches open, or when a fault strikes one; of a fault also who is once it is isolated."""
        branches = None if opened is None else _columns(opened)
        return served.utility.affected(branches, fault, at=as_of).as_dict(_language(request))

    @routes.post("/affected")
    def affected_by_signals(
        request: Request, signals: Annotated[list[dict[str, Any]], Body()], as_of: Moment = None
    ) -> dict[str, Any]:
        """Return who is off by rows of the signals table."""
        return served.utility.affected(signals=signals, at=as_of).as_dict(_language(request))

    @routes.get("/sensor-health")
    def sensor_health(request: Request) -> dict[str, Any]:
        """Return what closed incidents tell of each sensor."""
        return served.utility.sensor_health().as_dict(_language(request))

    @routes.get("/restore")
    def restore(
        request: Request,
        fault: Annotated[
            str,
            Query(
                description="branch that a fault strikes, or several with commas; of a bus or a lost source the node"
            ),
        ],
        objective: Annotated[str | None, Query(description="customers or kw")] = None,
        refused: Annotated[str, Query(description="devices that cannot be operated, with commas")] = "",
        tripped: Annotated[str, Query(description="devices that are known to have tripped, with commas")] = "",
        done: Annotated[str, Query(description="operations carried out since, as open:S1,close:K1")] = "",
        hours_off: Annotated[float | None, Query(ge=0, description="hours since supply was lost")] = None,
        as_of: Moment = None,
    ) -> dict[str, Any]:
        """Plan how power comes back around a fault; every step is proven."""
        asked = _columns(fault), _columns(refused), objective, as_of
        plan = served.utility.restore(*asked, tripped=_columns(tripped), done=_columns(done), hours_off=hours_off)
        return plan.as_dict(_language(request))

    @routes.post("/locate")
    def locate(
        request: Request, signals: Annotated[list[dict[str, Any]], Body()], as_of: Moment = None
    ) -> dict[str, Any]:
        """Find the faulted section from rows of the signals table."""
        return served.utility.locate(signals, as_of).as_dict(_language(request))

    @routes.post("/infer")
    def infer(
        request: Request, signals: Annotated[list[dict[str, Any]], Body()], as_of: Moment = None
    ) -> dict[str, Any]:
        """Infer what is out from rows of the signals table, apart from what the desk has heard."""
        return served.utility.infer(signals, as_of).as_dict(_language(request))

    @routes.get("/crews")
    def crews(
        assign: Annotated[str, Query(description="crews that a person has chosen: incident=crew, with commas")] = "",
        without: Annotated[str, Query(description="crews that are not to be sent, with commas")] = "",
        as_of: Moment = None,
    ) -> dict[str, Any]:
        """Plan which crew goes to which open fault, in which order, with its arrival clocks."""
        return served.utility.crews(as_of, None, _columns(assign), _columns(without)).as_dict()

    @routes.get("/restoration-times")
    def restoration_times(as_of: Moment = None) -> dict[str, Any]:
        """Tell when power will be back for every open fault, with a range."""
        return served.utility.restoration_times(as_of).as_dict()

    @routes.get("/bases")
    def bases(
        count: Annotated[int | None, Query(ge=1, le=100, description="how many; by default as many as now")] = None,
        limit_min: Annotated[
            float | None, Query(gt=0, le=1440, description="minutes within which faults shall lie")
        ] = None,
        as_of: Moment = None,
    ) -> dict[str, Any]:
        """Tell where crews should wait by the faults of the past, and what that gains."""
        return served.utility.bases(count, limit_min, as_of).as_dict()

    @routes.get("/incidents")
    def incidents(request: Request) -> dict[str, Any]:
        """Return the incidents that all signals tell of, and what is wrong with signals."""
        return served.utility.incidents(_language(request))

    return routes


def _plan_routes(served: Fresh, pool: Pool) -> APIRouter:
    routes = PooledRouter(pool, prefix="/api/v1", tags=["planned outages"], responses=REFUSALS)

    @routes.get("/precheck")
    def precheck(
        request: Request,
        plan: Annotated[str, Query(description="ids of plans, with commas; all by default")] = "",
        as_of: Moment = None,
    ) -> dict[str, Any]:
        """Calculate the planned outages to come before anything is cut."""
        return served.utility.precheck(plan_id=_columns(plan), as_of=as_of).as_dict(_language(request))

    @routes.post("/precheck")
    def precheck_rows(
        request: Request, plans: Annotated[list[dict[str, Any]], Body()], as_of: Moment = None
    ) -> dict[str, Any]:
        """Calculate rows of the plans table beside those of the workspace."""
        return served.utility.precheck(plans, as_of=as_of).as_dict(_language(request))

    @routes.get("/calendar")
    def calendar(
        request: Request,
        live_as_outage: Annotated[bool, Query(description="plan outages also where a live-line item is named")] = False,
        as_of: Moment = None,
    ) -> dict[str, Any]:
        """Find days and groups for all planned outages to come."""
        return served.utility.calendar(live_as_outage=live_as_outage, as_of=as_of).as_dict(_language(request))

    return routes


def _steering_routes(served: Fresh, pool: Pool) -> APIRouter:
    routes = PooledRouter(pool, prefix="/api/v1", tags=["steering"], responses=REFUSALS)

    @routes.get("/operating-kpi")
    def operating_kpi(
        request: Request,
        year: Year = None,
        as_of: Moment = None,
        base_year: Annotated[int | None, Query(ge=1900, le=2199, description="reductions are counted from it")] = None,
    ) -> dict[str, Any]:
        """Return the figures of operation that plans set targets for, with numerators and denominators."""
        return served.utility.operating_kpi(year, as_of, base_year).as_dict(_language(request))

    @routes.get("/why")
    def why(
        request: Request,
        from_: Annotated[str, Query(alias="from", description="2021, 2021-06, 2021Q3 or two dates with ..")],
        to: str | None = None,
        metric: Annotated[str, Query(description="saidi or saifi")] = "saidi",
        by: By = "nature",
        level: str = "mv",
        med: str = "include",
        as_of: Moment = None,
    ) -> dict[str, Any]:
        """Explain why SAIDI or SAIFI changed between two periods."""
        return served.utility.why(from_, to, metric, _columns(by), level, med, as_of).as_dict(_language(request))

    @routes.get("/budget")
    def budget(request: Request, year: Year = None, as_of: Moment = None) -> dict[str, Any]:
        """Return the budget of customer-hours by unit, class and month."""
        return served.utility.budget(year, as_of).as_dict(_language(request))

    @routes.get("/forecast")
    def forecast(
        request: Request,
        plan: str,
        as_of: Moment = None,
        level: str = "mv",
        med: str = "include",
        year: Year = None,
    ) -> dict[str, Any]:
        """Forecast the year end of every target of a plan."""
        return served.utility.forecast(plan, as_of, level, med, year).as_dict(_language(request))

    @routes.get("/levers")
    def levers(
        request: Request,
        plan: str,
        target: str | None = None,
        as_of: Moment = None,
        faster_min: Annotated[
            float, Query(ge=0, description="minutes by which faults could be restored sooner")
        ] = 15.0,
        year: Year = None,
    ) -> dict[str, Any]:
        """Return what would meet a target in the rest of the year."""
        return served.utility.levers(plan, target, as_of, faster_min, year).as_dict(_language(request))

    @routes.get("/report")
    def report(
        request: Request,
        period: str | None = None,
        plan: str | None = None,
        language: str | None = None,
        unit: str | None = None,
        as_of: Moment = None,
    ) -> dict[str, Any]:
        """Return every figure of the report of a period; ``/report/report.pdf``, ``.docx`` and ``.xlsx`` give the file."""
        return served.utility.report(period, plan, language or _language(request), unit, as_of, WAIT_S).as_dict()

    @routes.get("/report/{name}", response_class=FileResponse)
    def report_file(
        request: Request,
        name: str,
        period: str | None = None,
        plan: str | None = None,
        language: str | None = None,
        unit: str | None = None,
        as_of: Moment = None,
    ) -> Response:
        """Return the report of a period as a file: its ending says which."""
        utility = served.utility
        made = utility.report(period, plan, language or _language(request), unit, as_of, WAIT_S)
        with TemporaryDirectory() as folder:
            path = Path(folder) / f"report{Path(name).suffix.lower()}"
            utility.write_report(made, path)
            content = path.read_bytes()
        said = {
            "Content-Disposition": f'attachment; filename="report-{made.basis["period"]["start"][:7]}{path.suffix}"'
        }
        return Response(content, media_type=REPORT_KINDS[path.suffix], headers=said)

    return routes
