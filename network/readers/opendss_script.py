"""OpenDSS scripts, tamed: of what a master file and the files it names say, only what defines the circuit is kept.

A script may solve, export, save, run programs and read any file of the machine. Here the files are read first, those beside the
master file or below it alone, and become one list of commands that make and change elements; all others are counted by name.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from network.problems import WorkspaceError
from network.readers.gathering import number
from network.texts import Text, text

KEPT = frozenset({
    "circuit", "vsource", "line", "linecode", "linegeometry", "linespacing", "wiredata", "cndata", "tsdata",
    "transformer", "xfmrcode", "autotrans", "reactor", "capacitor", "load", "fuse", "recloser", "relay",
    "swtcontrol", "tcc_curve",
})  # fmt: skip
"""Classes of OpenDSS that a network is made of."""

SHAPES = {
    "loadshape": "npts=1 interval=1 mult=(1)",
    "growthshape": "npts=1 year=(1) mult=(1)",
    "xycurve": "npts=1 xarray=(1) yarray=(1)",
    "spectrum": "numharm=1 harmonic=(1) %mag=(100) angle=(0)",
}
"""Classes that loads only refer to: their values are never read, since they often stand in files of their own."""

UNCOUNTED = frozenset({
    "energymeter", "monitor", "sensor", "regcontrol", "capcontrol", "invcontrol", "storagecontroller",
    "expcontrol", "fmonitor",
})  # fmt: skip
"""Classes that neither carry nor take power."""

LARGEST_SCRIPT = 256 << 20
"""Bytes in all files of one script. Own limit."""

_MOST_FILES = 5_000
_COMMANDS = frozenset({
    "new", "edit", "more", "set", "open", "close", "enable", "disable", "setbusxy", "setkvbase", "var",
    "makebuslist", "calcvoltagebases",
})  # fmt: skip
_READS = frozenset({"redirect", "compile"})
_COORDINATES = {"buscoords": (0, 1), "latlongcoords": (1, 0)}
"""Commands that read the points of buses, and where x and y stand after the name."""
_OPTIONS = ("voltagebases", "defaultbasefrequency", "basefrequency", "earthmodel", "loadmult", "allowduplicates")
_SETTING = re.compile(r"(\w+)\s*=\s*(\[[^\]]*\]|\([^)]*\)|\"[^\"]*\"|'[^']*'|\S+)")
_FROM_FILE = re.compile(r"\b(?:\w*file|usermodel|shaftmodel|userdata|\w*dll)\s*=", re.IGNORECASE)
_OBJECT = re.compile(r"""^(?:object\s*=\s*)?["'(\[{]?\s*(\w+)\.""", re.IGNORECASE)
_PROPERTY = re.compile(r"^(\w+)\.[^=\s]+\s*=")


@dataclass
class Script:
    """What a script says of its circuit.

    Attributes:
        lines: the commands that define it, in order.
        points: x and y of a bus, by its name in lower case.
        elements: how many elements of classes that are not read it makes, by class.
        passed_over: how many commands define nothing, by name.
        problems: file, line, the text there, what is wrong with it and what to do.
    """

    lines: list[str] = field(default_factory=list)
    points: dict[str, tuple[float, float]] = field(default_factory=dict)
    elements: Counter[str] = field(default_factory=Counter)
    passed_over: Counter[str] = field(default_factory=Counter)
    problems: list[tuple[str, int, str, Text, Text]] = field(default_factory=list)


def read_script(master: Path) -> Script:
    """Read a master file with all that it redirects to.

    Raises:
        WorkspaceError: a file that it names is missing, stands elsewhere, is too large, or names itself.
    """
    reading = _Reading(master.resolve().parent)
    reading.file(master.resolve(), ())
    return reading.script


