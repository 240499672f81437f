"""Text to value: what one cell of a utility's export means.

Every kind of column has a fast way, one pass of compiled code over the whole column, and a patient way, which looks at
each distinct text that the fast way could not read. The rules are those of the field reference, 9.2.
"""

from __future__ import annotations

import math
import re
import string
from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from network.nearest import nearest
from network.tables.cells import (
    LONGEST_TOKEN,
    VALUELESS,
    Fault,
    Parsed,
    as_text,
    blank_to_null,
    clean,
    faults_at,
    fill_patiently,
    is_blank,
    nulls,
    read_distinct,
)
from network.tables.code_words import NATURES, NOT_OPENED
from network.tables.conventions import USUAL, ReadingSettings
from network.tables.natures import nature_of
from network.tables.table_form import Column
from network.tables.times import NO_UNIT, TimeUnit, parse_times
from network.texts import Text, text

CONTRADICTING_HEADERS = frozenset({"变压器类型", "pub_priv_flag", "用户性质", "线路性质"})
"""Headers whose bare digits mean opposite things in different systems: they need a code map."""

LARGEST_NUMBER = 1e9
"""No length, load, rating, count or time of a distribution network is larger, by far. Own limit."""

_SHEET_ERRORS = ("#n/a", "#ref!", "#value!", "#div/0!", "#name?", "#null!", "#num!")
_TRUE = frozenset({"是", "y", "yes", "1", "true", "t", "√", "✓", "✔"})
_FALSE = frozenset({"否", "n", "no", "0", "false", "f", "×", "✗"})
_PUBLIC = frozenset({"公变", "公用", "公用变", "公用变压器", "公用线路", "公线", "public"})
_PRIVATE = frozenset({"专变", "专用", "专用变", "专用变压器", "专用线路", "专线", "private"})

_PLAIN = string.ascii_letters + string.digits + "_-"
"""The characters of an id in which no rule finds anything to do, but for null tokens."""
_SLICE = 1 << 15
_SCIENTIFIC = r"^[+-]?(?:\d+\.\d+[eE][+-]?\d+|\d+[eE]\+\d+)$"
_EXACT_INTEGERS = 1e15
_AREA = re.compile(r"(?:地区|区域| (?:area|district|zone|region|class)s?)$")
"""Endings that add nothing to the word of a code: 城镇地区, ``Urban area``."""
_COUNTED = re.compile(
    r"^(?P<number>[+-]?\d[\d,.]*\s*万?)\s*\(?(?:户次|户|台|个|次|人|项|users?|customers?)\)?$", re.IGNORECASE
)
_THOUSANDS = re.compile(r"^[+-]?\d{1,3}(?:,\d{3})+(?:\.\d+)?$")


@dataclass(frozen=True)
class Scale:
    """How a number in the unit of a header becomes one in the unit of its column: ``number * times / divided_by``."""

    times: float = 1.0
    divided_by: float = 1.0


SAME_UNIT = Scale()

SHED_UNOPENED = text("Load shed without opening the feeder is not computed (R1.13), since nobody was without power")
SHED_UNOPENED_HINT = text(
    "Take it out of the table; only the equivalent users and hours of the standard could count, and it does not hold them."
)


def parse(
    values: pl.Series,
    column: Column,
    header: str | None = None,
    codes: Mapping[str, object] | None = None,
    scale: Scale = SAME_UNIT,
    reading: ReadingSettings = USUAL,
    time_unit: TimeUnit = NO_UNIT,
) -> Parsed:
    """Read the values of one column.

    Args:
        values: the cells, text or already typed, any length n.
        column: the column they belong to.
        header: the header as the file has it; decides whether bare digits of a boolean may be trusted.
        codes: the code map of the column from the settings: text in the file to code (or ``true``/``false``).
        scale: from the unit of the header to the unit of the column.
        reading: how the utility writes times.
        time_unit: what the header says of times.

    Returns:
        n values in ``column.polars_type``, in the unit of the column, and the faults.
    """
    words = {clean(str(word)).lower(): meaning for word, meaning in (codes or {}).items()}
    if values.null_count() == len(values):
        parsed = Parsed(values if values.dtype == column.polars_type else nulls(values, column.polars_type))
    elif column.kind == "id":
        parsed = _parse_ids(values)
    elif column.kind == "text":
        raw = as_text(values)
        parsed = _without_sheet_errors(raw, Parsed(blank_to_null(raw.str.strip_chars())))
    elif column.kind == "code":
        parsed = read_distinct(as_text(values), column.polars_type, lambda raw: _code(raw, column, words))
    elif column.kind == "boolean":
        parsed = _parse_booleans(values, column, header, words)
    elif column.kind == "time":
        parsed = parse_times(values, reading, time_unit, _how_to_write_a_time(column))
    else:
        parsed = _parse_numbers(values, column, scale)
    return Parsed(parsed.values.alias(column.name), parsed.faults, parsed.notes)


