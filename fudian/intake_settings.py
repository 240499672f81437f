"""The settings of intake: by which ways reports come in besides HTTP."""

from __future__ import annotations

from pydantic import Field

from network.tables.settings import Settings


class IntakeSettings(Settings):
    """By which ways reports come in besides HTTP, while the desk is served."""

    subject = "intake"

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
        examples=[{"grid/{unit}/{object_id}/{kind}": {"object": "transformer"}}],
        description="topics by pattern, such as grid/{unit}/{object_id}/{kind}, each with the columns that all its reports have; "
        "by default fudian/signals",
    )
