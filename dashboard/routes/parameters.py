"""What parameters of several routes share, and how an answer reads them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from fastapi import Query, Request

from network.texts import language_of

WAIT_S = 30.0
"""For how long an answer waits for the N-1 test; where that is not over by then, the answer says how far it is."""

By = Annotated[str, Query(description="columns to break down by, with commas")]
AsOf = Annotated[datetime | None, Query(description="nothing later is known; by default as far as the data is")]
End = Annotated[datetime | None, Query(description="end of the period, exclusive")]
Engine = Annotated[str, Query(description="what counts: polars, pandas, duckdb or spark")]
Level = Annotated[str, Query(description="mv (transformers are users) or lv (customers are)")]
Med = Annotated[str, Query(description="include or exclude major event days")]
Plan = Annotated[str, Query(description="whose targets: jinhua-2022, or another that /plans names")]
State = Annotated[
    Literal["log", "desk"],
    Query(
        description="state of the switches: as logged, or also with what was operated, cut and joined at the desk since"
    ),
]
Source = Annotated[str, Query(description="records, or switching for the replay of the switching log")]
Start = Annotated[datetime | None, Query(description="start of the period; by default of the last year with records")]
Year = Annotated[int | None, Query(ge=1900, le=2199, description="calendar year")]


def spoken(request: Request) -> str:
    """Return the language that a request asks for."""
    return language_of(request.query_params.get("lang", "")) or "en"


def columns(by: str) -> tuple[str, ...]:
    """Return names that were given with commas."""
    return tuple(part.strip() for part in by.split(",") if part.strip())
