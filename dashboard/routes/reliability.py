"""Routes of what is counted: check, indices, ledger, audit, targets."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Query, Request

from dashboard.access.refusals import REFUSALS
from dashboard.pool import Pool, PooledRouter
from dashboard.routes.parameters import WAIT_S, By, Moment, Source, Year, columns, spoken
from fudian.fresh import Fresh


def reliability_routes(served: Fresh, pool: Pool) -> PooledRouter:
    """Return the routes of indices and targets."""
    routes = PooledRouter(pool, prefix="/api/v1", tags=["reliability"], responses=REFUSALS)
    _indices(routes, served)
    _frequent(routes, served)
    _targets(routes, served)
    return routes


def _indices(routes: PooledRouter, served: Fresh) -> None:
    @routes.get("/check")
    def check(request: Request) -> dict[str, Any]:
        """List what is wrong with the tables, the topology and the settings."""
        return served.utility.check().as_dict(spoken(request))

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
        answer = served.utility.indices((start, end), columns(by), level, med, as_of, engine, source, standard)
        return answer.as_dict(spoken(request))

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
        return served.utility.ledger(period, level, med, as_of, source, event, customer).as_dict(spoken(request))

    @routes.get("/audit")
    def audit(
        request: Request, start: Moment = None, end: Moment = None, level: str = "mv", as_of: Moment = None
    ) -> dict[str, Any]:
        """Compare the outage records with the switching log and the meters."""
        return served.utility.audit((start, end), level, as_of).as_dict(spoken(request))


def _frequent(routes: PooledRouter, served: Fresh) -> None:
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
        return served.utility.rolling((start, end), days, centred, level, med, as_of).as_dict(spoken(request))

    @routes.get("/cross-check")
    def cross_check(request: Request, as_of: Moment = None) -> dict[str, Any]:
        """Compare the reliability system's own report with itself and with the figures here."""
        return served.utility.cross_check(as_of).as_dict(spoken(request))


def _targets(routes: PooledRouter, served: Fresh) -> None:
    @routes.get("/targets")
    def targets(request: Request, plan: str, year: Year = None, as_of: Moment = None) -> dict[str, Any]:
        """Judge the figures of a year against a plan."""
        return served.utility.targets(plan, year, as_of=as_of, wait_s=WAIT_S).as_dict(spoken(request))

    @routes.get("/grid-kpi")
    def grid_kpi(request: Request, plan: str = "gongan-2022") -> dict[str, Any]:
        """Return the grid-structure KPIs of the public feeders with the N-1 test, judged against a plan."""
        return served.utility.grid_kpi(plan, WAIT_S).as_dict(spoken(request))

    @routes.get("/plans")
    def plans() -> dict[str, Any]:
        """Return the plans that can be judged, and the years with records."""
        return {"plans": served.utility.target_plans, "years": served.utility.years}

    @routes.get("/live-ratio")
    def live_ratio(request: Request, start: Moment = None, end: Moment = None, by: By = "") -> dict[str, Any]:
        """Return the live-line ratio with numerators and denominators."""
        return served.utility.live_ratio((start, end), columns(by)).as_dict(spoken(request))
