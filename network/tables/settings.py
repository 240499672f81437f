"""Settings of ``fudian.toml``: one table per subject, every name known, every value checked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from network.problems import Problem, WorkspaceError
from network.texts import Text, text

Model = TypeVar("Model", bound=BaseModel)

GENERAL_SETTINGS = ("name", "as_of", "codes", "headers", "files", "reading")
"""Names of ``fudian.toml`` that stand outside the tables of a subject."""


def settings_of(model: type[Model], section: str, settings: Mapping[str, Any]) -> Model:
    """Return the settings of one table of ``fudian.toml``.

    Args:
        model: the settings that there are.
        section: name of the table.
        settings: the whole file.

    Raises:
        WorkspaceError: a name or a value is not known; every one is reported.
    """
    try:
        return model.model_validate(settings.get(section, {}))
    except ValidationError as invalid:
        problems = [
            Problem(
                "error",
                "settings",
                _what_is_wrong(error),
                text("Known settings: {names}.", names=", ".join(model.model_fields)),
                file="fudian.toml",
                column=".".join([section, *(str(part) for part in error["loc"])]),
                value=str(error["input"]),
            )
            for error in invalid.errors()
        ]
        raise WorkspaceError(text("fudian.toml has settings that cannot be used."), problems) from invalid


def _what_is_wrong(error: ErrorDetails) -> Text:
    """Return what is wrong with a setting; a name that there is not is said in our own words."""
    if error["type"] == "extra_forbidden":
        return text("nothing reads this setting")
    return text("this setting cannot be used: {reason}", reason=error["msg"])


def unknown_names(settings: Mapping[str, Any], known: Iterable[str]) -> list[Problem]:
    """Return a problem for each name at the head of ``fudian.toml``, or table of it, that nothing reads."""
    known = tuple(known)
    return [
        Problem(
            "error",
            "settings",
            text("nothing reads this setting"),
            text("Known settings: {names}.", names=", ".join(known)),
            file="fudian.toml",
            column=name,
            value="" if isinstance(value, Mapping) else str(value),
        )
        for name, value in settings.items()
        if name not in known
    ]
