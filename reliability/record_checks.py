"""What only the rules of counting can tell of the records: stages that repeat, open ends, users that nothing is divided by."""

from __future__ import annotations

from datetime import datetime, timedelta

import polars as pl

from network import Problem, Text, Workspace, text
from network.tables.table_form import ROW
from reliability.interruption_table import NAMES_A_PLACE, numbered, restored, with_columns_of
from reliability.named_parts import NamedParts
from reliability.numbers_beyond import NAMES_NO_PLACE
from reliability.population_table import with_exclusive_ends
from reliability.settings import ReliabilitySettings
from reliability.statistics import Statistics

_SHOWN = 3


def record_problems(statistics: Statistics) -> list[Problem]:
    """Return warnings of records that count otherwise than they seem to, or do not count at all.

    They stay in the tables: stages that bring a transformer back that is back already (R1.8), records that the switching log
    cannot explain (R1.16), ends that are blank for too long (R1.20), stated users with gaps or without use (R1.23), numbers of
    users that the network does not have.
    """
    workspace = statistics.net.workspace
    rules = statistics.settings
    return [
        *statistics.log_conflicts(),
        *repeated_stages(statistics),
        *open_outages(workspace, statistics.known_until, rules),
        *population_problems(workspace, rules),
        *more_users_than_there_are(statistics),
    ]


def _file(workspace: Workspace, table: str) -> str | None:
    return workspace.files.get(table) if workspace.folder is not None else None


def _warnings(
    workspace: Workspace, table: str, rows: pl.DataFrame, message: Text, hint: Text, column: str
) -> list[Problem]:
    """Return one warning per row of a table."""
    shown = rows.select(ROW, pl.col(column).cast(pl.String), id=rows.columns[0]).rows()
    file = _file(workspace, table)
    return [Problem("warning", table, message, hint, file, row, column, value, id_) for row, value, id_ in shown]


