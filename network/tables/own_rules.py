"""Rules inside one table: the order of times, shares, and what a record says of who lost supply."""

from __future__ import annotations

from datetime import datetime

import polars as pl

from network.problems import Problem
from network.tables.checked import Checked
from network.tables.code_words import NOT_OPENED
from network.tables.load_checks import LOAD_RULES
from network.tables.table_form import ROW
from network.tables.values import SHED_UNOPENED, SHED_UNOPENED_HINT
from network.texts import text

LONG_OUTAGE_DAYS = 30
_SUBJECTS = ("branch_id", "feeder_id", "transformer_id", "customer_id", "users")
_PLACES = ("customer_id", "transformer_id", "branch_id", "feeder_id")


def check_own_rules(checked: Checked, table: str) -> None:
    """Check the rows of one table against its own rules."""
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
    elif table == "sources":
        checked.mention(
            "sources",
            pl.col("grid_forming") & pl.col("capacity_a").is_null(),
            text("Generation that may feed an island alone needs capacity_a; without it it is no source"),
            text("Fill in the current that it can give."),
            "capacity_a",
        )
        checked.mention(
            "sources",
            (pl.col("generation_kw") > 0) & pl.col("grid_forming").is_null(),
            text(
                "generation_kw counts for generation alone, and a blank grid_forming says that this is a bus of the grid"
            ),
            text("Write true or false in grid_forming if it is generation."),
            "generation_kw",
        )
    for rule in LOAD_RULES.get(table, ()):
        checked.leave_out(table, rule.wrong, rule.message, rule.hint, rule.column)


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
    aside = counted & frame.select(pl.any_horizontal(pl.col(*_PLACES).is_not_null())).to_series()
    if aside.any():
        checked.aside = frame.filter(aside).select(ROW, *_PLACES)
        checked.aside = checked.aside.select(ROW, *(name for name in _PLACES if checked.aside[name].count()))
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
    checked.tables["outages"] = _as_one(frame, aside)


def _as_one(records: pl.DataFrame, aside: pl.Series) -> pl.DataFrame:
    """Return records in which parts of one outage at places that were set aside are one row where only their users differ."""
    others = [name for name in records.columns if name not in {"users", ROW}]
    alike = records.select(pl.struct(others).is_duplicated() & aside).to_series()
    if not alike.any():
        return records
    added = records.filter(alike).group_by(others, maintain_order=True).agg(pl.col("users").sum(), pl.col(ROW).first())
    return pl.concat([records.filter(~alike), added.select(records.columns)]).sort(ROW)


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