@dataclass
class _Reading:
    """Reads the files of one script."""

    folder: Path
    script: Script = field(default_factory=Script)
    size: int = 0
    files: int = 0
    last_is_kept: bool = False

    def file(self, path: Path, within: tuple[Path, ...]) -> None:
        """Read one file, ``within`` those that lead to it."""
        if path in within:
            raise _refused(path, text("it names itself"), text("Remove the line that redirects to the file itself."))
        try:
            self.size += path.stat().st_size
            self.files += 1
            if self.size > LARGEST_SCRIPT or self.files > _MOST_FILES:
                raise _refused(path, text("the script is too large"), text("Export one circuit at a time."))
            content = _decoded(path.read_bytes())
        except OSError as reason:
            raise _refused(
                path,
                reason.strerror or str(reason),
                text("Keep the files of a circuit together, and name its master file."),
            ) from reason
        for row, line in _lines(content):
            self._line(path, row, line, (*within, path))

    def _line(self, path: Path, row: int, line: str, within: tuple[Path, ...]) -> None:
        word, rest = _first_word(line)
        if _PROPERTY.match(line):
            self._element(path, row, line, line)
        elif word in {"~", "more"}:
            if self.last_is_kept:
                self._keep(path, row, f"~ {rest}")
        elif word in {"clear", "clearall"}:
            self.script.lines.clear()
            self.script.elements.clear()
        elif word in _READS:
            if _name_in(rest):
                self.file(self._named(path, rest), within)
        elif word in _COORDINATES:
            self._coordinates(self._named(path, rest), *_COORDINATES[word])
        elif word == "set":
            self.script.lines += (
                f"set {name}={value}" for name, value in _SETTING.findall(rest) if name.lower() in _OPTIONS
            )
        elif word in {"setbusxy", "setkvbase", "var", "makebuslist", "calcvoltagebases"}:
            self._keep(path, row, line)
        elif word in _COMMANDS:
            self._element(path, row, line, rest)
        else:
            self.script.passed_over[word] += 1

    def _element(self, path: Path, row: int, line: str, of: str) -> None:
        """Keep a command on an element of a class that the network is made of; count the others that are made."""
        named = _OBJECT.match(of)
        kind = named[1].lower() if named else ""
        is_new = line[:1].lower() == "n"
        self.last_is_kept = kind in KEPT and self._keep(path, row, line)
        if kind in KEPT:
            return
        if kind in SHAPES and is_new:
            self.script.lines.append(f"new {of.split(maxsplit=1)[0]} {SHAPES[kind]}")
        elif is_new and kind and kind not in UNCOUNTED | {*SHAPES}:
            self.script.elements[kind] += 1

    def _keep(self, path: Path, row: int, line: str) -> bool:
        """Keep a command, unless it takes values from elsewhere, and return whether it was."""
        if _FROM_FILE.search(line.split("!", maxsplit=1)[0]):
            self.script.problems.append(
                (
                    path.name, row, line[:200], text("This line takes values from a file or a program; it was not run"),
                    text("Write the values into the line if the network needs them."),
                )
            )  # fmt: skip
            return False
        self.script.lines.append(line)
        return True

    def _named(self, path: Path, rest: str) -> Path:
        """Return the file that a command names, beside the file with the command or the master.

        Raises:
            WorkspaceError: it is not there, or stands outside the folder of the master.
        """
        name = _name_in(rest)
        for folder in (path.parent, self.folder):
            found = _ignoring_case(folder / name)
            if found is not None:
                if not found.resolve().is_relative_to(self.folder):
                    break
                return found.resolve()
        elsewhere = Path(name).is_absolute() or ".." in Path(name).parts
        raise _refused(
            path,
            text("it names {file}, which is outside its folder", file=name)
            if elsewhere
            else text("it names {file}, which is not there", file=name),
            text("Keep the files of a circuit together, and name its master file."),
        )

    def _coordinates(self, path: Path, x: int, y: int) -> None:
        for line in _decoded(path.read_bytes()).splitlines():
            parts = [part.strip("\"'") for part in re.split(r"[,\s]+", line.split("!")[0].strip()) if part]
            if len(parts) < 3:
                continue
            point = number(parts[1 + x]), number(parts[1 + y])
            if point[0] is not None and point[1] is not None:
                self.script.points.setdefault(parts[0].lower(), (point[0], point[1]))


def _refused(path: Path, reason: Text | str, hint: Text) -> WorkspaceError:
    return WorkspaceError(text("OpenDSS cannot read {path}: {reason}", path=str(path), reason=reason), (), hint)


def _decoded(data: bytes) -> str:
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    return data.decode("latin-1")


def _lines(content: str) -> Iterator[tuple[int, str]]:
    """Give the lines that say something, without comments, with their numbers."""
    in_comment = False
    for row, given in enumerate(content.splitlines(), start=1):
        line = given.strip().replace("\0", "")
        if in_comment or line.startswith("/*"):
            in_comment = "*/" not in line
            continue
        if line and not line.startswith(("!", "//")):
            yield row, line


def _first_word(line: str) -> tuple[str, str]:
    """Return the command of a line, in full where it is cut short as OpenDSS allows, and the rest of the line."""
    if line.startswith("~"):
        return "~", line[1:]
    parts = re.split(r"[\s=]+", line, maxsplit=1)
    word = parts[0].lower()
    known = sorted(each for each in (*_COMMANDS, *_READS, *_COORDINATES) if each.startswith(word))
    exact = word in known or word in {"clear", "clearall"}
    return (word if exact or len(word) < 3 or len(known) != 1 else known[0]), parts[1] if len(parts) > 1 else ""


def _name_in(rest: str) -> str:
    """Return the file that is named behind a command: in quotes or brackets, or up to a comment."""
    rest = re.sub(r"^(?:file\s*=\s*)", "", rest.strip(), flags=re.IGNORECASE)
    quoted = re.match(r"""^(?:"([^"]*)"|'([^']*)'|\(([^)]*)\)|\[([^\]]*)\]|\{([^}]*)\})""", rest)
    name = (
        next(group for group in quoted.groups() if group is not None)
        if quoted
        else re.split(r"\s*(?:!|//)|\s+$", rest)[0]
    )
    return name.strip().replace("\\", "/")


def _ignoring_case(path: Path) -> Path | None:
    """Return a file whose name may be written with other capitals, as scripts from Windows do."""
    if path.is_file():
        return path
    if not path.parent.is_dir():
        return None
    return next(
        (each for each in path.parent.iterdir() if each.name.lower() == path.name.lower() and each.is_file()), None
    )
