"""The route to the record of looks."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query

from dashboard import forms
from dashboard.access.entrance import Access
from dashboard.access.refusals import REFUSALS


def looks_router(access: Access) -> APIRouter:
    """Return the route of the record of looks."""
    routes = APIRouter(prefix="/api/v1", tags=["access"], responses=REFUSALS)

    @routes.get("/looks", response_model=forms.Looks)
    def looks(
        since: Annotated[datetime | None, Query(description="the first moment; without a zone it is UTC")] = None,
        who: Annotated[str | None, Query(max_length=200, description="account, or token NAME")] = None,
        most: Annotated[int, Query(ge=1, le=10_000, description="the latest so many")] = 1000,
    ) -> dict[str, Any]:
        """Return who saw or took along which list of customers, the latest first."""
        at = since if since is None or since.tzinfo else since.replace(tzinfo=UTC)
        return {"rows": access.looks.since(at, who, most)}

    return routes
