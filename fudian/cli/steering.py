"""The commands of whoever steers a year: figures of operation, budget, forecast, and why figures changed."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from fudian.cli.arguments import (
    AsOf,
    Json,
    Level,
    Limit,
    Med,
    Plan,
    StoreUrl,
    WorkspaceArgument,
    asked,
    at_desk_of,
    has_desk,
    names_in,
)
from fudian.cli.terminal import language, print_json, print_rows, tell, working
from network import FudianError, text, translate
from network.steps import telling
from reliability.steering.forecast import UNITS
from reliability.steering.levers import LEVER_NAMES
from reliability.targets import METRIC_NAMES

app = typer.Typer()

Year = Annotated[int | None, typer.Option(min=1900, max=2199, help="Calendar year; by default the last with records.")]


@app.command("operating-kpi")
def operating_kpi(
    workspace: WorkspaceArgument,
    year: Year = None,
    as_of: AsOf = None,
    base_year: Annotated[
        int | None, typer.Option(min=1900, max=2199, help="Year that reductions and gains are counted from.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Compute the figures of operation that plans set targets for: automation, waiting for an outage, active repair."""
    result = asked(workspace).operating_kpi(year, as_of, base_year).as_dict(language())
    if as_json:
        print_json(result)
        return
    rows = [
        row | {"kpi": translate(METRIC_NAMES.get(row["kpi"], row["kpi"]), language()), "measured_in": row["unit"]}
        for row in result["rows"]
    ]
    print_rows(
        rows, ["kpi", "value", "numerator", "denominator", "measured_in", "reference", "reason"], str(result["year"])
    )


@app.command()
def why(
    workspace: WorkspaceArgument,
    earlier: Annotated[
        str, typer.Option("--from", help="Period to compare with: 2021, 2021-06, 2021Q3 or two dates with ..")
    ],
    later: Annotated[
        str | None, typer.Option("--to", help="Period that is explained; by default the last year.")
    ] = None,
    metric: Annotated[str, typer.Option(help="saidi or saifi.")] = "saidi",
    by: Annotated[
        str,
        typer.Option(
            help="Columns, with commas: nature, cause, region_class, planning_class, unit, feeder_id, device."
        ),
    ] = "nature",
    level: Level = "mv",
    med: Med = "include",
    as_of: AsOf = None,
    limit: Limit = 30,
    as_json: Json = False,
) -> None:
    """Explain why SAIDI or SAIFI changed between two periods: users, frequency, extent, duration; the parts add up."""
    result = asked(workspace).why(earlier, later, metric, names_in(by), level, med, as_of).as_dict(language())
    if as_json:
        print_json(result)
        return
    shown = ["value", "events_before", "events_after", "before", "after", *result["shares"], "total"]
    print_rows(result["parts"], shown, limit=limit)
    tell(
        "{metric}: {before:.3f} to {after:.3f}, change {change:+.3f}: users {users:+.3f}, frequency {frequency:+.3f}, extent "
        "{extent:+.3f}, duration {duration:+.3f}.",
        metric=result["metric"].upper(),
        before=result["from"]["value"],
        after=result["to"]["value"],
        change=result["change"],
        **result["shares"],
    )
    if result["ranking"]:
        print_rows(result["ranking"], ["rank", "rank_low", "rank_high", "value", "users", "events", "figure", "shrunk"])
    for note in result["basis"]["notes"]:
        tell("{reason}", reason=note, style="yellow")


@app.command()
def process(
    workspace: WorkspaceArgument,
    figure: Annotated[str, typer.Option(help="saidi, live_jobs or live_hours.")] = "saidi",
    year: Year = None,
    as_of: AsOf = None,
    as_json: Json = False,
) -> None:
    """Judge SAIDI or the live-line ratio month by month as a process: natural limits, runs, and what they say."""
    result = asked(workspace).process(figure, year, as_of).as_dict(language())
    if as_json:
        print_json(result)
        return
    print_rows(
        result["rows"],
        ["month", "value", "numerator", "denominator", "mean", "lower", "upper", "outside"],
        f"{result['means']} ({result['unit']})",
    )
    for sentence in (*result["says"], *result["basis"]["notes"]):
        tell("{reason}", reason=sentence)


@app.command()
def budget(workspace: WorkspaceArgument, year: Year = None, as_of: AsOf = None, as_json: Json = False) -> None:
    """Show the budget of customer-hours by unit, class and month: used, promised, kept for faults, still to be planned."""
    utility = asked(workspace)
    with working("adding up the budget"):
        result = utility.budget(year, as_of).as_dict(language())
    if as_json:
        print_json(result)
        return
    shown = [
        "unit",
        "annual_ch",
        "consumed_ch",
        "committed_ch",
        "remaining_ch",
        "reserve_left_ch",
        "may_plan_ch",
        "runs_out",
    ]
    print_rows(result["rows"], shown, str(result["year"]))
    print_rows(result["classes"], ["unit", "area_class", "annual_ch", "consumed_ch", "left_ch"])
    monthly = [
        "unit",
        "month",
        "budget_ch",
        "plan_ch",
        "fault_reserve_ch",
        "prearranged_ch",
        "committed_ch",
        "may_plan_ch",
    ]
    print_rows(result["months"], monthly)
    for warning in result["warnings"]:
        tell("{reason}", reason=warning["says"], style="red" if warning["light"] == "red" else "yellow")
    for note in result["notes"]:
        tell("{reason}", reason=note, style="yellow")


