"""What commands take from the command line."""

from __future__ import annotations

from getpass import getuser
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

import fudian
from fudian import Utility
from fudian.cli.terminal import language, tell_left_out, working
from fudian.foundation import moment_typed
from network import FudianError, text
from network.texts import showing

if TYPE_CHECKING:
    from fudian.store import Store

TIMES = ["%Y-%m-%d", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M", "%Y-%m-%d %H:%M:%S"]

MOST_NAMED = 200
"""Characters of a name that the store takes."""

WorkspaceArgument = Annotated[
    Path, typer.Argument(metavar="WORKSPACE", help="Folder with the tables.", show_default=False)
]
Json = Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")]


def _moment(given: str) -> str:
    """Return a moment as it was written, by the clock on the wall or with its offset, once it is known to be one."""
    try:
        moment_typed(given)
    except FudianError as error:
        said = (error.message, error.hint)
        raise typer.BadParameter(" ".join(each.in_language(language()) for each in said if each)) from None
    return given


AsOf = Annotated[str | None, typer.Option(help="Nothing later is known.", parser=_moment, metavar="TIME")]
Start = Annotated[str | None, typer.Option(help="First moment of the period.", parser=_moment, metavar="TIME")]
End = Annotated[str | None, typer.Option(help="End of the period, exclusive.", parser=_moment, metavar="TIME")]
Level = Annotated[str, typer.Option(help="mv: transformers are users; lv: customers are.")]
Med = Annotated[str, typer.Option(help="Major event days: include or exclude.")]
Plan = Annotated[
    str,
    typer.Option(
        help="Plan whose targets are meant: xihua-2022, shenqiu-2022, gongan-2022, jinhua-2022, changzhou-2020, or your own."
    ),
]
By = Annotated[str, typer.Option(help="Columns to break down by, with commas: region_class,month …")]
Limit = Annotated[int, typer.Option(min=1, help="Rows printed for people; --json gives all.")]
Signals = Annotated[Path, typer.Option(help="File with signals, in the form of the signals table.")]
Switching = Annotated[Path | None, typer.Option(help="File with switching operations.")]

StoreUrl = Annotated[
    str | None,
    typer.Option(
        "--store",
        help="Where accounts and what is kept stand: a path, sqlite:///path or postgresql://…; by default "
        "beside the workspace.",
    ),
]


Who = Annotated[
    str | None,
    typer.Option(
        "--by",
        envvar="FUDIAN_BY",
        help="Who does it; it is kept. By default the user of this machine.",
        show_default=False,
    ),
]


def who_does(by: str | None) -> str:
    """Return who gives a command that writes: as named, else the user of this machine."""
    named = (by or "").strip() or getuser()
    return named[:MOST_NAMED]


def store_beside(workspace: Path, url: str | None) -> Store:
    """Open the store of a workspace: as named, else beside it."""
    from fudian.store import store_of, url_beside

    if url is None:
        file_given(workspace)
    return store_of(url or url_beside(workspace))


def at_desk_of(utility: Utility, workspace: Path, url: str | None) -> None:
    """Let a utility know what the desk kept, messages to customers among it."""
    from fudian.desk_reports import at_desk
    from fudian.outbox import Outbox

    with working("reading what the desk kept"):
        kept = store_beside(workspace, url)
        at_desk(utility, kept)
        utility.outbox = Outbox(kept)


def has_desk(workspace: Path, url: str | None) -> bool:
    """Tell whether a store is named, or lies beside the workspace."""
    from fudian.store import url_beside

    return url is not None or Path(url_beside(workspace).removeprefix("sqlite:///")).exists()


def file_given(path: Path | None) -> Path | None:
    """Refuse a file that is not there as wrong usage."""
    if path is not None and not path.exists():
        raise FudianError(text("There is no {path}.", path=str(path)), text("Check the spelling of the path."))
    return path


def opened(folder: Path) -> Utility:
    """Return the utility of a workspace, whatever is wrong with it."""
    with working("reading the tables") as progress:
        utility = fudian.open(folder, language(), progress)
    showing.set(utility.workspace.reading.written)
    return utility


def asked(folder: Path) -> Utility:
    """Return the utility of a workspace, and say how many errors left something out."""
    utility = opened(folder)
    tell_left_out([problem for problem in utility.problems if problem.severity == "error"])
    return utility


def names_in(given: str) -> tuple[str, ...]:
    """Return the names that stand in an option with commas, each once."""
    return tuple(dict.fromkeys(part.strip() for part in given.split(",") if part.strip()))
