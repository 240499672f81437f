"""Which sheets of a workbook hold a table: the one with most of its headers, and all that hold as much.

The months of a year, each on a sheet of its own, are one table.
Notes and summaries beside them are named as not read. A hidden sheet is never read, whatever it holds.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from network.problems import Problem
from network.tables.headers import Header
from network.tables.table_form import Table
from network.texts import Text, text

_NOTES = re.compile(
    r"汇总|合计|总计|说明|须知|示例|样例|模板|备份|作废|summary|total|note|readme|instruction|example|template|backup|lists",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Candidate:
    """A sheet as far as its first rows show it.

    Attributes:
        name: of the sheet.
        header: its header, ``None`` where no row names a column of the table.
        visible: whether a spreadsheet shows it.
        empty: whether it holds nothing.
    """

    name: str
    header: Header | None
    visible: bool = True
    empty: bool = False


def choose_sheets(candidates: Sequence[Candidate], table: Table, file: str) -> tuple[list[Candidate], list[Problem]]:
    """Choose the sheets that hold a table.

    Args:
        candidates: the sheets of one file, in their order.
        table: what is looked for.
        file: name of the file.

    Returns:
        The sheets to be read, in their order, and what is to be said of the others. Nothing is chosen where no sheet that is
        shown names a column of the table.
    """
    required = frozenset(column.name for column in table.columns if column.required)
    shown = [sheet for sheet in candidates if sheet.visible and sheet.header is not None]
    best = max(shown, key=lambda sheet: _worth(sheet, required), default=None)
    if best is None or best.header is None:
        return [], [_not_read(sheet, table, file, required, required) for sheet in candidates if not sheet.empty]
    needed = required | _found(best) & frozenset(column.name for column in table.columns if column.critical)
    whole = [sheet for sheet in shown if needed <= _found(sheet) and 2 * len(_found(sheet)) >= len(_found(best))]
    plain = [sheet for sheet in whole if not _NOTES.search(sheet.name)]
    chosen = plain or whole or [best]
    others = [sheet for sheet in candidates if sheet not in chosen and not sheet.empty]
    return chosen, [_not_read(sheet, table, file, required, needed) for sheet in others]


def _found(sheet: Candidate) -> frozenset[str]:
    return sheet.header.found | sheet.header.perhaps if sheet.header is not None else frozenset()


def _worth(sheet: Candidate, required: frozenset[str]) -> tuple[int, bool, int]:
    return len(_found(sheet) & required), not _NOTES.search(sheet.name), len(_found(sheet))


def _not_read(sheet: Candidate, table: Table, file: str, required: frozenset[str], needed: frozenset[str]) -> Problem:
    """Say that a sheet was not read: an error where it would be a part of the table but for one column."""
    found = _found(sheet)
    missing = sorted(needed - found)
    almost = sheet.visible and len(missing) == 1 and bool(found & required) and not _NOTES.search(sheet.name)
    message, hint = _reason(sheet, table, found, missing)
    return Problem("error" if almost else "warning", table.name, message, hint, file, sheet=sheet.name)


def _reason(sheet: Candidate, table: Table, found: frozenset[str], missing: Sequence[str]) -> tuple[Text, Text]:
    if not sheet.visible:
        return (
            text("The sheet {sheet} is hidden and was not read", sheet=sheet.name),
            text("Show it if it belongs to the table {table}; otherwise nothing needs to be done.", table=table.name),
        )
    if found and missing:
        return (
            text(
                "The sheet {sheet} was not read: it has no column {columns}",
                sheet=sheet.name,
                columns=", ".join(missing),
            ),
            text(
                "Add the columns if it belongs to the table {table}; otherwise nothing needs to be done.",
                table=table.name,
            ),
        )
    return (
        text("The sheet {sheet} was not read", sheet=sheet.name),
        text("Nothing needs to be done if it holds notes or sums; otherwise name it and its columns as the others."),
    )
