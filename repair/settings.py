"""The settings of the repair side: every rule that the field leaves open, named, with its default."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from network.settings import settings_of


class LocationSettings(BaseModel):
    """Rates that fault-section location takes where the tables do not give them."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    miss_rate: float = Field(0.05, gt=0, lt=0.5, description="share of faults that a sensor does not report")
    false_rate: float = Field(0.05, gt=0, lt=0.5, description="share of faults elsewhere that a sensor reports")
    trip_miss_rate: float = Field(0.02, gt=0, lt=0.5, description="share of faults that a device does not trip for")
    trip_false_rate: float = Field(0.001, gt=0, lt=0.5, description="share of faults elsewhere that a device trips for")
    failures_per_km_yr: float = Field(0.1, gt=0, description="failures per km and year of a line without its own rate")
    device_failures_yr: float = Field(0.002, gt=0, description="failures per year of a switching device")


def location_settings(settings: Mapping[str, Any]) -> LocationSettings:
    """Return the settings under ``[location]``.

    Raises:
        WorkspaceError: a name or a value is not known; every one is reported.
    """
    return settings_of(LocationSettings, "location", settings)


class InferenceSettings(BaseModel):
    """Bars of outage inference (field reference 6.2 and 6.3; none of them has an official value)."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    window_min: float = Field(5.0, gt=0, description="minutes within which signals tell of one event (W)")
    minimum_dark: int = Field(2, ge=1, description="dark transformers that confirm a line outage, at least (k)")
    dark_share: float = Field(
        0.5, gt=0, le=1, description="share of dark transformers that does so without a trip (theta)"
    )
    minimum_meters: int = Field(3, ge=1, description="dark meters that make their transformer dark, at least")
    meter_share: float = Field(0.5, gt=0, le=1, description="share of the meters heard that must be dark for that")
    min_outage_min: float = Field(1.0, ge=0, description="shorter reports of off and on again are left out, in minutes")
    skew_limit_min: float = Field(5.0, ge=0, description="a signal may be ahead of the clock by so many minutes")
    plan_margin_min: float = Field(15.0, ge=0, description="planned work may begin earlier by so many minutes")
    not_approved: tuple[str, ...] = Field(
        ("待审核", "已驳回", "已取消", "pending", "rejected", "cancelled"),
        description="states of a plan that explain no outage; a blank state does",
    )


def inference_settings(settings: Mapping[str, Any]) -> InferenceSettings:
    """Return the settings under ``[inference]``.

    Raises:
        WorkspaceError: a name or a value is not known; every one is reported.
    """
    return settings_of(InferenceSettings, "inference", settings)
