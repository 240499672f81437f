"""The help of the command line in the language of its user."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable
from typing import Any

import typer
import typer.main
from rich.table import Table

from network import translate

HELP_WORDS = {
    "ARGUMENTS_PANEL_TITLE": "Arguments",
    "OPTIONS_PANEL_TITLE": "Options",
    "COMMANDS_PANEL_TITLE": "Commands",
    "REQUIRED_LONG_STRING": "[required]",
    "DEFAULT_STRING": "[default: {}]",
}
"""What the library that draws the help says by itself, by the names that it has for it."""


_DRAWING = "typer.rich_utils"
"""The module that draws the help; it takes longer to load than many an answer to compute, so it is loaded where it is needed."""


def spoken(program: typer.Typer, language: str) -> Any:  # the library has no public name for what it makes of a program
    """Return the commands of a program, with all that their help says in a language.

    Args:
        program: what the commands are declared in, in English.
        language: ``zh`` or ``en``.
    """
    command = typer.main.get_command(program)
    if language != "en" or _DRAWING in sys.modules:
        drawing = importlib.import_module(_DRAWING)
        for name, word in HELP_WORDS.items():
            setattr(drawing, name, translate(word, language))
        drawing.Table = _FoldingTable  # type: ignore[attr-defined]  # Chinese has no blanks to break a line at
    if language != "en":
        _speak(command, lambda sentence: translate(sentence, language))
    return command


class _FoldingTable(Table):
    """A table that folds what is too long for a line, where others cut it off."""

    def add_row(self, *cells: Any, **style: Any) -> None:
        super().add_row(*cells, **style)
        within = (each for cell in cells for each in getattr(cell, "renderables", ()))
        for part in (*self.columns, *within):
            part.overflow = "fold"


def _speak(command: Any, say: Callable[[str], str]) -> None:
    """Put the help of a command, of its options and of the commands below it into another language."""
    help_of_help = command.get_help_option(typer.Context(command))
    for told in (command, *command.params, help_of_help):
        if getattr(told, "help", None):
            told.help = say(told.help)
    if command.epilog:
        command.epilog = say(command.epilog)
    for below in getattr(command, "commands", {}).values():
        _speak(below, say)
