"""Durations as utilities write them: 3小时20分, 200分钟, 3:20, 3.5 h; a bare number only where its unit is known."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

import polars as pl

from network.tables.cells import VALUELESS, Fault, Parsed, as_text, clean, faults_at, fill_patiently, is_blank
from network.tables.conventions import ReadingSettings
from network.tables.values import Scale
from network.texts import text

_NUMBER = r"(\d+(?:\.\d+)?)"
_WORDS = re.compile(
    rf"^约?(?:{_NUMBER}\s*(?:天|日|days?|d)\s*)?(?:{_NUMBER}\s*(?:个?小时|个?钟头|时|hours?|hrs?|h)\s*)?"
    rf"(?:{_NUMBER}\s*(?:分钟|分|minutes?|mins?|min|m)\s*)?(?:{_NUMBER}\s*(?:秒钟?|seconds?|s)\s*)?$",
    re.IGNORECASE,
)
_ISO = re.compile(rf"^P(?:{_NUMBER}D)?T?(?:{_NUMBER}H)?(?:{_NUMBER}M)?(?:{_NUMBER}S)?$", re.IGNORECASE)
_CLOCK = re.compile(r"^(\d{1,4}):([0-5]\d)(?::([0-5]\d))?$")
_SECONDS = (86_400, 3_600, 60, 1)
_HALVES = (
    (re.compile(r"^半个?小时$"), "30分"),
    (re.compile(r"半个?小时$|个半小时$"), "小时30分"),
    (re.compile(r"小时半$"), "小时30分"),
)
_DIGITS = {digit: number for number, digit in enumerate("零一二三四五六七八九")} | {"〇": 0, "两": 2}
_CHINESE_NUMBER = re.compile(r"[零〇一二两三四五六七八九十百]+")
_MOST_HOURS = 1e6
_SURE_UNITS = re.compile(r"小时|钟头|分钟|天|hour|hr|min|\d\s*[dhm](?![a-z])")
_MAY_BE_CLOCK = re.compile(r"(?<!小)时|:|点|日|[ap]m(?![a-z])")


def seconds_of(written: str) -> float | None:
    """Return the seconds that a duration with its units says, ``None`` where it is none.

    Args:
        written: such as ``3小时20分``, ``两个半小时`` or ``3:20`` (hours and minutes).
    """
    word = _CHINESE_NUMBER.sub(lambda number: str(_number(number[0])), clean(written))
    for pattern, plain in _HALVES:
        word = pattern.sub(plain, word, count=1)
    if clock := _CLOCK.match(word):
        return sum(int(part or 0) * each for part, each in zip(clock.groups(), _SECONDS[1:], strict=True))
    match = _WORDS.match(word) or _ISO.match(word)
    if match is None or not any(match.groups()):
        return None
    return sum(float(part or 0) * each for part, each in zip(match.groups(), _SECONDS, strict=True))


def is_surely_duration(written: str) -> bool:
    """Return whether a text can be nothing but a duration: ``3小时20分``, not ``3:20`` or ``3时20分``, which clocks show too."""
    word = clean(written).lower()
    return bool(_SURE_UNITS.search(word)) and not _MAY_BE_CLOCK.search(word)


def _number(written: str) -> int:
    """Return a whole number below a thousand that is written in Chinese."""
    total = digit = 0
    for letter in written:
        if letter in _DIGITS:
            digit = _DIGITS[letter]
        else:
            total += (digit or 1) * (10 if letter == "十" else 100)
            digit = 0
    return total + digit


def parse_durations(values: pl.Series, scale: Scale | None, reading: ReadingSettings) -> Parsed:
    """Read a column of durations.

    Args:
        values: the cells, text or already typed.
        scale: from the unit of the header to hours, ``None`` where it carries none.
        reading: tells the unit of bare numbers where the header does not.

    Returns:
        Durations; bare numbers without a unit are refused, since hours and minutes look alike.
    """
    kind = values.dtype
    if isinstance(kind, pl.Duration) or kind == pl.Time:
        return Parsed(values.cast(pl.Duration("us")))
    if isinstance(kind, pl.Datetime):
        return _since_zero(values)
    if scale is None and reading.duration_unit is not None:
        scale = Scale() if reading.duration_unit == "h" else Scale(1, 60)
    raw = as_text(values)
    return fill_patiently(raw, _bare_numbers(raw, scale), _duration)


def _since_zero(values: pl.Series) -> Parsed:
    """Read what a workbook shows as a clock: its moment counts from the last day of 1899."""
    lasted = values.cast(pl.Datetime("us")) - _ZERO
    date = (lasted.is_not_null() & ~lasted.is_between(timedelta(), _MOST_SHOWN, closed="left")).fill_null(False)
    return Parsed(lasted.set(date, None), faults_at(values, date, _NOT_A_DURATION))


_ZERO, _MOST_SHOWN = datetime(1899, 12, 31), timedelta(days=59)
_NOT_A_DURATION = Fault(text("This is not a duration"), text("Write durations as 3小时20分 or 3:20."))


def _bare_numbers(raw: pl.Series, scale: Scale | None) -> pl.Series:
    hours = raw.cast(pl.Float64, strict=False)
    hours = hours.set(~hours.is_between(0, _MOST_HOURS).fill_null(False), None)
    hours = hours.set(hours.is_not_null(), None) if scale is None else hours * scale.times / scale.divided_by
    return (hours * 3_600_000_000).round().cast(pl.Int64).cast(pl.Duration("us"))


def _duration(raw: str) -> tuple[timedelta | None, Fault | None]:
    word = clean(raw)
    if is_blank(word):
        return None, None
    if word.startswith("="):
        return None, VALUELESS
    seconds = seconds_of(word)
    if seconds is not None:
        return timedelta(seconds=seconds), None
    if re.match(r"^\d+(?:\.\d+)?$", word):
        return None, Fault(
            text("This duration does not say whether it counts hours or minutes"),
            text(
                'Name the column with its unit, such as 停电时长（分钟）, or set duration_unit = "min" under [reading].'
            ),
        )
    return None, _NOT_A_DURATION
