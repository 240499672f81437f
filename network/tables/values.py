"""Text to value: what one cell of a utility's export means.

Every kind of column has a fast way, one pass of compiled code over the whole column, and a patient way, which looks at
each distinct text that the fast way could not read. The rules are those of the field reference, 9.2.
"""

from __future__ import annotations

import math
import re
import string
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import polars as pl

from network.nearest import nearest
from network.tables.schema import COARSE_NATURES, NATURES, NOT_OPENED, Column
from network.texts import Text, text

LOCAL_ZONE = "Asia/Shanghai"
NULL_TOKENS = frozenset(
    {"", "-", "--", "—", "——", "/", "无", "空", "null", "none", "n/a", "nan", "nat", "<na>"},
)
CONTRADICTING_HEADERS = frozenset({"变压器类型", "pub_priv_flag", "用户性质", "线路性质"})
"""Headers whose bare digits mean opposite things in different systems: they need a code map."""

_SHEET_ERRORS = ("#n/a", "#ref!", "#value!", "#div/0!", "#name?", "#null!", "#num!")
_TRUE = frozenset({"是", "y", "yes", "1", "true", "t", "√", "✓", "✔"})
_FALSE = frozenset({"否", "n", "no", "0", "false", "f", "×", "✗"})
_PUBLIC = frozenset({"公变", "公用", "公用变", "公用变压器", "公用线路", "公线", "public"})
_PRIVATE = frozenset({"专变", "专用", "专用变", "专用变压器", "专用线路", "专线", "private"})

