"""References between tables: ids that another table must have, names in place of ids, and places that lie within each other."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

import polars as pl

from network.nearest import nearest
from network.problems import Problem
from network.tables.checked import Checked
from network.tables.names import answering
from network.tables.schema import TABLES
from network.tables.table_form import ROW
from network.texts import Text, text

_PLACES = ("customer_id", "transformer_id", "branch_id", "feeder_id")
"""What a record may name, the most specific first."""
_NEAR_POOL = 2000
_NEAR_ASKED = 50
_SHOWN = 4
Handling = Literal["leave_out", "blank", "keep"]
HANDLING: Mapping[str, Handling] = {
    "outages": "leave_out",
    "stages": "leave_out",
    "switching": "leave_out",
    "signals": "leave_out",
    "load_profile": "leave_out",
    "measurements": "leave_out",
    "sensors": "leave_out",
    "incidents": "leave_out",
    "plans": "leave_out",
    "customers": "keep",
    "live_jobs": "blank",
    "crews": "blank",
    "shifts": "leave_out",
    "orders": "blank",
    "automation_terminals": "leave_out",
    "automation_actions": "leave_out",
    "automation_outages": "leave_out",
}


@dataclass(frozen=True)
class _Reference:
    """A column whose ids another table must have, and what becomes of a row that names an unknown one."""

    table: str
    column: str
    target: str
    key: str
    handling: Handling
    where: pl.Expr = field(default_factory=lambda: pl.lit(value=True))


def check_references(checked: Checked, table: str) -> None:
    """Look for every id that a table names in the table that has it, and handle the rows that name an unknown one."""
    if table in {"signals", "measurements"}:
        for kind, target in (("branch", "branches"), ("transformer", "transformers"), ("customer", "customers")):
            of_kind = pl.col("object") == kind
            _check_reference(checked, _Reference(table, "object_id", target, f"{kind}_id", "leave_out", of_kind))
        return
    for column in TABLES[table].columns:
        if column.refers_to is None:
            continue
        target, key = column.refers_to.split(".")
        if key == "feeder_id":
            _check_feeder_labels(checked, table)
            continue
        handling = "blank" if column.name == "second_transformer_id" else HANDLING[table]
        if target not in checked.present and handling != "leave_out":
            _report_absent(checked, table, column.name, target)
        else:
            _check_reference(checked, _Reference(table, column.name, target, key, handling))


def _check_reference(checked: Checked, reference: _Reference) -> None:
    table, column = reference.table, reference.column
    frame = checked.tables[table]
    known = checked.tables[reference.target][reference.key]
    found = checked.where(reference.target, reference.key).of(frame[column])
    if reference.handling != "leave_out":
        checked.places[f"{table}.{column}"] = found
    if (found >= 0).all():
        return
    unknown = checked.rows_where(table, reference.where & pl.col(column).is_not_null()) & pl.Series(found < 0)
    several: _Several = {}
    if reference.handling == "leave_out" and reference.target in _CALLED_BY_NAME:
        taken, several = _take_names(checked, table, column, reference.target, unknown)
        unknown = unknown & ~taken
        frame = checked.tables[table]
    if not unknown.any():
        return
    _report_unknown(checked, reference, frame.filter(unknown), known, several)
    if reference.handling == "leave_out":
        checked.tables[table] = frame.filter(~unknown)
    elif reference.handling == "blank":
        checked.tables[table] = frame.with_columns(frame[column].set(unknown, None))


_Several: TypeAlias = Mapping[str, Text]
"""What is to be said of each name to which several answer."""

_LABELLED = ("branches", "transformers")
"""Tables whose rows carry the label of a feeder, whether or not there is a table of feeders."""

_CALLED_BY_NAME = ("branches", "transformers", "feeders")
"""Tables whose rows records may call by name; the names of customers are personal."""


def _take_names(
    checked: Checked, table: str, column: str, target: str, unknown: pl.Series
) -> tuple[pl.Series, _Several]:
    """Read ids that are not known as names, where exactly one row of the target answers to it.

    Returns:
        Which were taken so, and what to say of each name to which several answer.
    """
    frame = checked.tables[table]
    given = frame[column].set(~unknown, None)
    named = answering(given, _called(checked, table, target))
    ids = given.replace_strict(named.one, default=None, return_dtype=pl.String)
    taken = ids.is_not_null()
    if taken.any():
        first = taken.arg_true()[0]
        message = text(
            "{count} rows call {target} by name, such as {name}, which is {id}; they were taken so",
            count=int(taken.sum()), target=target, name=frame[column][first], id=ids[first],
        )  # fmt: skip
        hint = text("Nothing needs to be done if that is right; ids are safer, since names change.")
        place = frame[ROW][first], column, frame[column][first]
        checked.problems.append(Problem("warning", table, message, hint, checked.files.get(table), *place))
        checked.tables[table] = frame.with_columns(pl.coalesce(ids, frame[column]).alias(column))
    return taken, {
        name: text(
            "{count} of {target} answer to this name: {ids}",
            count=len(found),
            target=target,
            ids=", ".join(found[:_SHOWN]) + ("…" if len(found) > _SHOWN else ""),
        )
        for name, found in named.several.items()
    }


def _called(checked: Checked, table: str, target: str) -> pl.DataFrame:
    """Return what rows of a table are called: by their names, and by their ids, which may be names."""
    key = TABLES[target].key[0]
    frame = checked.tables[target]
    kv = pl.col("voltage_kv") if "voltage_kv" in frame.columns else pl.lit(None, dtype=pl.Float64)
    kinds = [frame.select(name=pl.col(naming), id=pl.col(key), kv=kv) for naming in ("name", key)]
    if target == "feeders" and table not in _LABELLED:
        kinds += [
            checked.tables[labelled].select(name="feeder_id", id="feeder_id", kv=pl.lit(None, dtype=pl.Float64))
            for labelled in _LABELLED
        ]
    return pl.concat(kinds).drop_nulls("id").unique(maintain_order=True)


def _report_unknown(
    checked: Checked, reference: _Reference, wrong: pl.DataFrame, known: pl.Series, several: _Several
) -> None:
    """Say of each id whether its table is absent, its row was left out, or nothing like it exists."""
    table, column, target = reference.table, reference.column, reference.target
    ids = wrong[column]
    if target not in checked.present:
        message = text("There is no table {target}, so this id is not known", target=target)
        checked.report(table, wrong, "error", message, text("Add the table {target}.", target=target), column=column)
        return
    left_out = set(ids.filter(ids.is_in(checked.read[target][reference.key].implode())).to_list())
    hints = {id_: text("Its own row was left out: see the errors of {target}.", target=target) for id_ in left_out}
    hints |= dict.fromkeys(several, _WRITE_THE_ID)
    asked = 0
    for id_ in ids.unique(maintain_order=True).to_list():
        if id_ not in hints:
            hints[id_] = (
                _SEVERAL_IN_ONE
                if _holds_several(id_, known)
                else _near(id_, known)
                if asked < _NEAR_ASKED
                else _NO_NEAR
            )
            asked += 1
    message = text("The table {target} does not have this id", target=target)
    said = [several.get(id_, message) for id_ in ids.to_list()]
    checked.report(table, wrong, "error", said, [hints[id_] for id_ in ids.to_list()], column=column)


def _holds_several(cell: str, known: pl.Series) -> bool:
    """Return whether a cell names several, one of them by its id: T1、T2;T3."""
    parts = [part.strip() for part in re.split(r"[、,，;；/|\n]", cell) if part.strip()]
    return 1 < len(parts) <= _MOST_IN_CELL and known.is_in(parts).any()


_MOST_IN_CELL = 200
_SEVERAL_IN_ONE = text("The cell names several: give each a row of its own, with the same outage_id.")
_WRITE_THE_ID = text("Write the id of the one that is meant.")
_NO_NEAR = text("Look at the ids in the table.")


def _near(unknown: str, known: pl.Series) -> Text:
    """Suggest the nearest id among those that share a beginning or an end with it."""
    length, part = len(unknown), max(1, len(unknown) // 3)
    ids = known.drop_nulls()
    close = ids.str.len_chars().is_between(max(length - 2, 1), length + 2)
    lower, given = ids.str.to_lowercase(), unknown.lower()
    shared = lower.str.starts_with(given[:part]) | lower.str.ends_with(given[-part:])
    pool = ids.filter(close & shared).head(_NEAR_POOL).to_list()
    near = nearest(unknown, pool)
    return text("Did you mean {near}?", near=near[0]) if near else _NO_NEAR


def _report_absent(checked: Checked, table: str, column: str, target: str) -> None:
    named = checked.tables[table][column].drop_nulls()
    if len(named):
        message = text("The column names {target}, but there is no table {target}", target=target)
        hint = text("Add the table {target}.", target=target)
        severity = "error" if table == "customers" else "warning"
        checked.problems.append(Problem(severity, table, message, hint, checked.files.get(table), None, column))


def _check_feeder_labels(checked: Checked, table: str) -> None:
    """Accept a feeder that the table of feeders has, or that labels some branch or transformer."""
    frame = checked.tables[table]
    if table in {"branches", "transformers"}:
        if "feeders" in checked.present:
            known = frame["feeder_id"].is_in(checked.tables["feeders"]["feeder_id"].implode())
            _take_names(checked, table, "feeder_id", "feeders", frame["feeder_id"].is_not_null() & ~known)
            _mention_unknown_labels(checked, table, checked.tables[table])
        return
    known = pl.concat(
        [checked.tables[labelled]["feeder_id"] for labelled in ("feeders", "branches", "transformers")]
    ).unique()
    unknown = frame.select(
        pl.col("feeder_id").is_not_null() & ~pl.col("feeder_id").is_in(known.drop_nulls().implode())
    ).to_series()
    several: _Several = {}
    if unknown.any():
        taken, several = _take_names(checked, table, "feeder_id", "feeders", unknown)
        unknown = unknown & ~taken
        unknown = unknown & ~_pass_over_feeders(checked, table, unknown)
        frame = checked.tables[table]
    if not unknown.any():
        return
    wrong = frame.filter(unknown)
    ids = wrong["feeder_id"]
    hints = {label: _near(label, known) for label in ids.unique(maintain_order=True).head(_NEAR_ASKED).to_list()}
    message = text("No feeder, branch or transformer has this feeder_id")
    hints |= dict.fromkeys(several, _WRITE_THE_ID)
    said = [several.get(label, message) for label in ids.to_list()]
    checked.report(
        table, wrong, "error", said, [hints.get(label, _NO_NEAR) for label in ids.to_list()], column="feeder_id"
    )
    if HANDLING[table] == "leave_out":
        checked.tables[table] = frame.filter(~unknown)
    else:
        checked.tables[table] = frame.with_columns(frame["feeder_id"].set(unknown, None))


def _pass_over_feeders(checked: Checked, table: str, unknown: pl.Series) -> pl.Series:
    """Leave unknown feeders of records blank that name something more specific, and say so once; return which they are."""
    frame = checked.tables[table]
    if table != "outages":
        return pl.repeat(value=False, n=frame.height, eager=True)
    narrower = pl.any_horizontal(pl.col(*_PLACES[:-1]).is_not_null())
    passed = unknown & frame.select(narrower).to_series()
    if passed.any():
        first = passed.arg_true()[0]
        value = frame["feeder_id"][first]
        message = text(
            "{count} rows name a feeder that is not known, such as {value}; they count by what they name besides",
            count=int(passed.sum()), value=value,
        )  # fmt: skip
        hint = text("Add the feeders, or leave feeder_id blank where something more specific is named.")
        place = checked.files.get(table), frame[ROW][first], "feeder_id", value
        checked.problems.append(Problem("warning", table, message, hint, *place))
        checked.tables[table] = frame.with_columns(frame["feeder_id"].set(passed, None))
    return passed


def _mention_unknown_labels(checked: Checked, table: str, frame: pl.DataFrame) -> None:
    """Warn once of each label that the table of feeders does not have."""
    known = checked.tables["feeders"]["feeder_id"]
    labels = (
        frame.filter(pl.col("feeder_id").is_not_null() & ~pl.col("feeder_id").is_in(known.implode()))
        .group_by("feeder_id", maintain_order=True)
        .agg(pl.first(ROW), pl.len().alias("rows"))
    )
    for number, (label, row, count) in enumerate(labels.iter_rows()):
        message = text("The table feeders does not have this feeder; {rows} rows carry it", rows=count)
        hint = _near(label, known) if number < _NEAR_ASKED else _NO_NEAR
        problem = Problem("warning", table, message, hint, checked.files.get(table), row, "feeder_id", label)
        checked.problems.append(problem)


def check_places(checked: Checked, table: str) -> None:
    """Let the most specific place count where a record names several, and leave out records whose places exclude each other."""
    if table != "outages":
        return
    frame = checked.tables[table]
    given = pl.sum_horizontal(pl.col(*_PLACES).is_not_null().cast(pl.UInt8))
    several = frame.filter(given > 1)
    if several.is_empty():
        return
    apart = _outside_each_other(checked, several)
    checked.leave_out(
        table,
        pl.col(ROW).is_in(apart),
        text("It names places that do not lie within each other; the row was left out"),
        text("Correct one of branch_id, feeder_id, transformer_id and customer_id, or leave the wrong one blank."),
    )
    blank = pl.lit(None, dtype=pl.String)
    narrower = [pl.all_horizontal(pl.col(*_PLACES[:rank]).is_null()) for rank in range(1, len(_PLACES))]
    checked.tables[table] = checked.tables[table].with_columns(
        pl.when(alone).then(name).otherwise(blank).alias(name)
        for name, alone in zip(_PLACES[1:], narrower, strict=True)
    )


def _outside_each_other(checked: Checked, records: pl.DataFrame) -> list[int]:
    """Return the rows of records whose customer hangs on another transformer, or whose parts carry labels of other feeders."""
    customers, transformers = checked.tables["customers"], checked.tables["transformers"]
    feeder_of = {
        "transformer_id": transformers.select("transformer_id", label="feeder_id"),
        "branch_id": checked.tables["branches"].select("branch_id", label="feeder_id"),
    }
    hung = pl.concat(
        customers.select("customer_id", place=column) for column in ("transformer_id", "second_transformer_id")
    ).drop_nulls()
    rows = records.join(hung.group_by("customer_id").agg("place"), on="customer_id", how="left", maintain_order="left")
    elsewhere = pl.col("place").list.contains(pl.col("transformer_id")).not_()
    labels = ["feeder_id"]
    for name, table in feeder_of.items():
        one_each = table.drop_nulls().unique(name, keep="first", maintain_order=True)
        rows = rows.join(one_each.rename({"label": f"label_{name}"}), on=name, how="left", maintain_order="left")
        labels.append(f"label_{name}")
    differing = pl.concat_list(labels).list.drop_nulls().list.n_unique() > 1
    wrong = elsewhere.fill_null(value=False) | differing.fill_null(value=False)
    found: list[int] = rows.filter(wrong)[ROW].to_list()
    return found
