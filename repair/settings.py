"""The settings of the repair side: every rule that the field leaves open, named, with its default (table ``[location]``)."""

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
    overreach_rate: float = Field(
        0.2, gt=0, lt=1, description="share of faults beyond a nearer device for which a device trips as well"
    )
    upstream_flag_rate: float = Field(
        0.5,
        ge=0,
        le=1,
        description="how probable it is that sensors above the device that cleared a fault keep their flag",
    )
    dark_miss_rate: float = Field(
        0.05, gt=0, lt=0.5, description="share of dead transformers that a reading shows live"
    )
    dark_false_rate: float = Field(0.01, gt=0, lt=0.5, description="share of live transformers that are reported dark")
    call_miss_rate: float = Field(0.5, gt=0, lt=1, description="share of dead transformers from which nobody calls")
    call_false_rate: float = Field(
        0.05, gt=0, lt=0.5, description="share of live transformers from which somebody calls"
    )
    patrol_error_rate: float = Field(
        0.02, gt=0, lt=0.5, description="share of looks at a device on the line that name the wrong side of it"
    )
    history_weight: float = Field(
        20.0,
        gt=0,
        description="a default rate of a sensor is worth so many observations when its own history is learned",
    )
    second_fault_rate: float = Field(
        0.01, ge=0, lt=1, description="how probable a second fault on the same feeders is before any signal is heard"
    )
    failures_per_km_yr: float = Field(0.1, gt=0, description="failures per km and year of a line without its own rate")
    device_failures_yr: float = Field(0.002, gt=0, description="failures per year of a switching device")


def location_settings(settings: Mapping[str, Any]) -> LocationSettings:
    """Return the settings under ``[location]``.

    Raises:
        WorkspaceError: a name or a value is not known; every one is reported.
    """
    return settings_of(LocationSettings, "location", settings)