def _how_to_write_a_time(column: Column) -> Text:
    """Return what to do about an unreadable time: a blank may mean something else, and is not offered then."""
    if column.blank_is_open:
        return text("Write times as 2022-07-20 08:05:00; leave the cell empty only while it still lasts.")
    if column.required or column.critical:
        return text("Write times as 2022-07-20 08:05:00.")
    return text("Write times as 2022-07-20 08:05:00; leave the cell empty if unknown.")


# -- ids ---------------------------------------------------------------------------------------------------------------


def _parse_ids(values: pl.Series) -> Parsed:
    """Clean the ids that may need it; the others are taken as they stand."""
    raw = as_text(values)
    rows = pl.int_range(len(raw), eager=True) if values.dtype.is_float() else not_plain(raw)
    if rows.is_empty():
        return Parsed(raw)
    if len(rows) == len(raw):
        return _clean_ids(raw, values)
    cleaned = _clean_ids(raw.gather(rows), values.gather(rows))
    faults = tuple((rows[position], value, fault) for position, value, fault in cleaned.faults)
    return Parsed(raw.clone().scatter(rows, cleaned.values), faults)


def not_plain(raw: pl.Series) -> pl.Series:
    """Return the rows with a null token or a character that is not in ``_PLAIN``, in order.

    Slices whose bytes are all plain are passed over without a look at their texts.
    """
    short = (raw.str.len_bytes() <= LONGEST_TOKEN).arg_true()
    found = [short.filter(blank_to_null(raw.gather(short)).is_null())]
    for start in range(0, len(raw), _SLICE):
        ids = raw.slice(start, _SLICE)
        if ids.to_arrow().buffers()[2].to_pybytes().translate(None, _PLAIN.encode()):
            found.append(ids.str.contains(f"[^{_PLAIN}]").arg_true() + start)
    return pl.concat(found).unique().sort() if len(found) > 1 else found[0]


def _clean_ids(raw: pl.Series, values: pl.Series) -> Parsed:
    plain = bool((raw.str.len_bytes() == raw.str.len_chars()).all())
    ids = raw if plain else raw.str.normalize("NFKC").str.strip_chars("\ufeff")
    ids = blank_to_null(ids.str.strip_chars())
    if ids.str.starts_with("=").any():
        ids = ids.str.replace(r'^="(.*)"$', "${1}")
    if ids.str.ends_with("0").any() and ids.str.contains(".", literal=True).any():
        ids = ids.str.replace(r"^(\d+)\.0+$", "${1}")
    lost = ids.str.contains(_SCIENTIFIC).fill_null(False)
    if values.dtype.is_float():
        lost |= (values.abs() >= _EXACT_INTEGERS).fill_null(False)
    formulas = ids.str.starts_with("=").fill_null(False)
    if formulas.any():
        unread = _clean_ids(raw.set(formulas, None), values)
        faults = sorted((*unread.faults, *faults_at(raw, formulas, VALUELESS)), key=lambda each: each[0])
        return Parsed(unread.values, tuple(faults))
    if not lost.any():
        return _without_sheet_errors(raw, Parsed(ids))
    fault = Fault(
        text("This id has lost its last digits to a spreadsheet's number format"),
        text("Format the column as text before entering the ids, or export it again from its system."),
    )
    return _without_sheet_errors(raw, Parsed(ids.set(lost, None), faults_at(raw, lost, fault)))


def _without_sheet_errors(raw: pl.Series, parsed: Parsed) -> Parsed:
    """Refuse what a spreadsheet shows where a formula has failed."""
    marked = parsed.values.str.starts_with("#")
    if not marked.any():
        return parsed
    failed = (marked & parsed.values.str.to_lowercase().is_in(list(_SHEET_ERRORS))).fill_null(False)
    fault = Fault(
        text("A formula of the spreadsheet has failed here"), text("Correct the formula, or enter the value.")
    )
    faults = sorted((*parsed.faults, *faults_at(raw, failed, fault)), key=lambda each: each[0])
    return Parsed(parsed.values.set(failed, None), tuple(faults))


