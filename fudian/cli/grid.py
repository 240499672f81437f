"""The commands that judge the grid: the N-1 test, the figures of its structure, and the targets of a plan."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from fudian.cli.arguments import AsOf, Json, WorkspaceArgument, answering, present, read
from fudian.cli.terminal import ERRORS, counting, language, print_json, print_rows, tell_left_out
from network import Network
from reliability.statistics import Statistics
from reliability.targets import STATUSES, judge, metrics, plan_year
from repair.restoration.n_minus_1 import NMinus1

app = typer.Typer()

Year = Annotated[
    int | None, typer.Option(min=1900, max=2200, help="Calendar year; by default the year of the plan's deadline.")
]


def _swept(net: Network) -> NMinus1:
    from repair.restoration.n_minus_1 import n_minus_1

    with counting("trying a fault in every section") as count:
        return n_minus_1(
            present(net, None).energise(), progress=lambda done: count(len(done.sections), done.sections_in_all)
        )


@app.command("n-1")
def n_minus_1(workspace: WorkspaceArgument, as_json: Json = False) -> None:
    """Test every section of every feeder: can its neighbours feed the healthy rest after a fault there?"""
    answer = _swept(answering(workspace)).as_dict(language())
    if as_json:
        print_json(answer)
        return
    print_rows(answer["feeders"], ["feeder_id", "passes", "sections", "failing", "missing_a", "reason"])
    for said in answer["assumptions"]:
        ERRORS.print(said)


@app.command("grid-kpi")
def grid_kpi(
    workspace: WorkspaceArgument,
    plan: Annotated[str, typer.Option(help="Plan whose targets for the grid are judged.")] = "gongan-2022",
    as_json: Json = False,
) -> None:
    """Compute the grid-structure KPIs of the public feeders: ties, supply radius, standard structure, sections, N-1."""
    from repair.restoration.grid_figures import grid_figures

    statistics = Statistics(answering(workspace))
    metrics(statistics, plan)
    result = grid_figures(statistics, plan, _swept(statistics.net), language())
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
    plan: Annotated[
        str, typer.Option(help="xihua-2022, shenqiu-2022, gongan-2022, jinhua-2022, changzhou-2020, or your own.")
    ],
    year: Year = None,
    as_of: AsOf = None,
    as_json: Json = False,
) -> None:
    """Judge the figures of a year against the targets of a plan."""
    from repair.restoration.grid_figures import N_1, further_figures

    statistics = Statistics(read(workspace))
    statistics.require_records()
    tell_left_out([problem for problem in statistics.net.problems if problem.severity == "error"])
    judged_year = plan_year(statistics, plan) if year is None else year
    further = further_figures(statistics, _swept(statistics.net)) if N_1 in metrics(statistics, plan) else None
    judged = judge(statistics, plan, judged_year, as_of or statistics.as_of, further=further)
    rows = [result.as_dict(language()) for result in judged]
    if as_json:
        print_json({"plan": plan, "year": judged_year, "rows": rows})
        return
    _print_targets(rows, f"{plan} · {judged_year}")


def _print_targets(rows: list[dict[str, Any]], title: str) -> None:
    shown = [
        {
            "target_id": row["target_id"],
            "label": row["label"],
            "metric": row["metric"],
            "reached": None if row["value"] is None else f"{row['value']:,.2f} {row['unit']}",
            "limit": f"{row['op']} {row['limit']:g} {row['unit']}",
            "judged": STATUSES[row["status"]].in_language(language()),
            "reason": row["reason"],
        }
        for row in rows
    ]
    print_rows(shown, ["target_id", "label", "metric", "reached", "limit", "judged", "reason"], title)