_PLAIN = string.ascii_letters + string.digits + "_-"
"""The characters of an id in which no rule finds anything to do, but for null tokens."""
_LONGEST_TOKEN = max(map(len, NULL_TOKENS))
_SLICE = 1 << 15
_SCIENTIFIC = r"^[+-]?(?:\d+\.\d+[eE][+-]?\d+|\d+[eE]\+\d+)$"
_EXACT_INTEGERS = 1e15
_FIRST_YEAR, _LAST_YEAR = 1900, 2100
_FIRST_TIME, _END_OF_TIMES = datetime(_FIRST_YEAR, 1, 1), datetime(_LAST_YEAR + 1, 1, 1)
_FIRST_SERIAL, _LAST_SERIAL = 20_000, 73_050
_SERIAL_ORIGIN = datetime(1899, 12, 30)
_PROBE_ROWS = 200
_TIME_FORMATS = (
    "%Y-%m-%d %H:%M:%S",
    "%Y/%m/%d %H:%M",
    "%Y-%m-%d %H:%M",
    "%Y/%m/%d %H:%M:%S",
    "%Y-%m-%dT%H:%M:%S",
    "%Y-%m-%d %H:%M:%S%.f",
    "%Y-%m-%dT%H:%M:%S%.f",
    "%Y-%m-%d",
    "%Y/%m/%d",
    "%Y年%m月%d日%H时%M分",
    "%Y.%m.%d %H:%M",
    "%Y.%m.%d",
)
_COMPACT_TIME = r"^(\d{4})(\d{2})(\d{2})(\d{2})(\d{2})(\d{2})$"
_DATE = (
    r"(?P<year>\d{4})(?:(?P<mark>[-/.])(?P<month>\d{1,2})(?P=mark)(?P<day>\d{1,2})"
    r"|年(?P<month_>\d{1,2})月(?P<day_>\d{1,2})日?)"
)
_CLOCK = (
    r"(?P<hour>\d{1,2})(?:[:时点](?:(?P<minute>\d{1,2})"
    r"(?:[:分](?:(?P<second>\d{1,2})(?:\.(?P<fraction>\d+))?秒?)?)?)?)?"
)
_WRITTEN_TIME = re.compile(rf"^{_DATE}(?:[T\s]*{_CLOCK})?$")
_DIGITS_TIME = re.compile(
    r"^(?P<year>\d{4})(?P<month>\d{2})(?P<day>\d{2})"
    r"(?:[T\s]?(?P<hour>\d{2}):?(?P<minute>\d{2})(?::?(?P<second>\d{2})(?:\.(?P<fraction>\d+))?)?)?$"
)
_ZONE = re.compile(r"^(?P<time>.*\d.*?)\s*(?P<zone>Z|UTC|GMT|CST|(?:UTC|GMT)?[+-]\d{1,2}(?::?\d{2})?)$", re.IGNORECASE)
_THOUSANDS = re.compile(r"^[+-]?\d{1,3}(?:,\d{3})+(?:\.\d+)?$")
_PATH_MARKS = re.compile(r"[/>—→\\-]")


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
    """

    values: pl.Series
    faults: tuple[tuple[int, str, Fault], ...] = ()


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
) -> Parsed:
    """Read the values of one column.

    Args:
        values: the cells, text or already typed, any length n.
        column: the column they belong to.
        header: the header as the file has it; decides whether bare digits of a boolean may be trusted.
        codes: the code map of the column from the settings: text in the file to code (or ``true``/``false``).
        scale: from the unit of the header to the unit of the column.

    Returns:
        n values in ``column.polars_type``, in the unit of the column, and the faults.
    """
    words = {clean(str(word)).lower(): meaning for word, meaning in (codes or {}).items()}
    if values.null_count() == len(values):
        parsed = Parsed(values if values.dtype == column.polars_type else _nulls(values, column.polars_type))
    elif column.kind == "id":
        parsed = _parse_ids(values)
    elif column.kind == "text":
        raw = as_text(values)
        parsed = _without_sheet_errors(raw, Parsed(_blank_to_null(raw.str.strip_chars())))
    elif column.kind == "code":
        parsed = _parse_distinct(as_text(values), column.polars_type, lambda raw: _code(raw, column, words))
    elif column.kind == "boolean":
        parsed = _parse_booleans(values, column, header, words)
    elif column.kind == "time":
        parsed = _parse_times(values)
    else:
        parsed = _parse_numbers(values, column, scale)
    return Parsed(parsed.values.alias(column.name), parsed.faults)


def clean(raw: str) -> str:
    """Return ``raw`` with full-width forms made half-width (NFKC) and without blanks and BOM at its ends."""
    return unicodedata.normalize("NFKC", raw).strip().strip("\ufeff")


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


def _nulls(values: pl.Series, kind: type[pl.DataType] | pl.DataType) -> pl.Series:
    return pl.Series(values.name, [None], dtype=kind).new_from_index(0, len(values))


def _blank_to_null(values: pl.Series) -> pl.Series:
    """Turn every null token of 9.2 into null."""
    short = values.filter(values.str.len_chars() <= _LONGEST_TOKEN).unique()
    tokens = short.filter(short.str.normalize("NFKC").str.strip_chars().str.to_lowercase().is_in(list(NULL_TOKENS)))
    return values if tokens.is_empty() else values.set(values.is_in(tokens.implode()).fill_null(False), None)


def _is_blank(cleaned: str) -> bool:
    return cleaned.lower() in NULL_TOKENS


def _faults(raw: pl.Series, wrong: Mapping[str, Fault]) -> tuple[tuple[int, str, Fault], ...]:
    """Find every position of the texts that are wrong."""
    if not wrong:
        return ()
    found = raw.is_in(list(wrong)).fill_null(False).arg_true()
    return tuple(
        (position, value, wrong[value])
        for position, value in zip(found.to_list(), raw.gather(found).to_list(), strict=True)
    )


def _parse_distinct(
    raw: pl.Series, kind: type[pl.DataType] | pl.DataType, read: Callable[[str], tuple[Any, Fault | None]]
) -> Parsed:
    """Read each distinct text once; ``read`` gives its value and its fault."""
    meanings: dict[str, Any] = {}
    wrong: dict[str, Fault] = {}
    for each in raw.drop_nulls().unique().to_list():
        meanings[each], fault = read(each)
        if fault is not None:
            wrong[each] = fault
    known = {key: value for key, value in meanings.items() if value is not None}
    if not known:
        return Parsed(_nulls(raw, kind), _faults(raw, wrong))
    if all(key == value for key, value in meanings.items()):
        return Parsed(raw, _faults(raw, wrong))
    values = raw.replace_strict(
        pl.Series(list(known), dtype=pl.String),
        pl.Series(list(known.values()), dtype=kind),
        default=None,
        return_dtype=kind,
    )
    return Parsed(values, _faults(raw, wrong))


def _fill_patiently(raw: pl.Series, fast: pl.Series, read: Callable[[str], tuple[Any, Fault | None]]) -> Parsed:
    """Keep what the fast way has read, and read the rest text by text."""
    unread = raw.is_not_null() & fast.is_null()
    if not unread.any():
        return Parsed(fast)
    rest = _parse_distinct(raw.set(~unread, None), fast.dtype, read)
    return Parsed(fast.zip_with(fast.is_not_null(), rest.values), rest.faults)


# -- ids ---------------------------------------------------------------------------------------------------------------


def _parse_ids(values: pl.Series) -> Parsed:
    """Clean the ids that may need it; the others are taken as they stand."""
    raw = as_text(values)
    rows = pl.int_range(len(raw), eager=True) if values.dtype.is_float() else _not_plain(raw)
    if rows.is_empty():
        return Parsed(raw)
    if len(rows) == len(raw):
        return _clean_ids(raw, values)
    cleaned = _clean_ids(raw.gather(rows), values.gather(rows))
    faults = tuple((rows[position], value, fault) for position, value, fault in cleaned.faults)
    return Parsed(raw.clone().scatter(rows, cleaned.values), faults)


def _not_plain(raw: pl.Series) -> pl.Series:
    """Return the rows with a null token or a character that is not in ``_PLAIN``, in order.

    Slices whose bytes are all plain are passed over without a look at their texts.
    """
    short = (raw.str.len_bytes() <= _LONGEST_TOKEN).arg_true()
    found = [short.filter(_blank_to_null(raw.gather(short)).is_null())]
    for start in range(0, len(raw), _SLICE):
        ids = raw.slice(start, _SLICE)
        if ids.to_arrow().buffers()[2].to_pybytes().translate(None, _PLAIN.encode()):
            found.append(ids.str.contains(f"[^{_PLAIN}]").arg_true() + start)
    return pl.concat(found).unique().sort() if len(found) > 1 else found[0]


def _clean_ids(raw: pl.Series, values: pl.Series) -> Parsed:
    plain = bool((raw.str.len_bytes() == raw.str.len_chars()).all())
    ids = raw if plain else raw.str.normalize("NFKC").str.strip_chars("\ufeff")
    ids = _blank_to_null(ids.str.strip_chars())
    if ids.str.starts_with("=").any():
        ids = ids.str.replace(r'^="(.*)"$', "${1}")
    if ids.str.ends_with("0").any() and ids.str.contains(".", literal=True).any():
        ids = ids.str.replace(r"^(\d+)\.0+$", "${1}")
    lost = ids.str.contains(_SCIENTIFIC).fill_null(False)
    if values.dtype.is_float():
        lost |= (values.abs() >= _EXACT_INTEGERS).fill_null(False)
    if not lost.any():
        return _without_sheet_errors(raw, Parsed(ids))
    fault = Fault(
        text("This id has lost its last digits to a spreadsheet's number format"),
        text("Format the column as text before entering the ids, or export it again from its system."),
    )
    return _without_sheet_errors(raw, Parsed(ids.set(lost, None), _faults_at(raw, lost, fault)))


def _without_sheet_errors(raw: pl.Series, parsed: Parsed) -> Parsed:
    """Refuse what a spreadsheet shows where a formula has failed."""
    marked = parsed.values.str.starts_with("#")
    if not marked.any():
        return parsed
    failed = (marked & parsed.values.str.to_lowercase().is_in(list(_SHEET_ERRORS))).fill_null(False)
    fault = Fault(
        text("A formula of the spreadsheet has failed here"), text("Correct the formula, or enter the value.")
    )
    faults = sorted((*parsed.faults, *_faults_at(raw, failed, fault)), key=lambda each: each[0])
    return Parsed(parsed.values.set(failed, None), tuple(faults))


def _faults_at(raw: pl.Series, where: pl.Series, fault: Fault) -> tuple[tuple[int, str, Fault], ...]:
    found = where.arg_true()
    return tuple(
        (position, str(value), fault)
        for position, value in zip(found.to_list(), as_text(raw.gather(found)).to_list(), strict=True)
    )


# -- numbers -----------------------------------------------------------------------------------------------------------


def _parse_numbers(values: pl.Series, column: Column, scale: Scale) -> Parsed:
    raw = values
    if values.dtype.is_numeric():
        numbers = values.cast(pl.Float64, strict=False).fill_nan(None)
        infinite = numbers.is_infinite().fill_null(False)
        parsed = Parsed(numbers.set(infinite, None), _faults_at(values, infinite, _not_a_number()))
    else:
        raw = as_text(values)
        fast = raw.cast(pl.Float64, strict=False)
        parsed = _fill_patiently(
            raw, fast.set(~fast.is_finite().fill_null(True), None), lambda word: _number(word, column)
        )
    numbers = parsed.values if scale == SAME_UNIT else parsed.values * scale.times / scale.divided_by
    wrong: list[tuple[pl.Series, Fault]] = []
    if column.minimum is not None:
        fault = Fault(
            text("A value below {minimum} is not possible", minimum=f"{column.minimum:g}"), text("Correct the number.")
        )
        wrong.append(((numbers < column.minimum).fill_null(False), fault))
    if column.kind == "integer":
        fault = Fault(text("This is not a whole number"), text("Give a whole number, such as 12."))
        numbers = numbers.round(6) if scale != SAME_UNIT else numbers
        uneven = ((numbers.round() != numbers) | (numbers.abs() > 2**53)).fill_null(False)
        wrong.append((uneven, fault))
    faults = list(parsed.faults)
    for where, fault in wrong:
        if where.any():
            faults.extend(_faults_at(raw, where & numbers.is_not_null(), fault))
            numbers = numbers.set(where, None)
    faults.sort(key=lambda each: each[0])
    return Parsed(numbers.cast(pl.Int64) if column.kind == "integer" else numbers, tuple(faults))


def _not_a_number() -> Fault:
    return Fault(
        text("This is not a number"), text("Give a plain number, such as 12.5; leave the cell empty if unknown.")
    )


def _number(raw: str, column: Column) -> tuple[float | None, Fault | None]:
    word = clean(raw)
    if _is_blank(word):
        return None, None
    times, divided_by = 1.0, 1.0
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
        word, times = word[:-1].strip(), 10_000.0
    if _THOUSANDS.match(word):
        word = word.replace(",", "")
    try:
        number = float(word) if "_" not in word else math.nan
    except ValueError:
        return None, _not_a_number()
    return (number * times / divided_by, None) if math.isfinite(number) else (None, _not_a_number())


# -- booleans and codes ------------------------------------------------------------------------------------------------


def _setting(column: Column) -> str:
    return f"[codes.{column.name}]"


def _parse_booleans(values: pl.Series, column: Column, header: str | None, words: Mapping[str, object]) -> Parsed:
    if values.dtype == pl.Boolean:
        return Parsed(values)
    contradicting = column.name == "public" and clean(header or "").lower() in CONTRADICTING_HEADERS
    return _parse_distinct(as_text(values), pl.Boolean, lambda raw: _boolean(raw, column, contradicting, words))


def _boolean(
    raw: str, column: Column, contradicting: bool, words: Mapping[str, object]
) -> tuple[bool | None, Fault | None]:
    word = re.sub(r"^(\d+)\.0+$", r"\1", clean(raw)).lower()
    if word in words:
        word, contradicting = clean(str(words[word])).lower(), False
    if _is_blank(word):
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
    if _is_blank(word):
        return None, None
    found = _code_of(word, codes)
    if codes is NATURES and NOT_OPENED in word:
        return None, Fault(SHED_UNOPENED, SHED_UNOPENED_HINT)
    if found is None and codes is NATURES:
        last = _PATH_MARKS.split(word)[-1].strip()
        found = _code_of(last, codes)
        coarse = _code_of(last, COARSE_NATURES) if found is None else None
        if coarse is not None:
            return coarse, Fault(
                text("This names only the group of natures, the detail is unknown: taken as {code}", code=coarse),
                text("Give the full nature, such as {example}.", example=NATURES[coarse][0]),
                "warning",
            )
    return (found, None) if found is not None else (None, _unknown_code(word, column, codes))


def _code_of(word: str, codes: Mapping[str, tuple[str, ...]]) -> str | None:
    lowered = word.lower()
    for code, meanings in codes.items():
        if lowered == code.lower() or word in meanings:
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
    known = {each: each for each in codes} | {meaning: meaning for words in codes.values() for meaning in words}
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


# -- times -------------------------------------------------------------------------------------------------------------


def _parse_times(values: pl.Series) -> Parsed:
    kind = values.dtype
    if kind == pl.Date:
        return _within_years(values.cast(pl.Datetime("us")), values)
    if isinstance(kind, pl.Datetime):
        return _parse_typed_times(values, kind)
    if kind.is_float():
        serials = values.is_between(_FIRST_SERIAL, _LAST_SERIAL).fill_null(False)
        seconds = (values.set(~serials, None) * 86_400).round().cast(pl.Int64)
        fast = (seconds * 1_000_000).cast(pl.Duration("us")) + _SERIAL_ORIGIN
        return _fill_patiently(as_text(values), fast.cast(pl.Datetime("us")), _time)
    raw = as_text(values)
    return _fill_patiently(raw, _read_common_times(raw), _time)


def _parse_typed_times(values: pl.Series, kind: pl.Datetime) -> Parsed:
    if kind.time_zone is None:
        return _within_years(values.cast(pl.Datetime("us")), values)
    there = values.dt.replace_time_zone(None).cast(pl.Datetime("us"))
    here = values.dt.convert_time_zone(LOCAL_ZONE).dt.replace_time_zone(None).cast(pl.Datetime("us"))
    foreign = (there != here).fill_null(False)
    return Parsed(here.set(foreign, None), _faults_at(values, foreign, _mixed_zone(kind.time_zone)))


def _within_years(times: pl.Series, raw: pl.Series) -> Parsed:
    outside = ~times.is_between(_FIRST_TIME, _END_OF_TIMES, closed="left").fill_null(True)
    if not outside.any():
        return Parsed(times)
    return Parsed(times.set(outside, None), _faults_at(raw, outside, _not_a_time()))


def _read_common_times(raw: pl.Series) -> pl.Series:
    """Read the formats that whole files are written in, each in one pass."""
    result = pl.Series(raw.name, [None], dtype=pl.Datetime("us")).new_from_index(0, len(raw))
    left = raw
    for form in (None, *_TIME_FORMATS):
        probe = left.drop_nulls().head(_PROBE_ROWS)
        if probe.is_empty():
            break
        if _read_form(probe, form).null_count() == len(probe):
            continue
        read = _read_form(left, form)
        result = result.zip_with(result.is_not_null(), read)
        left = left.set(read.is_not_null(), None)
    return result


def _read_form(raw: pl.Series, form: str | None) -> pl.Series:
    """Read one format; ``None`` is fourteen digits in a row."""
    if form is None:
        raw, form = (
            raw.str.replace(_COMPACT_TIME, "${1}-${2}-${3} ${4}:${5}:${6}").set(
                ~raw.str.contains(_COMPACT_TIME).fill_null(False), None
            ),
            "%Y-%m-%d %H:%M:%S",
        )
    read = raw.str.to_datetime(form, time_unit="us", strict=False)
    return read.set(~read.dt.year().is_between(_FIRST_YEAR, _LAST_YEAR).fill_null(True), None)


def _not_a_time() -> Fault:
    return Fault(
        text("This is not a time"), text("Write times as 2022-07-20 08:05:00; leave the cell empty if unknown.")
    )


def _mixed_zone(zone: str) -> Fault:
    return Fault(
        text("Mixed zone: this time is in the zone {zone}, all others are local", zone=zone),
        text("Convert it to local time (Asia/Shanghai, UTC+8) and leave the zone away."),
    )


def _time(raw: str) -> tuple[datetime | None, Fault | None]:
    word = clean(raw)
    if _is_blank(word):
        return None, None
    read = _written_time(word)
    if read is None and (zoned := _ZONE.match(word)):
        read = _written_time(zoned["time"])
        zone = zoned["zone"]
        if read is not None and re.sub(r"^(?:UTC|GMT)", "", zone.upper()) not in {"+8", "+08", "+0800", "+08:00"}:
            return None, _mixed_zone(zone)
    if read is None or not _FIRST_YEAR <= read.year <= _LAST_YEAR:
        return None, _not_a_time()
    return read, None


def _written_time(word: str) -> datetime | None:
    if re.match(r"^\d{5}(?:\.\d+)?$", word) and _FIRST_SERIAL <= float(word) <= _LAST_SERIAL:
        return _SERIAL_ORIGIN + timedelta(seconds=round(float(word) * 86_400))
    match = _WRITTEN_TIME.match(word) or _DIGITS_TIME.match(word)
    if match is None:
        return None
    part = match.groupdict()
    hour, minute, second = (int(part[name] or 0) for name in ("hour", "minute", "second"))
    microsecond = int((part["fraction"] or "0")[:6].ljust(6, "0"))
    midnight = hour == 24
    if midnight and (minute or second or microsecond):
        return None
    try:
        day = datetime(int(part["year"]), int(part["month"] or part["month_"]), int(part["day"] or part["day_"]))
        if midnight:
            return day + timedelta(days=1)
        return day.replace(hour=hour, minute=minute, second=second, microsecond=microsecond)
    except (ValueError, OverflowError):
        return None
