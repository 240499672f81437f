"""What a report says: sections of sentences and rows, the same for every kind of file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from network.texts import shown as written


@dataclass(frozen=True)
class Column:
    """One column of a section.

    Attributes:
        name: key of the rows.
        title: header for people.
        digits: decimals of a number.
        total: whether its sum stands below.
        formula: how a workbook computes it from other columns of its row, such as ``{CH}/{N_T}``.
        is_share: whether a number is a share of one, read as per cent.
    """

    name: str
    title: str
    digits: int = 2
    total: bool = False
    formula: str | None = None
    is_share: bool = False

    def digits_of(self, row: Mapping[str, Any]) -> int:
        """Return the decimals of this column in a row: a row whose figure wants others says so as ``digits``."""
        return int(row.get("digits", self.digits))

    def shown(self, row: Mapping[str, Any]) -> str:
        """Return what people read in this column of a row."""
        value = row.get(self.name)
        if self.is_share and isinstance(value, int | float):
            return f"{value:.0%}"
        return shown(value, self.digits_of(row))


@dataclass(frozen=True)
class Section:
    """One section of a report.

    Attributes:
        name: short name, for programs.
        title: for people.
        says: sentences.
        columns: of the table.
        rows: of the table, unrounded.
        chart: a Vega-Lite drawing of it, where there is one.
    """

    name: str
    title: str
    says: tuple[str, ...] = ()
    columns: tuple[Column, ...] = ()
    rows: tuple[Mapping[str, Any], ...] = ()
    chart: Mapping[str, Any] | None = field(default=None, repr=False)

    def total(self, column: Column) -> float | None:
        """Return the sum of a column, or of a formula of sums; ``None`` where nothing can be added."""
        if column.formula is not None:
            return _of_sums(self, column)
        known = [row[column.name] for row in self.rows if row.get(column.name) is not None]
        return float(sum(known)) if known else None

    def is_numeric(self, column: Column) -> bool:
        """Return whether all that is known in a column are numbers."""
        known = [row[column.name] for row in self.rows if row.get(column.name) is not None]
        return bool(known) and all(isinstance(each, int | float) and not isinstance(each, bool) for each in known)

    @property
    def has_total(self) -> bool:
        """Whether a row of sums stands below."""
        return bool(self.rows) and any(column.total for column in self.columns)


def _of_sums(section: Section, column: Column) -> float | None:
    """Return a quotient of two sums; formulas of a report are quotients."""
    above, _, below = (column.formula or "").partition("/")
    names = {each.name: each for each in section.columns}
    sums = [section.total(names[part.strip().strip("{}")]) for part in (above, below)]
    return None if sums[0] is None or not sums[1] else sums[0] / sums[1]


@dataclass(frozen=True)
class Report:
    """A report.

    Attributes:
        title: of the whole.
        subtitle: period, and until when the data is known.
        language: ``en`` or ``zh``.
        sections: in order.
        basis: what every figure rests on.
    """

    title: str
    subtitle: str
    language: str
    sections: tuple[Section, ...]
    basis: Mapping[str, Any]

    def section(self, name: str) -> Section:
        """Return the section of a name."""
        return next(each for each in self.sections if each.name == name)

    def as_dict(self, language: str = "en") -> dict[str, Any]:
        """Return every figure of the report, unrounded; its texts are in the language of the report."""
        del language
        return {
            "title": self.title,
            "subtitle": self.subtitle,
            "language": self.language,
            "basis": dict(self.basis),
            "sections": [
                {
                    "name": section.name,
                    "title": section.title,
                    "says": list(section.says),
                    "rows": [dict(row) for row in section.rows],
                    "totals": {column.name: section.total(column) for column in section.columns if column.total},
                }
                for section in self.sections
            ],
        }


def shown(value: Any, digits: int) -> str:
    """Return a value as people read it; a dash where there is none."""
    if value is None:
        return "—"
    if isinstance(value, bool):
        return "✓" if value else "✗"
    if isinstance(value, float):
        return f"{value:,.{digits}f}"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, datetime):
        return written(value, "%Y-%m-%d %H:%M")
    if isinstance(value, date):
        return f"{value:%Y-%m-%d}"
    return (
        ", ".join(shown(each, digits) for each in value)
        if isinstance(value, Sequence) and not isinstance(value, str)
        else str(value)
    )


_MONTH_AXIS = {"labelAngle": 0, "labelExpr": "slice(datum.value, 2)", "labelOverlap": True}
"""Months by two figures of the year and two of the month: a year of them stands side by side."""


def stacked_months(rows: Sequence[Mapping[str, Any]], titles: tuple[str, str], unit: str) -> dict[str, Any]:
    """Return a drawing of customer-hours by month, faults dark and prearranged outages light."""
    values = [
        {"month": row["month"], "kind": title, "ch": row[name]}
        for row in rows
        for name, title in zip(("fault_ch", "prearranged_ch"), titles, strict=True)
    ]
    colours = {"domain": list(titles), "range": ["#4f6f88", "#a9bccb"]}
    return _drawing(
        values,
        {"type": "bar"},
        {
            "x": {"field": "month", "type": "ordinal", "title": None, "axis": _MONTH_AXIS},
            "y": {"field": "ch", "type": "quantitative", "title": unit},
            "color": {"field": "kind", "type": "nominal", "title": None, "scale": colours, "legend": {"orient": "top"}},
        },
    )


def ranked_bars(rows: Sequence[Mapping[str, Any]], name: str, amount: str, unit: str) -> dict[str, Any]:
    """Return a drawing of amounts, greatest first."""
    values = [{"name": str(row[name] or "—"), "amount": row[amount]} for row in rows]
    return _drawing(
        values,
        {"type": "bar", "color": "#4f6f88"},
        {
            "y": {"field": "name", "type": "nominal", "title": None, "sort": None},
            "x": {"field": "amount", "type": "quantitative", "title": unit},
        },
        height=18 * len(values),
    )


def _drawing(
    values: list[dict[str, Any]], mark: Mapping[str, Any], encoding: Mapping[str, Any], height: int = 160
) -> dict[str, Any]:
    font = "Noto Sans CJK SC"
    return {
        "$schema": "https://vega.github.io/schema/vega-lite/v5.json",
        "width": 460,
        "height": height,
        "background": "white",
        "data": {"values": values},
        "mark": dict(mark),
        "encoding": dict(encoding),
        "config": {
            "font": font,
            "view": {"stroke": None},
            "axis": {"domain": False, "ticks": False, "gridColor": "#eceff1"},
        },
    }
