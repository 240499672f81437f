"""The commands of whoever steers a year: figures of operation, budget, forecast, and why figures changed."""

from __future__ import annotations

from typing import Annotated

import typer

from fudian.cli.arguments import AsOf, Json, Level, Limit, Med, WorkspaceArgument, asked, names_in
from fudian.cli.terminal import language, print_json, print_rows, tell

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
    rows = [row | {"measured_in": row["unit"]} for row in result["rows"]]
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
