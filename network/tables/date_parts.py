"""Times whose parts stand in columns of their own: 年, 月, 日, 时, 分, once for the start and once for the end."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import polars as pl

from network.tables.cells import Fault, as_text, blank_to_null
from network.tables.columns import fill_merged
from network.tables.headers import Names, PartOfTime, part_of_time
from network.tables.sheets import Sheet
from network.texts import text

_DAY, _CLOCK = ("year", "month", "day"), ("hour", "minute", "second")
_ORDER = (*_DAY, *_CLOCK)
_SUFFIX = r"(?:\.0+)?(?:年|月|日|号|时|点|分|秒)?$"
DAY_OF = "day of "
"""How the header begins of a column that was put together as the day of a time."""

NO_YEAR = Fault(
    text("Month and day stand in columns of their own, and no column says the year"),
    text("Add a column for the year (年), filled in for each row."),
)
"""What to say of days without a year."""


@dataclass
class _Group:
    """The columns of one time: of each part where it stands."""

    column: str
    named: bool
    parts: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class PutTogether:
    """A sheet in which the parts of each time are one day and one clock.

    Attributes:
        sheet: with columns for days and clocks behind those of the file.
        used: the columns that held the parts.
        without_year: whether days lack their year, so that they cannot be read.
    """

    sheet: Sheet
    used: frozenset[int] = frozenset()
    without_year: bool = False


def put_together(sheet: Sheet, names: Names) -> PutTogether:
    """Put together times whose parts stand in columns of their own.

    A year, month, day, hour and minute become a day and a clock, which :func:`network.tables.days.join_days` joins; a day
    may be missing where a column of days stands beside, or where it is that of the start.

    Args:
        sheet: as read.
        names: of :func:`network.tables.headers.accepted_names`.
    """
    groups = _groups(
        {index: part_of_time(header, names) for index, header in enumerate(sheet.headers[: len(sheet.columns)])}, names
    )
    headers, columns = list(sheet.headers[: len(sheet.columns)]), list(sheet.columns)
    used: set[int] = set()
    without_year = False
    for group in groups:
        if "month" in group.parts and "day" in group.parts and "year" not in group.parts:
            without_year = True
            continue
        has_day, has_clock = all(part in group.parts for part in _DAY), "hour" in group.parts
        if not has_day and not has_clock:
            continue
        used |= set(group.parts.values())
        if has_day:
            headers.append(f"{DAY_OF}{group.column if group.named or has_clock else 'any'}")
            columns.append(_joined(sheet, group, _DAY, "-"))
            used.add(len(columns) - 1)
        if has_clock:
            headers.append(group.column)
            columns.append(_joined(sheet, group, _CLOCK, ":"))
    if not used:
        return PutTogether(sheet, without_year=without_year)
    return PutTogether(replace(sheet, headers=headers, columns=columns), frozenset(used), without_year)


def _groups(parts: Mapping[int, PartOfTime | None], names: Names) -> list[_Group]:
    """Return the times whose parts stand apart, in their order; a part that comes again begins the next time."""
    clocked = list(dict.fromkeys(column.name for column, _ in names.values() if column.needs_clock))
    named: dict[str, _Group] = {}
    bare: list[_Group] = []
    for index, each in parts.items():
        if each is None:
            continue
        if each.named:
            named.setdefault(each.column, _Group(each.column, named=True)).parts.setdefault(each.part, index)
            continue
        last = bare[-1] if bare else None
        if last is None or any(_ORDER.index(each.part) <= _ORDER.index(part) for part in last.parts):
            bare.append(last := _Group("", named=False))
        last.parts[each.part] = index
    free = [name for name in clocked if name not in named]
    for group, name in zip(bare, free, strict=False):
        group.column = name
    return [*named.values(), *bare[: len(free)]]


def _joined(sheet: Sheet, group: _Group, wanted: tuple[str, ...], mark: str) -> pl.Series:
    """Join some parts of a time as text; a row in which none of them stands is blank."""
    cells = {part: _digits(sheet, group.parts[part]) for part in wanted if part in group.parts}
    if "hour" in wanted and "minute" not in cells:
        cells["minute"] = pl.Series(["00"], dtype=pl.String).new_from_index(0, len(sheet.rows))
    if "year" in cells:
        cells["year"] = cells["year"].str.replace(r"^(\d{2})$", "20$1")
    if "minute" in cells:
        cells["minute"] = cells["minute"].fill_null("00").str.zfill(2)
    if "second" in cells:
        cells["second"] = cells["second"].fill_null("00").str.zfill(2)
    leading = cells[wanted[0]]
    whole = pl.DataFrame(list(cells.values()), schema=list(cells)).select(
        pl.concat_str([pl.col(part).fill_null("?") for part in cells], separator=mark).alias("whole")
    )["whole"]
    blank = leading.is_null()
    for part in wanted[1:2]:
        if part in group.parts:
            blank &= _digits(sheet, group.parts[part]).is_null()
    return whole.set(blank, None)


def _digits(sheet: Sheet, index: int) -> pl.Series:
    """Return the cells of a part without what says which part it is, such as 3月."""
    cells = as_text(fill_merged(sheet.columns[index], sheet.merged, index, sheet.rows)).str.strip_chars()
    return blank_to_null(cells.str.normalize("NFKC").str.replace(_SUFFIX, ""))
