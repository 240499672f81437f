"""What a file or a folder of network data is, by what it holds, and how it can be brought in.

Nothing is read here: where a reader can make nothing of a source, this names the program that wrote it and what to export.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

from network.texts import Text, text

_HEAD_BYTES = 20_000
_EXPORT = text("There is no reader for it. Export the network as {forms}.", forms="CIM-XML, OpenDSS, pandapower")

_PROGRAMS: Mapping[str, str] = {
    "cyme": "CYME", "gridlabd": "GridLAB-D", "pypsa": "PyPSA", "powerfactory": "DIgSILENT PowerFactory", "matpower": "MATPOWER",
    "psse": "PSS/E", "windmil": "Milsoft WindMil", "synergi": "Synergi", "ucte": "UCTE-DEF", "ieee_cdf": "IEEE CDF",
    "pgm": "power-grid-model", "psd_bpa": "BPA",
}  # fmt: skip


def how_to_read(path: Path, form: str | None = None) -> Text | None:
    """Return what a source is and what to do with it, ``None`` where that is not known, or is the form asked for already.

    Args:
        path: a file or a folder.
        form: the form it was taken for.
    """
    found = recognise(path)
    if found is None or found == form:
        return None
    if found in _PROGRAMS:
        if found == "pypsa":
            return text(
                "This is a network of {program}, which has no switches, so nothing can be opened or restored in it. {remedy}",
                program=_PROGRAMS[found],
                remedy=_EXPORT,
            )
        return text("This is a file of {program}. {remedy}", program=_PROGRAMS[found], remedy=_EXPORT)
    return text("It looks like {form}: convert it with --format {form}.", form=found)


def recognise(path: Path) -> str | None:
    """Return the form or the program that a file or folder belongs to: a name of a reader, or of :data:`_PROGRAMS`."""
    if path.is_dir():
        return _folder(path)
    if not path.is_file():
        return None
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD_BYTES)
    except OSError:
        return None
    if head.startswith(b"PK") and path.suffix.lower() not in {".xlsx", ".xlsm", ".ods"}:
        return _archive(path)
    if head.startswith(b"\x89HDF"):
        return "pypsa"
    content = head.decode("utf-8", errors="replace").lower()
    return next((form for form, holds in _MARKS.items() if holds(path.suffix.lower(), content)), None)


def _folder(path: Path) -> str | None:
    names = {each.name.lower() for each in path.iterdir()}
    if "buses.csv" in names and names & {"lines.csv", "links.csv", "generators.csv", "loads.csv", "snapshots.csv"}:
        return "pypsa"
    suffixes = {Path(name).suffix for name in names}
    for suffix, program in ((".glm", "gridlabd"), (".dss", "opendss"), (".sxst", "cyme")):
        if suffix in suffixes:
            return program
    return next((form for each in sorted(path.glob("*.xml")) if (form := recognise(each))), None)


def _archive(path: Path) -> str | None:
    try:
        with zipfile.ZipFile(path) as archive:
            names = [name.lower() for name in archive.namelist()]
    except (OSError, zipfile.BadZipFile):
        return None
    return "cim-xml" if any(name.endswith((".xml", ".rdf")) for name in names) else None


def _any_of(content: str, *words: str) -> bool:
    return any(word in content for word in words)


_MARKS: Mapping[str, Callable[[str, str], bool]] = {
    "cim-xml": lambda _, content: "<rdf:rdf" in content or ("rdf-syntax-ns#" in content and "cim" in content),
    "cyme": lambda suffix, content: (
        suffix in {".sxst", ".xst"}
        or _any_of(
            content,
            "[general]\nversion=cym",
            "cyme_version",
            "cyme version",
            "<cyme",
            "[source equivalent]",
            "format_section=",
        )
        or bool(
            re.search(
                r"^\[(source|headnodes|section|line configuration)\]\s*$.*^format", content, re.MULTILINE | re.DOTALL
            )
        )
    ),
    "gridlabd": lambda suffix, content: (
        suffix == ".glm"
        or bool(
            re.search(
                r"^\s*(module\s+powerflow|object\s+(node|meter|overhead_line|triplex_\w+|transformer)\b[^;]*\{)",
                content,
                re.M,
            )
        )
    ),
    "pandapower": lambda suffix, content: (
        suffix in {".json", ".p"} and _any_of(content, "pandapowernet", '"_module": "pandapower')
    ),
    "pgm": lambda suffix, content: suffix == ".json" and '"sym_load"' in content,
    "pypsa": lambda suffix, content: suffix == ".nc" or (content.startswith("cdf") and "snapshots" in content),
    "matpower": lambda _, content: _any_of(content, "mpc.bus", "mpc = struct", "function mpc"),
    "powerfactory": lambda suffix, content: suffix in {".pfd", ".dgs", ".dz"} or "$$general;" in content,
    "psse": lambda suffix, content: suffix in {".raw", ".sav", ".rawx"} or "end of bus data" in content,
    "windmil": lambda suffix, content: suffix == ".std" or "windmil" in content,
    "synergi": lambda suffix, content: suffix in {".mdb", ".accdb"} or "synergi" in content,
    "ucte": lambda suffix, content: suffix == ".uct" or "##n\n##z" in content,
    "psd_bpa": lambda suffix, content: suffix in {".dat", ".swi"} and "(powerflow" in content,
    "cim-e": lambda _, content: bool(re.search(r"^<\s*\w+::", content, re.MULTILINE)) or "<!system=" in content,
    "opendss": lambda suffix, content: (
        suffix == ".dss" or bool(re.search(r"^\s*new\s+(object\s*=\s*)?circuit\.", content, re.M))
    ),
}
"""Whether a file is of a form or a program, by its suffix and the beginning of its text, both in lower case."""
