"""Cells of a column and what is wrong with them: the parts that every kind of value shares."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl

from network.texts import Text, text

NULL_TOKENS = frozenset(
    {"", "-", "--", "—", "——", "/", "无", "空", "null", "none", "n/a", "nan", "nat", "<na>"},
)
LONGEST_TOKEN = max(map(len, NULL_TOKENS))


@dataclass(frozen=True)
class Fault:
    """Why a value cannot be taken as it stands.

    Attributes:
        message: what is wrong with the value.
        hint: what to do about it.
        severity: ``error`` (no value results) or ``warning`` (a value results, but look at it).
    """

    message: Text
    hint: Text
    severity: str = "error"


@dataclass(frozen=True)
class Parsed:
    """One column, understood.

    Attributes:
        values: the values in the type of the column, ``null`` where blank or unreadable; as long as the input.
        faults: position in the input, the text as it stands there, and what is wrong with it, in order of position.
        notes: what is to be said once of the whole column.
    """

    values: pl.Series
    faults: tuple[tuple[int, str, Fault], ...] = ()
    notes: tuple[Fault, ...] = ()


VALUELESS = Fault(
    text("This formula has no value in the file"),
    text("Open the file in a spreadsheet, let it calculate, and save it again; or enter the value."),
)


_UNSEEN = "\ufeff\u200b\u200c\u200d\u200e\u200f\u2060\u202a\u202c"
"""Marks without width: of the order of bytes, between words, of the direction of writing."""


def clean(raw: str) -> str:
    """Return ``raw`` with full-width forms made half-width (NFKC) and without blanks and marks that nobody sees at its ends."""
    return unicodedata.normalize("NFKC", raw).strip().strip(_UNSEEN).strip()


def as_text(values: pl.Series) -> pl.Series:
    """Return any series as text, whole numbers without a decimal point."""
    kind = values.dtype
    if kind == pl.String:
        return values
    if kind.is_float():
        whole = values.is_finite() & (values.round() == values) & (values.abs() < 2**63)
        integers = values.set(~whole.fill_null(False), None).cast(pl.Int64).cast(pl.String)
        return integers.zip_with(integers.is_not_null(), values.fill_nan(None).cast(pl.String))
    if isinstance(kind, pl.Datetime):
        return values.dt.to_string("iso")
    if kind.is_nested() or kind in (pl.Object, pl.Binary):
        return pl.Series(values.name, [None if value is None else str(value) for value in values], dtype=pl.String)
    return values.cast(pl.String)


def nulls(values: pl.Series, kind: type[pl.DataType] | pl.DataType) -> pl.Series:
    """Return as many nulls of a type as there are values."""
    return pl.Series(values.name, [None], dtype=kind).new_from_index(0, len(values))


def blank_to_null(values: pl.Series) -> pl.Series:
    """Turn every null token of 9.2 into null."""
    short = values.filter(values.str.len_chars() <= LONGEST_TOKEN).unique()
    tokens = short.filter(short.str.normalize("NFKC").str.strip_chars().str.to_lowercase().is_in(list(NULL_TOKENS)))
    return values if tokens.is_empty() else values.set(values.is_in(tokens.implode()).fill_null(False), None)


def is_blank(cleaned: str) -> bool:
    """Return whether a text that :func:`clean` gives stands for no value."""
    return cleaned.lower() in NULL_TOKENS


def faults_of(raw: pl.Series, wrong: Mapping[str, Fault]) -> tuple[tuple[int, str, Fault], ...]:
    """Find every position of the texts that are wrong."""
    if not wrong:
        return ()
    found = raw.is_in(list(wrong)).fill_null(False).arg_true()
    return tuple(
        (position, value, wrong[value])
        for position, value in zip(found.to_list(), raw.gather(found).to_list(), strict=True)
    )


def read_distinct(
    raw: pl.Series, kind: type[pl.DataType] | pl.DataType, read: Callable[[str], tuple[Any, Fault | None]]
) -> Parsed:
    """Read each distinct text once; ``read`` gives its value and its fault."""
    meanings: dict[str, Any] = {}
    wrong: dict[str, Fault] = {}
    for word in raw.drop_nulls().unique().to_list():
        meanings[word], fault = read(word)
        if fault is not None:
            wrong[word] = fault
    known = {key: value for key, value in meanings.items() if value is not None}
    if not known:
        return Parsed(nulls(raw, kind), faults_of(raw, wrong))
    if all(key == value for key, value in meanings.items()):
        return Parsed(raw, faults_of(raw, wrong))
    values = raw.replace_strict(
        pl.Series(list(known), dtype=pl.String),
        pl.Series(list(known.values()), dtype=kind),
        default=None,
        return_dtype=kind,
    )
    return Parsed(values, faults_of(raw, wrong))


def fill_patiently(raw: pl.Series, fast: pl.Series, read: Callable[[str], tuple[Any, Fault | None]]) -> Parsed:
    """Keep what the fast way has read, and read the rest text by text."""
    unread = raw.is_not_null() & fast.is_null()
    if not unread.any():
        return Parsed(fast)
    rest = read_distinct(raw.set(~unread, None), fast.dtype, read)
    return Parsed(fast.zip_with(fast.is_not_null(), rest.values), rest.faults)


def faults_at(raw: pl.Series, where: pl.Series, fault: Fault) -> tuple[tuple[int, str, Fault], ...]:
    """Say the same fault at every position that is chosen."""
    found = where.arg_true()
    return tuple(
        (position, str(value), fault)
        for position, value in zip(found.to_list(), as_text(raw.gather(found)).to_list(), strict=True)
    )
