"""The settings of intake: by which ways reports come in besides HTTP."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from network.tables.settings import settings_of


class IntakeSettings(BaseModel):
    """By which ways reports come in besides HTTP, while the desk is served."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    folder: str = Field(
        "", description="folder whose files are taken in as they come, seen from the workspace; blank: none"
    )
    mqtt: str = Field(
        "",
        description="address of a broker, mqtt://user@host:1883; FUDIAN_MQTT in the environment goes first; blank: none",
    )
    session: str = Field("fudian-desk", description="name of the session at the broker; two desks never share one")
    topics: dict[str, dict[str, str]] = Field(
        {},
        description="topics by pattern, such as grid/{unit}/{object_id}/{kind}, each with the columns that all its reports have; "
        "by default fudian/signals",
    )


def intake_settings(settings: Mapping[str, Any]) -> IntakeSettings:
    """Return the settings under ``[intake]``.

    Raises:
        WorkspaceError: a name or a value is not known; every one is reported.
    """
    return settings_of(IntakeSettings, "intake", settings)
