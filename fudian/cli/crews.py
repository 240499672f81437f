"""The commands of whoever sends crews."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from fudian.cli.arguments import AsOf, Json, WorkspaceArgument, asked, file_given, names_in
from fudian.cli.terminal import language, print_json, print_rows, tell, working
from network import translate

app = typer.Typer()


@app.command()
def crews(
    workspace: WorkspaceArgument,
    signals: Annotated[Path | None, typer.Option(help="File with signals, in the form of the signals table.")] = None,
    assign: Annotated[str, typer.Option(help="Crews that a person has chosen: incident=crew, with commas.")] = "",
    without: Annotated[str, typer.Option(help="Crews that are not to be sent, with commas.")] = "",
    as_of: AsOf = None,
    as_json: Json = False,
) -> None:
    """Plan which crew goes to which open fault, in which order."""
    utility = asked(workspace)
    with working("planning the crews"):
        plan = utility.crews(as_of, file_given(signals), names_in(assign), names_in(without))
    result = plan.as_dict()
    if as_json:
        print_json(result)
        return
    rows = [row | {"part": translate(_PART_NAMES[row["part"]], language())} for row in plan.rows().to_dicts()]
    print_rows(rows, ["crew_id", "number", "incident", "part", "sections", "arrives", "switched", "done"])
    for incident in result["incidents"]:
        if incident["crew_id"] is None:
            tell("Nobody goes to {incident}: {reason}", style="yellow", incident=incident["incident"],
                 reason=translate(_REASON_NAMES[incident["reason"]], language()))  # fmt: skip
        if incident["clock"]["state"] in _STATES:
            tell("{incident}: {clock}, due {due}", style="yellow", incident=incident["incident"],
                 clock=translate(_STATES[incident["clock"]["state"]], language()), due=incident["clock"]["due"])  # fmt: skip
    sys.stdout.write(
        translate("{own:.0f} customer-hours; by the nearest free crew {nearest:.0f}, by customers per minute {greedy:.0f}",
                  language(), own=result["customer_hours"], nearest=result["nearest_free_customer_hours"],
                  greedy=result["greedy_customer_hours"])
        + "\n"
    )  # fmt: skip


@app.command("restoration-times")
def restoration_times(workspace: WorkspaceArgument, as_of: AsOf = None, as_json: Json = False) -> None:
    """Tell when power will be back for every open fault, with a range."""
    answer = asked(workspace).restoration_times(as_of)
    if as_json:
        print_json(answer.as_dict(language()))
        return
    rows = [
        row | {name: translate(row[name], language()) for name in ("stage", "basis")} for row in answer.rows.to_dicts()
    ]
    columns = ["incident", "start", "customers", "stage", "low", "likely", "high", "basis", "out_of_depth"]
    if any(row["by_switching"] is not None for row in rows):
        columns += ["by_switching", "switched_by"]
    print_rows(rows, columns)


@app.command()
def bases(
    workspace: WorkspaceArgument,
    count: Annotated[int | None, typer.Option(min=1, help="How many; by default as many as there are now.")] = None,
    limit_min: Annotated[
        float | None,
        typer.Option(min=0.1, help="Minutes within which most faults shall lie; default: least mean travel."),
    ] = None,
    as_of: AsOf = None,
    as_json: Json = False,
) -> None:
    """Tell where crews should wait by the faults of the past, and what that gains."""
    answer = asked(workspace).bases(count, limit_min, as_of)
    result = answer.as_dict(language())
    if as_json:
        print_json(result)
        return
    print_rows(result["rows"], ["place", "is_base", "lon", "lat", "faults", "mean_min"])
    if result["today"]["mean_min"] is not None:
        tell("Mean travel {new:.1f} min; today {now:.1f} min", new=result["mean_min"], now=result["today"]["mean_min"])
    if result["covered"] is not None and result["today"]["covered"] is not None:
        tell(
            "Faults within the limit: {new:.1%}; today {now:.1%}", new=result["covered"], now=result["today"]["covered"]
        )


_REASON_NAMES = {"no_crew": "no crew has the skills", "no_shift": "no crew is on duty long enough"}
_PART_NAMES = {
    "all": "find, switch and repair",
    "switch": "find and switch",
    "repair": "come back for the repair",
}
_STATES = {
    "missed": "the limit of arrival has passed",
    "late": "the plan is later than the limit of arrival",
    "due": "the limit of arrival is near",
}
