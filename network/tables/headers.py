"""Headers of a sheet: which column of a table each one means, and in which unit its values are.

A header is compared without regard to spaces, width and case, and may carry its unit in brackets: ``长度(米)``. The rules
are those of the field reference, 9.2.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple, TypeAlias

from network.tables.cells import clean
from network.tables.chinese import chinese_meaning
from network.tables.english import english_meaning, is_abbreviation
from network.tables.table_form import Column, Table
from network.tables.values import SAME_UNIT, Scale

Names: TypeAlias = Mapping[str, tuple[Column, int]]
"""For the key of each header, its column and its rank."""

HEAD_ROWS = 5
"""How many rows that are not blank may come into question as the header."""

HEADER_DEPTH = 3
"""How many rows a header may have."""

_READ_BY_WORDS = 100
"""Rank of a header that is read word by word: below every name that is listed."""

_LENGTH = {"km": Scale(), "千米": Scale(), "公里": Scale(), "m": Scale(1, 1000), "米": Scale(1, 1000)}
_CURRENT = {"a": Scale(), "安": Scale(), "安培": Scale(), "ka": Scale(1000), "千安": Scale(1000)}
_APPARENT = {"kva": Scale(), "千伏安": Scale(), "mva": Scale(1000), "兆伏安": Scale(1000), "va": Scale(1, 1000)}
_POWER = {
    "kw": Scale(),
    "千瓦": Scale(),
    "mw": Scale(1000),
    "兆瓦": Scale(1000),
    "w": Scale(1, 1000),
    "瓦": Scale(1, 1000),
}
_VOLTAGE = {"kv": Scale(), "千伏": Scale(), "v": Scale(1, 1000), "伏": Scale(1, 1000)}
_RESISTANCE = {"ohm": Scale(), "ω": Scale(), "欧": Scale(), "欧姆": Scale(), "mω": Scale(1, 1000)}
_HOURS = {
    "h": Scale(),
    "hr": Scale(),
    "hrs": Scale(),
    "hour": Scale(),
    "hours": Scale(),
    "小时": Scale(),
    "时": Scale(),
} | dict.fromkeys(("min", "mins", "minute", "minutes", "分钟", "分"), Scale(1, 60))
_HOURS |= {f"{unit}/户": scale for unit, scale in _HOURS.items()}
_LASTED = (
    _HOURS
    | dict.fromkeys(("s", "sec", "second", "seconds", "秒"), Scale(1, 3600))
    | dict.fromkeys(("d", "day", "days", "天", "日"), Scale(24))
)
_MINUTES = dict.fromkeys(("min", "minute", "minutes", "分钟", "分"), Scale()) | dict.fromkeys(
    ("h", "小时", "时"), Scale(60)
)
_COUNTS = dict.fromkeys(("户", "台", "个", "次", "人", "项"), Scale()) | {"万户": Scale(10_000), "千户": Scale(1000)}
_FAILURES = dict.fromkeys(
    ("次/km·年", "次/(km·年)", "次/km年", "次/公里·年", "次/(公里·年)", "1/(km·a)", "1/km·a"), Scale()
) | (dict.fromkeys(("次/百公里·年", "次/(百公里·年)", "次/百公里年", "次/100km·年", "次/(100km·年)"), Scale(1, 100)))
_UNITS: Mapping[str, Mapping[str, Scale]] = {
    "km": _LENGTH, "a": _CURRENT, "kva": _APPARENT, "kw": _POWER, "kv": _VOLTAGE, "ohm": _RESISTANCE, "h": _LASTED,
    "min": _MINUTES,
}  # fmt: skip
_UNIT_BEHIND = re.compile(
    rf"^(.+)[/_]({'|'.join(sorted((re.escape(unit) for each in _UNITS.values() for unit in each), key=len, reverse=True))})$"
)
_COUNT_OF = re.compile(r"^(.+?)(?:(?:时长|时间)(?P<unit>分钟|小时)数?|(?P<counted>分钟|小时)数)$")
_CLOCK_FORM = re.compile(r"^(?:h{1,2}|时|小时)[:：]?(?:m{1,2}|分|分钟)(?:[:：]?(?:s{1,2}|秒))?$")
_BY_NAME: Mapping[str, Mapping[str, Scale]] = {
    "failures_per_km_yr": _FAILURES,
    "miss_rate": {"%": Scale(1, 100)},
    "false_rate": {"%": Scale(1, 100)},
    "asai_1_percent": {"%": Scale()},
    "period_days": dict.fromkeys(("天", "日", "d"), Scale()),
    "total_customer_hours": {"时户": Scale(), "户时": Scale(), "万时户": Scale(10_000)},
    "equivalent_users": _COUNTS,
    "lon": {"°": Scale(), "度": Scale()},
    "lat": {"°": Scale(), "度": Scale()},
}


_ROW_NUMBERS = frozenset(
    {
        "序号", "行号", "序", "顺序号", "项次", "no", "#", "item", "row", "rowno", "seq", "sn", "s/n", "serialno",
        "serialnumber",
    }
)  # fmt: skip
_CALCULATED = frozenset(
    {
        "停电时户数", "时户数", "停电总时户数", "总时户数", "损失时户数", "影响时户数", "停电户时数", "户时数", "停电户次",
        "户次", "停电户次数", "customerhours", "customerhourslost", "customerminutes", "customerinterruptions", "cmi", "chi",
        "userhours",
    }
)  # fmt: skip
_BEGINS = frozenset({"起", "始", "开始", "起始", "自", "从", "由", "停", "停电", "start", "from", "begin"})
_ENDS = frozenset({"止", "终", "结束", "终止", "截止", "至", "到", "送", "送电", "恢复", "复电", "end", "to", "until"})
_OF_BOTH = re.compile(r"(?:停送电|停复电|停、送电|起止|起讫)时间$")
_GENERAL = re.compile(
    r"类型|类别|性质|分类|种类|属性|区域|地区|地域|片区|特征|"
    r"(?<![a-z])(?:type|kind|category|class(?:ification)?|nature|area|region|district|zone|territory)(?![a-z])"
)


_PARTS = {
    word: part
    for part, words in {
        "year": "年 年份 year", "month": "月 月份 month", "day": "日 号 day", "hour": "时 点 小时 hour",
        "minute": "分 分钟 minute min", "second": "秒 second sec",
    }.items()
    for word in words.split()
}  # fmt: skip
_PART = re.compile(rf"^(?P<time>.*?)[(]?(?P<part>{'|'.join(sorted(_PARTS, key=len, reverse=True))})[)]?$")


@lru_cache(maxsize=4096)  # the same headers are compared with the names of many tables
def header_key(header: str) -> str:
    """Return a header in the form in which headers are compared.

    Args:
        header: as it stands in the file.

    Returns:
        The header without spaces and marks around it, in lower case.
    """
    return re.sub(r"\s+", "", clean(header)).strip("*:.").lower()


def accepted_names(table: Table, own: Mapping[str, str] | None = None) -> dict[str, tuple[Column, int]]:
    """Return every accepted header of a table.

    Args:
        table: what the sheet should hold.
        own: the utility's own headers by key, each with the name of its column; an empty name says that it is not needed.

    Returns:
        For the key of each header, its column and its rank: -1 the utility's own, 0 the name in English, 1 the Chinese one,
        then the aliases.
    """
    columns = [*table.columns, *([table.duration] if table.duration is not None else [])]
    names = {key: (column, -1) for key, name in (own or {}).items() for column in columns if column.name == name}
    for column in columns:
        for rank, name in enumerate((column.name, column.chinese, *column.aliases)):
            names.setdefault(header_key(name), (column, rank))
    for key, found in list(names.items()):
        names.setdefault(_squeezed(key), found)
    for key, name in (own or {}).items():
        if not name:
            names.pop(key, None)
    return names


def _squeezed(key: str) -> str:
    """Return a key without the marks between its words: ``outage_id``, ``Outage-ID`` and ``outageId`` are one header."""
    return key.replace("_", "").replace("-", "").replace(".", "").replace("/", "")


def numbers_rows(header: str) -> bool:
    """Return whether a header only numbers the rows, such as 序号."""
    return header_key(header) in _ROW_NUMBERS


def is_calculated(header: str) -> bool:
    """Return whether a header names customer-hours or another figure that follows from the records."""
    return split_unit(header_key(header))[0].replace("-", "").replace("_", "") in _CALCULATED


def is_general(header: str) -> bool:
    """Return whether a header only says that codes of some kind stand below it, such as 类型 or ``District``."""
    return bool(_GENERAL.search(clean(header).lower()))


def split_unit(key: str) -> tuple[str, str | None]:
    """Split the unit in brackets from the end of a header, or a zone such as UTC without brackets.

    Args:
        key: the header as :func:`header_key` gives it.

    Returns:
        The bare name, and the unit or ``None``.
    """
    match = re.match(r"^(.+?)[(\[【](.*)[)\]】]$", key) or re.match(
        r"^(.+?)[_-]?((?:utc|gmt)(?:[+-]\d{1,2}(?::?\d{2})?)?)$", key
    )
    return (match[1], match[2]) if match else (key, None)


def match_header(header: str, names: Names) -> tuple[Column, int, str | None] | None:
    """Return what a header means.

    Args:
        header: as it stands in the file.
        names: the headers that :func:`accepted_names` gives.

    Returns:
        The column, the rank of the name, and the unit the header carries; ``None`` where the header is not known.
    """
    key = header_key(header)
    if not key:
        return None
    if key in names:
        return (*names[key], None)
    bare, unit = split_unit(key)
    if unit is not None and is_abbreviation(clean(header), unit):
        unit = None
    if unit is not None and _CLOCK_FORM.match(unit):  # how it is written, not what it counts
        unit = None
    if bare not in names and (behind := _unit_behind(key, names)) is not None:
        return behind
    if bare not in names:
        bare = _squeezed(bare)
        if unit is None and bare in names:
            return (*names[bare], None)
    if bare in names:
        return (*_by_unit(names[bare], unit, names), unit)
    found = None
    if unit:
        found = next(
            (each for each in names.values() if each[0].unit and each[0].name == f"{bare}_{each[0].unit}"), None
        )
    meant = (chinese_meaning(bare) if "nature" in names else None) or english_meaning(clean(header))
    if found is None and meant is not None and meant in names:
        found = _by_unit((names[meant][0], _READ_BY_WORDS), unit, names)
    return (*found, unit) if found else None


def _unit_behind(key: str, names: Names) -> tuple[Column, int, str] | None:
    """Return the column of numbers whose unit stands behind its name without brackets: 长度/km, 停电时长_分钟, 停电分钟数."""
    if (match := _UNIT_BEHIND.match(key)) and (found := names.get(match[1])) and found[0].kind in {"number", "integer"}:
        return (*found, match[2])
    if match := _COUNT_OF.match(key):
        found = names.get(f"{match[1]}时长")
        return (*found, match["unit"] or match["counted"]) if found and found[0].name == "duration_h" else None
    return None


def _by_unit(named: tuple[Column, int], unit: str | None, names: Names) -> tuple[Column, int]:
    """Return the duration where a time is said to be in hours or minutes, such as ``停电时间（小时）``."""
    lasts = names.get("duration_h")
    return lasts if lasts is not None and named[0].kind == "time" and unit in _HOURS else named


@dataclass(frozen=True)
class Header:
    """The header of a sheet: one row, or up to three of which the upper name groups of columns.

    Attributes:
        first: position of its first row.
        last: position of its last row.
        names: the name of each column; below a group the narrower name, together with the group where that is needed.
        found: the names of the columns of the table that it holds.
        parts: how many columns hold a part of a time alone, such as 年 or 时.
        perhaps: the needed columns that it may hold below a header that says too little alone.
    """

    first: int
    last: int
    names: tuple[str, ...]
    found: frozenset[str]
    parts: int = 0
    perhaps: frozenset[str] = frozenset()

    @property
    def hits(self) -> int:
        """How many columns of the table it names."""
        return len(self.found)


def find_header(records: Sequence[Sequence[str]], names: Names) -> Header | None:
    """Find the header among the first five rows that are not blank: the one with most names.

    Args:
        records: the first rows of a sheet.
        names: the headers that :func:`accepted_names` gives.

    Returns:
        The header, ``None`` where no row names any column.
    """
    filled = [position for position, record in enumerate(records[: 4 * HEAD_ROWS]) if any(map(str.strip, record))]
    widest = max(map(len, records), default=0)
    best: Header | None = None
    for depth in range(1, HEADER_DEPTH + 1):
        for first in filled[:HEAD_ROWS]:
            if first + depth > len(records):
                continue
            header = _header(records[first : first + depth], first, names)
            if best is None or (header.hits, header.parts) > (best.hits, best.parts):
                best = header
            if 0 < best.hits == widest:  # every cell is a column of its own: no other row can name more
                return best
    return best if best is not None and best.hits else None


def _header(rows: Sequence[Sequence[str]], first: int, names: Names) -> Header:
    """Read some rows as one header: of each column the lowest name, else that name below its group."""
    width = max(map(len, rows))
    groups = [""] * width
    even = [[*row, *[""] * (width - len(row))] for row in rows]
    lowest = even[-1]
    for row, below in pairwise(even):
        groups = _joined(groups, _spread(row, below))
    apart = {
        group
        for group in set(groups) - {""}
        if _is_apart([name for each, name in zip(groups, lowest, strict=True) if each == group])
    }
    leaves = tuple(
        f"{group.strip()} {name.strip()}"
        if group in apart and header_key(name) in _PARTS
        else _leaf(group.strip(), name.strip(), names)
        if len(rows) > 1
        else name
        for group, name in zip(groups, lowest, strict=True)
    )
    found = {column[0].name for name in leaves if (column := match_header(name, names))}
    parts = [part for name in leaves if (part := part_of_time(name, names))]
    found |= {part.column for part in parts}
    return Header(first, first + len(rows) - 1, leaves, frozenset(found), len(parts), _perhaps(leaves, found, names))


def _perhaps(leaves: Sequence[str], found: Collection[str], names: Names) -> frozenset[str]:
    """Return the needed columns with codes that one of the general headers may mean."""
    if not any(is_general(name) and match_header(name, names) is None for name in leaves):
        return frozenset()
    needed = {column.name for column, _ in names.values() if column.required and column.kind == "code"}
    return frozenset(needed.difference(found))


def _is_apart(below: Sequence[str]) -> bool:
    """Return whether the columns below one group are the parts of one time; 分 alone may be a unit."""
    parts = {_PARTS[key] for name in below if (key := header_key(name)) in _PARTS}
    return {"month", "day"} <= parts or {"hour", "minute"} <= parts


def _spread(row: Sequence[str], below: Sequence[str]) -> list[str]:
    """Let the name of a group stand over each of its columns: those without a name that have one below."""
    spread: list[str] = []
    for name, lower in zip(row, below, strict=True):
        spread.append(spread[-1] if spread and not name.strip() and lower.strip() else name)
    return spread


def _joined(groups: Sequence[str], names: Sequence[str]) -> list[str]:
    return [group if group.strip() == name.strip() else group + name for group, name in zip(groups, names, strict=True)]


def _leaf(group: str, name: str, names: Names) -> str:
    """Return the name of a column that stands below a group."""
    if not name or not group or name == group:
        return name or group
    for whole in (name, f"{group}{name}"):
        if match_header(whole, names):
            return whole
    found = match_header(f"{group}({name})", names)
    if found is not None and header_key(name) in known_units(found[0]):
        return f"{group}({name})"
    if group.endswith("时间") and match_header(f"{name}时间", names):  # 停送电时间 over 停电, 送电
        return f"{name}时间"
    return _side_of_pair(group, name, names) or f"{group} {name}"


class PartOfTime(NamedTuple):
    """A part of a time that has a column of its own.

    Attributes:
        column: the time; of a part without a word beside it, the first of the table.
        part: ``year``, ``month``, ``day``, ``hour``, ``minute`` or ``second``.
        named: whether the header says which time is meant.
    """

    column: str
    part: str
    named: bool


def part_of_time(header: str, names: Names) -> PartOfTime | None:
    """Return which part of which time a header means, such as 停电年, 时 or ``Start Hour``; ``None`` for any other.

    Args:
        header: as it stands in the file.
        names: the headers that :func:`accepted_names` gives.
    """
    found = _PART.match(header_key(header))
    if found is None or match_header(header, names) is not None:
        return None
    word, part = found["time"].strip("_-/"), _PARTS[found["part"]]
    clocked = [column.name for column, _ in names.values() if column.needs_clock]
    if not clocked:
        return None
    if not word:
        return PartOfTime(clocked[0], part, named=False)
    known = match_header(word, names) or match_header(f"{word}时间", names)
    if known is not None:
        return PartOfTime(known[0].name, part, named=True) if known[0].needs_clock else None
    side = "start" if word in _BEGINS else "end" if word in _ENDS else None
    return PartOfTime(side, part, named=True) if side in clocked else None


def _side_of_pair(group: str, name: str, names: Names) -> str | None:
    """Return which time is meant by a word such as 起 or 结束 below the name of a time that begins something."""
    found = match_header(group, names)
    if (found is None or found[0].name not in {"start", "end"}) and not _OF_BOTH.search(group):
        return None
    side = "start" if header_key(name) in _BEGINS else "end" if header_key(name) in _ENDS else None
    return side if side in names else None


def scale_of(column: Column, unit: str | None) -> Scale | None:
    """Return how the unit of a header becomes that of the column.

    Args:
        column: the column the header means.
        unit: the unit the header carries, if any.

    Returns:
        The scale from the one unit to the other, ``None`` where the unit does not fit.
    """
    if unit is None or not unit:
        return SAME_UNIT
    if column.kind not in {"number", "integer"}:
        return SAME_UNIT
    if column.name in _BY_NAME:
        return _BY_NAME[column.name].get(unit)
    if column.kind == "integer":
        return _COUNTS.get(unit)
    return _UNITS.get(column.unit or "", {}).get(unit)


def known_units(column: Column) -> list[str]:
    """Return the units in which a header may give a column of numbers.

    Args:
        column: the column the header means.

    Returns:
        The units, sorted.
    """
    return sorted(_BY_NAME.get(column.name) or (_UNITS.get(column.unit or "", {}) if column.unit else _COUNTS))
