"""Times as utilities write them: forms of dates and clocks, zones, numbers since 1970, and days without a clock.

A time of a workspace is local and has no zone. Where the zone of the settings has summer time, times are kept all year in the
time that it has on 1 January, so that the hours between two times are right when the clocks change.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

import polars as pl

from network.tables.cells import (
    VALUELESS,
    Fault,
    Parsed,
    as_text,
    blank_to_null,
    clean,
    faults_at,
    fill_patiently,
    is_blank,
)
from network.tables.conventions import LOCAL_ZONE, ReadingSettings
from network.texts import Text, text

_FIRST_YEAR, _LAST_YEAR = 1900, 2100
_FIRST_TIME, _END_OF_TIMES = datetime(_FIRST_YEAR, 1, 1), datetime(_LAST_YEAR + 1, 1, 1)
_FIRST_SERIAL, _LAST_SERIAL = 20_000, 73_050
_SERIAL_ORIGIN = datetime(1899, 12, 30)
_EPOCH = datetime(1970, 1, 1)
_CLOCK_DAY = datetime(2000, 1, 1)
_FIRST_SECOND, _LAST_SECOND = 5e8, 4.1e9
_SHOWS_CLOCK = r"[:：时点]|\d{12}|\d{8}[Tt\s]\d|[Tt]\d"
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
_ORDERED_FORMATS = {
    order: tuple(f"{date}{clock}" for date in dates for clock in (" %H:%M", " %H:%M:%S", ""))
    for order, dates in (("dmy", ("%d/%m/%Y", "%d.%m.%Y", "%d-%m-%Y")), ("mdy", ("%m/%d/%Y", "%m-%d-%Y")))
}
_TYPED = re.compile(
    r"(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})[日号]?(?:[ T]*(\d{1,2})[:：时点](?:(\d{1,2})(?:[:：分](?:(\d{1,2})秒?)?)?)?)?"
)
_COMPACT_TIME = r"^(\d{4})(\d{2})(\d{2})(\d{2})(\d{2})(\d{2})$"
_DATE = (
    r"(?P<year>\d{4}|\d{2}(?=年))(?:(?P<mark>[-/.])(?P<month>\d{1,2})(?P=mark)(?P<day>\d{1,2})"
    r"|年(?P<month_>\d{1,2})月(?P<day_>\d{1,2})[日号]?)"
)
_CLOCK = (
    r"(?P<hour>\d{1,2})(?:[:时点](?:(?P<minute>\d{1,2})"
    r"(?:[:分](?:(?P<second>\d{1,2})(?:\.(?P<fraction>\d+))?秒?)?)?)?)?"
)
_WRITTEN_TIME = re.compile(rf"^{_DATE}(?:[T\s]*{_CLOCK})?$")
_ORDERED_TIMES = {
    order: re.compile(
        rf"^(?P<{first}>\d{{1,2}})(?P<mark>[-/.])(?P<{then}>\d{{1,2}})(?P=mark)(?P<year>\d{{4}}|\d{{2}})(?:[T\s]+{_CLOCK})?$"
    )
    for order, first, then in (("dmy", "day", "month"), ("mdy", "month", "day"))
}
_DIGITS_TIME = re.compile(
    r"^(?P<year>\d{4})(?P<month>\d{2})(?P<day>\d{2})"
    r"(?:[T\s]?(?P<hour>\d{2}):?(?P<minute>\d{2})(?::?(?P<second>\d{2})(?:\.(?P<fraction>\d+))?)?)?$"
)
_ZONE = re.compile(r"^(?P<time>.*\d.*?)\s*(?P<zone>Z|UTC|GMT|CST|(?:UTC|GMT)?[+-]\d{1,2}(?::?\d{2})?)$", re.IGNORECASE)
_CLOCK_AND_ZONE = r"(?i)^(.*\d:\d{2}(?::\d{2}(?:\.\d+)?)?|\d{14})\s*(Z|UTC|GMT|(?:UTC|GMT)?[+-]\d{1,2}(?::?\d{2})?)$"
_CHINA = "CST"
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTH = rf"(?P<name>{'|'.join(_MONTHS)})[a-z]{{0,6}}\.?"
_DAY_MONTH = re.compile(
    rf"(?<!\d)(?P<day>\d{{1,2}})(?:st|nd|rd|th)?[\s/-]*{_MONTH}[\s/,-]*(?P<year>\d{{4}})(?!\d)", re.IGNORECASE
)
_MONTH_DAY = re.compile(rf"{_MONTH}\s*(?P<day>\d{{1,2}})(?:st|nd|rd|th)?[\s,]+(?P<year>\d{{4}})(?!\d)", re.IGNORECASE)
_WEEKDAY = re.compile(
    r"\(?(?:星期|礼拜|周)[一二三四五六日天]\)?"
    r"|\b(?:mon|tues?|wed(?:nes)?|thu(?:rs)?|fri|sat(?:ur)?|sun)(?:day)?\b[,.]?",
    re.IGNORECASE,
)
_LOOSE_CLOCKS = (
    (re.compile(r"^['`’]"), ""),
    (re.compile(r"\\"), "/"),
    (re.compile(r"(?<=\s)(\d{1,2})h(\d{2})?$", re.IGNORECASE), r"\1点\2"),
    (re.compile(r"(?<=\d)(点|时)整$"), r"\1"),
    (re.compile(r"(?<=\d)(点|时)半$"), r"\g<1>30分"),
    (re.compile(r"^(\d{4}([-/.])\d{1,2}\2\d{1,2})[-_.](\d{1,2}:\d{2})"), r"\1 \3"),
    (re.compile(r"^(\d{4}([-/.])\d{1,2}\2\d{1,2}) (\d{2})(\d{2})(\d{2})?$"), r"\1 \3:\4"),
)
"""What is only written otherwise: 8点半, 8h30, 2022-03-01_08:00, 2022-03-01 0800, the mark of a text in a spreadsheet."""

_HALF_OF_DAY = re.compile(
    r"凌晨|清晨|早上|早晨|上午|中午|下午|傍晚|晚上|晚间|夜间|夜里|(?<![a-z])[ap]\.?m\.?(?![a-z])", re.IGNORECASE
)
_HALVES = {
    "凌晨": "am",
    "清晨": "am",
    "早上": "am",
    "早晨": "am",
    "上午": "am",
    "中午": "noon",
    "下午": "pm",
} | dict.fromkeys(("傍晚", "晚上", "晚间", "夜间", "夜里"), "evening")
_OFFSET = re.compile(r"^(?:UTC|GMT|Z)?(?:(?P<sign>[+-])(?P<hours>\d{1,2})(?::?(?P<minutes>\d{2}))?)?$", re.IGNORECASE)
_SINCE_1970 = re.compile(r"^1\d{9}(?:\d{3})?$")
_SINCE_WORDS = {"s": "s", "秒": "s", "ms": "ms", "毫秒": "ms"}
_FOREIGN_ZONES = re.compile(r"^(?:[ecmp][sd]t|wes?t|ces?t|ees?t|msk|[ijkb]st|hkt|sgt|ae[sd]t|nz[sd]t)$")
_FOREIGN_PLACES = re.compile(
    "东京|首尔|伦敦|纽约|巴黎|柏林|莫斯科|悉尼|新德里|印度|美东|美西|美国|日本|韩国|欧洲|国际|格林"
)
_ZONE_NUMBER = re.compile(r"^(东|西)([一二三四五六七八九十]|十一|十二|\d{1,2})区")
_ZONE_DIGITS = {word: number for number, word in enumerate("一二三四五六七八九十", 1)} | {"十一": 11, "十二": 12}
_ZONE_DIGITS |= {str(number): number for number in range(13)}
_ZONE_WORDS = {"北京时间": 480, "asia/shanghai": 480, "beijing": 480, "世界时": 0, "协调世界时": 0, "格林尼治时间": 0}


@dataclass(frozen=True)
class TimeUnit:
    """What the brackets behind a header say of its times.

    Attributes:
        since_1970: the values are seconds or milliseconds since 1970 (UTC).
        offset_min: minutes by which the zone of the values is ahead of UTC.
    """

    since_1970: Literal["s", "ms"] | None = None
    offset_min: int | None = None


NO_UNIT = TimeUnit()
"""A header that says nothing of its times."""


def time_unit(unit: str | None) -> TimeUnit | None:
    """Return what a unit behind the header of a time says; ``None`` where it seems to be a zone that is not known.

    Args:
        unit: in lower case, without its brackets; anything that is not about zones says nothing.
    """
    if not unit:
        return NO_UNIT
    if unit in _SINCE_WORDS:
        return TimeUnit(since_1970="s" if _SINCE_WORDS[unit] == "s" else "ms")
    if unit in _ZONE_WORDS:
        return TimeUnit(offset_min=_ZONE_WORDS[unit])
    if found := _ZONE_NUMBER.match(unit):
        return TimeUnit(offset_min=(60 if found[1] == "东" else -60) * _ZONE_DIGITS.get(found[2], 0))
    unit = re.sub(r"(?:时间|time)$", "", unit)
    if re.match(r"^(utc|gmt|z$|[+-]\d)", unit):
        offset = _offset_min(unit)
        return None if offset is None else TimeUnit(offset_min=offset)
    return (
        None
        if _FOREIGN_PLACES.match(unit) or _FOREIGN_ZONES.match(unit) or re.match(r"^[a-z]+/[a-z_]+$", unit)
        else NO_UNIT
    )


def typed_time(words: str) -> datetime:
    """Return the moment that somebody typed: ``2022-10-09T07:57+08:00``, ``2022/10/9 7:57``, ``2022年10月9日7时57分``.

    Raises:
        ValueError: it is none.
    """
    try:
        return datetime.fromisoformat(words.strip())
    except ValueError:
        typed = _TYPED.fullmatch(words.strip())
        if typed is None:
            raise
        year, month, day, hour, minute, second = (int(part or 0) for part in typed.groups())
        return datetime(year, month, day, hour, minute, second)


def parse_times(values: pl.Series, reading: ReadingSettings, unit: TimeUnit, unreadable: Text) -> Parsed:
    """Read the values of a column of times.

    Args:
        values: the cells, text or already typed.
        reading: how the utility writes times.
        unit: what the header says of them.
        unreadable: what to do about a value that is not a time.

    Returns:
        Local times without a zone.
    """
    kind = values.dtype
    since = unit.since_1970 or reading.epoch
    if since is not None and (found := _since_1970(values, since, reading)) is not None:
        return found
    if kind == pl.Date:
        return _within_years(values.cast(pl.Datetime("us")), values, unreadable)
    if isinstance(kind, pl.Datetime) and kind.time_zone is not None:
        return _typed_instants(values, kind.time_zone, reading)
    if isinstance(kind, pl.Datetime):
        read = _within_years(values.cast(pl.Datetime("us")), values, unreadable)
    elif kind.is_float():
        read = _serials(values, reading, unreadable)
    else:
        raw = as_text(values)
        if (instants := _written_instants(raw, reading, unreadable)) is not None:
            return instants
        read = _written_times(raw, reading, unreadable)
    return _settled(read, values, reading, unit)


def at_midnight(times: pl.Series) -> pl.Series:
    """Return which times are 0:00 to the microsecond."""
    return (times.to_physical() % 86_400_000_000 == 0).fill_null(False)


def without_clock(values: pl.Series, times: pl.Series) -> pl.Series:
    """Return in which cells a day stands without a time of day.

    Args:
        values: the cells, text or already typed.
        times: what :func:`parse_times` made of them.
    """
    midnight = at_midnight(times)
    if values.dtype == pl.Date or not midnight.any():
        return midnight
    if isinstance(values.dtype, pl.Datetime):
        return midnight & False
    suspects = midnight.arg_true()
    bare = ~as_text(values.gather(suspects)).str.contains(_SHOWS_CLOCK)
    return (midnight & False).scatter(suspects, bare)


def _written_times(raw: pl.Series, reading: ReadingSettings, unreadable: Text) -> Parsed:
    fast = _read_common_times(raw, _ORDERED_FORMATS.get(reading.date_order, ()))
    return fill_patiently(raw, fast, lambda word: _time(word, reading, unreadable))


# -- zones -------------------------------------------------------------------------------------------------------------


def _settled(read: Parsed, raw: pl.Series, reading: ReadingSettings, unit: TimeUnit) -> Parsed:
    """Turn times as the clock on the wall shows them into times of the workspace."""
    if unit.offset_min is not None:
        here = _local(read.values - timedelta(minutes=unit.offset_min), reading)
        return Parsed(here, read.faults, _converted(read.values, here, _zone_name(unit.offset_min), reading))
    if reading.time_zone == LOCAL_ZONE or read.values.null_count() == len(read.values):
        return read
    return _in_standard_time(read, raw, reading)


def _local(utc: pl.Series, reading: ReadingSettings) -> pl.Series:
    """Return moments of UTC as times of the workspace: in the time that its zone has on 1 January."""
    if reading.time_zone == LOCAL_ZONE:
        return utc + timedelta(hours=8)
    there = utc.dt.replace_time_zone("UTC").dt.convert_time_zone(reading.time_zone)
    return there.dt.replace_time_zone(None) - _summer(there) + reading.january


def _in_standard_time(read: Parsed, raw: pl.Series, reading: ReadingSettings) -> Parsed:
    """Take summer time away; a time that the clock shows twice or never is refused, unless it carries its offset."""
    wall = read.values
    there = wall.dt.replace_time_zone(reading.time_zone, ambiguous="null", non_existent="null")
    standard = wall - _summer(there) + reading.january
    texts = as_text(raw)
    offsets = _offsets_min(texts.str.strip_chars().str.extract(_CLOCK_AND_ZONE, 2))
    standard = _local(wall - _minutes(offsets), reading).zip_with(offsets.is_not_null(), standard)
    standard = wall.zip_with(without_clock(raw, wall), standard)
    lost = standard.is_null() & wall.is_not_null()
    twice = lost & wall.dt.replace_time_zone(reading.time_zone, ambiguous="earliest", non_existent="null").is_not_null()
    faults = [*read.faults, *faults_at(texts, twice, _TWICE), *faults_at(texts, lost & ~twice, _NEVER)]
    return Parsed(standard, tuple(sorted(faults, key=lambda fault: fault[0])), read.notes)


def _summer(there: pl.Series) -> pl.Series:
    """Return by how much clocks are put on; in milliseconds, as it comes, it would make milliseconds of the times too."""
    return there.dt.dst_offset().cast(pl.Duration("us"))


_TWICE = Fault(
    text("The clock shows this time twice, when summer time ends"),
    text("Write it with its offset from UTC, such as 2022-10-30 02:30+02:00."),
)
_NEVER = Fault(
    text("The clock never shows this time, since summer time begins"),
    text("Correct the time, or write it with its offset from UTC."),
)


def _typed_instants(values: pl.Series, zone: str, reading: ReadingSettings) -> Parsed:
    there = values.dt.replace_time_zone(None).cast(pl.Datetime("us"))
    here = _local(values.dt.convert_time_zone("UTC").dt.replace_time_zone(None).cast(pl.Datetime("us")), reading)
    return Parsed(here, (), () if zone == reading.time_zone else _converted(there, here, zone, reading))


def _written_instants(raw: pl.Series, reading: ReadingSettings, unreadable: Text) -> Parsed | None:
    """Read a column in which every time carries its zone; ``None`` where one does not, or where the zones differ."""
    probe = raw.drop_nulls().head(_PROBE_ROWS)
    if not probe.str.contains(_CLOCK_AND_ZONE).any():
        return None
    cells = blank_to_null(raw.str.strip_chars())
    zones = cells.str.extract(_CLOCK_AND_ZONE, 2)
    others = cells.filter(cells.is_not_null() & zones.is_null()).unique().to_list()
    if any(_written_time(clean(word), reading.date_order) is not None for word in others):
        return None
    offsets = _offsets_min(zones)
    found = set(offsets.drop_nulls().unique().to_list())
    if len(found) > 1 and not found <= _own_offsets(reading):
        return None
    read = _written_times(cells.str.extract(_CLOCK_AND_ZONE, 1).fill_null(cells), reading, unreadable)
    here = _local(read.values - _minutes(offsets), reading)
    faults = tuple((position, raw[position], fault) for position, _, fault in read.faults)
    return Parsed(
        here,
        faults,
        () if found <= _own_offsets(reading) else _converted(read.values, here, zones.drop_nulls()[0], reading),
    )


def _converted(there: pl.Series, here: pl.Series, zone: str, reading: ReadingSettings) -> tuple[Fault, ...]:
    """Say once that a whole column stood in another zone."""
    if not (there != here).any():
        return ()
    message = text(
        "The whole column is in the zone {zone}; it was converted to {local}", zone=zone, local=reading.time_zone
    )
    return (Fault(message, text("Nothing needs to be done if this is its zone."), "warning"),)


def _offset_min(zone: str) -> int | None:
    """Return by how many minutes a zone such as ``Z``, ``UTC+8`` or ``-0330`` is ahead of UTC."""
    match = _OFFSET.match(zone)
    if match is None:
        return None
    minutes = 60 * int(match["hours"] or 0) + int(match["minutes"] or 0)
    return -minutes if match["sign"] == "-" else minutes


def _offsets_min(zones: pl.Series) -> pl.Series:
    distinct = zones.drop_nulls().unique().to_list()
    return zones.replace_strict(distinct, [_offset_min(zone) for zone in distinct], default=None, return_dtype=pl.Int64)


def _minutes(numbers: pl.Series) -> pl.Series:
    return (numbers * 60_000_000).cast(pl.Duration("us"))


def _own_offsets(reading: ReadingSettings) -> set[int]:
    """Return by how many minutes the own zone is ahead of UTC, in winter and in summer."""
    moments = (datetime(2022, month, 1, tzinfo=reading.zone) for month in (1, 7))
    return {int((moment.utcoffset() or timedelta()) / timedelta(minutes=1)) for moment in moments}


def _zone_name(offset_min: int) -> str:
    return f"UTC{offset_min // 60:+d}" if offset_min % 60 == 0 else f"UTC{offset_min / 60:+.2f}"


# -- forms -------------------------------------------------------------------------------------------------------------


def _since_1970(values: pl.Series, since: str, reading: ReadingSettings) -> Parsed | None:
    """Read seconds or milliseconds since 1970; ``None`` where no cell holds such a number."""
    numbers = values.cast(pl.Float64, strict=False) if values.dtype == pl.String or values.dtype.is_numeric() else None
    if numbers is None:
        return None
    seconds = numbers / (1000 if since == "ms" else 1)
    seconds = seconds.set(~seconds.is_between(_FIRST_SECOND, _LAST_SECOND).fill_null(False), None)
    if seconds.null_count() == len(seconds):
        return None
    utc = (seconds * 1_000_000).round().cast(pl.Int64).cast(pl.Duration("us")) + _EPOCH
    given = blank_to_null(as_text(values).str.strip_chars()).is_not_null()
    fault = Fault(
        text("This is not a number since 1970, as the others of the column are"), text("Write all times in one form.")
    )
    return Parsed(_local(utc, reading), faults_at(values, given & seconds.is_null(), fault))


def _serials(values: pl.Series, reading: ReadingSettings, unreadable: Text) -> Parsed:
    """Read days since 1899, as spreadsheets count them."""
    serials = values.is_between(_FIRST_SERIAL, _LAST_SERIAL).fill_null(False)
    seconds = (values.set(~serials, None) * 86_400).round().cast(pl.Int64)
    fast = (seconds * 1_000_000).cast(pl.Duration("us")) + _SERIAL_ORIGIN
    return fill_patiently(as_text(values), fast.cast(pl.Datetime("us")), lambda word: _time(word, reading, unreadable))


def _within_years(times: pl.Series, raw: pl.Series, unreadable: Text) -> Parsed:
    outside = ~times.is_between(_FIRST_TIME, _END_OF_TIMES, closed="left").fill_null(True)
    if not outside.any():
        return Parsed(times)
    return Parsed(times.set(outside, None), faults_at(raw, outside, _not_a_time(unreadable)))


def _read_common_times(raw: pl.Series, ordered: tuple[str, ...]) -> pl.Series:
    """Read the formats that whole files are written in, each in one pass."""
    result = pl.Series(raw.name, [None], dtype=pl.Datetime("us")).new_from_index(0, len(raw))
    left = raw
    for form in (None, *ordered, *_TIME_FORMATS):
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
    sixtieth = raw.str.contains(r":60(?:\D|$)").fill_null(False)  # taken for a leap second, which no utility records
    if sixtieth.any():
        read = read.set(sixtieth, None)
    return read.set(~read.dt.year().is_between(_FIRST_YEAR, _LAST_YEAR).fill_null(True), None)


def _not_a_time(unreadable: Text) -> Fault:
    return Fault(text("This is not a time"), unreadable)


def _mixed_zone(zone: str, reading: ReadingSettings) -> Fault:
    return Fault(
        text("Mixed zone: this time is in the zone {zone}, and others of the column are not", zone=zone),
        text("Convert it to local time ({local}) and leave the zone away.", local=reading.time_zone),
    )


def _time(raw: str, reading: ReadingSettings, unreadable: Text) -> tuple[datetime | None, Fault | None]:
    word = clean(raw)
    if is_blank(word):
        return None, None
    if word.startswith("="):
        return None, VALUELESS
    read = _written_time(word, reading.date_order)
    if read is None and (zoned := _ZONE.match(word)):
        read = _written_time(zoned["time"], reading.date_order)
        is_own = zoned["zone"].upper() == _CHINA and reading.time_zone == LOCAL_ZONE
        if read is not None and not is_own and _offset_min(zoned["zone"]) not in _own_offsets(reading):
            return None, _mixed_zone(zoned["zone"], reading)
    if read is None or not _FIRST_YEAR <= read.year <= _LAST_YEAR:
        return None, _unread(word, unreadable)
    return read, None


def _unread(word: str, unreadable: Text) -> Fault:
    """Return what to do about a text that is not a time: what it may be, where that can be seen."""
    digits = re.sub(r"\.0+$", "", word)
    if _SINCE_1970.match(digits):
        unit = "ms" if len(digits) == 13 else "s"
        hint = text(
            "If it counts {unit} since 1970, name the column with its unit, such as start({unit}), or set "
            'epoch = "{unit}" under [reading] in fudian.toml.',
            unit=unit,
        )
        return _not_a_time(hint)
    if clock_of(word) is not None:
        return _not_a_time(text("Write the day before the time of day; 次日 or 当日 before it will do for an end."))
    if any(form.match(word) for form in _ORDERED_TIMES.values()):
        hint = text('Write the year first; or set date_order = "dmy" or "mdy" under [reading] in fudian.toml.')
        return _not_a_time(hint)
    return _not_a_time(unreadable)


def clock_of(written: str) -> timedelta | None:
    """Return the time since midnight of a text that shows a clock and no day, such as ``8:05``; ``None`` of any other."""
    word = clean(written)
    if not re.search(_SHOWS_CLOCK, word) or _written_time(word) is not None:
        return None
    read = _written_time(f"{_CLOCK_DAY:%Y-%m-%d} {word}")
    return None if read is None else read - _CLOCK_DAY


def _plain(word: str) -> str:
    """Return a time without the day of the week, and with a number in the place of the name of a month."""
    word = _WEEKDAY.sub(" ", word).strip()
    for loose, plain in _LOOSE_CLOCKS:
        word = loose.sub(plain, word)
    for form in (_DAY_MONTH, _MONTH_DAY):
        if found := form.search(word):
            month = _MONTHS.index(found["name"].lower()) + 1
            word = f"{found['year']}-{month}-{found['day']} {word[: found.start()]}{word[found.end() :]}"
            break
    return " ".join(word.split())


def _hour_of(hour: int, half: str) -> int | None:
    """Return the hour of the day that is meant by one of a half of the day, ``None`` where none can be."""
    half = _HALVES.get(half, half)
    if half == "am":
        return hour % 12 if hour <= 12 else None
    if half == "noon":
        return hour + 12 if hour in {1, 2} else hour if 11 <= hour <= 14 else None
    if half == "evening" and not 5 <= hour % 12 <= 11:
        return None
    return hour + 12 if 1 <= hour <= 11 else hour if 12 <= hour <= 23 else None


def _written_time(word: str, order: str = "ymd") -> datetime | None:
    word = _plain(word)
    half = _HALF_OF_DAY.search(word)
    if half is not None:
        read = _written_time(" ".join(_HALF_OF_DAY.sub(" ", word).split()), order)
        hour = _hour_of(read.hour, half[0].lower().replace(".", "")) if read is not None else None
        return None if read is None or hour is None else read.replace(hour=hour)
    if re.match(r"^\d{5}(?:\.\d+)?$", word) and _FIRST_SERIAL <= float(word) <= _LAST_SERIAL:
        return _SERIAL_ORIGIN + timedelta(seconds=round(float(word) * 86_400))
    match = _WRITTEN_TIME.match(word) or _DIGITS_TIME.match(word)
    if match is None and order in _ORDERED_TIMES:
        match = _ORDERED_TIMES[order].match(word)
    if match is None:
        return None
    part = match.groupdict()
    hour, minute, second = (int(part[name] or 0) for name in ("hour", "minute", "second"))
    microsecond = int((part["fraction"] or "0")[:6].ljust(6, "0"))
    midnight = hour == 24
    if midnight and (minute or second or microsecond):
        return None
    year = int(part["year"]) + (2000 if len(part["year"]) == 2 else 0)
    try:
        day = datetime(year, int(part["month"] or part["month_"]), int(part["day"] or part["day_"]))
        if midnight:
            return day + timedelta(days=1)
        return day.replace(hour=hour, minute=minute, second=second, microsecond=microsecond)
    except (ValueError, OverflowError):
        return None
