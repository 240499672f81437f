"""One utility: its workspace, and every question of the field as one method."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from fudian.dispatch_questions import DispatchQuestions
from fudian.language import default_language
from fudian.report_questions import ReportQuestions
from network import FudianError, Workspace, read_workspace, text


class Utility(ReportQuestions, DispatchQuestions):
    """A distribution utility, or the part of one that a workspace holds.

    Commands, routes, pages and notebooks ask here and nothing below; defaults are decided here, and what was answered once is
    kept. An object may be asked by many threads at once.

    Example:
        >>> import fudian
        >>> county = fudian.open("data_samples/county")
        >>> county
        <Utility: 复源县, 23 tables>
        >>> county.indices(2022).rows["N_T"].item() > 300
        True
    """


def open_workspace(
    folder: str | Path | Workspace, language: str | None = None, progress: Callable[[str], None] = lambda _: None
) -> Utility:
    """Open a workspace: a folder with the tables of a utility, or one that has been read already.

    Args:
        folder: the folder.
        language: ``en`` or ``zh``: of texts where a question names none; by default that of the user.
        progress: told which table is being read.

    Raises:
        FudianError: the folder is not there.
        WorkspaceError: it holds no table.
    """
    if not isinstance(folder, Workspace):
        if not Path(folder).exists():
            raise FudianError(text("There is no {path}.", path=str(folder)), text("Check the spelling of the path."))
        folder = read_workspace(folder, progress=progress)
    return Utility(folder, language or default_language())
