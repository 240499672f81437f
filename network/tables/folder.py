"""Which files of a folder hold which tables: whole tables, and parts such as one file for each month."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatch
from pathlib import Path

from network.nearest import nearest
from network.problems import Problem
from network.tables.cells import clean
from network.tables.schema import TABLES
from network.texts import text

FORMS = (".parquet", ".csv", ".xlsx", ".xls", ".xlsm", ".xlsb", ".ods", ".tsv", ".txt", ".json", ".jsonl")
"""Forms of a table, in the order in which they are looked for; each may be packed as ``.gz``."""

_SETTINGS = "fudian.toml"
_ASIDE = re.compile(
    r"副本|备份|作废|旧|草稿|模板|样例|示例|说明|汇总|统计|\bold\b|\bbackup\b|\bbak\b|\bcopy\b|\bdraft\b|\bsummary\b|\bnotes?\b|\breadme\b|\btemplate\b|\bexample\b|\btmp\b",
    re.IGNORECASE,
)
_MARK = re.compile(r"^[\s_\-.·—–(（\[【]")
_DATE = re.compile(
    r"^(?:\d{1,8}|[年月份日季度号上中下旬半全第至到~\-_.\s]|[一二三四五六七八九十]+(?=[月季旬半])|q[1-4]|h[12]|part|"
    r"jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)+$",
    re.IGNORECASE,
)
_SHOWN = 10


@dataclass(frozen=True)
class Found:
    """The files of a folder.

    Attributes:
        tables: the files of each table that is present, in the order of the schema.
        problems: what is odd about the files, and those that were not read.
    """

    tables: Mapping[str, Sequence[Path]]
    problems: list[Problem] = field(default_factory=list)


def find_files(folder: Path, own: Mapping[str, str] | None = None) -> Found:
    """Find the files of each table.

    A file is a table where its name is that of the table, and a part of it where a date or number follows or precedes, or a
    word of its own follows, such as ``outages_1月.csv`` or ``outages-城东.xlsx``. All parts are read together.

    Args:
        folder: the folder.
        own: names of files, with ``*`` for any letters, that the utility gives to a table; an empty name: not needed.
    """
    parts: dict[str, dict[str, list[Path]]] = {}
    unknown: list[Path] = []
    others: list[str] = []
    for path in sorted(folder.iterdir()):
        if path.name.startswith((".", "~$")) or path.name == _SETTINGS:
            continue
        given = next((table for pattern, table in (own or {}).items() if fnmatch(path.name, pattern)), None)
        if given == "":
            continue
        if form_of(path) is None or (path.is_dir() and not _pieces(path)):
            others.append(path.name + ("/" if path.is_dir() else ""))
            continue
        table, part = (given, path.name) if given else part_of_table(stem_of(path))
        if table is None:
            unknown.append(path)
            continue
        for piece in _pieces(path) if path.is_dir() else [path]:
            name = f"{part}/{piece.name}" if path.is_dir() else part
            parts.setdefault(table, {}).setdefault(name, []).append(piece)
    found = Found({}, [unknown_table(stem_of(path), path.name) for path in unknown])
    tables = {name: _first_forms(name, parts[name], found.problems) for name in TABLES if name in parts}
    if others:
        found.problems.append(_others_not_read(folder, others))
    return Found(tables, found.problems)


def _pieces(folder: Path) -> list[Path]:
    """Return the files of a table that an engine wrote in pieces, into a folder such as ``outages.parquet``."""
    form = form_of(folder)
    return sorted(path for path in folder.iterdir() if path.name[0] not in "._" and form_of(path) == form)


def form_of(path: Path) -> str | None:
    """Return the form that the ending of a file names, ``None`` where it is not one of a table."""
    suffixes = [suffix.lower() for suffix in path.suffixes]
    form = suffixes[-2] if suffixes[-1:] == [".gz"] and len(suffixes) > 1 else (suffixes or [""])[-1]
    return form if form in FORMS else None


def stem_of(path: Path) -> str:
    """Return the name of a file without its form."""
    name = path.name[:-3] if path.name.lower().endswith(".gz") else path.name
    return name[: -len(Path(name).suffix)] if Path(name).suffix else name


def table_named(stem: str) -> str | None:
    """Return the table that a name means as a whole."""
    return _NAMES.get(clean(stem).lower())


def part_of_table(stem: str) -> tuple[str | None, str]:
    """Return the table of which a name means a part, and what is left of the name; ``(None, "")`` for no table.

    The longest name of a table that begins or ends the stem decides.
    """
    word = clean(stem).lower()
    if word in _NAMES:
        return _NAMES[word], ""
    if _ASIDE.search(word.replace("_", " ")):
        return None, ""
    for name in _BY_LENGTH:
        if word.startswith(name) and (_MARK.match(rest := word.removeprefix(name)) or _DATE.match(rest)):
            return _NAMES[name], rest
        if word.endswith(name) and _DATE.match(rest := word.removesuffix(name)):
            return _NAMES[name], rest
    return None, ""


def unknown_table(given: str, file: str | None = None) -> Problem:
    """Return what to say of a file, or a frame, whose name is not that of a table."""
    near = nearest(clean(given), _NAMES)
    if near:
        hint = text("Did you mean {near}?", near=_NAMES[near[0]])
    elif file is not None:
        hint = text("If it holds a table, fudian map finds out which; otherwise nothing needs to be done.")
    else:
        hint = text("Nothing needs to be done if it is not needed.")
    return Problem("warning", given, text("This is not a table of a workspace; it was not read"), hint, file)


def _first_forms(table: str, parts: Mapping[str, Sequence[Path]], problems: list[Problem]) -> list[Path]:
    """Return one file for each part of a table: of several forms of one part, the first."""
    paths: list[Path] = []
    for part in sorted(parts, key=_natural):
        ranked = sorted(
            parts[part],
            key=lambda path: (FORMS.index(form_of(path) or FORMS[-1]), stem_of(path).lower() != table, path.name),
        )
        paths.append(ranked[0])
        if len(ranked) > 1:
            others = ", ".join(path.name for path in ranked[1:])
            message = text(
                "Several files hold this table: {taken} was read, {others} was not", taken=ranked[0].name, others=others
            )
            hint = text("Remove those that are out of date.")
            problems.append(Problem("warning", table, message, hint, ranked[0].name))
    return paths


def _natural(part: str) -> list[tuple[int, str]]:
    """Order parts as people count them: 2月 before 10月."""
    return [(int(piece), "") if piece.isdecimal() else (-1, piece) for piece in re.split(r"(\d+)", part)]


def _others_not_read(folder: Path, names: Sequence[str]) -> Problem:
    shown = ", ".join(names[:_SHOWN]) + (f" … ({len(names)})" if len(names) > _SHOWN else "")
    message = text("Not read, since it has no form of a table: {names}", names=shown)
    hint = text("Nothing needs to be done if it is not needed.")
    if any(name.lower().endswith(_PACKED) for name in names):
        hint = text("Unpack what is packed: only files of the folder itself are read. The rest may stay.")
    elif any(name.endswith("/") for name in names):
        hint = text("Only files of the folder itself are read: move tables out of folders below it. The rest may stay.")
    return Problem("warning", "workspace", message, hint, folder.name)


_PACKED = (".zip", ".rar", ".7z", ".tar", ".tar.gz", ".tgz", ".bz2", ".xz")


_NAMES = {
    clean(name).lower(): table.name
    for table in reversed(list(TABLES.values()))
    for name in (*table.aliases, table.chinese, table.name)
}
_BY_LENGTH = sorted(_NAMES, key=len, reverse=True)
