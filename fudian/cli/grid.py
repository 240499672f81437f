"""The commands that judge the grid: the N-1 test, the figures of its structure, and the targets of a plan."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from fudian.cli.arguments import AsOf, Json, Plan, WorkspaceArgument, asked
from fudian.cli.terminal import ERRORS, counting, language, print_json, print_rows
from network import translate
from reliability.steering.forecast import UNITS
from reliability.targets import METRIC_NAMES, STATUSES

app = typer.Typer()

SECTIONS = "trying a fault in every section"

Year = Annotated[
    int | None, typer.Option(min=1900, max=2200, help="Calendar year; by default the year of the plan's deadline.")
]


@app.command("n-1")
def n_minus_1(workspace: WorkspaceArgument, as_json: Json = False) -> None:
    """Test every section of every feeder: can its neighbours feed the healthy rest after a fault there?"""
    utility = asked(workspace)
    with counting(SECTIONS) as count:
        answer = utility.n_1(progress=count).as_dict(language())
    if as_json:
        print_json(answer)
        return
    print_rows(answer["feeders"], ["feeder_id", "passes", "sections", "failing", "missing_a", "reason"])
    for said in answer["assumptions"]:
        ERRORS.print(said)


@app.command("weak-spots")
def weak_spots(workspace: WorkspaceArgument, as_of: AsOf = None, as_json: Json = False) -> None:
    """Name the weak spots of the grid, worst first, and what would lift each: load, voltage, supply radius."""
    answer = asked(workspace).weak_spots(as_of).as_dict(language())
    if as_json:
        print_json(answer)
        return
    shown = [
        row | {"lifted_by": "; ".join(lift["said"] for lift in row["lifts"]), "objects": len(row["objects"])}
        for row in answer["rows"]
    ]
    print_rows(
        shown,
        ["kind", "object", "object_id", "feeder_id", "value", "typical", "limit", "transformers", "customers",
         "user_hours_per_day", "basis", "lifted_by"],
    )  # fmt: skip
    for said in answer["assumptions"]:
        ERRORS.print(said)


@app.command("grid-kpi")
def grid_kpi(
    workspace: WorkspaceArgument,
    plan: Annotated[str, typer.Option(help="Plan whose targets for the grid are judged.")] = "gongan-2022",
    as_json: Json = False,
) -> None:
    """Compute the grid-structure KPIs of the public feeders: ties, supply radius, standard structure, sections, N-1."""
    utility = asked(workspace)
    with counting(SECTIONS) as count:
        result = utility.grid_kpi(plan, progress=count).as_dict(language())
    if as_json:
        print_json(result)
        return
    shown = [
        "feeder_id", "name", "station_id", "ties", "tied_feeders", "tied_stations", "radius_km",
        "sections", "structure", "n1_passes", "n1_failing", "n1_missing_a",
    ]  # fmt: skip
    print_rows(result["rows"], shown)
    figures = {name: value for name, value in result.items() if name not in ("rows", "plan", "targets", "assumptions")}
    print_rows([{"figure": name, "value": value} for name, value in figures.items()], ["figure", "value"])
    _print_targets(result["targets"], plan)
    for said in result["assumptions"]:
        ERRORS.print(said)


@app.command()
def targets(
    workspace: WorkspaceArgument,
    plan: Plan,
    year: Year = None,
    as_of: AsOf = None,
    as_json: Json = False,
) -> None:
    """Judge the figures of a year against the targets of a plan."""
    utility = asked(workspace)
    with counting(SECTIONS) as count:
        judged = utility.targets(plan, year, as_of=as_of, progress=count).as_dict(language())
    if as_json:
        print_json(judged)
        return
    _print_targets(judged["rows"], f"{plan} · {judged['year']}")


def _print_targets(rows: list[dict[str, Any]], title: str) -> None:
    def unit(row: dict[str, Any]) -> str:
        named = UNITS.get(row["unit"], row["unit"])
        return named if isinstance(named, str) else named.in_language(language())

    shown = [
        {
            "target_id": row["target_id"],
            "label": row["label"],
            "metric": translate(METRIC_NAMES.get(row["metric"], row["metric"]), language()),
            "reached": None if row["value"] is None else f"{row['value']:,.2f} {unit(row)}",
            "parts": None if row["denominator"] is None else f"{row['numerator']:,.4g} / {row['denominator']:,.4g}",
            "limit": f"{row['op']} {row['limit']:g} {unit(row)}",
            "judged": STATUSES[row["status"]].in_language(language()),
            "reason": row["reason"],
        }
        for row in rows
    ]
    print_rows(shown, ["target_id", "label", "metric", "reached", "parts", "limit", "judged", "reason"], title)