# -- numbers -----------------------------------------------------------------------------------------------------------


def _parse_numbers(values: pl.Series, column: Column, scale: Scale) -> Parsed:
    raw = values
    if values.dtype.is_numeric():
        numbers = values.cast(pl.Float64, strict=False).fill_nan(None)
        infinite = numbers.is_infinite().fill_null(False)
        parsed = Parsed(numbers.set(infinite, None), faults_at(values, infinite, _not_a_number(column)))
    else:
        raw = as_text(values)
        fast = raw.cast(pl.Float64, strict=False)
        parsed = fill_patiently(
            raw, fast.set(~fast.is_finite().fill_null(True), None), lambda word: _number(word, column, scale)
        )
    numbers = parsed.values if scale == SAME_UNIT else parsed.values * scale.times / scale.divided_by
    wrong: list[tuple[pl.Series, Fault]] = []
    if column.minimum is not None:
        fault = Fault(
            text("A value below {minimum} is not possible", minimum=f"{column.minimum:g}"), text("Correct the number.")
        )
        wrong.append(((numbers < column.minimum).fill_null(False), fault))
    beyond = Fault(
        text("A value beyond {largest} is not possible", largest=f"{LARGEST_NUMBER:,.0f}"), text("Correct the number.")
    )
    wrong.append(((numbers.abs() > LARGEST_NUMBER).fill_null(False), beyond))
    if column.kind == "integer":
        fault = Fault(text("This is not a whole number"), text("Give a whole number, such as 12."))
        numbers = numbers.round(6) if scale != SAME_UNIT else numbers
        uneven = (numbers.round() != numbers).fill_null(False)
        wrong.append((uneven, fault))
    faults = list(parsed.faults)
    for where, fault in wrong:
        if where.any():
            faults.extend(faults_at(raw, where & numbers.is_not_null(), fault))
            numbers = numbers.set(where, None)
    faults.sort(key=lambda each: each[0])
    return Parsed(numbers.cast(pl.Int64) if column.kind == "integer" else numbers, tuple(faults))


def _not_a_number(column: Column) -> Fault:
    if column.required or column.critical:
        return Fault(text("This is not a number"), text("Give a plain number, such as 12.5."))
    return Fault(
        text("This is not a number"), text("Give a plain number, such as 12.5; leave the cell empty if unknown.")
    )


def _number(raw: str, column: Column, scale: Scale = SAME_UNIT) -> tuple[float | None, Fault | None]:
    """Read a number in the unit of its header; one that carries a unit itself stands in that unit, whatever the header says."""
    word = clean(raw)
    if is_blank(word):
        return None, None
    if word.startswith("="):
        return None, VALUELESS
    times, divided_by = 1.0, 1.0
    if column.kind == "integer" and (counted := _COUNTED.match(word)):
        word, own = counted["number"].strip(), True
    else:
        own = False
    if column.unit is not None and word.lower().endswith(column.unit):
        word = word[: -len(column.unit)].removeprefix("交流").strip()
    if word.endswith("%") and column.name.endswith("_percent"):
        word = word[:-1].strip()
    elif word.endswith("%"):
        if not column.name.endswith("_rate"):
            return None, Fault(
                text("A per cent sign does not fit this column"), text("Give a plain number, such as 12.5.")
            )
        word, divided_by = word[:-1].strip(), 100.0
    elif word.endswith("万"):
        word, times, own = word[:-1].strip(), 10_000.0, True
    if _THOUSANDS.match(word):
        word = word.replace(",", "")
    try:
        number = float(word) if "_" not in word else math.nan
    except ValueError:
        return None, _not_a_number(column)
    if own:
        times, divided_by = times * scale.divided_by, divided_by * scale.times
    return (number * times / divided_by, None) if math.isfinite(number) else (None, _not_a_number(column))


# -- booleans and codes ------------------------------------------------------------------------------------------------


def _setting(column: Column) -> str:
    return f"[codes.{column.name}]"


