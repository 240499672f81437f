"""Routes of planned outages before anything is cut."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Body, Query, Request

from dashboard import forms
from dashboard.access.refusals import REFUSALS
from dashboard.pool import Pool, PooledRouter
from dashboard.routes.parameters import AsOf, State, columns, spoken
from fudian.fresh import Fresh


def planned_routes(served: Fresh, pool: Pool) -> PooledRouter:
    """Return the routes of prechecks and the calendar."""
    routes = PooledRouter(pool, prefix="/api/v1", tags=["planned outages"], responses=REFUSALS)
    _plans(routes, served)
    return routes


def _plans(routes: PooledRouter, served: Fresh) -> None:
    @routes.get("/precheck", response_model=forms.Answered)
    def precheck(
        request: Request,
        plan: Annotated[str, Query(description="ids of plans, with commas; all by default")] = "",
        as_of: AsOf = None,
        by: State = "log",
    ) -> dict[str, Any]:
        """Calculate the planned outages to come before anything is cut."""
        return served.utility.precheck(plan_id=columns(plan), as_of=as_of, by=by).as_dict(spoken(request))

    @routes.post("/precheck", response_model=forms.Answered)
    def precheck_rows(
        request: Request, plans: Annotated[list[dict[str, Any]], Body()], as_of: AsOf = None, by: State = "log"
    ) -> dict[str, Any]:
        """Calculate rows of the plans table beside those of the workspace."""
        return served.utility.precheck(plans, as_of=as_of, by=by).as_dict(spoken(request))

    @routes.get("/durations", response_model=forms.Answered)
    def durations(
        request: Request,
        as_of: AsOf = None,
        period: Annotated[str | None, Query(description="of what was lost: 2022, 2022-06, 2022Q3 or two dates")] = None,
    ) -> dict[str, Any]:
        """Predict how long each planned outage takes, and tell what overruns and late operations cost each unit."""
        return served.utility.durations(as_of=as_of, period=period).as_dict(spoken(request))

    @routes.post("/durations", response_model=forms.Answered)
    def durations_of_rows(
        request: Request,
        plans: Annotated[list[dict[str, Any]], Body()],
        as_of: AsOf = None,
        period: Annotated[str | None, Query(description="of what was lost: 2022, 2022-06, 2022Q3 or two dates")] = None,
    ) -> dict[str, Any]:
        """Predict how long rows of the plans table take."""
        return served.utility.durations(plans, as_of, period).as_dict(spoken(request))

    @routes.get("/avoidable", response_model=forms.Answered)
    def avoidable(
        request: Request,
        period: Annotated[str | None, Query(description="2022, 2022-06, 2022Q3 or two dates with ..")] = None,
        most: Annotated[int, Query(ge=0, description="transfer is tried for so many of the dearest")] = 100,
        as_of: AsOf = None,
    ) -> dict[str, Any]:
        """List the planned outages that could have been avoided, with what each way would have saved."""
        return served.utility.avoidable(period, most, as_of).as_dict(spoken(request))

    @routes.get("/calendar", response_model=forms.Answered)
    def calendar(
        request: Request,
        live_as_outage: Annotated[bool, Query(description="plan outages also where a live-line item is named")] = False,
        as_of: AsOf = None,
    ) -> dict[str, Any]:
        """Find days and groups for all planned outages to come."""
        return served.utility.calendar(live_as_outage=live_as_outage, as_of=as_of).as_dict(spoken(request))
