"""What the headers of an unknown sheet mean: a proposal for each, with examples of its values and how sure it is.

A header that is accepted anyway is certain. The others are compared with the accepted ones by their letters, and with the
columns by their values: a header counts only as far as its cells can be read as the column, and where it is like none, the
values alone may speak: words of a code, ids that stand in another table of the workspace, times of which one is never
before the other, yes and no. What is agreed is kept in ``fudian.toml``.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import TypeAlias

import polars as pl

from network.nearest import nearest
from network.problems import FudianError
from network.tables.added import with_users_added
from network.tables.cells import as_text, blank_to_null, clean
from network.tables.code_words import OFTEN_MEANT
from network.tables.date_parts import put_together
from network.tables.days import join_days
from network.tables.decoding import UnreadableError
from network.tables.ends import second_header_is_end
from network.tables.files import read_wanted
from network.tables.folder import find_files, part_of_table, stem_of
from network.tables.headers import (
    Names,
    accepted_names,
    header_key,
    is_general,
    match_header,
    numbers_rows,
    scale_of,
    split_unit,
)
from network.tables.ranges import split_ranges
from network.tables.reading import read_files
from network.tables.schema import TABLES
from network.tables.sheets import Sheet, Wanted
from network.tables.table_form import Column, Table
from network.tables.times import NO_UNIT, parse_times, without_clock
from network.tables.values import parse
from network.tables.veil import is_personal, veil
from network.tables.words import SETTINGS_FILE, Words
from network.texts import text

IdsOf: TypeAlias = Callable[[str], frozenset[str]]
"""Gives, for the name of a table, the ids and names that stand in it."""

TimesOf: TypeAlias = Callable[[int], pl.Series | None]
"""Gives, for the place of a column in its sheet, its times, where nearly all of its cells are one."""

EXAMPLES = 3
CERTAIN, LIKELY, PERHAPS = 1.0, 0.65, 0.4
_LOOKED_AT = 1000
_NAME_SHARE = 0.6
"""How much the letters of a header weigh against its values."""
_CODES_SPEAK = 0.8
"""Share of cells that are words of a code by which the values alone speak for the column."""
_OFTEN_SPEAKS = 0.7
"""Share of cells that are words of a code, or often mean one, by which a general header is proposed."""
_BY_VALUES = 0.5
"""How sure a proposal is that rests on values alone."""
_NEARLY_ALL = 0.9
_LATIN_ALIKE = 0.6
"""Words of Latin letters share many of them by chance; below this they are not alike."""
_YES_AND_NO = frozenset({"是", "否", "yes", "no", "y", "n", "true", "false", "√", "×", "有", "没有"})
_NAMING = ("名称", "name", "描述", "备注", "说明")
"""Endings of headers below which no ids stand."""


@dataclass(frozen=True)
class HeaderProposal:
    """What one header may mean.

    Attributes:
        header: as it stands in the file.
        column: the column it means; ``None`` where nothing is near, empty where it was said not to be needed.
        sure: 1 where the header is accepted as it stands, down to 0.
        examples: values below it.
    """

    header: str
    column: str | None
    sure: float
    examples: tuple[str, ...]

    @property
    def how_sure(self) -> str:
        """``certain``, ``likely``, ``perhaps`` or ``unknown``."""
        if not self.column:
            return "unknown"
        return "certain" if self.sure >= CERTAIN else "likely" if self.sure >= LIKELY else "perhaps"


@dataclass(frozen=True)
class CodeProposal:
    """What one word of a column with codes may mean.

    Attributes:
        column: the column.
        word: as it stands in the file.
        rows: how often it stands there.
        code: the nearest code, or what the word often means; ``None`` where nothing is near.
        sure: how sure it is, down to 0.
    """

    column: str
    word: str
    rows: int
    code: str | None
    sure: float = 0.0

    @property
    def how_sure(self) -> str:
        """``likely``, ``perhaps`` or ``unknown``."""
        return "unknown" if self.code is None else "likely" if self.sure >= LIKELY else "perhaps"


@dataclass(frozen=True)
class SheetProposal:
    """What a sheet means: its table, its headers, and the words of its codes that are not known.

    Attributes:
        file: name of the file.
        table: the table it holds.
        named: whether the name of the file says so.
        headers: one proposal for each header.
        codes: the words that no rule knows.
        missing: required columns that no header means.
    """

    file: str
    table: str
    named: bool
    headers: tuple[HeaderProposal, ...]
    codes: tuple[CodeProposal, ...]
    missing: tuple[str, ...]


def propose(
    path: Path, table: str | None = None, words: Words | None = None, ids: IdsOf | None = None
) -> SheetProposal:
    """Propose what an unknown sheet means.

    Args:
        path: the file.
        table: the table it holds; by default the one whose columns it has most of.
        words: what the utility has said of its files before.
        ids: gives the ids, and names, of other tables, as :func:`ids_in` does; without it no id is looked up.

    Raises:
        FudianError: the file cannot be opened, gives no sheet, or is like no table.
    """
    words = words or Words()
    named = part_of_table(stem_of(path))[0]
    try:
        sheet = _unknown_sheet(path)
    except UnreadableError as wrong:
        raise FudianError(wrong.message, wrong.hint) from wrong
    except OSError as reason:
        raise FudianError(
            text("The file cannot be opened: {reason}", reason=reason.strerror or str(reason)),
            text("Close it in other programs, and check who may read it."),
        ) from reason
    wanted = table or named or _likeliest(sheet, words)
    if wanted is None:
        raise FudianError(
            text("{file} is like no table of a workspace.", file=path.name),
            text("Name its table with --table: {names}.", names=", ".join(TABLES)),
        )
    headers = _propose_headers(sheet, TABLES[wanted], words, ids)
    found = {header.column for header in headers}
    missing = tuple(column.name for column in TABLES[wanted].columns if column.required and column.name not in found)
    codes = tuple(_propose_codes(sheet, TABLES[wanted], headers, words))
    return SheetProposal(path.name, wanted, named == wanted, headers, codes, missing)


def ids_in(folder: Path, words: Words, own: Path | None = None) -> IdsOf:
    """Return what gives the ids and names of the tables of a workspace, each table read when it is asked for first.

    Args:
        folder: the workspace.
        words: what the utility has said of its files.
        own: a file that is not looked into: the one that is asked about.
    """
    files = find_files(folder, words.files).tables if folder.is_dir() else {}

    @cache
    def ids(name: str) -> frozenset[str]:
        paths = [path for path in files.get(name, ()) if own is None or path.resolve() != own.resolve()]
        if not paths:
            return frozenset()
        frame = read_files(paths, TABLES[name], words).frame
        named = [column for column in (*TABLES[name].key, "name") if column in frame.columns]
        return frozenset(value for column in named for value in frame[column].drop_nulls().unique().to_list())

    return ids


def remember(proposal: SheetProposal, folder: Path) -> Path:
    """Keep in ``fudian.toml`` what a proposal says beyond what is known anyway; all else in the file stays as it is.

    Args:
        proposal: as agreed; headers without a column and words without a code are passed over.
        folder: the workspace.

    Returns:
        The file of settings.

    Raises:
        FudianError: the settings cannot be read or written.
    """
    import tomlkit

    path = folder / SETTINGS_FILE
    try:
        content = tomlkit.parse(path.read_text("utf-8-sig") if path.is_file() else "")
        for keys, value in _said(proposal):
            section = content
            for key in keys[:-1]:
                section = section.setdefault(key, tomlkit.table(is_super_table=len(keys) > 2 and key == keys[0]))
            section[keys[-1]] = value
        path.write_text(tomlkit.dumps(content), "utf-8")
    except (tomlkit.exceptions.TOMLKitError, UnicodeDecodeError, TypeError, AttributeError) as reason:
        raise FudianError(text("The settings cannot be read: {reason}", reason=str(reason))) from reason
    except OSError as reason:
        raise FudianError(
            text("{path} cannot be written: {reason}.", path=path, reason=reason.strerror or reason),
            text("Choose another place, or close the program that holds the file."),
        ) from reason
    return path


def _said(proposal: SheetProposal) -> Iterator[tuple[tuple[str, ...], str]]:
    """Give each setting that a proposal adds: its keys from the head of the file, and its value."""
    if not proposal.named:
        yield ("files", proposal.file), proposal.table
    for header in proposal.headers:
        if header.column is not None and header.sure < CERTAIN:
            yield ("headers", proposal.table, split_unit(header_key(header.header))[0]), header.column
    for code in proposal.codes:
        if code.code is not None:
            yield ("codes", code.column, code.word), code.code


# -- headers -----------------------------------------------------------------------------------------------------------


def _unknown_sheet(path: Path) -> Sheet:
    """Return the sheet with most known headers of any table; without one, whatever stands in words above the others."""
    anything = Table(path.stem, "", "", ())
    known = {key: name for table in reversed(list(TABLES.values())) for key, name in accepted_names(table).items()}
    try:
        sheets, _ = read_wanted(path, Wanted(anything, known, path.name))
    except UnreadableError:
        sheets, _ = read_wanted(path, Wanted(anything, _AnyWord(), path.name))
    return max(sheets, key=lambda sheet: len(sheet.rows))


class _AnyWord(Mapping[str, tuple[Column, int]]):
    """Headers of a sheet of which nothing is known: every word counts as one, and no number."""

    def __getitem__(self, key: str) -> tuple[Column, int]:
        if not any(letter.isalpha() for letter in key):
            raise KeyError(key)
        return Column(key, "text", "", ""), 0

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0


def _likeliest(sheet: Sheet, words: Words) -> str | None:
    """Return the table of which a sheet has most, the required columns before the others."""
    worth: dict[str, tuple[float, float]] = {}
    times = _times_of(sheet, words)
    for name, table in TABLES.items():
        proposed = _propose_headers(sheet, table, words, times=times)
        sure = {header.column: header.sure for header in proposed if header.column}
        required = [column.name for column in table.columns if column.required]
        worth[name] = (sum(sure.get(column, 0.0) for column in required) / len(required), sum(sure.values()))
    best = max(worth, key=lambda name: worth[name])
    return best if worth[best][0] >= PERHAPS else None


def _propose_headers(
    sheet: Sheet, table: Table, words: Words, ids: IdsOf | None = None, times: TimesOf | None = None
) -> tuple[HeaderProposal, ...]:
    """Give each header the column that fits it best, each column once; then what the values alone say."""
    cells = [column.head(_LOOKED_AT) for column in sheet.columns]
    examples = [_examples(cell, is_personal(table)) for cell in cells]
    columns = [*table.columns, *([table.duration] if table.duration is not None else [])]
    names = accepted_names(table, words.headers_of(table))
    head = replace(sheet, columns=cells, rows=sheet.rows.head(_LOOKED_AT))
    settled = _settled(head, table, names, words)
    fits = sorted(
        (
            (sure, -index, column)
            for index, header in enumerate(sheet.headers[: len(cells)])
            if index not in settled
            for column, sure in _meanings(header, cells[index], columns, names, words, ids)
        ),
        key=lambda fit: fit[:2],
        reverse=True,
    )
    chosen: dict[int, tuple[str, float]] = {}
    for sure, place, column in fits:
        if sure >= PERHAPS and -place not in chosen and column not in {name for name, _ in chosen.values()}:
            chosen[-place] = (column, sure)
    chosen |= {index: (column, CERTAIN) for index, column in settled.items() if column is not None}
    _choose_by_values(sheet, cells, table, times or _times_of(sheet, words), chosen, settled)
    proposals: list[HeaderProposal] = []
    for index, header in enumerate(sheet.headers[: len(cells)]):
        meant, sure = chosen.get(index, (None, 0.0))
        if header.strip() or examples[index]:
            proposals.append(HeaderProposal(header.strip(), meant, sure, examples[index]))
    return tuple(proposals)


def _settled(sheet: Sheet, table: Table, names: Names, words: Words) -> dict[int, str | None]:
    """Return the columns that are understood together with others, each with the column it serves, where it is one."""
    added = with_users_added(sheet, names)
    whole = put_together(split_ranges(added.sheet, names), names)
    joined = join_days(whole.sheet, table, names, words.reading)
    there = range(len(sheet.columns))
    found: dict[int, str | None] = {
        index: joined.day_of.get(index) for index in whole.used | joined.used if index in there
    }
    if added.said is not None:
        found |= dict.fromkeys((sheet.headers.index(added.said[1]), *added.used), "users")
    return found


def _examples(cells: pl.Series, personal: bool) -> tuple[str, ...]:
    """Return the first values of a column; of a table of persons as they may be shown."""
    values = blank_to_null(as_text(cells).str.strip_chars()).drop_nulls().unique(maintain_order=True).head(EXAMPLES)
    return tuple(veil(value) if personal else value for value in values)


def _meanings(
    header: str, cells: pl.Series, columns: Sequence[Column], names: Names, words: Words, ids: IdsOf | None
) -> Iterator[tuple[str, float]]:
    """Give the columns that a header may mean, and how sure each is."""
    known = match_header(header, names)
    if known is not None:
        yield known[0].name, CERTAIN
        return
    for column in columns:
        by_ids = _share_of_ids(cells, column, ids)
        if by_ids >= _CODES_SPEAK:
            yield column.name, LIKELY + 0.25 * by_ids
        else:
            yield column.name, _sureness(header, cells, column, words)


def _sureness(header: str, cells: pl.Series, column: Column, words: Words) -> float:
    """Return how sure it is that a header that is not known means a column, from 0 to 1."""
    bare = split_unit(header_key(header))[0]
    if not bare or (column.kind == "id" and bare.endswith(_NAMING)):
        return 0.0
    likeness = _best_likeness(bare, column)
    if likeness < PERHAPS and column.kind != "code":
        return 0.0
    fit = _fit(header, cells, column, words)
    if column.kind == "code" and fit >= _CODES_SPEAK:
        return min(LIKELY + 0.3 * fit * likeness, 0.95)
    if not fit and column.kind != "code":
        return 0.0
    by_name = 0.0 if likeness < PERHAPS else likeness * (_NAME_SHARE + (1 - _NAME_SHARE) * fit)
    if column.kind == "code" and is_general(header):
        often = _share_often_meant(header, cells, column, words)
        return max(by_name, PERHAPS + 0.2 * often if often >= _OFTEN_SPEAKS else 0.0)
    return by_name


def _best_likeness(bare: str, column: Column) -> float:
    return max(_likeness(bare, header_key(name)) for name in (column.name, column.chinese, *column.aliases))


def _likeness(one: str, other: str) -> float:
    """Return how alike two headers are, below 1: by the letters in their order, and where one ends or begins with the other."""
    alike = difflib.SequenceMatcher(None, one, other, autojunk=False).ratio()
    short, long = sorted((one, other), key=len)
    if len(short) > 1 and (long.startswith(short) or long.endswith(short)):
        alike = max(alike, 0.85)
    if one.isascii() and alike < _LATIN_ALIKE:
        return 0.0
    return min(alike, 0.95)


def _fit(header: str, cells: pl.Series, column: Column, words: Words) -> float:
    """Return the share of the cells that can be read as a column; half for text and ids, and for no cells."""
    unit = split_unit(header_key(header))[1]
    scale = scale_of(column, unit)
    given = cells.filter(blank_to_null(as_text(cells).str.strip_chars()).is_not_null())
    if scale is None:
        return 0.0
    if given.is_empty() or column.kind in {"text", "id"}:
        return 0.5
    read = parse(given, column, header, words.codes.get(column.name), scale, words.reading).values
    return 1 - read.null_count() / len(given)


def _share_often_meant(header: str, cells: pl.Series, column: Column, words: Words) -> float:
    """Return the share of the cells that are words of a code, or words that often mean one."""
    given = blank_to_null(as_text(cells).str.strip_chars()).drop_nulls()
    if given.is_empty() or column.name not in OFTEN_MEANT or given.str.contains(r"^\d+(?:\.0+)?$").any():
        return 0.0
    said = given.value_counts()
    read = parse(said.to_series(0), column, header, words.codes.get(column.name)).values.is_not_null()
    often = pl.Series([_often_meant(word, column) is not None for word in said.to_series(0)], dtype=pl.Boolean)
    return int(said["count"].filter(read | often).sum()) / len(given)


def _share_of_ids(cells: pl.Series, column: Column, ids: IdsOf | None) -> float:
    """Return the share of the distinct cells that stand as ids or names in the table to which a column refers."""
    if ids is None or column.kind != "id" or column.refers_to is None:
        return 0.0
    given = blank_to_null(as_text(cells).str.strip_chars()).drop_nulls().unique()
    known = ids(column.refers_to.split(".")[0])
    return len([value for value in given if value in known]) / len(given) if len(given) and known else 0.0


def _choose_by_values(
    sheet: Sheet,
    cells: Sequence[pl.Series],
    table: Table,
    times_of: TimesOf,
    chosen: dict[int, tuple[str, float]],
    settled: Mapping[int, str | None],
) -> None:
    """Add what the values alone say of headers that are like none: times in their order, one column of yes and no, one of ids."""
    taken = {column for column, _ in chosen.values()}
    free = [
        index
        for index in range(len(cells))
        if index not in chosen and index not in settled and not numbers_rows(sheet.headers[index])
    ]
    for column in (column.name for column in table.columns if column.needs_clock and column.name not in taken):
        begun = next((index for index, (name, _) in chosen.items() if name == "start"), None)
        started = None if begun is None else times_of(begun)
        for index in free:
            if index in chosen or (read := times_of(index)) is None:
                continue
            if column == "end" and (started is None or not second_header_is_end(started, read)):
                continue
            chosen[index] = (column, _BY_VALUES)
            break
    flags = [index for index in free if index not in chosen and _is_flag(cells[index])]
    wanted = [column.name for column in table.columns if column.kind == "boolean" and column.name not in taken]
    if len(flags) == 1 and len(wanted) == 1:
        chosen[flags[0]] = (wanted[0], _BY_VALUES)
    own = [column.name for column in table.columns if (column.name,) == table.key and column.name not in taken]
    keys = [index for index in free if index not in chosen and _is_key(cells[index])]
    if own and table[own[0]].kind == "id" and keys:
        chosen[keys[0]] = (own[0], _BY_VALUES)


def _times_of(sheet: Sheet, words: Words) -> TimesOf:
    """Return what gives the times of a column of a sheet, by its place; each is read once, whatever tables it is tried for."""
    return cache(lambda index: _times(sheet.columns[index].head(_LOOKED_AT), words))


def _times(cells: pl.Series, words: Words) -> pl.Series | None:
    """Return the times of a column in which nearly all cells are one with its clock, ``None`` for any other."""
    given = blank_to_null(as_text(cells).str.strip_chars()).is_not_null()
    if not given.any() or cells.dtype.is_integer():
        return None
    read = parse_times(cells, words.reading, NO_UNIT, text("Write times as 2022-07-20 08:05:00.")).values
    whole = read.is_not_null() & ~without_clock(cells, read)
    return read if int(whole.sum()) >= _NEARLY_ALL * int(given.sum()) else None


def _is_flag(cells: pl.Series) -> bool:
    said = {word.lower() for word in blank_to_null(as_text(cells).str.strip_chars()).drop_nulls().unique().to_list()}
    return bool(said) and said <= _YES_AND_NO and not all(word.isdigit() for word in said)


def _is_key(cells: pl.Series) -> bool:
    """Return whether cells may be ids of their rows: none is blank or stands twice, each has a letter and a digit."""
    said = blank_to_null(as_text(cells).str.strip_chars())
    if said.null_count() or said.n_unique() < len(said) or not len(said):
        return False
    return bool(said.str.contains(r"^[A-Za-z0-9_\-]*\d[A-Za-z0-9_\-]*$").all() and said.str.contains(r"[A-Za-z]").all())


# -- codes -------------------------------------------------------------------------------------------------------------


def _propose_codes(
    sheet: Sheet, table: Table, headers: Sequence[HeaderProposal], words: Words
) -> Iterator[CodeProposal]:
    """Give the words of the columns with codes that no rule knows, the commonest first, each with the nearest code."""
    meant = {header.column: header.header for header in headers}
    for index, header in enumerate(sheet.headers[: len(sheet.columns)]):
        column = next((each for each in table.columns if meant.get(each.name) == header.strip()), None)
        if column is None or column.kind not in {"code", "boolean"}:
            continue
        distinct = as_text(sheet.columns[index]).str.strip_chars().value_counts(sort=True)
        cells = distinct.to_series(0)
        parsed = parse(cells, column, header, words.codes_of(table, column))
        unread = [position for position, _, fault in parsed.faults if fault.severity == "error"]
        for position in unread:
            word = str(cells[position])
            code, sure = _nearest(word, column)
            yield CodeProposal(column.name, word, int(distinct["count"][position]), code, sure)


def _nearest(word: str, column: Column) -> tuple[str | None, float]:
    """Return the code that a word is likely to mean, and how sure it is: a slip of the pen, or what it often means."""
    known = {meaning: code for code, meanings in (column.codes or {}).items() for meaning in (code, *meanings)}
    near = nearest(word, known)
    if near:
        return known[near[0]], LIKELY
    often = _often_meant(word, column)
    return (often, _BY_VALUES) if often is not None else (None, 0.0)


def _often_meant(word: str, column: Column) -> str | None:
    """Return the code that a word, or one of the words it is made of, often means; ``None`` where two would contradict."""
    key = clean(word).lower()
    if column.kind == "boolean":
        return {"有": "true", "没有": "false", "on": "true", "off": "false", "启用": "true", "停用": "false"}.get(key)
    often = OFTEN_MEANT.get(column.name, {})
    if key in often:
        return often[key]
    within = {code for each, code in often.items() if (each in key.split() if each.isascii() else each in key)}
    return within.pop() if len(within) == 1 else None


def with_choice(proposal: SheetProposal, header: str, column: str | None) -> SheetProposal:
    """Return a proposal in which a header means another column, or none (empty)."""
    headers = tuple(
        replace(each, column=column, sure=PERHAPS if column else 0.0) if each.header == header else each
        for each in proposal.headers
    )
    return replace(proposal, headers=headers)