def _parse_booleans(values: pl.Series, column: Column, header: str | None, words: Mapping[str, object]) -> Parsed:
    if values.dtype == pl.Boolean:
        return Parsed(values)
    contradicting = column.name == "public" and clean(header or "").lower() in CONTRADICTING_HEADERS
    return read_distinct(as_text(values), pl.Boolean, lambda raw: _boolean(raw, column, contradicting, words))


def _boolean(
    raw: str, column: Column, contradicting: bool, words: Mapping[str, object]
) -> tuple[bool | None, Fault | None]:
    word = re.sub(r"^(\d+)\.0+$", r"\1", clean(raw)).lower()
    if word.startswith("="):
        return None, VALUELESS
    if word in words:
        word, contradicting = clean(str(words[word])).lower(), False
    if is_blank(word):
        return None, None
    if contradicting and word.isdigit():
        return None, Fault(
            text("Bare digits under this header mean opposite things in different systems"),
            text(
                'Say what they mean in fudian.toml: {setting} with a line such as "1" = true.', setting=_setting(column)
            ),
        )
    if word in _TRUE or (column.name == "public" and word in _PUBLIC):
        return True, None
    if word in _FALSE or (column.name == "public" and word in _PRIVATE):
        return False, None
    return None, Fault(
        text("This is neither yes nor no"),
        text(
            "Write 是 or 否 (true or false), or say what it means in fudian.toml: {setting}.", setting=_setting(column)
        ),
    )


def _code(raw: str, column: Column, words: Mapping[str, object]) -> tuple[str | None, Fault | None]:
    codes = column.codes or {}
    word = clean(raw)
    number = re.sub(r"^(\d+)\.0+$", r"\1", word).lower()
    if number in words:
        word = clean(str(words[number]))
    if is_blank(word):
        return None, None
    if word.startswith("="):
        return None, VALUELESS
    if codes is NATURES:
        return _nature(word, column)
    found = _code_of(word, codes)
    return (found, None) if found is not None else (None, _unknown_code(word, column, codes))


def _nature(word: str, column: Column) -> tuple[str | None, Fault | None]:
    if NOT_OPENED in word:
        return None, Fault(SHED_UNOPENED, SHED_UNOPENED_HINT)
    found = nature_of(word)
    if found is None:
        return None, _unknown_code(word, column, NATURES)
    if found.unread:
        message = text(
            "The part {part} of this nature is not known: taken as {code}", part=found.unread, code=found.code
        )
        hint = text("Nothing needs to be done if it only names a detail.")
        return found.code, Fault(message, hint, "warning")
    if found.in_full:
        return found.code, None
    return found.code, Fault(
        text("This names only the group of natures, the detail is unknown: taken as {code}", code=found.code),
        text("Give the full nature, such as {example}.", example=NATURES[found.code][0]),
        "warning",
    )


def _code_of(word: str, codes: Mapping[str, tuple[str, ...]]) -> str | None:
    lowered = word.lower()
    for each in (lowered, _AREA.sub("", lowered)):
        for code, meanings in codes.items():
            if each == code.lower() or word in meanings or each in meanings or each.replace(" ", "_") == code:
                return code
    return None


def _unknown_code(word: str, column: Column, codes: Mapping[str, tuple[str, ...]]) -> Fault:
    if word.isdigit():
        return Fault(
            text("A bare number does not say which code is meant"),
            text(
                'Say what it means in fudian.toml: {setting} with a line such as "{word}" = "{code}".',
                setting=_setting(column),
                word=word,
                code=next(iter(codes), ""),
            ),
        )
    known = {code: code for code in codes} | {meaning: meaning for words in codes.values() for meaning in words}
    near = nearest(word, known)
    if near:
        return Fault(
            text("This code is not known"),
            text(
                "Did you mean {near}? If not, say what it means in fudian.toml: {setting}.",
                near=near[0],
                setting=_setting(column),
            ),
        )
    return Fault(
        text("This code is not known"),
        text(
            "Use one of {codes}, or say what it means in fudian.toml: {setting}.",
            codes=", ".join(codes),
            setting=_setting(column),
        ),
    )


def is_code(value: object, column: Column) -> bool:
    """Return whether ``value`` is a meaning that a code map of ``column`` may give."""
    if column.kind == "boolean":
        return _boolean(str(value), column, False, {})[0] is not None
    return _code_of(clean(str(value)), column.codes or {}) is not None
