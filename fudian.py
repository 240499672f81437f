"""The front door: the command line, one thin function per command.

Every command takes ``--json``: one JSON object on standard output and nothing else there; progress and messages go to standard
error. Exit status 0: done; 1: the data has errors that prevent the answer; 2: wrong usage.
"""

from __future__ import annotations

import json
import locale
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

import polars as pl
import typer
from rich.console import Console
from rich.table import Table

from network import (
    FudianError,
    Network,
    Problem,
    Supply,
    WorkspaceError,
    build_network,
    read_workspace,
    text,
    translate,
)
from network.writing import header, write_table
from reliability import Period
from reliability.grid_kpis import feeder_kpis, grid_settings
from reliability.settings import reliability_settings
from reliability.statistics import Query, Statistics
from repair.settings import inference_settings, location_settings

app = typer.Typer(
    name="fudian",
    help="复电 Fudian: outage reliability and smart fault repair for electricity distribution.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
_errors = Console(stderr=True, highlight=False, markup=False, soft_wrap=True)
_SHOWN_PROBLEMS = 20
_WRONG_USAGE = 2
STANDARDS = ("dlt", "ieee")

WorkspaceArgument = Annotated[
    Path, typer.Argument(metavar="WORKSPACE", help="Folder with the tables.", show_default=False)
]
Json = Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")]
Start = Annotated[
    datetime | None, typer.Option(help="First moment of the period.", formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"])
]
End = Annotated[
    datetime | None, typer.Option(help="End of the period, exclusive.", formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"])
]
AsOf = Annotated[
    datetime | None, typer.Option(help="Nothing later is known.", formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"])
]
By = Annotated[str, typer.Option(help="Columns to break down by, with commas: region_class,month …")]
Level = Annotated[str, typer.Option(help="mv: transformers are users; lv: customers are.")]
Med = Annotated[str, typer.Option(help="Major event days: include or exclude.")]
Source = Annotated[
    str, typer.Option("--from", help="What interruptions come from: records, or the switching log (switching).")
]
Engine = Annotated[str, typer.Option(help="polars, pandas or duckdb.")]


def language() -> str:
    """Return the language of texts for people: ``FUDIAN_LANG``, else Chinese where the system speaks Chinese."""
    chosen = os.environ.get("FUDIAN_LANG") or locale.getlocale()[0] or "en"
    return "zh" if chosen.lower().startswith("zh") or chosen.startswith("Chinese") else "en"


# Reading and showing ----------------------------------------------------------------------------------------------------


@contextmanager
def _working(message: str) -> Iterator[Callable[[str], None]]:
    """Show on a terminal what is being done."""
    if not _errors.is_terminal:
        yield lambda _: None
        return
    with _errors.status(translate(message, language())) as status:
        yield status.update


def _read(folder: Path) -> Network:
    _require(folder)
    with _working("reading the tables") as progress:
        return build_network(read_workspace(folder, progress=progress))


def _require(path: Path) -> None:
    """Refuse a path that is not there as wrong usage."""
    if not path.exists():
        raise FudianError(text("There is no {path}.", path=str(path)), text("Check the spelling of the path."))


def _statistics(folder: Path) -> Statistics:
    statistics = Statistics(_read(folder))
    statistics.require_records()
    _tell_left_out([problem for problem in statistics.net.problems if problem.severity == "error"])
    return statistics


def _answering(folder: Path) -> Network:
    """Return a network that can say who hangs on what; its errors are told."""
    net = _read(folder)
    net.require_sources()
    _tell_left_out([problem for problem in net.problems if problem.severity == "error"])
    return net


def _tell_left_out(problems: Sequence[Problem]) -> None:
    if problems:
        _errors.print(
            translate("Errors in the data: {count}; fudian check lists them.", language(), count=len(problems)),
            style="yellow",
        )


def _period(statistics: Statistics, start: datetime | None, end: datetime | None) -> Period:
    """Return the period asked for; by default the last calendar year with records."""
    years = statistics.years()
    if not years and not (start and end):
        raise WorkspaceError(
            text("There is no outage record to take the period from."),
            statistics.net.workspace.problems_of("outages"),
            text("Name it with --start and --end, or add records."),
        )
    known = [year for year in years if year <= datetime.now().year] or years
    day = start or (end - timedelta(days=1) if end else None)
    whole = Period.year(day.year if day else known[-1])
    return Period(start or whole.start, end or whole.end)


def _print_json(result: Mapping[str, Any]) -> None:
    json.dump(result, sys.stdout, ensure_ascii=False, default=_plain, allow_nan=False)
    sys.stdout.write("\n")


def _plain(value: object) -> object:
    if isinstance(value, datetime | date):
        return value.isoformat()
    msg = f"{type(value).__name__} has no form in JSON"
    raise TypeError(msg)


def _print_rows(rows: Sequence[Mapping[str, Any]], columns: Sequence[str], title: str | None = None) -> None:
    """Print rows as a table for people: two decimals, a dash for what is unknown."""
    if title:
        sys.stdout.write(f"{title}\n")
    table = Table(box=None, pad_edge=False)
    for column in columns:
        numeric = any(isinstance(row.get(column), int | float) for row in rows)
        table.add_column(header(column, language()), justify="right" if numeric else "left")
    for row in rows:
        table.add_row(*(_cell(column, row.get(column)) for column in columns))
    Console(highlight=False, markup=False, width=None if sys.stdout.isatty() else 200).print(table)


def _cell(column: str, value: object) -> str:
    if value is None:
        return "—"
    if isinstance(value, bool):
        return translate("yes" if value else "no", language())
    if isinstance(value, float):
        return f"{value:,.3f}" if column.startswith(("ASAI", "SAIFI", "MAIFI", "probability")) else f"{value:,.2f}"
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M:%S}"
    if isinstance(value, list | tuple):
        return " ".join(str(each) for each in value)
    return translate(str(value), language())


# Commands ---------------------------------------------------------------------------------------------------------------


@app.command()
def check(workspace: WorkspaceArgument, as_json: Json = False) -> None:
    """List what is wrong with the tables, with place, value and remedy."""
    net = _read(workspace)
    of_settings = _settings_problems(net.workspace.settings)
    result = net.check(language(), of_settings)
    if as_json:
        _print_json(result)
        return
    for problem in (*net.problems, *of_settings):
        mark = "✗" if problem.severity == "error" else "!"
        sys.stdout.write(f"{mark} {problem.line(language())}\n")
    counts = ", ".join(f"{table} {rows}" for table, rows in result["counts"].items())
    sys.stdout.write(
        translate(
            "Errors: {errors}, warnings: {warnings}. Usable rows: {counts}",
            language(),
            errors=len(result["errors"]),
            warnings=len(result["warnings"]),
            counts=counts,
        )
        + "\n"
    )


def _settings_problems(settings: Mapping[str, Any]) -> list[Problem]:
    """Return what is wrong with the settings of every part."""
    found: list[Problem] = []
    for read in (reliability_settings, location_settings, inference_settings, grid_settings):
        try:
            read(settings)
        except WorkspaceError as error:
            found += error.problems
    return found


@app.command()
def indices(
    workspace: WorkspaceArgument,
    start: Start = None,
    end: End = None,
    as_of: AsOf = None,
    by: By = "",
    level: Level = "mv",
    engine: Engine = "polars",
    med: Med = "include",
    standard: Annotated[
        str, typer.Option(help="dlt: DL/T 836; ieee: IEEE 1366 beside it, and why they differ.")
    ] = "dlt",
    source: Source = "records",
    as_json: Json = False,
) -> None:
    """Compute the reliability indices of a period, by default of the last year with records."""
    if standard not in STANDARDS:
        raise FudianError(text("There is no standard {standard!r}.", standard=standard), text("Use dlt or ieee."))
    statistics = _statistics(workspace)
    period = _period(statistics, start, end)
    query = Query(period, _columns(by), level, med, as_of or statistics.as_of, source=source)
    with _working("computing the indices"):
        result = statistics.statement(query, engine, language())
        if standard == "ieee":
            result |= statistics.both_standards(query, engine, language())
    if as_json:
        _print_json(result)
        return
    if standard == "ieee":
        _print_both_standards(result, query.by)
        return
    shown = ["N_T", "CH", "CI", "SAIDI-1", "SAIDI-4", "SAIDI-F", "SAIDI-S", "ASAI-1", "SAIFI-1", "MAIFI", "CAIDI"]
    _print_rows(result["rows"], [*query.by, *shown])
    _print_basis(result)


def _print_both_standards(result: Mapping[str, Any], by: Sequence[str]) -> None:
    shown = ["N_T", "CMI", "CI", "SAIDI_min", "SAIFI", "CAIDI_min", "ASAI", "MAIFI", "MAIFI_E"]
    _print_rows(result["ieee"], [*by, *shown], "IEEE 1366")
    explained = [
        row
        | {"measured_in": row["unit"]}
        | {"because": "; ".join(f"{part['amount']:+.4g} {part['says']}" for part in row["because"]) or None}
        for row in result["differences"]
    ]
    _print_rows(
        explained,
        [*by, "index", "measured_in", "dl_t_836", "ieee_1366", "difference", "because"],
        "DL/T 836 − IEEE 1366",
    )
    _print_basis(result)


def _columns(by: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(part.strip() for part in by.split(",") if part.strip()))


def _print_basis(result: Mapping[str, Any]) -> None:
    basis = result["basis"]
    _errors.print(
        translate(
            "{start} to {end}, {hours:g} h; {level} users; SAIDI in h, SAIFI in times per user, ASAI in %; "
            "major event days: {med}; outage rows left out: {rejected}.",
            language(),
            start=result["period"]["start"][:10],
            end=result["period"]["end"][:10],
            hours=result["period"]["hours"],
            level=basis["user_level"],
            med=translate(basis["major_event_days"]["treatment"], language()),
            rejected=basis["outages_rejected"],
        )
    )
    reason = basis["major_event_days"]["reason"]
    if reason and basis["major_event_days"]["treatment"] == "exclude":
        _errors.print(
            translate(
                "Major event days are not excluded where they cannot be told: {reason}.", language(), reason=reason
            ),
            style="yellow",
        )
    if not basis["outages_in_period"]:
        _errors.print(translate("No record of this period counts.", language()), style="yellow")
    if basis["outages_of_unknown_nature"]:
        count = basis["outages_of_unknown_nature"]
        _errors.print(
            translate("Outages of unknown nature, in neither SAIDI-F nor SAIDI-S: {count}.", language(), count=count),
            style="yellow",
        )
    if basis["outages_that_cut_off_nobody"]:
        count = basis["outages_that_cut_off_nobody"]
        _errors.print(
            translate("Records that cut off nobody by the network: {count}.", language(), count=count), style="yellow"
        )


@app.command()
def ledger(
    workspace: WorkspaceArgument,
    start: Start = None,
    end: End = None,
    as_of: AsOf = None,
    level: Level = "mv",
    med: Med = "include",
    source: Source = "records",
    event: Annotated[str | None, typer.Option(help="Only this outage.")] = None,
    customer: Annotated[
        str | None, typer.Option(help="Only this customer (its transformer's interruptions and its own).")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help="Rows printed for people; --json gives all.")] = 50,
    as_json: Json = False,
) -> None:
    """List the interruptions behind a figure: who, from when, until when, counted or not and why."""
    statistics = _statistics(workspace)
    period = statistics.period_of(event, source) if event and not (start or end) else _period(statistics, start, end)
    query = Query(period, (), level, med, as_of or statistics.as_of, source=source)
    rows = statistics.ledger_rows(query, event, customer, language())
    if as_json:
        _print_json({"period": {"start": query.period.start, "end": query.period.end}, "level": level, "rows": rows})
        return
    _print_rows(
        rows[:limit], ["outage_id", "user_id", "users", "from", "until", "nature", "h", "count", "counted", "reason"]
    )
    if len(rows) > limit:
        _errors.print(
            translate("{shown} of {all} rows; --limit or --json shows more.", language(), shown=limit, all=len(rows))
        )


@app.command()
def frequent(
    workspace: WorkspaceArgument,
    preset: Annotated[str, typer.Option(help="nea, sgcc or custom.")] = "nea",
    level: Level = "mv",
    as_of: AsOf = None,
    days: Annotated[
        int | None, typer.Option(min=1, max=3660, help="Days of a window, for custom; 60 by default.")
    ] = None,
    times: Annotated[
        int | None, typer.Option(min=1, help="Outages in a window that are too many, for custom; 3 by default.")
    ] = None,
    med: Med = "include",
    limit: Annotated[int, typer.Option(min=1, help="Rows printed for people; --json gives all.")] = 50,
    as_json: Json = False,
) -> None:
    """List users and feeders that lose supply too often, and who soon may."""
    from reliability.frequent import frequent_outages
    from reliability.frequent import preset as preset_named

    rules = preset_named(preset, days, times)
    statistics = _statistics(workspace)
    with _working("counting the outages of every user"):
        found = frequent_outages(statistics, rules, as_of, level, med)
    if as_json:
        _print_json(found.as_dict())
        return
    users, feeders = found.users.to_dicts(), found.feeders.filter(pl.col("frequent")).to_dicts()
    listed = [row | {"state": row["status"], "times_off": row["times"]} for row in users[:limit]]
    shown = ["state", "rule", "times_off", "most", "left", "window_from", "window_until", "outage_ids"]
    _print_rows(listed, ["user_id", "users", "feeder_id", *shown])
    if len(users) > limit:
        _errors.print(
            translate("{shown} of {all} rows; --limit or --json shows more.", language(), shown=limit, all=len(users))
        )
    named = [row | {"times_off": row["times"]} for row in feeders]
    _print_rows(named, ["feeder_id", "frequent_users", "times_off", "window_from", "window_until"])
    _errors.print(
        translate(
            "As of {as_of}; {level} users; major event days: {med}; interruptions that do not count: {short} too short, "
            "{single} of a single user, {merged} soon after another.",
            language(), as_of=found.as_of, level=level.upper(), med=translate(med, language()),
            short=found.left_out["too_short"], single=found.left_out["single_user"], merged=found.left_out["merged"],
        )
    )  # fmt: skip


@app.command()
def audit(
    workspace: WorkspaceArgument,
    start: Start = None,
    end: End = None,
    as_of: AsOf = None,
    level: Level = "mv",
    limit: Annotated[int, typer.Option(min=1, help="Rows printed for people; --json gives all.")] = 50,
    as_json: Json = False,
) -> None:
    """Compare the outage records with the switching log and the meters, in customer-hours."""
    statistics = _statistics(workspace)
    query = Query(_period(statistics, start, end), (), level, as_of=as_of or statistics.as_of)
    result = statistics.audit_statement(query, language())
    if as_json:
        _print_json(result)
        return
    shown = [row for row in result["rows"] if row["kind"] not in {"within_tolerance", "unconfirmed"}]
    _print_rows(
        shown[:limit],
        ["finding", "outage_id", "event_id", "feeder_id", "users", "from", "to", "recorded_h", "found_h", "customer_hours",
         "undecided_customer_hours", "evidence"],
    )  # fmt: skip
    sys.stdout.write("\n")
    _print_rows(result["totals"], ["finding", "findings", "customer_hours", "undecided_customer_hours"])
    basis = result["basis"]
    _errors.print(
        translate(
            "{start} to {end}, {level} users: recorded {recorded:,.2f} customer-hours, found {found:,.2f}, undecided "
            "{undecided:,.2f}; switching operations: {operations}, outages by meter: {meters}; tolerance {tolerance:g} min, "
            "of meters {deviation:g} min.",
            language(),
            start=result["period"]["start"][:10],
            end=result["period"]["end"][:10],
            level=basis["user_level"],
            recorded=basis["recorded_customer_hours"],
            found=basis["found_customer_hours"],
            undecided=basis["undecided_customer_hours"],
            operations=basis["switching_operations"],
            meters=basis["meter_outages"],
            tolerance=basis["settings"]["audit_tolerance_min"],
            deviation=basis["settings"]["meter_deviation_min"],
        )
    )
    if len(shown) > limit:
        _errors.print(
            translate("{shown} of {all} rows; --limit or --json shows more.", language(), shown=limit, all=len(shown))
        )


@app.command()
def targets(
    workspace: WorkspaceArgument,
    plan: Annotated[
        str, typer.Option(help="xihua-2022, shenqiu-2022, gongan-2022, jinhua-2022, changzhou-2020, or your own.")
    ],
    year: Annotated[
        int | None, typer.Option(min=1900, max=2200, help="Calendar year; by default the year of the plan's deadline.")
    ] = None,
    as_of: AsOf = None,
    as_json: Json = False,
) -> None:
    """Judge the figures of a year against the targets of a plan."""
    from reliability.targets import judge, plan_year

    statistics = _statistics(workspace)
    judged_year = plan_year(statistics, plan) if year is None else year
    rows = [result.as_dict(language()) for result in judge(statistics, plan, judged_year, as_of or statistics.as_of)]
    if as_json:
        _print_json({"plan": plan, "year": judged_year, "rows": rows})
        return
    _print_rows(
        rows,
        ["target_id", "label", "metric", "value", "op", "limit", "unit", "status", "reason"],
        f"{plan} · {judged_year}",
    )


@app.command()
def affected(
    workspace: WorkspaceArgument,
    open_: Annotated[str | None, typer.Option("--open", help="Branches that open together, with commas.")] = None,
    fault: Annotated[str | None, typer.Option(help="Branch that a fault strikes.")] = None,
    signals: Annotated[Path | None, typer.Option(help="File with signals; who is off by all of them.")] = None,
    switching: Annotated[Path | None, typer.Option(help="File with switching operations.")] = None,
    as_of: AsOf = None,
    csv: Annotated[Path | None, typer.Option("--csv", help="Write the list for printing, .csv or .xlsx.")] = None,
    as_json: Json = False,
) -> None:
    """List who is off when branches open, when a fault strikes, or by signals."""
    from repair import affected_by_fault, affected_by_opening, affected_by_signals

    if sum(each is not None for each in (open_, fault, signals)) != 1:
        raise FudianError(text("Name exactly one of --open, --fault and --signals."))
    net = _answering(workspace)
    supply = _supply(net, switching, as_of)
    if open_ is not None:
        branches = _columns(open_)
        if not branches:
            raise FudianError(text("--open names no branch."), text("Name one branch, or several with commas."))
        who = affected_by_opening(supply, branches)
    elif fault is not None:
        who = affected_by_fault(supply, fault)
    else:
        who = affected_by_signals(supply, _file(net, "signals", signals), net.workspace.tables)  # type: ignore[arg-type]
    if csv is not None:
        write_table(who.table(), csv, language())
        _errors.print(translate("{count} customers written to {path}", language(), count=who.customer_count, path=csv))
    parallel = [loop for loop in supply.loops if loop.is_parallel]
    for loop in parallel:
        _errors.print(
            translate("In parallel before that: {feeders} (branches {branches})", language(),
                      feeders=", ".join(loop.feeders or loop.sources), branches=", ".join(loop.branches)),
            style="yellow",
        )  # fmt: skip
    result = who.as_dict()
    if as_json:
        _print_json(result | {"parallel": [loop.as_dict() for loop in parallel]})
        return
    _print_rows(
        [{"feeder_id": feeder, "customers": count} for feeder, count in result["feeders"].items()], ["feeder_id", "customers"],
        translate("{customers} customers and {transformers} transformers off; {important} important", language(),
                  customers=result["customers"], transformers=len(result["transformers"]), important=len(result["important"])),
    )  # fmt: skip


def _supply(net: Network, switching: Path | None, as_of: datetime | None) -> Supply:
    """Return the normal supply, or that of a switching log at a time."""
    if switching is not None:
        return net.energise(_file(net, "switching", switching), as_of)
    return net.energise(net.workspace.tables["switching"], as_of) if as_of else net.energise()


def _file(net: Network, table: str, path: Path) -> pl.DataFrame:
    """Return a table from a file of its own; what is wrong with it is told, and without one usable row there is no answer."""
    _require(path)
    source = net.workspace.with_file(table, path)
    if source.tables[table].is_empty():
        raise WorkspaceError(
            text("{path} has no usable row of {table}.", path=path.name, table=table),
            source.problems_of(table),
            text("Mend the rows that are named below, or name the right file."),
        )
    _tell_problems(source.problems_of(table))
    return source.tables[table]


def _tell_problems(problems: Sequence[Problem]) -> None:
    for problem in problems[:_SHOWN_PROBLEMS]:
        _errors.print(problem.line(language()), style="yellow")
    if len(problems) > _SHOWN_PROBLEMS:
        _errors.print(
            translate("… and {count} more.", language(), count=len(problems) - _SHOWN_PROBLEMS), style="yellow"
        )


@app.command()
def locate(
    workspace: WorkspaceArgument,
    signals: Annotated[Path, typer.Option(help="File with signals, in the form of the signals table.")],
    switching: Annotated[Path | None, typer.Option(help="File with switching operations.")] = None,
    as_of: AsOf = None,
    as_json: Json = False,
) -> None:
    """Find the faulted section from signals that may be missing or wrong."""
    from repair import locate as find_section

    net = _answering(workspace)
    supply = _supply(net, switching, as_of)
    result = find_section(supply, _file(net, "signals", signals), net.workspace.tables["sensors"]).as_dict()
    if as_json:
        _print_json(result)
        return
    _print_rows(result["ranked"][:10], ["probability", "branches", "bounded_by"])
    for suspect in result["suspect_signals"]:
        _errors.print(translate("Suspect: {kind} of {object_id} is thought {thought}", language(), **suspect))
    if result["ambiguous"]:
        _errors.print(translate("Several sections explain the signals equally well.", language()))
    if result["next_check"]:
        _errors.print(translate("Check next: {object_id} ({gain_bits:.2f} bit)", language(), **result["next_check"]))


@app.command()
def infer(
    workspace: WorkspaceArgument,
    signals: Annotated[Path, typer.Option(help="File with signals, in the form of the signals table.")],
    switching: Annotated[Path | None, typer.Option(help="File with switching operations.")] = None,
    as_of: AsOf = None,
    as_json: Json = False,
) -> None:
    """Infer from signals what is out: lines, transformers, customers; confirmed, suspected, restored or overturned."""
    from repair import Inference

    net = _answering(workspace)
    _require(signals)
    with _working("judging the signals"):
        inference = Inference(_supply(net, switching, as_of), net.workspace.tables)
        rows, unread = net.workspace.read("signals", signals)
        inference.reject(unread)
        inference.take(rows, as_of)
        result = inference.as_dict(language())
    if as_json:
        _print_json(result)
        return
    shown = ["start", "level", "object_id", "explanation", "state", "reason", "transformers", "customers", "dark", "back",
             "meters", "calls", "restored_at"]  # fmt: skip
    _print_rows(result["incidents"], shown)
    _tell_problems(inference.problems)


@app.command()
def replay(
    workspace: WorkspaceArgument,
    signals: Annotated[Path, typer.Option(help="File with signals, in the form of the signals table.")],
    speed: Annotated[str, typer.Option(help="Times faster than in life, such as 60; max does not wait.")] = "60",
    to: Annotated[str, typer.Option(help="Address of the running desk.")] = "http://127.0.0.1:8050",
    as_json: Json = False,
) -> None:
    """Play a file of signals into a running desk, as if they came in now."""
    from rich.progress import Progress

    from repair.replay import play, speed_of

    times_faster = speed_of(speed)
    _require(signals)
    rows = _file(_read(workspace), "signals", signals)
    with Progress(console=_errors, disable=not _errors.is_terminal) as bar:
        task = bar.add_task(translate("signals", language()), total=rows.height)
        answer = play(rows, to, times_faster, lambda count: bar.advance(task, count))
    if as_json:
        _print_json({"sent": rows.height, "desk": answer})
        return
    sys.stdout.write(translate("{count} signals were sent to {url}.", language(), count=rows.height, url=to) + "\n")


@app.command("live-ratio")
def live_ratio(
    workspace: WorkspaceArgument, start: Start = None, end: End = None, by: By = "", as_json: Json = False
) -> None:
    """Compute the live-line work ratio, with numerators, denominators and the customer-hours saved."""
    statistics = _statistics(workspace)
    if "live_jobs" not in statistics.net.workspace.files:
        raise WorkspaceError(
            text("There is no table of live-line jobs."), (), text("Add live_jobs.csv to the workspace.")
        )
    period = _period(statistics, start, end)
    rows = statistics.live_ratios(period, _columns(by))
    if as_json:
        _print_json({"period": {"start": period.start, "end": period.end, "hours": period.hours}, "rows": rows})
        return
    shown = [
        "live_jobs",
        "outage_jobs",
        "by_jobs",
        "reduced_ch",
        "prearranged_ch",
        "by_customer_hours",
        "saidi_avoided_h",
        "live_connect_rate",
        "unknown_jobs",
    ]
    _print_rows(rows, [*_columns(by), *shown])


@app.command("grid-kpi")
def grid_kpi(
    workspace: WorkspaceArgument,
    plan: Annotated[str, typer.Option(help="Plan whose targets for the grid are judged.")] = "gongan-2022",
    as_json: Json = False,
) -> None:
    """Compute the grid-structure KPIs of the public feeders: ties, supply radius, standard structure, sections."""
    from reliability.targets import judge_grid

    statistics = _statistics(workspace)
    result, feeders = statistics.grid_kpis, feeder_kpis(statistics.net)
    judged = [target.as_dict(language()) for target in judge_grid(statistics, plan)]
    if as_json:
        _print_json(result | {"rows": feeders.to_dicts(), "plan": plan, "targets": judged})
        return
    shown = [
        "feeder_id",
        "name",
        "station_id",
        "ties",
        "tied_feeders",
        "tied_stations",
        "radius_km",
        "sections",
        "structure",
    ]
    _print_rows(feeders.to_dicts(), shown)
    _print_rows([{"figure": name, "value": value} for name, value in result.items()], ["figure", "value"])
    _print_rows(judged, ["target_id", "label", "metric", "value", "op", "limit", "unit", "status", "reason"], plan)


@app.command()
def convert(
    files: Annotated[
        list[Path],
        typer.Argument(metavar="FROM…", help="Files or a folder to convert, or a SimBench code.", show_default=False),
    ],
    to: Annotated[Path, typer.Option(help="Workspace to write.")],
    form: Annotated[
        str,
        typer.Option("--format", help="table (of any headers and encoding), pandapower, opendss, cim-xml or cim-e."),
    ] = "table",
    as_json: Json = False,
) -> None:
    """Turn another source into a workspace of Parquet tables."""
    from network.converting import convert_files

    with _working("converting") as progress:
        source = convert_files(files, form, to, progress)
    _tell_problems(source.problems)
    result = source.check(language())
    if as_json:
        _print_json(result)
        return
    for table, rows in result["counts"].items():
        sys.stdout.write(f"{table}: {rows}\n")


@app.command()
def sample(
    to: Annotated[Path, typer.Option(help="Folder to write.")],
    customers: Annotated[int, typer.Option(min=1_000, help="About how many customers.")] = 20_000,
    seed: Annotated[int, typer.Option(help="The same seed gives the same county.")] = 2022,
    as_json: Json = False,
) -> None:
    """Make a synthetic county of any size."""
    from data_samples.county import generate

    with _working("making the county") as progress:
        generate(customers, to, seed, progress)
    if as_json:
        _print_json({"folder": str(to), "counts": read_workspace(to).check(language())["counts"]})
        return
    sys.stdout.write(f"{to}\n")


@app.command()
def serve(
    workspace: WorkspaceArgument,
    port: Annotated[int, typer.Option(min=0, max=65535)] = 8050,
    host: Annotated[str, typer.Option(help="127.0.0.1 serves this machine only.")] = "127.0.0.1",
    open_browser: Annotated[bool, typer.Option("--open-browser")] = False,
) -> None:
    """Serve the dashboard and /api/v1 on a workspace."""
    from dashboard.app import serve as serve_dashboard

    serve_dashboard(workspace, host=host, port=port, open_browser=open_browser)


@app.command()
def demo(port: Annotated[int, typer.Option(min=0, max=65535)] = 8050) -> None:
    """Open the sample county in the dashboard."""
    from dashboard.app import serve as serve_dashboard
    from data_samples.county import COUNTY

    serve_dashboard(COUNTY, host="127.0.0.1", port=port, open_browser=True)


# Errors -----------------------------------------------------------------------------------------------------------------


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a command; whatever goes wrong is one clear message and an exit status, never a traceback."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    try:
        app(given)
    except SystemExit as stop:
        if stop.code == _WRONG_USAGE and "--json" in given:
            _print_json({"error": translate("The command was called wrongly; standard error says how.", language())})
        raise
    except WorkspaceError as error:
        _report(error, given, error.problems)
        raise SystemExit(1) from None
    except FudianError as error:
        _report(error, given)
        raise SystemExit(_WRONG_USAGE) from None
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise SystemExit(0) from None
    except Exception as error:  # the last door: whatever went wrong, a user never sees a traceback
        if os.environ.get("FUDIAN_DEBUG"):
            raise
        _report(
            FudianError(
                text("Something went wrong inside Fudian: {kind}: {error}.", kind=type(error).__name__, error=error),
                text("Please report it with the output of FUDIAN_DEBUG=1 before the command."),
            ),
            given,
        )
        raise SystemExit(1) from None


def _report(error: FudianError, given: Sequence[str], problems: Sequence[Problem] = ()) -> None:
    _errors.print(error.in_language(language()), style="red")
    _tell_problems(problems)
    if "--json" in given:
        hint = error.hint.in_language(language()) if error.hint else None
        _print_json({
            "error": error.message.in_language(language()),
            "hint": hint,
            "errors": [problem.as_dict(language()) for problem in problems],
        })  # fmt: skip


if __name__ == "__main__":
    main()