def repeated_stages(statistics: Statistics) -> list[Problem]:
    """Return a warning for each stage that brings back what an earlier stage of its outage has brought back already.

    A later stage of a larger part is the rest of it, and no mistake.
    """
    workspace = statistics.net.workspace
    stages = workspace.tables["stages"]
    if stages.height < 2:
        return []
    outages = numbered(with_columns_of(workspace.tables["outages"], "outages")).filter(NAMES_A_PLACE)
    changes = statistics.record_states.changes
    back = restored(outages, stages, NamedParts(statistics.net), changes).unique(["stage", "part", "supply"])
    size = back.group_by("stage", "part").agg(pl.len().alias("size"))
    back = back.join(size, on=["stage", "part"])
    first = back.sort("restored_at", "size", "stage").unique(["part", "supply"], keep="first", maintain_order=True)
    again = back.join(first, on=["part", "supply"], suffix="_first").filter(
        pl.col("restored_at") > pl.col("restored_at_first")
    )
    pair = ["stage", "part", "stage_first"]
    shared = again.with_columns(shared=pl.len().over(pair))
    the_rest = (pl.col("shared") == pl.col("size_first")) & (pl.col("size") > pl.col("size_first"))
    named = shared.filter(~the_rest).sort("stage", "supply")
    ids = statistics.net.transformers["transformer_id"]
    file = _file(workspace, "stages")
    hint = text("Correct restored_at, or let each stage name only what came back with it.")
    problems = []
    for (stage,), rows in named.group_by("stage", maintain_order=True):
        transformers = ids.gather(rows["supply"] // 2).unique(maintain_order=True).to_list()
        row = stages.row(int(stage), named=True)
        message = text(
            "It brings back again {transformers} ({count} in all), back since {since}; the earliest time counts",
            transformers=", ".join(transformers[:_SHOWN]),
            count=len(transformers),
            since=rows["restored_at_first"].min(),
        )
        moment = f"{row['restored_at']}"
        place = file, row[ROW], "restored_at", moment, row["outage_id"]
        problems.append(Problem("warning", "stages", message, hint, *place))
    return problems


def open_outages(workspace: Workspace, known_until: datetime, rules: ReliabilitySettings) -> list[Problem]:
    """Return warnings of outages that have had no end for long, in one line where none has an end at all (R1.20)."""
    outages = workspace.tables["outages"]
    oldest = known_until - timedelta(days=rules.open_warning_days)
    old = outages.filter(pl.col("end").is_null() & (pl.col("start") < oldest))
    if old.is_empty():
        return []
    if outages.height > 1 and outages["end"].is_null().all():
        message = text(
            "No outage has an end, so each of {count} counts until {until}", count=outages.height, until=known_until
        )
        hint = text("Add the column end, or correct its header; an outage without an end lasts.")
        return [Problem("warning", "outages", message, hint, _file(workspace, "outages"), None, "end")]
    message = text(
        "It has no end for more than {days:g} days and counts until {until}",
        days=rules.open_warning_days,
        until=known_until,
    )
    hint = text("Fill in end if supply is back. The days are open_warning_days in fudian.toml.")
    return _warnings(workspace, "outages", old, message, hint, "end")


def population_problems(workspace: Workspace, rules: ReliabilitySettings) -> list[Problem]:
    """Return warnings of stated users that are not used, have gaps, or are missing for a class or a time (R1.23)."""
    stated, outages = workspace.tables["population"], workspace.tables["outages"]
    file = _file(workspace, "population")
    if stated.is_empty():
        return []
    if not workspace.tables["transformers"].is_empty():
        message = text(
            "The stated numbers of users are not used: figures are divided by the transformers of the network"
        )
        hint = text("Remove population, or remove transformers if only the numbers are known.")
        return [Problem("warning", "population", message, hint, file)]
    periods = with_exclusive_ends(stated, rules.population_ends).sort("region_class", "from", nulls_last=False)
    following = pl.col("from").shift(-1).over("region_class")
    gaps = periods.with_columns(next_from=following).filter(pl.col("to") < pl.col("next_from"))
    hint = text("Let from of the next row be the day after to, or add what is missing.")
    problems = [
        Problem("warning", "population", text("No users are stated from {start} to {end}", start=to, end=then), hint, file,
                row, "to", f"{to}", region)
        for row, to, then, region in gaps.select(ROW, "to", "next_from", "region_class").iter_rows()
    ]  # fmt: skip
    included = periods.join(stated.select(ROW, written="to"), on=ROW).filter(pl.col("to") != pl.col("written"))
    if included.height:
        message = text(
            "Ends such as {day} are read as last days that are included ({count} rows)",
            day=included["written"].dt.to_string("%Y-%m-%d")[0],
            count=included.height,
        )
        hint = text("Say otherwise by population_ends in fudian.toml.")
        problems.append(Problem("warning", "population", message, hint, file, None, "to"))
    return problems + _without_population(workspace, periods, outages)


def _without_population(workspace: Workspace, periods: pl.DataFrame, outages: pl.DataFrame) -> list[Problem]:
    """Return a warning for each record of mere numbers that no stated number of users belongs to."""
    numbers = outages.filter(pl.col("users").is_not_null() & NAMES_NO_PLACE)
    begun = pl.col("from").is_null() | (pl.col("from") <= pl.col("start"))
    lasts = pl.col("to").is_null() | (pl.col("start") < pl.col("to"))
    covered = numbers.join(periods.select("region_class", "from", "to"), on="region_class").filter(begun & lasts)
    missing = numbers.filter(~pl.col(ROW).is_in(covered[ROW].implode()))
    message = text("No number of users of its region class is stated for its start, so it is not counted")
    hint = text("Add its region class and time to population.")
    return _warnings(workspace, "outages", missing, message, hint, "region_class")


def more_users_than_there_are(statistics: Statistics) -> list[Problem]:
    """Return warnings of numbers of users that the network does not have.

    A record that only states a number is compared with the transformers of its region class in service; one that names a
    place besides is compared with the transformers and customers there, and counts by the place.
    """
    net = statistics.net
    workspace = net.workspace
    outages = workspace.tables["outages"].filter(pl.col("users").is_not_null())
    if outages.is_empty() or net.transformers.is_empty():
        return []
    return _above_the_network(statistics) + _beside_a_place(statistics, outages.filter(~NAMES_NO_PLACE))


def _above_the_network(statistics: Statistics) -> list[Problem]:
    workspace = statistics.net.workspace
    hint = text("Medium-voltage users are transformers: correct users, or name the branch, feeder or transformer.")
    return [
        Problem("warning", "outages", text("The network has only {users} transformers of this region class", users=there), hint,
                _file(workspace, "outages"), row, "users", f"{users_off}", outage)
        for row, outage, _, users_off, there in statistics.numbers_beyond.iter_rows()
    ]  # fmt: skip


def _beside_a_place(statistics: Statistics, records: pl.DataFrame) -> list[Problem]:
    if records.is_empty():
        return []
    levels = ["mv"] if statistics.net.customers.is_empty() else ["mv", "lv"]
    known = records.select("outage_id", ROW, stated="users")
    fits = pl.lit(value=False)
    for level in levels:
        rows = statistics.interruptions(level).filter(pl.col("exclusion").is_null())
        found = rows.group_by("outage_id").agg(pl.col("users").sum().alias(level))
        known = known.join(found, on="outage_id", how="left", maintain_order="left")
        fits |= pl.col(level).fill_null(0) == pl.col("stated").sum().over("outage_id")
    wrong = known.filter(~fits)
    hint = text("It counts by the place. Correct users, or the place, if they do not belong together.")
    return [
        Problem("warning", "outages",
                text("By the network {found} users hang there, not {users}", found=" / ".join(map(str, counts)), users=stated),
                hint, _file(statistics.net.workspace, "outages"), row, "users", f"{stated}", outage)
        for outage, row, stated, *counts in wrong.with_columns(pl.col(levels).fill_null(0)).iter_rows()
    ]  # fmt: skip
