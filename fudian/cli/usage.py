"""A command that was called wrongly: what is wrong with it in one sentence, with its remedy, in the language of the user."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import typer

from network import FudianError, Text, text

UsageError: type[Exception] = typer.BadParameter.__mro__[1]
"""What the library raises for any wrong call; of its kinds it names only the one for a value in public."""

USAGE_SENTENCES: Mapping[str, str] = {
    r"No such command '(?P<name>.*?)'": "There is no command {name!r}.",
    r"Got unexpected extra arguments?(\(s\))? \((?P<words>.*)\)": "{words}: too many words; the command takes fewer.",
    r"Option '(?P<name>.*?)' requires an argument": "{name} needs a value.",
    r"Option '(?P<name>.*?)' does not take a value": "{name} takes no value.",
    r"greater than or equal to (?P<least>\S+)": "{name} must be at least {least}.",
    r"less than or equal to (?P<most>\S+)": "{name} must be at most {most}.",
    r"valid integer": "{name} must be a whole number.",
    r"valid number": "{name} must be a number.",
}
"""The sentences that stand for what the library says in English, by the words that it says."""


def wrong_usage(error: Any) -> FudianError:
    """Return what was wrong with a call, and the remedy.

    Args:
        error: one of the library's errors of usage.
    """
    return FudianError(_message(error), _remedy(error))


def _message(error: Any) -> Text:
    kind, parameter = type(error).__name__, getattr(error, "param", None)
    name = _name(parameter) if parameter is not None else getattr(error, "option_name", "")
    if kind == "MissingParameter":
        return text("{name} is missing. It says: {help}", name=name, help=getattr(parameter, "help", None) or name)
    if kind == "NoSuchOption":
        return text("There is no option {name}.", name=name)
    for pattern, sentence in USAGE_SENTENCES.items():
        if found := re.search(pattern, error.message):
            return text(sentence, **({"name": name} | found.groupdict()))
    return text("{name}: {reason}", name=name or "fudian", reason=error.message)


def _remedy(error: Any) -> Text:
    near = list(getattr(error, "possibilities", None) or ())
    if guessed := re.search(r"Did you mean (.*)\?", error.message):
        near = re.findall(r"'(.*?)'", guessed.group(1))
    if near:
        return text("Did you mean {near}?", near=", ".join(near))
    called = error.ctx.command_path if error.ctx is not None else "fudian"
    return text("{command} --help tells how it is called.", command=called)


def _name(parameter: Any) -> str:
    """Return an option as it is written, an argument as the help names it."""
    if parameter.param_type_name == "option":
        return str(max(parameter.opts, key=len))
    return str(parameter.metavar or parameter.name.upper())
