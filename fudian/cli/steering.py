"""The commands of whoever steers a year: figures of operation, budget, forecast, and why figures changed."""

from __future__ import annotations

from typing import Annotated

import typer

from fudian.cli.arguments import AsOf, Json, WorkspaceArgument, asked
from fudian.cli.terminal import language, print_json, print_rows

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
