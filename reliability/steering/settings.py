"""The settings of budget and forecast: every rule that the field leaves open, named (table ``[steering]``)."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StringConstraints

from network.tables.settings import Settings

Month = Annotated[str, StringConstraints(pattern=r"^\d{4}-(0[1-9]|1[0-2])$")]
"""A calendar month, as ``2022-07``."""


class SteeringSettings(Settings):
    """Rules of budget, forecast and durations that the field leaves open."""

    subject = "steering"

    forecast_draws: int = Field(2000, ge=100, le=100_000, description="draws of the rest of the year")
    forecast_seed: int = Field(836, ge=0, description="seed of the draws: the same input gives the same figures")
    forecast_recency: float = Field(
        0.75,
        gt=0,
        le=1,
        description="a day of the year before counts this much of one of this year, and so on backwards",
    )
    forecast_window_days: int = Field(
        30, ge=5, le=182, description="days to come are drawn from days this close in the season"
    )
    forecast_evidence_days: float = Field(
        180.0,
        ge=0,
        description="the level of the year so far counts by its days against these days of what earlier years say",
    )
    forecast_pooling_events: float = Field(
        10.0,
        ge=0,
        description="a class takes its level from all classes as if they gave it this many days with outages",
    )
    forecast_least_days: int = Field(
        30, ge=2, description="storm days are told apart where at least this many days have outages"
    )
    plan_lead_days: float = Field(
        30.0, ge=0, description="planned outages of the days to come until then are taken to be submitted already"
    )
    pending_share: float = Field(
        0.7,
        ge=0,
        le=1,
        description="share of the plans that are submitted and not approved yet which will be carried out",
    )
    process_changes: dict[Month, str] = Field(
        {},
        examples=[{"2022-07": "live-line crew set up"}],
        description="months from which a process runs in another way, and what was changed: control limits begin anew there",
    )
    duration_pooling_cases: float = Field(
        5.0,
        ge=0,
        description="jobs of the same kind stand behind those of the same kind and extent like this many cases, behind them "
        "those of the same nature, and behind those all",
    )
    duration_few_users: int = Field(
        10, ge=2, description="work that cuts off at most so many medium-voltage users is of small extent"
    )
    duration_short_share: float = Field(
        0.5, gt=0, lt=1, description="a stated time is too short where more than this share of such jobs took longer"
    )
    duration_least_cases: int = Field(
        5, ge=2, description="stated times are judged where at least so many jobs of the same kind were carried out"
    )
