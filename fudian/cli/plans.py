"""The commands of whoever plans outages: what a plan costs before anything is cut, and the calendar of all plans."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from fudian.answers import Calendar, Precheck
from fudian.cli.arguments import AsOf, Json, Limit, WorkspaceArgument, asked, file_given, names_in
from fudian.cli.terminal import language, print_json, print_rows, tell, tell_problems, working
from network import translate
from network.tables.writing import write_table

app = typer.Typer()

PlanFile = Annotated[Path | None, typer.Option("--plan", help="File with plans, beside those of the workspace.")]


@app.command()
def precheck(
    workspace: WorkspaceArgument,
    plan: PlanFile = None,
    plan_id: Annotated[str, typer.Option(help="Only these plans, with commas.")] = "",
    as_of: AsOf = None,
    csv: Annotated[Path | None, typer.Option("--csv", help="Write one row per plan, .csv or .xlsx.")] = None,
    as_json: Json = False,
) -> None:
    """Calculate planned outages before anything is cut: who is off, what it costs, and a verdict with its reasons."""
    utility = asked(workspace)
    with working("calculating the plans"):
        answer = utility.precheck(file_given(plan), names_in(plan_id), as_of)
    if plan is not None:
        tell_problems(answer.rejected)
    rows, result = answer.rows(language()), answer.as_dict(language())
    if csv is not None:
        write_table(rows, csv, language())
        tell("{count} plans written to {path}", count=rows.height, path=csv)
    if as_json:
        print_json(result)
        return
    print_rows(
        rows.to_dicts(),
        ["plan_id", "start", "place", "work", "transformers_before", "transformers_after", "ch_before", "ch_after", "verdict"],
        translate("Customer-hours: {before:.1f} without transfer, {after:.1f} with it; merging saves {saving:.1f}", language(),
                  before=result["ch_before"], after=result["ch_after"], saving=result["merging_saves_ch"]),
    )  # fmt: skip
    for each in result["plans"]:
        tell("{plan}: {verdict}", plan=each["plan_id"], verdict=each["verdict_means"], style="bold")
        checked = [one["reason"] for one in each["checks"] or ()]
        for reason in dict.fromkeys((*each["reasons"], *checked)):
            tell("  {reason}", reason=reason)
        if each["duration"] and each["duration"]["warning"]:
            tell("  {reason}", reason=each["duration"]["warning"], style="yellow")
    if not result["merging_best"]:
        tell("It is not proven that no other grouping of the jobs saves more.", style="yellow")
    _tell_left_out(answer)


@app.command()
def durations(
    workspace: WorkspaceArgument,
    plan: Annotated[Path | None, typer.Option("--plan", help="File with plans; these alone are told of.")] = None,
    as_of: AsOf = None,
    period: Annotated[
        str | None, typer.Option(help="Period of what was lost: 2022, 2022-06, 2022Q3; by default the year.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Predict how long each planned outage takes, with a range, and tell what overruns and late operations cost each unit."""
    result = asked(workspace).durations(file_given(plan), as_of, period).as_dict(language())
    if as_json:
        print_json(result)
        return
    rows = [row | {"kind_of_work": row["kind"]} for row in result["rows"]]
    shown = ["plan_id", "kind_of_work", "extent_means", "stated_h", "whole_low_h", "whole_middle_h", "whole_high_h",
             "opening_middle_h", "work_middle_h", "closing_middle_h", "alike", "of_kind", "longer"]  # fmt: skip
    print_rows(rows, shown)
    for row in result["rows"]:
        if row["warning"]:
            tell("{plan}: {verdict}", plan=row["plan_id"], verdict=row["warning"], style="yellow")
    losses = ["unit", "plans", "overrun", "late", "overrun_ch", "late_ch", "lost_ch", "off_ch", "untold"]
    print_rows(result["losses"], losses, f"{result['period']['start'][:10]} … {result['period']['end'][:10]}")


