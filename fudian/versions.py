"""Versions of a workspace, or of one of its tables, as they are compared with each other."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

from network import FudianError, Workspace, read_workspace, schema, text, workspace

Version = str | Path | Workspace
"""A folder, a file with one table, or a workspace that has been read."""


def version(source: Version, table: str | None = None, like: Workspace | None = None) -> Workspace:
    """Return a version of a workspace.

    Args:
        source: a folder, or a file that holds one table.
        table: the table of the file; by default what its name says.
        like: the workspace whose other tables a file belongs to; without one the file stands alone, and its rows are only
            read, not checked against others.

    Raises:
        FudianError: there is no such file or folder, or it is not known which table the file holds.
        WorkspaceError: the folder holds no table.
    """
    if isinstance(source, Workspace):
        return source
    path = Path(source)
    if not path.exists():
        raise FudianError(text("There is no {path}.", path=str(path)), text("Check the spelling of the path."))
    if path.is_dir():
        return read_workspace(path)
    name = table or _named(path)
    if like is not None:
        return like.with_table(name, path)
    alone = workspace({})
    frame, problems = alone.read(name, path)
    tables = MappingProxyType({**alone.tables, name: frame})
    return replace(alone, tables=tables, files=MappingProxyType({name: path.name}), problems=problems)


def _named(path: Path) -> str:
    """Return the table that the name of a file says."""
    stem = path.name.split(".")[0].strip().lower()
    for name, each in schema.TABLES.items():
        if stem in {name, each.chinese, *each.aliases} or stem.startswith((f"{name}_", f"{name}-", f"{each.chinese}_")):
            return name
    raise FudianError(
        text("The name of {path} does not say which table it holds.", path=path.name),
        text("Name it with --table: {names} …", names=", ".join(list(schema.TABLES)[:7])),
    )
