"""The front door: the command line, one thin function per command.

Every command takes ``--json``: one JSON object on standard output and nothing else there; progress and messages go to standard
error. Exit status 0: done; 1: the data has errors that prevent the answer; 2: wrong usage.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

import polars as pl
import typer

from network import (
    FudianError,
    Network,
    Problem,
    Supply,
    Workspace,
    WorkspaceError,
    build_network,
    read_workspace,
    text,
    translate,
)
from network.terminal import ERRORS, language, print_json, print_rows, tell, tell_left_out, tell_problems, working
from network.writing import write_table
from reliability import Period
from reliability.grid_kpis import feeder_kpis, grid_settings
from reliability.notice import late_approvals
from reliability.settings import reliability_settings
from reliability.statistics import Query, Statistics
from repair.settings import inference_settings, location_settings, restoration_settings

app = typer.Typer(
    name="fudian",
    help="复电 Fudian: outage reliability and smart fault repair for electricity distribution.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
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
Limit = Annotated[int, typer.Option(min=1, help="Rows printed for people; --json gives all.")]
Engine = Annotated[str, typer.Option(help="polars, pandas or duckdb.")]


# Reading and showing ----------------------------------------------------------------------------------------------------


def _read(folder: Path) -> Network:
    _require(folder)
    with working("reading the tables") as progress:
        return build_network(read_workspace(folder, progress=progress))


def _require(path: Path) -> None:
    """Refuse a path that is not there as wrong usage."""
    if not path.exists():
        raise FudianError(text("There is no {path}.", path=str(path)), text("Check the spelling of the path."))


def _statistics(folder: Path) -> Statistics:
    statistics = Statistics(_read(folder))
    statistics.require_records()
    tell_left_out([problem for problem in statistics.net.problems if problem.severity == "error"])
    return statistics


def _answering(folder: Path) -> Network:
    """Return a network that can say who hangs on what; its errors are told."""
    net = _read(folder)
    net.require_sources()
    tell_left_out([problem for problem in net.problems if problem.severity == "error"])
    return net


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


# Commands ---------------------------------------------------------------------------------------------------------------


@app.command()
def check(workspace: WorkspaceArgument, as_json: Json = False) -> None:
    """List what is wrong with the tables, with place, value and remedy."""
    net = _read(workspace)
    further = _further_problems(net.workspace)
    result = net.check(language(), further)
    if as_json:
        print_json(result)
        return
    for problem in (*net.problems, *further):
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


def _further_problems(workspace: Workspace) -> list[Problem]:
    """Return what is wrong with the settings of every part, or else what the rules find doubtful in the records."""
    found: list[Problem] = []
    for read in (reliability_settings, location_settings, inference_settings, restoration_settings, grid_settings):
        try:
            read(workspace.settings)
        except WorkspaceError as error:
            found += error.problems
    return found or late_approvals(workspace, reliability_settings(workspace.settings))


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
    with working("computing the indices"):
        result = statistics.statement(query, engine, language())
        if standard == "ieee":
            result |= statistics.both_standards(query, engine, language())
    if as_json:
        print_json(result)
        return
    if standard == "ieee":
        _print_both_standards(result, query.by)
        return
    shown = ["N_T", "CH", "CI", "SAIDI-1", "SAIDI-4", "SAIDI-F", "SAIDI-S", "ASAI-1", "SAIFI-1", "MAIFI", "CAIDI"]
    print_rows(result["rows"], [*query.by, *shown])
    _print_basis(result)


def _print_both_standards(result: Mapping[str, Any], by: Sequence[str]) -> None:
    shown = ["N_T", "CMI", "CI", "SAIDI_min", "SAIFI", "CAIDI_min", "ASAI", "MAIFI", "MAIFI_E"]
    print_rows(result["ieee"], [*by, *shown], "IEEE 1366")
    explained = [
        row
        | {"measured_in": row["unit"]}
        | {"because": "; ".join(f"{part['amount']:+.4g} {part['says']}" for part in row["because"]) or None}
        for row in result["differences"]
    ]
    print_rows(
        explained,
        [*by, "index", "measured_in", "dl_t_836", "ieee_1366", "difference", "because"],
        "DL/T 836 − IEEE 1366",
    )
    _print_basis(result)


def _columns(by: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(part.strip() for part in by.split(",") if part.strip()))


def _print_basis(result: Mapping[str, Any]) -> None:
    basis = result["basis"]
    tell(
        "{start} to {end}, {hours:g} h; {level} users; SAIDI in h, SAIFI in times per user, ASAI in %; "
        "major event days: {med}; outage rows left out: {rejected}.",
        start=result["period"]["start"][:10],
        end=result["period"]["end"][:10],
        hours=result["period"]["hours"],
        level=basis["user_level"],
        med=translate(basis["major_event_days"]["treatment"], language()),
        rejected=basis["outages_rejected"],
    )
    reason = basis["major_event_days"]["reason"]
    if reason and basis["major_event_days"]["treatment"] == "exclude":
        tell("Major event days are not excluded where they cannot be told: {reason}.", style="yellow", reason=reason)
    if not basis["outages_in_period"]:
        tell("No record of this period counts.", style="yellow")
    if basis["outages_of_unknown_nature"]:
        count = basis["outages_of_unknown_nature"]
        tell("Outages of unknown nature, in neither SAIDI-F nor SAIDI-S: {count}.", style="yellow", count=count)
    if basis["outages_beyond_approved_end"]:
        count, class_ = basis["outages_beyond_approved_end"], basis["overrun_class"]
        tell(
            "Planned outages beyond their approved end: {count}; that part counts as {nature}.",
            count=count,
            nature=class_,
        )
    if basis["outages_that_cut_off_nobody"]:
        count = basis["outages_that_cut_off_nobody"]
        tell("Records that cut off nobody by the network: {count}.", style="yellow", count=count)


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
    limit: Limit = 50,
    as_json: Json = False,
) -> None:
    """List the interruptions behind a figure: who, from when, until when, counted or not and why."""
    statistics = _statistics(workspace)
    period = statistics.period_of(event, source) if event and not (start or end) else _period(statistics, start, end)
    query = Query(period, (), level, med, as_of or statistics.as_of, source=source)
    rows = statistics.ledger_rows(query, event, customer, language())
    if as_json:
        print_json({"period": {"start": query.period.start, "end": query.period.end}, "level": level, "rows": rows})
        return
    print_rows(
        rows,
        ["outage_id", "user_id", "users", "from", "until", "nature", "h", "count", "counted", "reason"],
        limit=limit,
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
    limit: Limit = 50,
    as_json: Json = False,
) -> None:
    """List users and feeders that lose supply too often, and who soon may."""
    from reliability.frequent import frequent_outages
    from reliability.frequent import preset as preset_named

    rules = preset_named(preset, days, times)
    statistics = _statistics(workspace)
    with working("counting the outages of every user"):
        found = frequent_outages(statistics, rules, as_of, level, med)
    if as_json:
        print_json(found.as_dict())
        return
    users, feeders = found.users.to_dicts(), found.feeders.filter(pl.col("frequent")).to_dicts()
    listed = [row | {"state": row["status"], "times_off": row["times"]} for row in users]
    shown = ["state", "rule", "times_off", "most", "left", "window_from", "window_until", "outage_ids"]
    print_rows(listed, ["user_id", "users", "feeder_id", *shown], limit=limit)
    named = [row | {"times_off": row["times"]} for row in feeders]
    print_rows(named, ["feeder_id", "frequent_users", "times_off", "window_from", "window_until"])
    tell(
        "As of {as_of}; {level} users; major event days: {med}; interruptions that do not count: {short} too short, "
        "{single} of a single user, {merged} soon after another.",
        as_of=found.as_of,
        level=level.upper(),
        med=translate(med, language()),
        short=found.left_out["too_short"],
        single=found.left_out["single_user"],
        merged=found.left_out["merged"],
    )


@app.command()
def audit(
    workspace: WorkspaceArgument,
    start: Start = None,
    end: End = None,
    as_of: AsOf = None,
    level: Level = "mv",
    limit: Limit = 50,
    as_json: Json = False,
) -> None:
    """Compare the outage records with the switching log and the meters, in customer-hours."""
    statistics = _statistics(workspace)
    query = Query(_period(statistics, start, end), (), level, as_of=as_of or statistics.as_of)
    result = statistics.audit_statement(query, language())
    if as_json:
        print_json(result)
        return
    shown = [row for row in result["rows"] if row["kind"] not in {"within_tolerance", "unconfirmed"}]
    print_rows(
        shown,
        ["finding", "outage_id", "event_id", "feeder_id", "users", "from", "to", "recorded_h", "found_h", "customer_hours",
         "undecided_customer_hours", "evidence"],
        limit=limit,
    )  # fmt: skip
    sys.stdout.write("\n")
    print_rows(result["totals"], ["finding", "findings", "customer_hours", "undecided_customer_hours"])
    basis = result["basis"]
    tell(
        "{start} to {end}, {level} users: recorded {recorded:,.2f} customer-hours, found {found:,.2f}, undecided "
        "{undecided:,.2f}; switching operations: {operations}, outages by meter: {meters}; tolerance {tolerance:g} min, "
        "of meters {deviation:g} min.",
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


@app.command()
def rolling(
    workspace: WorkspaceArgument,
    start: Start = None,
    end: End = None,
    as_of: AsOf = None,
    days: Annotated[int, typer.Option(min=1, max=3660, help="Days of a window, by the calendar.")] = 365,
    centred: Annotated[bool, typer.Option("--centred", help="The day lies in the middle of its window.")] = False,
    level: Level = "mv",
    med: Med = "include",
    limit: Limit = 400,
    as_json: Json = False,
) -> None:
    """Compute SAIDI, SAIFI and CAIDI of the window of days up to each day of a period."""
    from reliability.rolling import rolling as rolling_by_day

    statistics = _statistics(workspace)
    query = Query(_period(statistics, start, end), (), level, med, as_of or statistics.as_of)
    rows = rolling_by_day(statistics, query, days, centred).to_dicts()
    if as_json:
        print_json({"period": query.period.as_dict(), "level": level, "days": days, "centred": centred, "rows": rows})
        return
    shown = ["day", "window_start", "window_end", "users", "CH", "CI", "SAIDI_h", "SAIFI", "CAIDI_h"]
    print_rows(rows, shown, limit=limit)


@app.command("cross-check")
def cross_check(workspace: WorkspaceArgument, as_of: AsOf = None, limit: Limit = 50, as_json: Json = False) -> None:
    """Compare the reliability system's own report with itself and with our figures."""
    statistics = _statistics(workspace)
    with working("computing the indices"):
        result = statistics.cross_check(as_of or statistics.as_of).as_dict(language())
    if as_json:
        print_json(result)
        return
    shown = ["row", "unit", "region_class", "planning_class", "line_kind", "start", "end", "against", "figure", "reported",
             "computed", "difference", "agrees", "reason"]  # fmt: skip
    print_rows(sorted(result["rows"], key=lambda row: row["agrees"] is not False), shown, limit=limit)
    tell(
        "Figures that agree: {agree}, differ: {differ}, cannot be compared: {not_compared}; within {tolerance:g}, ASAI "
        "within {percent:g} %; rows of the report left out: {rejected}.",
        **result["totals"],
        tolerance=result["basis"]["report_tolerance"],
        percent=result["basis"]["report_tolerance_percent"],
        rejected=result["basis"]["report_rows_rejected"],
    )
    tell_problems(statistics.net.workspace.problems_of("reliability_report", "error"))


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
        print_json({"plan": plan, "year": judged_year, "rows": rows})
        return
    print_rows(
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
        tell("{count} customers written to {path}", count=who.customer_count, path=csv)
    parallel = [loop for loop in supply.loops if loop.is_parallel]
    for loop in parallel:
        tell(
            "In parallel before that: {feeders} (branches {branches})",
            style="yellow",
            feeders=", ".join(loop.feeders or loop.sources),
            branches=", ".join(loop.branches),
        )
    result = who.as_dict()
    if as_json:
        print_json(result | {"parallel": [loop.as_dict() for loop in parallel]})
        return
    print_rows(
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
    tell_problems(source.problems_of(table))
    return source.tables[table]


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
        print_json(result)
        return
    print_rows(result["ranked"][:10], ["probability", "branches", "bounded_by"])
    for suspect in result["suspect_signals"]:
        tell("Suspect: {kind} of {object_id} is thought {thought}", **suspect)
    if result["ambiguous"]:
        tell("Several sections explain the signals equally well.")
    if result["two_faults"] >= 0.5:
        tell("Two faults are likely ({share:.0%}).", share=result["two_faults"])
    if result["next_check"]:
        tell("Check next: {object_id} ({gain_bits:.2f} bit)", **result["next_check"])


@app.command("sensor-health")
def sensor_health(workspace: WorkspaceArgument, as_json: Json = False) -> None:
    """Learn from closed incidents how often each sensor misses a fault or reports a false one."""
    from repair.sensor_health import health_of

    result = health_of(_answering(workspace))
    if as_json:
        print_json(result)
        return
    print_rows(result["rows"])
    if result["accuracy"] is not None:
        tell("Correct actions of all sensors: {accuracy:.2f}%", accuracy=result["accuracy"])


@app.command()
def restore(
    workspace: WorkspaceArgument,
    fault: Annotated[str, typer.Option(help="Branch that a fault strikes.")],
    objective: Annotated[str | None, typer.Option(help="What shall come back: customers or kw.")] = None,
    refused: Annotated[str, typer.Option(help="Devices that cannot be operated, with commas.")] = "",
    switching: Annotated[Path | None, typer.Option(help="File with switching operations.")] = None,
    as_of: AsOf = None,
    as_json: Json = False,
) -> None:
    """Plan which switches to operate, in which order, so that most has power again before the repair; every step is proven."""
    from repair import restore as plan_for

    net = _answering(workspace)
    with working("looking for a plan"):
        result = plan_for(_supply(net, switching, as_of), fault, _columns(refused), objective).as_dict(language())
    if as_json:
        print_json(result)
        return
    print_rows(
        [
            {"step": step["order"], "customers": step["restores_customers"]}
            | step
            | {"transformers": len(step["restores_transformers"])}
            for step in result["steps"]
        ],
        ["step", "action", "branch_id", "remote", "stage", "transformers", "customers"],
        translate("Isolated by: {devices}", language(), devices=", ".join(result["isolate"]) or "—"),
    )  # fmt: skip
    print_rows(result["stages"], ["stage", "minutes", "transformers", "customers"])
    for said in result["assumptions"]:
        ERRORS.print(said)
    if not result["best"]:
        tell("It is not proven that no better plan exists.", "yellow")


@app.command("n-1")
def n_minus_1(
    workspace: WorkspaceArgument,
    workers: Annotated[int, typer.Option(min=1, help="Processes.")] = 1,
    as_json: Json = False,
) -> None:
    """Test every section of every feeder: can its neighbours feed the healthy rest after a fault there?"""
    from repair.n_minus_1 import n_minus_1 as sweep

    net = _answering(workspace)
    with working("trying a fault in every section"):
        result = sweep(net.energise(), workers=workers)
    answer = result.as_dict(language())
    if as_json:
        print_json(answer)
        return
    print_rows(answer["feeders"], ["feeder_id", "passes", "sections", "failing", "missing_a", "reason"])
    for said in answer["assumptions"]:
        ERRORS.print(said)


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
    with working("judging the signals"):
        inference = Inference(_supply(net, switching, as_of), net.workspace.tables)
        rows, unread = net.workspace.read("signals", signals)
        inference.reject(unread)
        inference.take(rows, as_of)
        result = inference.as_dict(language())
    if as_json:
        print_json(result)
        return
    shown = ["start", "level", "object_id", "explanation", "state", "reason", "transformers", "customers", "dark", "back",
             "meters", "calls", "restored_at"]  # fmt: skip
    print_rows(result["incidents"], shown)
    tell_problems(inference.problems)


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
    with Progress(console=ERRORS, disable=not ERRORS.is_terminal) as bar:
        task = bar.add_task(translate("signals", language()), total=rows.height)
        answer = play(rows, to, times_faster, lambda count: bar.advance(task, count))
    if as_json:
        print_json({"sent": rows.height, "desk": answer})
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
        print_json({"period": period.as_dict(), "rows": rows})
        return
    shown = [
        "live_jobs", "outage_jobs", "by_jobs", "reduced_ch", "prearranged_ch", "by_customer_hours",
        "saidi_avoided_h", "live_connect_rate", "unknown_jobs",
    ]  # fmt: skip
    print_rows(rows, [*_columns(by), *shown])


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
        print_json(result | {"rows": feeders.to_dicts(), "plan": plan, "targets": judged})
        return
    shown = [
        "feeder_id", "name", "station_id", "ties", "tied_feeders", "tied_stations", "radius_km",
        "sections", "structure",
    ]  # fmt: skip
    print_rows(feeders.to_dicts(), shown)
    print_rows([{"figure": name, "value": value} for name, value in result.items()], ["figure", "value"])
    print_rows(judged, ["target_id", "label", "metric", "value", "op", "limit", "unit", "status", "reason"], plan)


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

    with working("converting") as progress:
        source = convert_files(files, form, to, progress)
    tell_problems(source.problems)
    result = source.check(language())
    if as_json:
        print_json(result)
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

    with working("making the county") as progress:
        generate(customers, to, seed, progress)
    if as_json:
        print_json({"folder": str(to), "counts": read_workspace(to).check(language())["counts"]})
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
            print_json({"error": translate("The command was called wrongly; standard error says how.", language())})
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
    ERRORS.print(error.in_language(language()), style="red")
    tell_problems(problems)
    if "--json" in given:
        hint = error.hint.in_language(language()) if error.hint else None
        print_json({
            "error": error.message.in_language(language()),
            "hint": hint,
            "errors": [problem.as_dict(language()) for problem in problems],
        })  # fmt: skip


if __name__ == "__main__":
    main()