@app.command()
def avoidable(
    workspace: WorkspaceArgument,
    period: Annotated[
        str | None,
        typer.Option(help="2022, 2022-06, 2022Q3 or two dates with .. between them; by default the last year."),
    ] = None,
    most: Annotated[int, typer.Option(min=0, help="Transfer is tried for so many of the dearest outages.")] = 100,
    as_of: AsOf = None,
    limit: Limit = 30,
    as_json: Json = False,
) -> None:
    """List the planned outages that could have been avoided: done live, fed another way, merged; and notices missed."""
    utility = asked(workspace)
    with working("calculating the plans"):
        result = utility.avoidable(period, most, as_of).as_dict(language())
    if as_json:
        print_json(result)
        return
    shown = ["outage_id", "start", "unit", "place", "work", "users", "ch", "live_item", "live_ch", "transfer_ch", "merge_with",
             "merge_ch", "notice_ch", "avoidable_ch"]  # fmt: skip
    print_rows(result["rows"], shown, limit=limit)
    print_rows(list(result["totals"].values()), ["means", "outages", "ch"])
    tell("{avoidable:.1f} of {all:.1f} customer-hours of planned work could have been avoided.",
         avoidable=result["avoidable_ch"], all=result["ch"])  # fmt: skip
    for note in result["basis"]["notes"]:
        tell("{reason}", reason=note)


@app.command()
def calendar(
    workspace: WorkspaceArgument,
    plan: PlanFile = None,
    live_as_outage: Annotated[
        bool, typer.Option(help="Plan outages also for work that a live-line item is named for.")
    ] = False,
    as_of: AsOf = None,
    csv: Annotated[Path | None, typer.Option("--csv", help="Write one row per outage, .csv or .xlsx.")] = None,
    as_json: Json = False,
) -> None:
    """Find days and groups for all plans, so that they cost the fewest customer-hours and keep crews, budgets and rules."""
    utility = asked(workspace)
    with working("looking for the best calendar"):
        answer = utility.calendar(file_given(plan), live_as_outage, as_of)
    if plan is not None:
        tell_problems(answer.rejected)
    rows, result = answer.rows(), answer.as_dict(language())
    if csv is not None:
        write_table(rows, csv, language())
        tell("{count} outages written to {path}", count=rows.height, path=csv)
    if as_json:
        print_json(result)
        return
    print_rows(
        rows.to_dicts(),
        ["start", "end", "plans", "unit", "moved_days", "separate_ch", "ch", "saving_ch"],
        translate("Customer-hours: {submitted:.1f} as submitted, {planned:.1f} in this calendar, {saving:.1f} saved", language(),
                  submitted=result["submitted_ch"], planned=result["planned_ch"], saving=result["saving_ch"]),
    )  # fmt: skip
    for each in result["broken_as_submitted"]:
        tell("As submitted: {reason}", reason=each)
    for each in (*result["unscheduled"], *result["uncomputed"]):
        tell("{plan} has no day: {reason}", plan=each["plan_id"], reason=each["reason"], style="yellow")
    for each in result["live"]:
        tell("{plan} is done live: {hours:.1f} customer-hours saved", plan=each["plan_id"], hours=each["saved_ch"])
    for said in result["remarks"]:
        tell("{reason}", reason=said)
    _tell_left_out(answer)
    if answer.plan.doubt is not None:
        tell("{reason}", reason=answer.plan.doubt.in_language(language()), style="yellow")


def _tell_left_out(answer: Precheck | Calendar) -> None:
    desk = answer.desk
    for job in desk.under_way:
        tell(
            "Under way: {plan} until {end}, {hours:.1f} customer-hours more",
            plan=job.plan_id,
            end=job.row["end"],
            hours=job.after.customer_hours if job.needs_outage else 0.0,
        )
    if desk.left_out["past"] or desk.left_out["void"]:
        tell(
            "Not looked at: {past} plans that begin before {moment}, {void} that are void",
            moment=desk.as_of,
            past=desk.left_out["past"],
            void=desk.left_out["void"],
        )
