"""What the headers of an unknown sheet mean: a proposal for each, with examples of its values and how sure it is.

A header that is accepted anyway is certain. The others are compared with the accepted ones by their letters, and with the
columns by their values: a header counts only as far as its cells can be read as the column. What is agreed is kept in
``fudian.toml``.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import polars as pl

from network.nearest import nearest
from network.problems import FudianError
from network.tables.cells import as_text, blank_to_null
from network.tables.decoding import UnreadableError
from network.tables.files import read_wanted
from network.tables.folder import part_of_table, stem_of
from network.tables.headers import Names, accepted_names, header_key, match_header, scale_of, split_unit
from network.tables.schema import TABLES
from network.tables.sheets import Sheet, Wanted
from network.tables.table_form import Column, Table
from network.tables.values import parse
from network.tables.veil import is_personal, veil
from network.tables.words import SETTINGS_FILE, Words
from network.texts import text

EXAMPLES = 3
CERTAIN, LIKELY, PERHAPS = 1.0, 0.65, 0.4
_LOOKED_AT = 1000
_NAME_SHARE = 0.6
"""How much the letters of a header weigh against its values."""
_CODES_SPEAK = 0.8
"""Share of cells that are words of a code by which the values alone speak for the column."""
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
        code: the nearest code; ``None`` where nothing is near.
    """

    column: str
    word: str
    rows: int
    code: str | None


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


def propose(path: Path, table: str | None = None, words: Words | None = None) -> SheetProposal:
    """Propose what an unknown sheet means.

    Args:
        path: the file.
        table: the table it holds; by default the one whose columns it has most of.
        words: what the utility has said of its files before.

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
    headers = _propose_headers(sheet, TABLES[wanted], words)
    found = {header.column for header in headers}
    missing = tuple(each.name for each in TABLES[wanted].columns if each.required and each.name not in found)
    codes = tuple(_propose_codes(sheet, TABLES[wanted], headers, words))
    return SheetProposal(path.name, wanted, named == wanted, headers, codes, missing)


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
    for name, table in TABLES.items():
        sure = {header.column: header.sure for header in _propose_headers(sheet, table, words) if header.column}
        required = [column.name for column in table.columns if column.required]
        worth[name] = (sum(sure.get(column, 0.0) for column in required) / len(required), sum(sure.values()))
    best = max(worth, key=lambda name: worth[name])
    return best if worth[best][0] >= PERHAPS else None


def _propose_headers(sheet: Sheet, table: Table, words: Words) -> tuple[HeaderProposal, ...]:
    """Give each header the column that fits it best, each column once."""
    cells = [column.head(_LOOKED_AT) for column in sheet.columns]
    examples = [_examples(each, is_personal(table)) for each in cells]
    columns = [*table.columns, *([table.duration] if table.duration is not None else [])]
    names = accepted_names(table, words.headers_of(table))
    fits = sorted(
        (
            (sure, -index, column)
            for index, header in enumerate(sheet.headers[: len(cells)])
            for column, sure in _meanings(header, cells[index], columns, names, words)
        ),
        key=lambda fit: fit[:2],
        reverse=True,
    )
    chosen: dict[int, tuple[str, float]] = {}
    for sure, place, column in fits:
        if sure >= PERHAPS and -place not in chosen and column not in {name for name, _ in chosen.values()}:
            chosen[-place] = (column, sure)
    proposals: list[HeaderProposal] = []
    for index, header in enumerate(sheet.headers[: len(cells)]):
        meant, sure = chosen.get(index, (None, 0.0))
        if header.strip() or examples[index]:
            proposals.append(HeaderProposal(header.strip(), meant, sure, examples[index]))
    return tuple(proposals)


def _examples(cells: pl.Series, personal: bool) -> tuple[str, ...]:
    """Return the first values of a column; of a table of persons as they may be shown."""
    values = blank_to_null(as_text(cells).str.strip_chars()).drop_nulls().unique(maintain_order=True).head(EXAMPLES)
    return tuple(veil(each) if personal else each for each in values)


def _meanings(
    header: str, cells: pl.Series, columns: Sequence[Column], names: Names, words: Words
) -> Iterator[tuple[str, float]]:
    """Give the columns that a header may mean, and how sure each is."""
    known = match_header(header, names)
    if known is not None:
        yield known[0].name, CERTAIN
        return
    for column in columns:
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
    return 0.0 if likeness < PERHAPS else likeness * (_NAME_SHARE + (1 - _NAME_SHARE) * fit)


def _best_likeness(bare: str, column: Column) -> float:
    return max(_likeness(bare, header_key(name)) for name in (column.name, column.chinese, *column.aliases))


def _likeness(one: str, other: str) -> float:
    """Return how alike two headers are, below 1: by the letters in their order, and where one ends or begins with the other."""
    alike = difflib.SequenceMatcher(None, one, other, autojunk=False).ratio()
    short, long = sorted((one, other), key=len)
    if len(short) > 1 and (long.startswith(short) or long.endswith(short)):
        alike = max(alike, 0.85)
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
            yield CodeProposal(column.name, word, int(distinct["count"][position]), _nearest(word, column))


def _nearest(word: str, column: Column) -> str | None:
    known = {meaning: code for code, meanings in (column.codes or {}).items() for meaning in (code, *meanings)}
    near = nearest(word, known)
    return known[near[0]] if near else None


def with_choice(proposal: SheetProposal, header: str, column: str | None) -> SheetProposal:
    """Return a proposal in which a header means another column, or none (empty)."""
    headers = tuple(
        replace(each, column=column, sure=PERHAPS if column else 0.0) if each.header == header else each
        for each in proposal.headers
    )
    return replace(proposal, headers=headers)
