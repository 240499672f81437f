"""The commands of whoever plans outages: what a plan costs before anything is cut, and the calendar of all plans."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from fudian.cli.arguments import AsOf, Json, WorkspaceArgument, answering, names_in, table_of
from fudian.cli.terminal import language, print_json, print_rows, tell, working
from network import Problem, translate
from network.tables.writing import write_table
from repair.planned.plan_desk import PlanDesk

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
    from repair.planned.precheck import precheck as check
    from repair.planned.precheck import rows_of, statement

    desk, rejected, in_file = _desk(workspace, plan, as_of)
    known = desk.plans["plan_id"].to_list()
    wanted = names_in(plan_id) or tuple(each for each in known if in_file is None or each in in_file)
    desk.require(wanted)
    with working("calculating the plans"):
        checks = check(desk, wanted)
    if csv is not None:
        write_table(rows_of(checks, language()), csv, language())
        tell("{count} plans written to {path}", count=len(checks), path=csv)
    result = statement(desk, checks, rejected, language())
    if as_json:
        print_json(result)
        return
    print_rows(
        rows_of(checks, language()).to_dicts(),
        ["plan_id", "start", "place", "work", "transformers_before", "transformers_after", "ch_before", "ch_after", "verdict"],
        translate("Customer-hours: {before:.1f} without transfer, {after:.1f} with it; merging saves {saving:.1f}", language(),
                  before=result["ch_before"], after=result["ch_after"], saving=result["merging_saves_ch"]),
    )  # fmt: skip
    for each in result["plans"]:
        tell("{plan}: {verdict}", plan=each["plan_id"], verdict=each["verdict_means"], style="bold")
        checked = [one["reason"] for one in each["checks"] or ()]
        for reason in dict.fromkeys((*each["reasons"], *checked)):
            tell("  {reason}", reason=reason)
    if not result["merging_best"]:
        tell("It is not proven that no other grouping of the jobs saves more.", style="yellow")
    _tell_left_out(desk)


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
    from repair.planned.calendar_plan import calendar_plan, rows_of

    desk, rejected, _ = _desk(workspace, plan, as_of)
    with working("looking for the best calendar"):
        found = calendar_plan(desk, live_as_outage)
    if csv is not None:
        write_table(rows_of(found), csv, language())
        tell("{count} outages written to {path}", count=len(found.entries), path=csv)
    result = found.as_dict(language(), rejected)
    if as_json:
        print_json(result)
        return
    print_rows(
        rows_of(found).to_dicts(),
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
    _tell_left_out(desk)
    if not found.best:
        tell("It is not proven that no better calendar exists.", style="yellow")


def _desk(
    workspace: Path, plan: Path | None, as_of: datetime | None
) -> tuple[PlanDesk, list[Problem], set[str] | None]:
    """Return the plans to come, what is wrong with their rows, and the ids that a file of its own holds."""
    from reliability.statistics import Statistics

    net = answering(workspace)
    if plan is None:
        return PlanDesk.of(Statistics(net), as_of=as_of), list(net.workspace.problems_of("plans")), None
    table = table_of(net, "plans", plan)
    problems = list(net.workspace.with_file("plans", plan).problems_of("plans"))
    return PlanDesk.of(Statistics(net), table, as_of=as_of), problems, set(table["plan_id"])


def _tell_left_out(desk: PlanDesk) -> None:
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