@app.command()
def forecast(
    workspace: WorkspaceArgument,
    plan: Plan,
    as_of: AsOf = None,
    level: Level = "mv",
    med: Med = "include",
    year: Year = None,
    as_json: Json = False,
) -> None:
    """Forecast the year end of every target of a plan, with its range and how likely the target is met."""
    utility = asked(workspace)
    with working("drawing the rest of the year"):
        result = utility.forecast(plan, as_of, level, med, year).as_dict(language())
    if as_json:
        print_json(result)
        return
    rows = [
        row | {"metric": translate(METRIC_NAMES.get(row["metric"], row["metric"]), language()),
               "measured_in": UNITS.get(row["unit"], row["unit"]), "forecast_by": row["method"]}
        for row in result["rows"]
    ]  # fmt: skip
    shown = ["target_id", "label", "metric", "measured_in", "limit", "to_date", "committed", "expected", "p10", "p50", "p90",
             "probability_met", "left_ch", "forecast_by"]  # fmt: skip
    print_rows(rows, shown, f"{plan} · {result['year']} · {result['as_of'][:16]}")
    for row in result["rows"]:
        tell("{reason}", reason=row["says"])
    if result["frequent"]:
        print_rows(result["frequent"], ["rule", "most", "over", "at", "near", "planned", "breaks"])
    plain = [{"baseline": name} | values for name, values in result["baselines"].items()]
    if any(len(row) > 1 for row in plain):
        print_rows(plain, list(dict.fromkeys(name for row in plain for name in row)))
    for note in result["basis"]["notes"]:
        tell("{reason}", reason=note, style="yellow")


@app.command("frequent-bands")
def frequent_bands(
    workspace: WorkspaceArgument,
    rules: Annotated[str, typer.Option(help="nea or sgcc.")] = "nea",
    level: Level = "mv",
    as_of: AsOf = None,
    limit: Limit = 30,
    as_json: Json = False,
) -> None:
    """List who is over a bar of frequent outages, at it, or one below, with the plans to come that cut them off."""
    result = asked(workspace).frequent_bands(rules, level, as_of).as_dict(language())
    if as_json:
        print_json(result)
        return
    print_rows(result["counts"], ["rule", "most", "over", "at", "near", "planned", "breaks"], result["as_of"][:16])
    print_rows(result["rows"], ["user_id", "rule", "times", "most", "band", "planned", "breaks"], limit=limit)
    for note in result["basis"]["notes"]:
        tell("{reason}", reason=note, style="yellow")


@app.command()
def report(
    workspace: WorkspaceArgument,
    to: Annotated[Path | None, typer.Option(help="File to write: .pdf, .docx or .xlsx.")] = None,
    month: Annotated[str | None, typer.Option(help="Month: 2022-07.")] = None,
    quarter: Annotated[str | None, typer.Option(help="Quarter: 2022Q3.")] = None,
    half: Annotated[str | None, typer.Option(help="Half-year: 2022H1.")] = None,
    year: Year = None,
    period: Annotated[str | None, typer.Option(help="Any other period: two dates with .. between them.")] = None,
    plan: Annotated[str | None, typer.Option(help="Plan whose targets are told; by default the first.")] = None,
    unit: Annotated[
        str | None, typer.Option(help="Only this unit; a figure that is of the whole utility says so.")
    ] = None,
    spoken: Annotated[str | None, typer.Option("--language", help="zh or en; by default that of the terminal.")] = None,
    as_of: AsOf = None,
    store: StoreUrl = None,
    as_json: Json = False,
) -> None:
    """Write the report of a month, quarter, half-year, year or any period: PDF, DOCX, or a workbook with live formulas."""
    given = [str(each) for each in (month, quarter, half, year, period) if each is not None]
    if len(given) > 1:
        raise FudianError(
            text("A report is of one period, not of {periods}.", periods=", ".join(given)),
            text("Name one of --month, --quarter, --half, --year and --period."),
        )
    utility = asked(workspace)
    if has_desk(workspace, store):
        at_desk_of(utility, workspace, store)
    with working("putting the report together") as show:
        telling.set(lambda done: show(f"{done.what.in_language(language())}: {done.done} / {done.of}"))
        made = utility.report(given[0] if given else None, plan, spoken or language(), unit, as_of, None)
    if to is not None:
        with working("writing the report"):
            utility.write_report(made, to)
        tell("The report is written to {path}", path=to)
    if as_json:
        print_json(made.as_dict())
        return
    for section in made.sections:
        print_rows(
            [dict(row) for row in section.rows], [column.name for column in section.columns], f"\n{section.title}"
        )
        for sentence in section.says:
            tell("{reason}", reason=sentence)


@app.command()
def levers(
    workspace: WorkspaceArgument,
    plan: Plan,
    target: Annotated[str | None, typer.Option(help="Id of the target; by default the least likely one.")] = None,
    as_of: AsOf = None,
    faster_min: Annotated[float, typer.Option(min=0, help="Minutes by which faults could be restored sooner.")] = 15.0,
    year: Year = None,
    as_json: Json = False,
) -> None:
    """Show what would meet a target in the rest of the year, in order of customer-hours, and its effect on the chance."""
    utility = asked(workspace)
    with working("drawing the rest of the year"):
        result = utility.levers(plan, target, as_of, faster_min, year).as_dict(language())
    if as_json:
        print_json(result)
        return
    if result["target"] is not None:
        tell("{reason}", reason=result["target"]["says"])
    rows = [row | {"lever": translate(LEVER_NAMES[row["kind"]], language())} for row in result["rows"]]
    print_rows(rows, ["lever", "saves_ch", "counted", "probability", "without", "says"])
    for note in result["basis"]["notes"]:
        tell("{reason}", reason=note, style="yellow")
