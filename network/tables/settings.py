"""Settings of ``fudian.toml``: one table per subject, every name known, every value checked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any, ClassVar, Self

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import ErrorDetails

from network.problems import Problem, WorkspaceError
from network.texts import Text, text

GENERAL_SETTINGS = ("name", "as_of", "codes", "headers", "files")
"""Names of ``fudian.toml`` that stand outside the tables of a subject."""


class Settings(BaseModel):
    """The settings of one subject: a table of ``fudian.toml``, each with its default, what it permits and what it says.

    Attributes:
        subject: name of the table.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    subject: ClassVar[str]

    @classmethod
    def of(cls, settings: Mapping[str, Any]) -> Self:
        """Return the settings of this subject.

        Args:
            settings: the whole of ``fudian.toml``.

        Raises:
            WorkspaceError: a name or a value is not known; every one is reported.
        """
        try:
            return cls.model_validate(settings.get(cls.subject, {}))
        except ValidationError as invalid:
            problems = [
                Problem(
                    "error",
                    "settings",
                    _what_is_wrong(error),
                    text("Known settings: {names}.", names=", ".join(cls.model_fields)),
                    file="fudian.toml",
                    column=".".join([cls.subject, *(str(part) for part in error["loc"])]),
                    value=str(error["input"]),
                )
                for error in invalid.errors()
            ]
            raise WorkspaceError(text("fudian.toml has settings that cannot be used."), problems) from invalid

    def changed(self) -> dict[str, Any]:
        """Return the settings that differ from their defaults, for the basis of a figure."""
        usual = _defaults(type(self))
        return {name: value for name, value in self.model_dump(mode="json").items() if value != usual[name]}


@cache
def _defaults(settings: type[Settings]) -> dict[str, Any]:
    return settings().model_dump(mode="json")


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
