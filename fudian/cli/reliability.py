"""The commands of operations staff and managers: indices, records, targets, live-line work, the structure of the grid."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import polars as pl
import typer

from fudian.cli.arguments import AsOf, By, End, Json, Level, Limit, Med, Start, WorkspaceArgument, asked, names_in
from fudian.cli.terminal import language, print_json, print_rows, tell, tell_problems, working
from network import translate
from reliability.ledger_table import NOT_COUNTED

app = typer.Typer()

Source = Annotated[
    str, typer.Option("--from", help="What interruptions come from: records, or the switching log (switching).")
]
Engine = Annotated[str, typer.Option(help="polars, pandas, duckdb or spark.")]


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
    columns = names_in(by)
    utility = asked(workspace)
    with working("computing the indices"):
        answer = utility.indices((start, end), columns, level, med, as_of, engine, source, standard)
        result = answer.as_dict(language())
    if as_json:
        print_json(result)
        return
    if "ieee" in result:
        _print_both_standards(result, columns)
        return
    shown = ["N_T", "CH", "CI", "SAIDI-1", "SAIDI-4", "SAIDI-F", "SAIDI-S", "ASAI-1", "SAIFI-1", "MAIFI", "CAIDI"]
    print_rows(result["rows"], [*columns, *shown])
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
    _print_rules(result)
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

    if basis["outages_with_more_users_than_there_are"]:
        count = basis["outages_with_more_users_than_there_are"]
        tell("Records that state more users than there are: {count}; they count as stated (fudian check names them).",
             style="yellow", count=count)  # fmt: skip


def _print_rules(result: Mapping[str, Any]) -> None:
    """Say by which rules the figures are counted, and what the rules left out."""
    basis = result["basis"]
    packs = [basis["rule_pack"], *([result["ieee_rule_pack"]] if "ieee_rule_pack" in result else [])]
    for pack in packs:
        tell("Rules: {standard} ({id}), in force from {since}.", standard=pack["standard"], id=pack["id"],
             since=pack["in_force_from"])  # fmt: skip
        if not pack["in_force"]:
            tell("These rules were not in force throughout the period.", style="yellow")
    if result.get("comparison"):
        tell("{says}", style="yellow", says=result["comparison"]["says"])
    for national in result["reference"]:
        tell(
            "The whole country in {year}: SAIDI {saidi:.2f} h, ASAI {asai:.3f} %.",
            year=national["year"],
            saidi=national["SAIDI-1"],
            asai=national["ASAI-1"],
        )
    for reason, count in basis["outages_not_counted"].items():
        if reason != "nobody_off":
            said = translate(NOT_COUNTED[reason], language())
            tell("Outages that do not count: {count}; {reason}.", style="yellow", count=count, reason=said)
    conflicts = (basis["records_by_state"] or {}).get("log_conflicts")
    if conflicts:
        tell(
            "Records that the switching log cannot explain, taken in the normal state: {count} (fudian check names them).",
            style="yellow",
            count=conflicts,
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
    limit: Limit = 50,
    as_json: Json = False,
) -> None:
    """List the interruptions behind a figure: who, from when, until when, counted or not and why."""
    period = (start, end) if start or end else None
    answer = asked(workspace).ledger(period, level, med, as_of, source, event, customer)
    if as_json:
        print_json(answer.as_dict(language()))
        return
    print_rows(
        answer.first(limit, language())["rows"],
        ["outage_id", "user_id", "users", "from", "until", "nature", "record_state", "h", "count", "counted", "reason"],
        limit=limit,
        count=len(answer),
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
    utility = asked(workspace)
    with working("counting the outages of every user"):
        found = utility.frequent(preset, level, med, as_of, days, times)
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
    result = asked(workspace).audit((start, end), level, as_of).as_dict(language())
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
    result = asked(workspace).rolling((start, end), days, centred, level, med, as_of).as_dict(language())
    if as_json:
        print_json(result)
        return
    shown = ["day", "window_start", "window_end", "users", "CH", "CI", "SAIDI_h", "SAIFI", "CAIDI_h"]
    print_rows(result["rows"], shown, limit=limit)


@app.command("cross-check")
def cross_check(workspace: WorkspaceArgument, as_of: AsOf = None, limit: Limit = 50, as_json: Json = False) -> None:
    """Compare the reliability system's own report with itself and with our figures."""
    utility = asked(workspace)
    with working("computing the indices"):
        result = utility.cross_check(as_of).as_dict(language())
    if as_json:
        print_json(result)
        return
    shown = ["row", "unit", "region_class", "planning_class", "line_kind", "start", "end", "against", "figure", "reported",
             "computed", "difference", "agrees", "because"]  # fmt: skip
    rows = [row | {"because": row["reason"]} for row in result["rows"]]
    print_rows(sorted(rows, key=lambda row: row["agrees"] is not False), shown, limit=limit)
    tell(
        "Figures that agree: {agree}, differ: {differ}, cannot be compared: {not_compared}; within {tolerance:g}, ASAI "
        "within {percent:g} %; rows of the report left out: {rejected}.",
        **result["totals"],
        tolerance=result["basis"]["report_tolerance"],
        percent=result["basis"]["report_tolerance_percent"],
        rejected=result["basis"]["report_rows_rejected"],
    )
    tell_problems(utility.workspace.problems_of("reliability_report", "error"))


@app.command("live-ratio")
def live_ratio(
    workspace: WorkspaceArgument, start: Start = None, end: End = None, by: By = "", as_json: Json = False
) -> None:
    """Compute the live-line work ratio, with numerators, denominators and the customer-hours saved."""
    result = asked(workspace).live_ratio((start, end), names_in(by)).as_dict(language())
    if as_json:
        print_json(result)
        return
    shown = [
        "live_jobs", "outage_jobs", "by_jobs", "reduced_ch", "prearranged_ch", "by_customer_hours",
        "saidi_avoided_h", "live_connect_rate", "unknown_jobs",
    ]  # fmt: skip
    print_rows(result["rows"], [*names_in(by), *shown])
