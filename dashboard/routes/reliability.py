"""Routes of what is counted: check, indices, ledger, audit, targets."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Query, Request

from dashboard import forms
from dashboard.access.refusals import REFUSALS
from dashboard.pool import Pool, PooledRouter
from dashboard.routes.parameters import (
    WAIT_S,
    AsOf,
    By,
    End,
    Engine,
    Level,
    Med,
    Plan,
    Source,
    Start,
    Year,
    columns,
    spoken,
)
from fudian.fresh import Fresh


def reliability_routes(served: Fresh, pool: Pool) -> PooledRouter:
    """Return the routes of indices and targets."""
    routes = PooledRouter(pool, prefix="/api/v1", tags=["reliability"], responses=REFUSALS)
    _indices(routes, served)
    _frequent(routes, served)
    _targets(routes, served)
    return routes


def _indices(routes: PooledRouter, served: Fresh) -> None:
    @routes.get("/check", response_model=forms.Check)
    def check(request: Request) -> dict[str, Any]:
        """List what is wrong with the tables, the topology and the settings."""
        return served.utility.check().as_dict(spoken(request))

    @routes.get("/indices", response_model=forms.Indices)
    def indices(
        request: Request,
        start: Start = None,
        end: End = None,
        by: By = "",
        level: Level = "mv",
        med: Med = "include",
        as_of: AsOf = None,
        engine: Engine = "polars",
        source: Source = "records",
        standard: Annotated[str, Query(description="dlt, or ieee beside it")] = "dlt",
    ) -> dict[str, Any]:
        """Return the indices of a period."""
        answer = served.utility.indices((start, end), columns(by), level, med, as_of, engine, source, standard)
        return answer.as_dict(spoken(request))

    @routes.get("/ledger", response_model=forms.Ledger)
    def ledger(
        request: Request,
        start: Start = None,
        end: End = None,
        level: Level = "mv",
        med: Med = "include",
        as_of: AsOf = None,
        source: Source = "records",
        event: Annotated[str | None, Query(description="only this outage")] = None,
        customer: Annotated[str | None, Query(description="only this customer")] = None,
    ) -> dict[str, Any]:
        """Return the interruptions behind a figure."""
        period = (start, end) if start or end else None
        return served.utility.ledger(period, level, med, as_of, source, event, customer).as_dict(spoken(request))

    @routes.get("/audit", response_model=forms.Answered)
    def audit(
        request: Request, start: Start = None, end: End = None, level: Level = "mv", as_of: AsOf = None
    ) -> dict[str, Any]:
        """Compare the outage records with the switching log and the meters."""
        return served.utility.audit((start, end), level, as_of).as_dict(spoken(request))


def _frequent(routes: PooledRouter, served: Fresh) -> None:
    @routes.get("/frequent", response_model=forms.Answered)
    def frequent(
        preset: Annotated[str, Query(description="nea, sgcc or custom")] = "nea",
        level: Level = "mv",
        med: Med = "include",
        as_of: AsOf = None,
        days: Annotated[int | None, Query(ge=1, le=3660, description="of a window, for custom")] = None,
        times: Annotated[int | None, Query(ge=1, description="outages that are too many, for custom")] = None,
    ) -> dict[str, Any]:
        """List users and feeders that lose supply too often, and who soon may."""
        return served.utility.frequent(preset, level, med, as_of, days, times).as_dict()

    @routes.get("/rolling", response_model=forms.Rows)
    def rolling(
        request: Request,
        start: Start = None,
        end: End = None,
        days: Annotated[int, Query(ge=1, le=3660, description="of a window, by the calendar")] = 365,
        centred: Annotated[bool, Query(description="the day lies in the middle of its window")] = False,
        level: Level = "mv",
        med: Med = "include",
        as_of: AsOf = None,
    ) -> dict[str, Any]:
        """Return SAIDI, SAIFI and CAIDI of the window of days up to each day of a period."""
        return served.utility.rolling((start, end), days, centred, level, med, as_of).as_dict(spoken(request))

    @routes.get("/cross-check", response_model=forms.Answered)
    def cross_check(request: Request, as_of: AsOf = None) -> dict[str, Any]:
        """Compare the reliability system's own report with itself and with the figures here."""
        return served.utility.cross_check(as_of).as_dict(spoken(request))


def _targets(routes: PooledRouter, served: Fresh) -> None:
    @routes.get("/targets", response_model=forms.Targets)
    def targets(request: Request, plan: Plan, year: Year = None, as_of: AsOf = None) -> dict[str, Any]:
        """Judge the figures of a year against a plan."""
        return served.utility.targets(plan, year, as_of=as_of, wait_s=WAIT_S).as_dict(spoken(request))

    @routes.get("/grid-kpi", response_model=forms.Answered)
    def grid_kpi(request: Request, plan: Plan = "gongan-2022") -> dict[str, Any]:
        """Return the grid-structure KPIs of the public feeders with the N-1 test, judged against a plan."""
        return served.utility.grid_kpi(plan, WAIT_S).as_dict(spoken(request))

    @routes.get("/plans", response_model=forms.Plans)
    def plans() -> dict[str, Any]:
        """Return the plans that can be judged, and the years with records."""
        return {"plans": served.utility.target_plans, "years": served.utility.years}

    @routes.get("/live-ratio", response_model=forms.Rows)
    def live_ratio(request: Request, start: Start = None, end: End = None, by: By = "") -> dict[str, Any]:
        """Return the live-line ratio with numerators and denominators."""
        return served.utility.live_ratio((start, end), columns(by)).as_dict(spoken(request))
