"""Rules between values: duplicates, order of times, references between tables.

Each rule looks at one table, leaves out the rows that cannot be used, and says why. What a table refers to is checked
first, so that a reference to a row that was left out is found as well.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal, TypeAlias
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl

from network.arrays import Indices
from network.ids import Places, perhaps_repeated
from network.nearest import nearest
from network.problems import Problem
from network.tables.code_words import NOT_OPENED
from network.tables.conventions import LOCAL_ZONE
from network.tables.parts import Parts, row_of
from network.tables.schema import TABLES
from network.tables.table_form import ROW
from network.tables.values import SHED_UNOPENED, SHED_UNOPENED_HINT
from network.texts import Text, text

LONG_OUTAGE_DAYS = 30
_ORDER = (
    "feeders", "sources", "nodes", "branches", "transformers", "customers", "population", "outages", "stages",
    "switching", "signals", "sensors", "incidents", "plans", "live_jobs", "bases", "crews", "shifts", "travel", "orders",
    "automation_terminals", "automation_actions", "automation_outages", "applications",
    "budget", "targets", "reliability_report", "area_map",
)  # fmt: skip
_ONE_START = timedelta(minutes=1)
_SUBJECTS = ("branch_id", "feeder_id", "transformer_id", "customer_id", "users")
_PLACES = ("customer_id", "transformer_id", "branch_id", "feeder_id")
"""What a record may name, the most specific first."""
_REPEATS_ALLOWED = frozenset({"signals", "switching"})
_PLACE = "place"
_NEAR_POOL = 2000
_NEAR_ASKED = 50

Handling = Literal["leave_out", "blank", "keep"]
_HANDLING: Mapping[str, Handling] = {
    "outages": "leave_out",
    "stages": "leave_out",
    "switching": "leave_out",
    "signals": "leave_out",
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


@dataclass
class Checked:
    """The tables as they stand after the rules so far, and what the rules said.

    Attributes:
        tables: every table by name, with the rows that can be used.
        read: the tables as they were read.
        files: table to file name.
        present: the tables that were given at all.
        parts: the files and sheets of each table.
        now: local time after which a start lies in the future.
        problems: what the rules said, in order of tables and rows.
        standing: for a key ``table.column`` that others name, where each of its ids stands, once it was looked up.
        places: for a column ``table.column`` with references, the row of each in the table it names, -1 where there is
            none; only for columns whose rows all stay.
    """

    tables: dict[str, pl.DataFrame]
    read: Mapping[str, pl.DataFrame]
    files: Mapping[str, str]
    present: frozenset[str]
    now: datetime
    parts: Parts = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    standing: dict[str, Places] = field(default_factory=dict)
    places: dict[str, Indices] = field(default_factory=dict)

    def report(
        self,
        table: str,
        rows: pl.DataFrame,
        severity: str,
        messages: Text | Iterable[Text],
        hints: Text | Iterable[Text],
        *,
        column: str | None = None,
    ) -> None:
        """Add one problem for each of ``rows``, with the id of its row where the table has one."""
        numbers = rows[ROW].to_list()
        key = TABLES[table].key
        ids = rows[key[0]].to_list() if len(key) == 1 and rows.schema[key[0]] == pl.String else [None] * len(numbers)
        values = [None] * len(numbers) if column is None else _shown(rows[column])
        said = [messages] * len(numbers) if isinstance(messages, Text) else messages
        help_ = [hints] * len(numbers) if isinstance(hints, Text) else hints
        self.problems.extend(
            Problem(severity, table, message, hint, self.files.get(table), number, column, value, object_id)
            for number, value, object_id, message, hint in zip(numbers, values, ids, said, help_, strict=True)
        )

    def where(self, table: str, key: str) -> Places:
        """Return where the ids of a table stand that has been checked already."""
        name = f"{table}.{key}"
        if name not in self.standing:
            self.standing[name] = Places(self.tables[table][key])
        return self.standing[name]

    def rows_where(self, table: str, where: pl.Expr) -> pl.Series:
        """Return whether ``where`` holds in each row of a table; a lazy query copies no column that it does not read."""
        return self.tables[table].lazy().select(where.fill_null(False)).collect().to_series()

    def leave_out(self, table: str, where: pl.Expr, message: Text, hint: Text, column: str | None = None) -> None:
        """Report the rows of a table where ``where`` holds, and leave them out."""
        wrong = self.rows_where(table, where)
        if wrong.any():
            frame = self.tables[table]
            self.report(table, frame.filter(wrong), "error", message, hint, column=column)
            self.tables[table] = frame.filter(~wrong)

    def mention(self, table: str, where: pl.Expr, message: Text, hint: Text, column: str | None = None) -> None:
        """Warn of the rows of a table where ``where`` holds, and keep them."""
        found = self.rows_where(table, where)
        if found.any():
            self.report(table, self.tables[table].filter(found), "warning", message, hint, column=column)


def check_tables(
    tables: Mapping[str, pl.DataFrame],
    files: Mapping[str, str] | None = None,
    present: Iterable[str] | None = None,
    only: Iterable[str] | None = None,
    now: datetime | None = None,
) -> tuple[dict[str, pl.DataFrame], tuple[Problem, ...]]:
    """Check tables against themselves and each other.

    Args:
        tables: the tables as read, every name of the schema, typed as the schema says.
        files: table to file name, to name the file in a problem.
        present: the tables that were given at all; the others are absent rather than empty. Default: those with rows.
        only: check these tables alone; the others are known to be good. Default: all.
        now: local time after which a start lies in the future. Default: the clock.

    Returns:
        The tables with the rows that can be used, and the problems in order of tables and rows.
    """
    checked = look_through(tables, files, present, only, now)
    return checked.tables, tuple(checked.problems)


def look_through(
    tables: Mapping[str, pl.DataFrame],
    files: Mapping[str, str] | None = None,
    present: Iterable[str] | None = None,
    only: Iterable[str] | None = None,
    now: datetime | None = None,
    parts: Parts | None = None,
) -> Checked:
    """Check tables as :func:`check_tables` does, and return all that was found out on the way."""
    given = (
        frozenset(present) if present is not None else frozenset(name for name, each in tables.items() if each.height)
    )
    now = now or datetime.now(ZoneInfo(LOCAL_ZONE)).replace(tzinfo=None)
    checked = Checked(dict(tables), tables, files or {}, given, now, parts or {})
    wanted = frozenset(_ORDER if only is None else only)
    for table in _ORDER:
        if table in wanted and checked.tables[table].height:
            start = len(checked.problems)
            _check_repeats(checked, table)
            _check_own_rules(checked, table)
            if _HANDLING.get(table) == "leave_out":  # a row that is left out claims no id
                _check_references(checked, table)
                _check_places(checked, table)
                _check_ids(checked, table)
            else:  # where rows stand is remembered, so all must be known that stay
                _check_ids(checked, table)
                _check_references(checked, table)
            checked.problems[start:] = sorted(checked.problems[start:], key=lambda problem: problem.row or 0)
    return checked


def _shown(values: pl.Series) -> list[str | None]:
    if isinstance(values.dtype, pl.Datetime):
        return values.dt.to_string("%Y-%m-%d %H:%M:%S").to_list()
    return values.cast(pl.String).to_list()


# -- duplicates --------------------------------------------------------------------------------------------------------


def _check_repeats(checked: Checked, table: str) -> None:
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


def _check_ids(checked: Checked, table: str) -> None:
    """Leave out later rows with an id that an earlier usable one has, unless the two may stand side by side."""
    key = list(TABLES[table].key)
    if not key or table in _REPEATS_ALLOWED:
        return
    whole = checked.tables[table]
    suspects = _perhaps_repeated(whole, key)
    if suspects.is_empty():
        return
    frame = whole[suspects].with_columns(suspects.alias(_PLACE))
    several = frame.filter(pl.struct(key).is_duplicated())
    beside = _BESIDE.get(table)
    kept: dict[object, list[dict[str, object]]] = {}
    wrong, messages, hints = [], [], []
    for row in several.iter_rows(named=True):
        others = kept.setdefault(tuple(row[name] for name in key), [])
        said = ((beside(other, row) if beside else _same_id(other)) for other in others)
        clash = next(filter(None, said), None)
        if clash is None:
            others.append(row | {ROW: row_of(row[ROW], checked.parts.get(table, ()))})
        else:
            wrong.append(row[_PLACE])
            messages.append(clash[0])
            hints.append(clash[1])
    if wrong:
        places = pl.Series(wrong)
        checked.report(table, whole[places], "error", messages, hints, column=key[0])
        checked.tables[table] = _without(whole, places)


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
    named = [name for name in _SUBJECTS if name != "users"]
    place = [*named, *(() if any(row[name] is not None for name in named) else ("region_class",))]
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


# -- rules inside one table --------------------------------------------------------------------------------------------


def _check_own_rules(checked: Checked, table: str) -> None:
    if table == "branches":
        _check_branches(checked)
    elif table in {"transformers", "customers"}:
        _check_service(checked, table)
    elif table == "outages":
        _check_outages(checked)
    elif table == "stages":
        _check_stages(checked)
    elif table == "population":
        _check_population(checked)
    elif table == "signals":
        _check_signals(checked)
    elif table == "sensors":
        _check_sensors(checked)
    elif table in {"plans", "live_jobs", "reliability_report", "shifts"}:
        _check_ends(checked, table)


def _check_branches(checked: Checked) -> None:
    checked.leave_out(
        "branches",
        pl.col("from_node") == pl.col("to_node"),
        text("Both ends of this branch are the same node; it was left out"),
        text("Correct from_node or to_node."),
        "to_node",
    )


def _check_service(checked: Checked, table: str) -> None:
    checked.mention(
        table,
        pl.col("retired") < pl.col("in_service"),
        text("It is retired before it is in service, so it never counts"),
        text("Correct in_service or retired."),
        "retired",
    )


def _check_ends(checked: Checked, table: str) -> None:
    checked.leave_out(
        table,
        pl.col("end") < pl.col("start"),
        text("The end lies before the start; the row was left out"),
        text("Correct start or end."),
        "end",
    )


_NETWORK = frozenset({"branches", "transformers", "feeders", "customers"})


def _leave_places_aside(checked: Checked) -> None:
    """Where there is no network at all, let the users of a record count, and say once that its places are not looked up."""
    if _NETWORK & checked.present:
        return
    frame = checked.tables["outages"]
    counted = frame.select(pl.col("users").is_not_null() & pl.col("region_class").is_not_null()).to_series()
    for column in _PLACES:
        named = counted & frame[column].is_not_null()
        if named.any():
            message = text(
                "There is no network to look this up in, so the users of the records count ({rows} rows)",
                rows=named.sum(),
            )
            hint = text("Add the tables of the network to count by place; otherwise nothing needs to be done.")
            file = checked.files.get("outages")
            checked.problems.append(Problem("warning", "outages", message, hint, file, None, column))
            frame = frame.with_columns(frame[column].set(named, None))
    checked.tables["outages"] = frame


def _check_outages(checked: Checked) -> None:
    _leave_places_aside(checked)
    _check_ends(checked, "outages")
    given = pl.sum_horizontal(pl.col(column).is_not_null().cast(pl.UInt8) for column in _SUBJECTS)
    checked.leave_out(
        "outages",
        given == 0,
        text("It does not say what lost supply; the row was left out"),
        text("Fill in one of branch_id, feeder_id, transformer_id, customer_id or users."),
    )
    checked.leave_out(
        "outages",
        pl.col("users").is_not_null() & (given == 1) & pl.col("region_class").is_null(),
        text("A number of users needs a region class; the row was left out"),
        text("Fill in region_class, or name the branch, feeder, transformer or customer instead."),
        "region_class",
    )
    checked.leave_out(
        "outages",
        pl.col("nature").str.starts_with("P-RAT") & pl.col("cause").str.contains(NOT_OPENED, literal=True),
        SHED_UNOPENED,
        SHED_UNOPENED_HINT,
        "cause",
    )
    _mention_doubtful_outages(checked)


def _mention_doubtful_outages(checked: Checked) -> None:
    """Warn of records that stay, though something about them is odd."""
    _mention_more_users_than_stated(checked)
    checked.mention(
        "outages",
        pl.col("approved_end") <= pl.col("start"),
        text("Its approved end does not lie after its start, so all of a planned outage would be beyond it"),
        text("Check start and approved_end."),
        "approved_end",
    )
    checked.mention(
        "outages",
        pl.col("end") == pl.col("start"),
        text("It ends when it starts: no time without supply"),
        text("Check start and end."),
        "end",
    )
    checked.mention(
        "outages",
        (pl.col("end") - pl.col("start")) > pl.duration(days=LONG_OUTAGE_DAYS),
        text("It lasts longer than {days} days", days=LONG_OUTAGE_DAYS),
        text("Check start and end."),
        "end",
    )
    checked.mention(
        "outages",
        pl.col("start") > checked.now,
        text("It starts in the future"),
        text("Check the start; planned outages belong into the table plans."),
        "start",
    )


def _mention_more_users_than_stated(checked: Checked) -> None:
    """Warn of records with more users than the population states for their region class at that time."""
    stated = checked.tables["population"].select("region_class", "from", "to", stated="users")
    place = pl.any_horizontal(pl.col(*_PLACES).is_not_null())
    records = checked.tables["outages"].filter(pl.col("users").is_not_null() & ~place)
    if stated.is_empty() or records.is_empty():
        return
    begun = pl.col("from").is_null() | (pl.col("from") <= pl.col("start"))
    lasts = pl.col("to").is_null() | (pl.col("start") < pl.col("to"))
    more = records.join(stated, on="region_class", maintain_order="left").filter(
        begun & lasts & (pl.col("users") > pl.col("stated"))
    )
    messages = [text("The population states only {users} users of this region class", users=n) for n in more["stated"]]
    hint = text("Check users and region_class, or the table population.")
    checked.report("outages", more, "warning", messages, hint, column="users")


def _check_stages(checked: Checked) -> None:
    given = pl.sum_horizontal(pl.col(column).is_not_null().cast(pl.UInt8) for column in ("branch_id", "transformer_id"))
    checked.leave_out(
        "stages",
        given != 1,
        text("A stage needs exactly one of branch_id and transformer_id; it was left out"),
        text("Fill in which part came back."),
    )
    ends = pl.when(pl.col("end").is_not_null().all()).then(pl.col("end").max())
    outages = checked.tables["outages"].group_by("outage_id").agg(pl.col("start").min(), end=ends)
    stages = checked.tables["stages"].join(outages, on="outage_id", how="left", maintain_order="left")
    checked.tables["stages"] = stages
    checked.leave_out(
        "stages",
        pl.col("restored_at") < pl.col("start"),
        text("It came back before its outage started; the stage was left out"),
        text("Correct restored_at, or the start of the outage."),
        "restored_at",
    )
    checked.leave_out(
        "stages",
        pl.col("restored_at") > pl.col("end"),
        text("It came back after the end of its outage; the stage was left out"),
        text("Correct restored_at, or the end of the outage."),
        "restored_at",
    )
    checked.tables["stages"] = checked.tables["stages"].drop("start", "end")


def _check_population(checked: Checked) -> None:
    checked.leave_out(
        "population",
        pl.col("to") <= pl.col("from"),
        text("The end lies before the start; the row was left out"),
        text("Correct from or to; to is exclusive."),
        "to",
    )
    taken: dict[str, list[tuple[datetime, datetime]]] = {}
    overlapping: list[int] = []
    frame = checked.tables["population"]
    for row in frame.iter_rows(named=True):
        begin, end = row["from"] or datetime.min, row["to"] or datetime.max
        others = taken.setdefault(row["region_class"], [])
        if any(begin < other_end and other_begin < end for other_begin, other_end in others):
            overlapping.append(row[ROW])
        else:
            others.append((begin, end))
    checked.leave_out(
        "population",
        pl.col(ROW).is_in(overlapping),
        text("An earlier row gives the users of this region class for the same time; this row was left out"),
        text("Let the times from and to follow each other without overlap."),
        "region_class",
    )


def _check_signals(checked: Checked) -> None:
    checked.leave_out(
        "signals",
        (pl.col("kind") == "fault_current") & ~pl.col("value").is_in([1.0, 0.0, -1.0]),
        text("The value of fault_current is 1 (seen), 0 (not seen) or -1 (seen in reverse); the row was left out"),
        text("Correct the value; blank means 1."),
        "value",
    )


def _check_sensors(checked: Checked) -> None:
    for column in ("miss_rate", "false_rate"):
        frame = checked.tables["sensors"]
        wrong = frame.select((pl.col(column) > 1).fill_null(False)).to_series()
        if wrong.any():
            message = text("A share lies between 0 and 1; the value was left out")
            checked.report(
                "sensors",
                frame.filter(wrong),
                "error",
                message,
                text("For five per cent write 0.05 or 5%."),
                column=column,
            )
            checked.tables["sensors"] = frame.with_columns(frame[column].set(wrong, None))


def _check_places(checked: Checked, table: str) -> None:
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


# -- references --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Reference:
    """A column whose ids another table must have, and what becomes of a row that names an unknown one."""

    table: str
    column: str
    target: str
    key: str
    handling: Handling
    where: pl.Expr = field(default_factory=lambda: pl.lit(value=True))


def _check_references(checked: Checked, table: str) -> None:
    if table == "signals":
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
        handling = "blank" if column.name == "second_transformer_id" else _HANDLING[table]
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
    if reference.handling == "leave_out" and reference.target in _CALLED_BY_NAME:
        unknown = unknown & ~_take_names(checked, table, column, reference.target, unknown)
        frame = checked.tables[table]
    if not unknown.any():
        return
    _report_unknown(checked, reference, frame.filter(unknown), known)
    if reference.handling == "leave_out":
        checked.tables[table] = frame.filter(~unknown)
    elif reference.handling == "blank":
        checked.tables[table] = frame.with_columns(frame[column].set(unknown, None))


_CALLED_BY_NAME = ("branches", "transformers", "feeders")
"""Tables whose rows records may call by name; the names of customers are personal."""


def _take_names(checked: Checked, table: str, column: str, target: str, unknown: pl.Series) -> pl.Series:
    """Read ids that are not known as names, where exactly one row of the target has that name; return which were taken."""
    key = TABLES[target].key[0]
    called = checked.tables[target].select(name=pl.col("name").str.strip_chars(), id=key).drop_nulls()
    called = called.filter(pl.col("name").is_unique())
    frame = checked.tables[table]
    names = frame.select(name=pl.when(unknown).then(pl.col(column).str.strip_chars()))
    ids = names.join(called, on="name", how="left", maintain_order="left")["id"]
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
    return taken


def _report_unknown(checked: Checked, reference: _Reference, wrong: pl.DataFrame, known: pl.Series) -> None:
    """Say of each id whether its table is absent, its row was left out, or nothing like it exists."""
    table, column, target = reference.table, reference.column, reference.target
    ids = wrong[column]
    if target not in checked.present:
        message = text("There is no table {target}, so this id is not known", target=target)
        checked.report(table, wrong, "error", message, text("Add the table {target}.", target=target), column=column)
        return
    left_out = set(ids.filter(ids.is_in(checked.read[target][reference.key].implode())).to_list())
    hints = {each: text("Its own row was left out: see the errors of {target}.", target=target) for each in left_out}
    asked = 0
    for each in ids.unique(maintain_order=True).to_list():
        if each not in hints:
            hints[each] = _near(each, known) if asked < _NEAR_ASKED else _NO_NEAR
            asked += 1
    message = text("The table {target} does not have this id", target=target)
    checked.report(table, wrong, "error", message, [hints[each] for each in ids.to_list()], column=column)


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
            _mention_unknown_labels(checked, table, frame)
        return
    known = pl.concat([checked.tables[each]["feeder_id"] for each in ("feeders", "branches", "transformers")]).unique()
    unknown = frame.select(
        pl.col("feeder_id").is_not_null() & ~pl.col("feeder_id").is_in(known.drop_nulls().implode())
    ).to_series()
    if unknown.any():
        unknown = unknown & ~_take_names(checked, table, "feeder_id", "feeders", unknown)
        unknown = unknown & ~_pass_over_feeders(checked, table, unknown)
        frame = checked.tables[table]
    if not unknown.any():
        return
    wrong = frame.filter(unknown)
    ids = wrong["feeder_id"]
    hints = {each: _near(each, known) for each in ids.unique(maintain_order=True).head(_NEAR_ASKED).to_list()}
    message = text("No feeder, branch or transformer has this feeder_id")
    said = [hints.get(each, _NO_NEAR) for each in ids.to_list()]
    checked.report(table, wrong, "error", message, said, column="feeder_id")
    if _HANDLING[table] == "leave_out":
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


def tables_in_order() -> Sequence[str]:
    """Return the names of all tables, each after those it refers to."""
    return _ORDER
