"""Rows that repeat another, and ids that stand twice: which of them may stand side by side."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import TypeAlias

import numpy as np
import polars as pl

from network.ids import perhaps_repeated
from network.tables.checked import Checked
from network.tables.parts import row_of
from network.tables.schema import TABLES
from network.tables.table_form import ROW
from network.texts import Text, text

_ONE_START = timedelta(minutes=1)
_SUBJECTS = ("branch_id", "feeder_id", "transformer_id", "customer_id", "users")
_REPEATS_ALLOWED = frozenset({"signals", "switching", "measurements"})
_PLACE = "place"
_NAMED = tuple(name for name in _SUBJECTS if name != "users")


def check_repeats(checked: Checked, table: str) -> None:
    """Leave out rows that repeat another as a whole."""
    if table in _REPEATS_ALLOWED:
        return
    columns = TABLES[table].names
    whole = checked.tables[table]
    suspects = _perhaps_repeated(whole, list(TABLES[table].key) or columns)
    if suspects.is_empty():
        return
    same = whole[suspects].select(pl.struct(columns).is_first_distinct()).to_series()
    if not same.all():
        checked.report(
            table,
            whole[suspects].filter(~same),
            "warning",
            text("This row repeats an earlier one and was left out"),
            text("Remove the repeated row."),
        )
        checked.tables[table] = _without(whole, suspects.filter(~same))


def _without(frame: pl.DataFrame, places: pl.Series) -> pl.DataFrame:
    stays = np.ones(frame.height, dtype=bool)
    stays[places.to_numpy()] = False
    return frame.filter(stays)


def check_ids(checked: Checked, table: str) -> None:
    """Leave out later rows with an id that an earlier usable one has, unless the two may stand side by side."""
    key = list(TABLES[table].key)
    if not key or table in _REPEATS_ALLOWED:
        return
    whole = checked.tables[table]
    suspects = _perhaps_repeated(whole, key)
    if suspects.is_empty():
        return
    frame = whole[suspects].with_columns(suspects.alias(_PLACE))
    if table == "outages":  # places that no network knows were set aside, and still tell parts of one outage apart
        named = checked.read[table].select(ROW, *_NAMED)
        frame = frame.drop(_NAMED).join(named, on=ROW, how="left", maintain_order="left")
    several = frame.filter(pl.struct(key).is_duplicated())
    lost = _lost(checked, table, several)
    beside = _BESIDE.get(table)
    kept: dict[object, list[dict[str, object]]] = {}
    wrong: dict[int, tuple[Text, Text]] = {}
    for row in several.iter_rows(named=True):
        others = kept.setdefault(tuple(row[name] for name in key), [])
        clashes = [
            (other, said) for other in others if (said := beside(other, row) if beside else _same_id(other)) is not None
        ]
        this = row | {ROW: row_of(row[ROW], checked.parts.get(table, ()))}
        if row[_PLACE] not in lost and all(other[_PLACE] in lost for other, _ in clashes):
            for other, _ in clashes:  # a row that hangs on nothing takes none along that does not
                others.remove(other)
                wrong[other[_PLACE]] = _hangs_on_nothing(lost[other[_PLACE]], this)  # type: ignore[index]
            clashes = []
        if clashes:
            wrong[row[_PLACE]] = clashes[0][1]
        else:
            others.append(this)
    if wrong:
        places = pl.Series(sorted(wrong))
        messages, hints = zip(*(wrong[place] for place in places), strict=True)
        checked.report(table, whole[places], "error", messages, hints, column=key[0])
        checked.tables[table] = _without(whole, places)


def _lost(checked: Checked, table: str, several: pl.DataFrame) -> dict[int, str]:
    """Return, of rows of one id, the places of those that hang on nothing that is known, each with what it names."""
    tables = checked.tables
    if table == "customers" and "transformers" in checked.present:
        column, known = "transformer_id", [tables["transformers"]["transformer_id"]]
    elif table == "transformers" and "branches" in checked.present:
        ends = tables["branches"]["from_node"], tables["branches"]["to_node"]
        column, known = "node", [*ends, tables["sources"]["node"]]
    else:
        return {}
    unknown = pl.col(column).is_not_null() & ~pl.col(column).is_in(pl.concat(known).drop_nulls().implode())
    return dict(several.filter(unknown).select(_PLACE, column).iter_rows())


def _hangs_on_nothing(named: str, row: Mapping[str, object]) -> tuple[Text, Text]:
    return (
        text("It hangs on {named}, which is not known, and row {other} has the same id; this row was left out",
             named=named, other=row[ROW]),
        text("Remove the row, or correct what it hangs on."),
    )  # fmt: skip


_Beside: TypeAlias = Callable[[Mapping[str, object], Mapping[str, object]], "tuple[Text, Text] | None"]


def _same_id(first: Mapping[str, object]) -> tuple[Text, Text]:
    return (
        text("Row {first} has the same id with other content; this row was left out", first=first[ROW]),
        text("Keep one of them, or give them different ids."),
    )


def _other_service_period(first: Mapping[str, object], row: Mapping[str, object]) -> tuple[Text, Text] | None:
    """Say why two rows are not two service periods of one user or transformer (R1.19)."""
    for one, other in ((first, row), (row, first)):
        ended, begun = one["retired"], other["in_service"]
        if ended is not None and begun is not None and ended <= begun:  # type: ignore[operator]
            return None
    if all(each["in_service"] is None and each["retired"] is None for each in (first, row)):
        return _same_id(first)
    return (
        text("Row {first} has the same id and is in service at the same time; this row was left out", first=first[ROW]),
        text("After a move, end the first row by retired where the second begins by in_service."),
    )


def _other_part(first: Mapping[str, object], row: Mapping[str, object]) -> tuple[Text, Text] | None:
    """Say why two records of one id are not parts of one event (R1.18)."""
    apart = abs(first["start"] - row["start"])  # type: ignore[operator]
    if apart > _ONE_START or first["nature"] != row["nature"]:
        return (
            text("Row {first} has the same id with another start or nature; this row was left out", first=first[ROW]),
            text("Parts of one outage share start and nature; give another outage its own id."),
        )
    place = [*_NAMED, *(() if any(row[name] is not None for name in _NAMED) else ("region_class",))]
    if all(first[name] == row[name] for name in place):
        return (
            text("Row {first} gives the same part of this outage otherwise; this row was left out", first=first[ROW]),
            text("Keep one of them, or name the parts that the two rows mean."),
        )
    return None


_BESIDE: Mapping[str, _Beside] = {
    "transformers": _other_service_period,
    "customers": _other_service_period,
    "outages": _other_part,
}


def _perhaps_repeated(frame: pl.DataFrame, key: Sequence[str]) -> pl.Series:
    """Return the places of the rows whose key occurs more than once, and perhaps of a few others."""
    return perhaps_repeated(frame[key[0]]) if len(key) == 1 else frame.select(key).is_duplicated().arg_true()
