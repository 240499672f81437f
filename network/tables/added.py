"""Numbers of users in two columns, public transformers and customers' own: together they are the users of a record."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

import polars as pl

from network.tables.cells import Fault, as_text, blank_to_null, clean
from network.tables.headers import Names, header_key, match_header, split_unit
from network.tables.sheets import Sheet
from network.texts import text

_KIND = re.compile(r"^(?:停电|影响|其中|停电的)?(公|专)(?:用)?变(?:压器|户)?(?:台|户)?数?$")
_UNITS = {None, "台", "户", "个"}


@dataclass(frozen=True)
class Added:
    """A sheet with the sum of two columns in the place of the first.

    Attributes:
        sheet: the sheet.
        said: what is to be said of it, and of which header; ``None`` where nothing was added.
        used: the columns that need no further word.
    """

    sheet: Sheet
    said: tuple[Fault, str] | None = None
    used: frozenset[int] = frozenset()


def with_users_added(sheet: Sheet, names: Names) -> Added:
    """Add up the public transformers and those of customers, where no other column has the users.

    A cell of which one part is no whole number is kept as the sum in words, so that it is named with both parts.

    Args:
        sheet: as read.
        names: of :func:`network.tables.headers.accepted_names`.
    """
    headers = sheet.headers[: len(sheet.columns)]
    users = next((column for column, _ in names.values() if column.name == "users"), None)
    if users is None or any((found := match_header(each, names)) and found[0].name == "users" for each in headers):
        return Added(sheet)
    kinds: dict[str, list[int]] = {"公": [], "专": []}
    for index, header in enumerate(headers):
        bare, unit = split_unit(header_key(header))
        if (match := _KIND.match(bare)) and unit in _UNITS and match_header(header, names) is None:
            kinds[match[1]].append(index)
    if [len(found) for found in kinds.values()] != [1, 1]:
        return Added(sheet)
    first, second = kinds["公"][0], kinds["专"][0]
    columns, renamed = list(sheet.columns), list(headers)
    columns[first] = _sum(sheet.columns[first], sheet.columns[second])
    renamed[first] = users.chinese
    one, other = (clean(headers[index]) for index in (first, second))
    fault = Fault(
        text("{one} and {other} were added up: together they are the users", one=one, other=other),
        text("Nothing needs to be done if that is right; else name one column of users."),
        "warning",
    )  # fmt: skip
    return Added(replace(sheet, headers=renamed, columns=columns), (fault, headers[first]), frozenset({second}))


def _sum(one: pl.Series, other: pl.Series) -> pl.Series:
    """Return the sums of two columns as text; of two blank cells, a blank one."""
    words = [
        blank_to_null(as_text(each).str.strip_chars()).str.replace(r"\.0+$", "").alias("") for each in (one, other)
    ]
    rows = pl.DataFrame({"one": words[0], "other": words[1]})
    numbers = [pl.col(name).cast(pl.Int64, strict=False) for name in rows.columns]
    readable = pl.all_horizontal(
        pl.col(name).is_null() | number.is_not_null() for name, number in zip(rows.columns, numbers, strict=True)
    )
    blank = pl.all_horizontal(pl.col(name).is_null() for name in rows.columns)
    in_words = pl.concat_str(pl.col("one").fill_null("0"), pl.lit(" + "), pl.col("other").fill_null("0"))
    total = pl.sum_horizontal(number.fill_null(0) for number in numbers).cast(pl.String)
    return rows.select(
        pl.when(blank).then(None).when(readable).then(total).otherwise(in_words).alias(one.name)
    ).to_series()  # fmt: skip
