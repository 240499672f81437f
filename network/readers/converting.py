"""Any supported source becomes a workspace of Parquet tables."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from datetime import date, time
from pathlib import Path
from types import MappingProxyType
from typing import Any

import polars as pl

from network.problems import FudianError, WorkspaceError
from network.readers.cim_e import read_cim_e
from network.readers.cim_xml import read_cim_xml
from network.readers.gathering import Progress, require_files
from network.readers.opendss import read_opendss
from network.readers.pandapower import read_pandapower
from network.tables.aside import folder_aside
from network.tables.conventions import ReadingSettings, instants
from network.tables.recognition import how_to_read
from network.tables.table_form import ROW
from network.tables.words import SETTINGS_FILE
from network.tables.workspace import Workspace, read_workspace
from network.texts import text

Reader = Callable[[Sequence[Path], Progress, bool], Workspace]


def convert_files(
    sources: Sequence[Path], form: str, to: Path, progress: Progress = lambda _: None, idle_is_open: bool = False
) -> Workspace:
    """Read sources of one form and write their tables as Parquet.

    Args:
        sources: for ``table``, one folder with tables of any headers and encoding, or such files named like their tables;
            for the other forms, what their readers take.
        form: name of a reader in :data:`READERS`.
        to: folder to write; made where it is missing.
        progress: told the name of each source before it is read.
        idle_is_open: take branches that the source has out of service as normally open instead of leaving them out.

    Returns:
        The workspace that was read, with the problems of its source.

    Raises:
        FudianError: the form is not known.
        WorkspaceError: the source cannot be read, or nothing of a network came of it; nothing is written then.
        MissingExtraError: the form needs a package that is not installed.
    """
    if form not in READERS:
        raise FudianError(
            text("There is no format {form!r}.", form=form), text("Use any of: {names}.", names=", ".join(READERS))
        )
    if any(path.resolve() == to.resolve() for path in sources):
        raise FudianError(
            text("{path} is the source itself; its tables would be hidden by the new ones.", path=to),
            text("Name another folder with --to."),
        )
    try:
        source = READERS[form](sources, progress, idle_is_open)
    except WorkspaceError as error:
        raise _with_advice(error, sources, form) from error
    if form != "table" and source.tables["branches"].is_empty():
        raise _with_advice(_nothing_came(sources, source), sources, form)
    write_workspace(source, to)
    return source


def _nothing_came(sources: Sequence[Path], source: Workspace) -> WorkspaceError:
    return WorkspaceError(
        text("Nothing of a network came of {path}: it has no branch that can be used.", path=_names(sources)),
        source.problems,
        text("Export the whole model: lines and switches with what joins their ends."),
    )


def _with_advice(error: WorkspaceError, sources: Sequence[Path], form: str) -> WorkspaceError:
    """Return the error with what the files really are, where that is another form."""
    advice = next((advice for path in sources if (advice := how_to_read(path, form)) is not None), None)
    if advice is None:
        return error
    hint = advice if error.hint is None else text("{advice} {hint}", advice=advice, hint=error.hint)
    return WorkspaceError(error.message, error.problems, hint)


def _names(sources: Sequence[Path]) -> str:
    return ", ".join(path.name for path in sources)


def write_workspace(source: Workspace, to: Path) -> None:
    """Write the tables of a workspace that are present as Parquet, and its settings where it has any.

    What is read back equals what was written; a value that could not be read is blank, which means its default. All is written
    before any of it takes its place.

    Raises:
        WorkspaceError: the folder cannot be written; it is then as it was before.
    """
    try:
        with folder_aside(to) as aside:
            if source.folder is not None and (source.folder / SETTINGS_FILE).is_file():
                shutil.copyfile(source.folder / SETTINGS_FILE, aside / SETTINGS_FILE)
            elif source.settings:
                lines = (f"{_toml(name)} = {_toml(value)}\n" for name, value in source.settings.items())
                (aside / SETTINGS_FILE).write_text("".join(lines), "utf-8")
            for table in source.files:
                rows = _with_places(source) if table == "outages" else source.tables[table]
                _with_zone(rows.drop(ROW), source.reading).write_parquet(aside / f"{table}.parquet")
    except OSError as error:
        raise WorkspaceError(
            text("{path} cannot be written: {reason}.", path=to, reason=error.strerror or error), ()
        ) from error


def _with_places(source: Workspace) -> pl.DataFrame:
    """Return the records with the places that no network knows: they tell parts of one outage apart when they are read again."""
    outages = source.tables["outages"]
    if source.aside is None:
        return outages
    places = [name for name in source.aside.columns if name != ROW]
    known = outages.join(source.aside, on=ROW, how="left", maintain_order="left", suffix="_aside")
    return known.with_columns(pl.coalesce(name, f"{name}_aside") for name in places).select(outages.columns)


def _with_zone(frame: pl.DataFrame, reading: ReadingSettings) -> pl.DataFrame:
    """Return a table whose times carry their zone where its clocks change, so that none is read as another."""
    if not reading.has_summer_time:
        return frame
    return frame.with_columns(instants(pl.col(pl.Datetime), reading.time_zone))


def _toml(value: Any) -> str:
    """Write one value of the settings, a section as an inline table."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_toml(name)} = {_toml(each)}" for name, each in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_toml(each) for each in value) + "]"
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    return str(value).lower()


def _read_tables(sources: Sequence[Path], progress: Progress, idle_is_open: bool = False) -> Workspace:
    del idle_is_open  # a table says itself what is open
    require_files(sources)
    if len(sources) == 1 and sources[0].is_dir():
        return read_workspace(sources[0], progress)
    if any(path.is_dir() for path in sources):
        raise FudianError(
            text("Tables are read from one folder, or from files."), text("Name one folder, or only files.")
        )
    with tempfile.TemporaryDirectory() as together:
        for path in sources:
            shutil.copyfile(path, Path(together) / path.name)
        return read_workspace(together, progress)


READERS: Mapping[str, Reader] = MappingProxyType(
    {
        "table": _read_tables,
        "pandapower": read_pandapower,
        "opendss": read_opendss,
        "cim-xml": read_cim_xml,
        "cim-e": read_cim_e,
    }
)
"""Reader of each form that ``fudian convert --format`` takes."""
