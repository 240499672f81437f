"""The settings of every part: what reads each table of ``fudian.toml``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fudian.intake_settings import intake_settings
from fudian.retention_settings import retention_settings
from network import WorkspaceError
from reliability.grid_kpis import grid_settings
from reliability.settings import reliability_settings
from reliability.steering.settings import steering_settings
from repair.settings import (
    crew_settings,
    inference_settings,
    location_settings,
    message_settings,
    planned_settings,
    restoration_settings,
    restoration_time_settings,
    weak_spot_settings,
)

SETTINGS_OF = {
    "reliability": reliability_settings,
    "location": location_settings,
    "inference": inference_settings,
    "restoration": restoration_settings,
    "planned": planned_settings,
    "grid": grid_settings,
    "steering": steering_settings,
    "intake": intake_settings,
    "retention": retention_settings,
    "messages": message_settings,
    "crews": crew_settings,
    "restoration_time": restoration_time_settings,
    "weak_spots": weak_spot_settings,
}
"""What reads each table of ``fudian.toml``."""


def unusable(settings: Mapping[str, Any], subject: str) -> bool:
    """Return whether a table of ``fudian.toml`` holds what cannot be used, so that nothing that rests on it is answered."""
    try:
        SETTINGS_OF[subject](settings)
    except WorkspaceError:
        return True
    return False
