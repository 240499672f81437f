"""Routes of how the year goes, and of its reports."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any

from fastapi import Path as InPath
from fastapi import Query, Request
from fastapi.responses import FileResponse, Response

from dashboard import forms
from dashboard.access.refusals import REFUSALS
from dashboard.pool import Pool, PooledRouter
from dashboard.routes.parameters import WAIT_S, AsOf, By, Level, Med, Plan, Year, columns, spoken
from fudian.fresh import Fresh

REPORT_KINDS = {
    ".pdf": "application/pdf",
    ".docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
"""Media types of the files of a report."""


def steering_routes(served: Fresh, pool: Pool) -> PooledRouter:
    """Return the routes of operation, budget, forecast and reports."""
    routes = PooledRouter(pool, prefix="/api/v1", tags=["steering"], responses=REFUSALS)
    _past(routes, served)
    _to_come(routes, served)
    _reports(routes, served)
    return routes


def _past(routes: PooledRouter, served: Fresh) -> None:
    @routes.get("/operating-kpi", response_model=forms.Answered)
    def operating_kpi(
        request: Request,
        year: Year = None,
        as_of: AsOf = None,
        base_year: Annotated[int | None, Query(ge=1900, le=2199, description="reductions are counted from it")] = None,
    ) -> dict[str, Any]:
        """Return the figures of operation that plans set targets for, with numerators and denominators."""
        return served.utility.operating_kpi(year, as_of, base_year).as_dict(spoken(request))

    @routes.get("/why", response_model=forms.Why)
    def why(
        request: Request,
        from_: Annotated[str, Query(alias="from", description="2021, 2021-06, 2021Q3 or two dates with ..")],
        to: Annotated[str | None, Query(description="the later period; by default the one after")] = None,
        metric: Annotated[str, Query(description="saidi or saifi")] = "saidi",
        by: By = "nature",
        level: Level = "mv",
        med: Med = "include",
        as_of: AsOf = None,
    ) -> dict[str, Any]:
        """Explain why SAIDI or SAIFI changed between two periods."""
        return served.utility.why(from_, to, metric, columns(by), level, med, as_of).as_dict(spoken(request))

    @routes.get("/process", response_model=forms.Answered)
    def process(
        request: Request,
        figure: Annotated[str, Query(description="saidi, live_jobs or live_hours")] = "saidi",
        year: Year = None,
        as_of: AsOf = None,
    ) -> dict[str, Any]:
        """Judge a figure month by month as a process."""
        return served.utility.process(figure, year, as_of).as_dict(spoken(request))


def _to_come(routes: PooledRouter, served: Fresh) -> None:
    @routes.get("/budget", response_model=forms.Answered)
    def budget(request: Request, year: Year = None, as_of: AsOf = None) -> dict[str, Any]:
        """Return the budget of customer-hours by unit, class and month."""
        return served.utility.budget(year, as_of).as_dict(spoken(request))

    @routes.get("/forecast", response_model=forms.Forecast)
    def forecast(
        request: Request,
        plan: Plan,
        as_of: AsOf = None,
        level: Level = "mv",
        med: Med = "include",
        year: Year = None,
    ) -> dict[str, Any]:
        """Forecast the year end of every target of a plan."""
        return served.utility.forecast(plan, as_of, level, med, year).as_dict(spoken(request))

    @routes.get("/frequent-bands", response_model=forms.Rows)
    def frequent_bands(
        request: Request,
        rules: Annotated[str, Query(description="nea or sgcc")] = "nea",
        level: Level = "mv",
        as_of: AsOf = None,
    ) -> dict[str, Any]:
        """List who is over a bar of frequent outages, at it, or one below."""
        return served.utility.frequent_bands(rules, level, as_of).as_dict(spoken(request))

    @routes.get("/levers", response_model=forms.Rows)
    def levers(
        request: Request,
        plan: Plan,
        target: Annotated[
            str | None, Query(description="the target; by default the one least likely to be met")
        ] = None,
        as_of: AsOf = None,
        faster_min: Annotated[
            float, Query(ge=0, description="minutes by which faults could be restored sooner")
        ] = 15.0,
        year: Year = None,
    ) -> dict[str, Any]:
        """Return what would meet a target in the rest of the year."""
        return served.utility.levers(plan, target, as_of, faster_min, year).as_dict(spoken(request))


def _reports(routes: PooledRouter, served: Fresh) -> None:
    @routes.get("/report", response_model=forms.Answered)
    def report(
        request: Request,
        period: Annotated[str | None, Query(description="2022, 2022-06, 2022Q3 or two dates with ..")] = None,
        plan: Annotated[str | None, Query(description="whose targets are told; by default the first")] = None,
        language: Annotated[str | None, Query(description="en or zh")] = None,
        unit: Annotated[str | None, Query(description="only the figures of this unit")] = None,
        as_of: AsOf = None,
    ) -> dict[str, Any]:
        """Return every figure of the report of a period; ``/report/report.pdf``, ``.docx`` and ``.xlsx`` give the file."""
        return served.utility.report(period, plan, language or spoken(request), unit, as_of, WAIT_S).as_dict()

    @routes.get("/report/{name}", response_class=FileResponse)
    def report_file(
        request: Request,
        name: Annotated[str, InPath(description="report.pdf, report.docx or report.xlsx")],
        period: Annotated[str | None, Query(description="2022, 2022-06, 2022Q3 or two dates with ..")] = None,
        plan: Annotated[str | None, Query(description="whose targets are told; by default the first")] = None,
        language: Annotated[str | None, Query(description="en or zh")] = None,
        unit: Annotated[str | None, Query(description="only the figures of this unit")] = None,
        as_of: AsOf = None,
    ) -> Response:
        """Return the report of a period as a file: its ending says which."""
        utility = served.utility
        made = utility.report(period, plan, language or spoken(request), unit, as_of, WAIT_S)
        with TemporaryDirectory() as folder:
            path = Path(folder) / f"report{Path(name).suffix.lower()}"
            utility.write_report(made, path)
            content = path.read_bytes()
        said = {
            "Content-Disposition": f'attachment; filename="report-{made.basis["period"]["start"][:7]}{path.suffix}"'
        }
        return Response(content, media_type=REPORT_KINDS[path.suffix], headers=said)
