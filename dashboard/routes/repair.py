"""Routes of what is out and how power comes back."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from fastapi import Body, Query, Request

from dashboard import forms
from dashboard.access.refusals import REFUSALS
from dashboard.pool import Pool, PooledRouter
from dashboard.routes.parameters import AsOf, State, columns, spoken
from fudian.fresh import Fresh


def repair_routes(served: Fresh, pool: Pool) -> PooledRouter:
    """Return the routes of outages, location, restoration and crews."""
    routes = PooledRouter(pool, prefix="/api/v1", tags=["repair"], responses=REFUSALS)
    _what_is_out(routes, served)
    _power_back(routes, served)
    _crews(routes, served)
    return routes


def _what_is_out(routes: PooledRouter, served: Fresh) -> None:
    @routes.get("/affected", response_model=forms.Affected)
    def affected(
        request: Request,
        opened: Annotated[
            str | None, Query(alias="open", description="branches that open together, with commas")
        ] = None,
        fault: Annotated[str | None, Query(description="branch that a fault strikes")] = None,
        as_of: AsOf = None,
        by: State = "log",
    ) -> dict[str, Any]:
        """Return who is off when branches open, or when a fault strikes one; of a fault also who is once it is isolated."""
        branches = None if opened is None else columns(opened)
        return served.utility.affected(branches, fault, at=as_of, by=by).as_dict(spoken(request))

    @routes.post("/affected", response_model=forms.Affected)
    def affected_by_signals(
        request: Request, signals: Annotated[list[dict[str, Any]], Body()], as_of: AsOf = None, by: State = "log"
    ) -> dict[str, Any]:
        """Return who is off by rows of the signals table."""
        return served.utility.affected(signals=signals, at=as_of, by=by).as_dict(spoken(request))

    @routes.post("/locate", response_model=forms.Located)
    def locate(
        request: Request, signals: Annotated[list[dict[str, Any]], Body()], as_of: AsOf = None, by: State = "log"
    ) -> dict[str, Any]:
        """Find the faulted section from rows of the signals table."""
        return served.utility.locate(signals, as_of, by=by).as_dict(spoken(request))

    @routes.post("/infer", response_model=forms.Incidents)
    def infer(
        request: Request, signals: Annotated[list[dict[str, Any]], Body()], as_of: AsOf = None, by: State = "log"
    ) -> dict[str, Any]:
        """Infer what is out from rows of the signals table, apart from what the desk has heard."""
        return served.utility.infer(signals, as_of, by=by).as_dict(spoken(request))

    @routes.get("/incidents", response_model=forms.Incidents)
    def incidents(request: Request) -> dict[str, Any]:
        """Return the incidents that all signals tell of, and what is wrong with signals."""
        return served.utility.incidents(spoken(request))

    @routes.get("/sensor-health", response_model=forms.Answered)
    def sensor_health(request: Request) -> dict[str, Any]:
        """Return what closed incidents tell of each sensor."""
        return served.utility.sensor_health().as_dict(spoken(request))


def _power_back(routes: PooledRouter, served: Fresh) -> None:
    @routes.get("/n-1", response_model=forms.Answered)
    def n_1(
        request: Request,
        wait_s: Annotated[float, Query(ge=0, le=60, description="return sooner only when all is tried")] = 0.0,
    ) -> dict[str, Any]:
        """Return the N-1 test as far as it is done; the first call begins it. ``complete`` says whether it is over."""
        return served.utility.n_1(wait_s).as_dict(spoken(request))

    @routes.get("/weak-spots", response_model=forms.Answered)
    def weak_spots(request: Request, as_of: AsOf = None) -> dict[str, Any]:
        """Return the weak spots of the grid, worst first, and what would lift each."""
        return served.utility.weak_spots(as_of).as_dict(spoken(request))

    @routes.get("/restore", response_model=forms.Restoration)
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
        as_of: AsOf = None,
        by: State = "log",
        since: Annotated[
            datetime | None, Query(description="by desk: when the fault began; later operations count as done")
        ] = None,
    ) -> dict[str, Any]:
        """Plan how power comes back around a fault; every step is proven."""
        asked = columns(fault), columns(refused), objective, as_of
        plan = served.utility.restore(
            *asked, tripped=columns(tripped), done=columns(done), by=by, since=since, hours_off=hours_off
        )
        return plan.as_dict(spoken(request))


def _crews(routes: PooledRouter, served: Fresh) -> None:
    @routes.get("/crews", response_model=forms.Answered)
    def crews(
        assign: Annotated[str, Query(description="crews that a person has chosen: incident=crew, with commas")] = "",
        without: Annotated[str, Query(description="crews that are not to be sent, with commas")] = "",
        as_of: AsOf = None,
    ) -> dict[str, Any]:
        """Plan which crew goes to which open fault, in which order, with its arrival clocks."""
        return served.utility.crews(as_of, None, columns(assign), columns(without)).as_dict()

    @routes.get("/restoration-times", response_model=forms.Rows)
    def restoration_times(as_of: AsOf = None) -> dict[str, Any]:
        """Tell when power will be back for every open fault, with a range."""
        return served.utility.restoration_times(as_of).as_dict()

    @routes.get("/bases", response_model=forms.Rows)
    def bases(
        count: Annotated[int | None, Query(ge=1, le=100, description="how many; by default as many as now")] = None,
        limit_min: Annotated[
            float | None, Query(gt=0, le=1440, description="minutes within which faults shall lie")
        ] = None,
        as_of: AsOf = None,
    ) -> dict[str, Any]:
        """Tell where crews should wait by the faults of the past, and what that gains."""
        return served.utility.bases(count, limit_min, as_of).as_dict()
