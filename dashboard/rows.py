"""The rows behind a figure: what the drawer shows and the exports write, chosen by the address alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

import polars as pl

from dashboard.access.reader import reader
from dashboard.access.roles import Right
from dashboard.access.units import own
from dashboard.parts.address import ROWS, Address
from dashboard.parts.words import CODE_WORDS, number, word
from fudian import Utility
from network import FudianError, Text, text, translate
from network.tables.writing import header
from reliability.ledger_table import NOT_COUNTED
from reliability.natures import FAULT, PLANNED_WORK, PREARRANGED
from reliability.period import Period
from reliability.query import MED, Query

GROUPS = {"fault": FAULT, "prearranged": PREARRANGED, "work": PLANNED_WORK}
LEDGER_FILTERS = ("cause", "feeder_id", "unit", "region_class", "planning_class", "outage_id", "user_id", "nature")


@dataclass(frozen=True)
class Rows:
    """Rows for people.

    Attributes:
        title: what they are.
        basis: period, level and filters in words.
        total: what they sum to, as a sentence.
        frame: one column per thing shown, codes as words, in the order shown.
        customer_hours: the sum of the rows, where they are interruptions.
    """

    title: str
    basis: str
    total: str
    frame: pl.DataFrame
    customer_hours: float | None = None


def rows_of(utility: Utility, address: Address) -> Rows | None:
    """Return the rows that an address asks for, or ``None`` when it asks for none.

    Raises:
        FudianError: the address asks for rows or filters that there are not.
    """
    kind = address.values.get(ROWS)
    if kind is None:
        return None
    if kind not in _KINDS:
        raise FudianError(
            text("There are no rows {kind!r} to open.", kind=kind),
            text("Close this panel and choose a figure on the page."),
        )
    if are_customers(address) and not reader().may(Right.CUSTOMERS):
        raise FudianError(
            text("The list is shown to roles that need it."),
            text("Choose the level of transformers, or ask for another role."),
        )
    key = ("rows", kind, reader().unit, address.language, tuple(sorted(address.values.items())))
    return utility.memory.recall(key, lambda: _KINDS[kind](utility, address))


def are_customers(address: Address) -> bool:
    """Tell whether the rows that an address asks for are a list of customers: interruptions where customers are the users."""
    return address.values.get(ROWS) == "ledger" and address.values.get("level") == "lv"


def query_of(utility: Utility, address: Address) -> Query:
    """Return the query that the chips of the address stand for."""
    years = [str(year) for year in utility.years]
    year = address.values.get("year", years[-1])
    level = address.values.get("level", "mv")
    med = address.filters.get("med", address.values.get("med", "include"))
    return utility.query(
        int(year if year in years else years[-1]),
        level=level if level in ("mv", "lv") else "mv",
        med=med if med in MED else "include",
    )


def _ledger(utility: Utility, address: Address) -> Rows:
    language, query, filters = address.language, query_of(utility, address), dict(address.filters)
    said = [_period_words(query, language), word(query.level, language), word(query.med, language)]
    filters.pop("med", None)
    part = _part(utility, filters.pop("day", None), filters.pop("month", None))
    if part:
        said[0] = part[1]
    area = None
    if (target := filters.pop("target", None)) is not None:
        area, label = _area_of_target(utility, address, target)
        said.append(label)
    rows = own(utility.network, utility.interruptions_of(query, part[0] if part else None, area))
    if (group := filters.pop("group", None)) is not None:
        if group not in GROUPS:
            raise _no_filter("group", group)
        rows = rows.filter(pl.col("nature").is_in(GROUPS[group]))
        said.append(word(group, language))
    if (after := filters.pop("causes_after", None)) is not None:
        rows = _minor_causes(utility, query, rows, after)
        said.append(translate("causes after the first {count}", language, count=after))
    for column, value in filters.items():
        if column not in LEDGER_FILTERS:
            raise _no_filter(column, value)
        rows = rows.filter(pl.col(column) == value if value else pl.col(column).is_null())
        said.append(_filter_words(utility, column, value, language))
    hours = float((rows["users"] * rows["h"]).sum())
    counted = rows.filter("counted").height
    total = translate(
        "{hours} customer-hours in {counted} interruptions that count; {others} more rows add nothing, with the reason",
        language,
        hours=number(hours),
        counted=f"{counted:,}",
        others=f"{rows.height - counted:,}",
    )
    return Rows(
        translate("Interruptions behind the figure", language),
        " · ".join(said),
        total,
        _ledger_frame(utility, rows, language),
        hours,
    )


def _minor_causes(utility: Utility, query: Query, rows: pl.DataFrame, after: str) -> pl.DataFrame:
    """Return the rows of the causes that the ranking puts together as the rest."""
    if not after.isdecimal():
        raise _no_filter("causes_after", after)
    ranked = utility.causes(query, int(after))
    named = ranked.filter(~pl.col("rest"))["cause"].fill_null("")
    return rows.filter(~pl.col("cause").fill_null("").is_in(named.implode()))


def _no_filter(column: str, value: str) -> FudianError:
    return FudianError(
        text("The rows cannot be filtered by {column}={value}.", column=column, value=value),
        text("Close this panel and choose a figure on the page."),
    )


def _period_words(query: Query, language: str) -> str:
    period = query.period
    last = replace(period, start=min(query.as_of or period.end, period.end) - timedelta(microseconds=1)).first_day
    return translate("{start} to {end}", language, start=f"{period.first_day:%Y-%m-%d}", end=f"{last:%Y-%m-%d}")


def _part(utility: Utility, day: str | None, month: str | None) -> tuple[Period, str] | None:
    """Return the day or month that a filter names, by the clock on the wall."""
    reading = utility.workspace.reading
    try:
        if day is not None:
            start = datetime.combine(date.fromisoformat(day), datetime.min.time())
            return Period(start, start + timedelta(days=1)).on_the_wall(reading), day
        if month is not None:
            return _month(month).on_the_wall(reading), month
    except ValueError as wrong:
        raise _no_filter("day" if day is not None else "month", day or month or "") from wrong
    return None


def _month(label: str) -> Period:
    start = datetime.strptime(label, "%Y-%m")
    return Period(start, (start + timedelta(days=32)).replace(day=1))


def _area_of_target(utility: Utility, address: Address, target: str) -> tuple[tuple[str, tuple[str, ...]], str]:
    query = query_of(utility, address)
    plans = utility.target_plans
    plan = address.values.get("plan", plans[0])
    found = utility.target_of(plan if plan in plans else plans[0], query.period.start.year, query.level, target)
    if found is None or not found.where:
        raise _no_filter("target", target)
    return found.where, found.label


def _filter_words(utility: Utility, column: str, value: str, language: str) -> str:
    if column == "feeder_id":
        names = dict(utility.network.feeders.select("feeder_id", "name").iter_rows())
        shown = names.get(value) or value
    else:
        shown = word(value, language)
    return translate("{name}: {reason}", language, name=header(column, language), reason=shown)


def _ledger_frame(utility: Utility, rows: pl.DataFrame, language: str) -> pl.DataFrame:
    names = utility.network.transformers.select("transformer_id", user_name="name").unique(
        "transformer_id", keep="first"
    )
    reasons = {code: translate(sentence, language) for code, sentence in NOT_COUNTED.items()}
    natures = {code: word(code, language) for code in CODE_WORDS if code.startswith(("F-", "P-"))}
    counted = pl.lit(translate("counted", language))
    written = utility.workspace.reading.all_written
    return (
        rows.join(names, on="transformer_id", how="left", maintain_order="left")
        .with_columns(hours=pl.col("users") * pl.col("h"))
        .sort("hours", "from", "user_id", descending=[True, False, False])
        .select(
            outage="outage_id",
            user=pl.when(pl.col("recorded_only"))
            .then(pl.lit(translate("users recorded by number", language)))
            .otherwise("user_id"),
            user_name="user_name",
            users="users",
            since=written(pl.from_epoch("from", time_unit="us"), "%Y-%m-%d %H:%M:%S"),
            until=pl.when("provisional")
            .then(pl.lit(translate("still out", language)))
            .otherwise(written(pl.from_epoch("until", time_unit="us"), "%Y-%m-%d %H:%M:%S")),
            nature=pl.col("nature").replace(natures),
            cause="cause",
            customer_hours="hours",
            count_or_reason=pl.when(pl.col("reason").is_null())
            .then(counted)
            .otherwise(pl.col("reason").replace(reasons)),
        )
    )


def _problems(utility: Utility, address: Address) -> Rows:
    language = address.language
    found = [
        {
            "severity": word(problem.severity, language),
            "file": problem.place(),
            "row": problem.row,
            "column": problem.column,
            "value": problem.value,
            "message": problem.message.in_language(language),
            "hint": problem.hint.in_language(language),
        }
        for problem in utility.problems
    ]
    columns = ("severity", "file", "row", "column", "value", "message", "hint")
    frame = pl.DataFrame(found, schema=dict.fromkeys(columns, pl.String) | {"row": pl.Int64})
    errors = sum(problem.severity == "error" for problem in utility.problems)
    total = translate(
        "{errors} errors: the row or value was left out; {warnings} warnings: kept, but look at them",
        language,
        errors=errors,
        warnings=len(found) - errors,
    )
    return Rows(translate("What is wrong with the data", language), utility.name, total, frame)


def _plans(utility: Utility, address: Address) -> Rows:
    language, query, filters = address.language, query_of(utility, address), address.filters
    table = own(utility.network, utility.workspace.tables["plans"])
    inside = table.filter((pl.col("start") >= query.period.start) & (pl.col("start") < query.period.end))
    if filters.get("live"):
        inside = inside.filter(pl.col("live_line_item").is_not_null())
    if filters.get("unit"):
        inside = inside.filter(pl.col("unit") == filters["unit"])
    natures = {code: word(code, language) for code in CODE_WORDS if code.startswith("P-")}
    time, written = "%Y-%m-%d %H:%M", utility.workspace.reading.all_written
    frame = inside.sort("start").select(
        "plan_id",
        written(pl.col("start"), time),
        written(pl.col("end"), time),
        pl.col("nature").replace(natures),
        place=pl.coalesce("branch_id", "feeder_id", "transformer_id"),
        work="work",
        unit="unit",
        live_line_item="live_line_item",
        status="status",
    )
    total = translate("{count} planned outages", language, count=frame.height)
    return Rows(translate("Planned outages", language), _period_words(query, language), total, frame)


def _live_jobs(utility: Utility, address: Address) -> Rows:
    language, query, filters = address.language, query_of(utility, address), dict(address.filters)
    part = _part(utility, None, filters.pop("month", None))
    period, said = part or (query.period, _period_words(query, language))
    jobs = own(utility.network, utility.live_jobs).filter(
        (pl.col("start") >= period.start) & (pl.col("start") < period.end)
    )
    for column, value in filters.items():
        if column == "connection":
            jobs = jobs.filter("connection")
        elif column == "unit":
            jobs = jobs.filter(pl.col("unit") == value)
            said += f" · {value}"
        else:
            raise _no_filter(column, value)
    methods = {
        code: word(code, language)
        for code in ("stick", "glove", "combined", "bypass", "generator", "mobile_substation", "low_voltage")
    }
    frame = jobs.sort("reduced_ch", descending=True, nulls_last=True).select(
        "job_id",
        utility.workspace.reading.all_written(pl.col("start"), "%Y-%m-%d %H:%M"),
        unit="unit",
        place=pl.coalesce("branch_id", "feeder_id"),
        method=pl.col("method").replace(methods),
        outage_h="outage_h",
        users_avoided="users_avoided",
        reduced_ch="reduced_ch",
    )
    hours = float(jobs["reduced_ch"].sum())
    total = translate(
        "{count} live jobs, {hours} customer-hours avoided; {unknown} of them cannot be told",
        language,
        count=f"{jobs.height:,}",
        hours=number(hours),
        unknown=jobs["reduced_ch"].null_count(),
    )
    return Rows(translate("Live-line jobs", language), said, total, frame, hours)


_KINDS: Mapping[str, Callable[[Utility, Address], Rows]] = {
    "ledger": _ledger,
    "problems": _problems,
    "plans": _plans,
    "live_jobs": _live_jobs,
}


def failure(problem: FudianError, language: str) -> tuple[str, str]:
    """Return message and hint of an error in a language."""
    hint: Text | None = problem.hint
    return problem.message.in_language(language), hint.in_language(language) if hint else ""
