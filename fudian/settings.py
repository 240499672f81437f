"""The settings of every subject, and which of them each question rests on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fudian.intake_settings import IntakeSettings
from fudian.retention_settings import RetentionSettings
from network import WorkspaceError
from network.tables.conventions import ReadingSettings
from network.tables.settings import Settings
from reliability.grid_kpis import GridSettings
from reliability.settings import ReliabilitySettings
from reliability.steering.settings import SteeringSettings
from repair.settings import (
    CrewSettings,
    InferenceSettings,
    LocationSettings,
    MessageSettings,
    PlannedSettings,
    RestorationSettings,
    RestorationTimeSettings,
    WeakSpotSettings,
)

SETTINGS: Mapping[str, type[Settings]] = {
    each.subject: each
    for each in (
        ReadingSettings,
        IntakeSettings,
        MessageSettings,
        RetentionSettings,
        ReliabilitySettings,
        LocationSettings,
        InferenceSettings,
        RestorationSettings,
        WeakSpotSettings,
        PlannedSettings,
        GridSettings,
        SteeringSettings,
        CrewSettings,
        RestorationTimeSettings,
    )
}
"""The settings of each subject, by the name of their table in ``fudian.toml``, in the order in which they are told."""

_INCIDENTS = ("location", "inference", "restoration")
_PLANS = ("planned", "reliability", "restoration", "inference", "steering")
_TARGETS = ("reliability", "grid", "restoration")

RESTS_ON: Mapping[str, tuple[str, ...]] = {
    "check": tuple(subject for subject in SETTINGS if subject not in {"intake", "messages", "retention"}),
    "indices": ("reliability",),
    "ledger": ("reliability",),
    "rolling": ("reliability",),
    "audit": ("reliability",),
    "frequent": ("reliability",),
    "cross_check": ("reliability",),
    "live_ratio": ("reliability",),
    "targets": _TARGETS,
    "n_1": ("restoration",),
    "grid_kpi": _TARGETS,
    "operating_kpi": ("reliability",),
    "why": ("reliability",),
    "process": ("reliability", "steering"),
    "budget": ("reliability", "planned", "inference"),
    "forecast": ("steering", "reliability", "planned", "inference"),
    "levers": ("steering", *_PLANS[:4]),
    "frequent_bands": ("reliability", "planned", "inference"),
    "report": tuple(dict.fromkeys(("reliability", "steering", *_PLANS, *_TARGETS, "crews", "restoration_time"))),
    "affected": _INCIDENTS,
    "locate": ("location", "inference"),
    "infer": ("inference",),
    "restore": ("restoration", "planned"),
    "weak_spots": ("restoration", "weak_spots"),
    "replay": ("inference",),
    "sensor_health": ("location", "inference"),
    "incidents": _INCIDENTS,
    "operated": (),
    "sheet": (),
    "crews": ("crews", *_INCIDENTS, "planned"),
    "crew_jobs": ("crews", "restoration_time", *_INCIDENTS, "planned"),
    "restoration_times": ("restoration_time", "restoration", *_INCIDENTS),
    "bases": ("crews",),
    "messages": ("inference",),
    "plan_messages": ("reliability",),
    "proposed": ("reliability", "inference"),
    "desk_kpi": ("inference", "restoration"),
    "dispatch_kpi": ("crews", "restoration_time", "inference", "restoration"),
    "precheck": _PLANS,
    "calendar": _PLANS,
    "durations": ("steering", "planned", "inference"),
    "avoidable": _PLANS,
}
"""Subjects whose settings touch the answer to a question; how the tables are read (``reading``) touches all of them.

Where messages go and by which ways reports come in is of the service alone, and may hold what nobody else should read.
"""


def unusable(settings: Mapping[str, Any], subject: str) -> bool:
    """Return whether a table of ``fudian.toml`` holds what cannot be used, so that nothing that rests on it is answered."""
    try:
        SETTINGS[subject].of(settings)
    except WorkspaceError:
        return True
    return False


def changed_settings(settings: Mapping[str, Any], question: str) -> dict[str, dict[str, Any]]:
    """Return the settings that a question rests on and that differ from their defaults, by subject.

    Args:
        settings: the whole of ``fudian.toml``.
        question: its name, as the method of :class:`fudian.Utility` has it.
    """
    subjects = ("reading", *RESTS_ON[question])
    stated = (subject for subject in subjects if subject in settings and not unusable(settings, subject))
    found = {subject: SETTINGS[subject].of(settings).changed() for subject in stated}
    return {subject: changed for subject, changed in found.items() if changed}
