"""What commands take from the command line, and the tables it names.

The functions read, tell on standard error what is left out, and refuse what is not there as wrong usage.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated

import polars as pl
import typer

from fudian.cli.terminal import tell_left_out, tell_problems, working
from network.model import Network, build_network
from network.problems import FudianError, WorkspaceError
from network.supply import Supply
from network.tables.as_of import known_until
from network.tables.workspace import read_workspace
from network.texts import text

WorkspaceArgument = Annotated[
    Path, typer.Argument(metavar="WORKSPACE", help="Folder with the tables.", show_default=False)
]
Json = Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")]
AsOf = Annotated[
    datetime | None, typer.Option(help="Nothing later is known.", formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"])
]
Limit = Annotated[int, typer.Option(min=1, help="Rows printed for people; --json gives all.")]
Signals = Annotated[Path, typer.Option(help="File with signals, in the form of the signals table.")]
Switching = Annotated[Path | None, typer.Option(help="File with switching operations.")]


def require(path: Path) -> None:
    """Refuse a path that is not there as wrong usage."""
    if not path.exists():
        raise FudianError(text("There is no {path}.", path=str(path)), text("Check the spelling of the path."))


def read(folder: Path) -> Network:
    """Return the network of a workspace, whatever is wrong with it."""
    require(folder)
    with working("reading the tables") as progress:
        return build_network(read_workspace(folder, progress=progress))


def answering(folder: Path) -> Network:
    """Return a network that can say who hangs on what; its errors are told."""
    net = read(folder)
    net.require_sources()
    tell_left_out([problem for problem in net.problems if problem.severity == "error"])
    return net


def supply_of(net: Network, switching: Path | None, as_of: datetime | None) -> Supply:
    """Return the normal supply, or that of a switching log at a time."""
    if switching is not None:
        return net.energise(table_of(net, "switching", switching), as_of)
    return net.energise(net.workspace.tables["switching"], as_of) if as_of else net.energise()


def present(net: Network, as_of: datetime | None) -> Network:
    """Return the network of a moment, by default of the last that is known: without what is not in service then."""
    return net.in_service(as_of or known_until(net.workspace))


def table_of(net: Network, table: str, path: Path) -> pl.DataFrame:
    """Return a table from a file of its own; what is wrong with it is told, and without one usable row there is no answer."""
    require(path)
    source = net.workspace.with_file(table, path)
    if source.tables[table].is_empty():
        raise WorkspaceError(
            text("{path} has no usable row of {table}.", path=path.name, table=table),
            source.problems_of(table),
            text("Mend the rows that are named below, or name the right file."),
        )
    tell_problems(source.problems_of(table))
    return source.tables[table]


def names_in(given: str) -> tuple[str, ...]:
    """Return the names that stand in an option with commas, each once."""
    return tuple(dict.fromkeys(part.strip() for part in given.split(",") if part.strip()))
