"""The commands of a dispatcher: who is off, where the fault lies, how power comes back."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from fudian.cli.arguments import AsOf, Json, Signals, Switching, WorkspaceArgument, asked, file_given, names_in, opened
from fudian.cli.terminal import ERRORS, language, print_json, print_rows, tell, tell_problems, working
from network import FudianError, text, translate
from network.tables.writing import write_table

app = typer.Typer()


@app.command()
def affected(
    workspace: WorkspaceArgument,
    open_: Annotated[str | None, typer.Option("--open", help="Branches that open together, with commas.")] = None,
    fault: Annotated[str | None, typer.Option(help="Branch that a fault strikes.")] = None,
    signals: Annotated[Path | None, typer.Option(help="File with signals; who is off by all of them.")] = None,
    switching: Switching = None,
    as_of: AsOf = None,
    csv: Annotated[Path | None, typer.Option("--csv", help="Write the list for printing, .csv or .xlsx.")] = None,
    as_json: Json = False,
) -> None:
    """List who is off when branches open, when a fault strikes, or by signals."""
    if sum(each is not None for each in (open_, fault, signals)) != 1:
        raise FudianError(text("Name exactly one of --open, --fault and --signals."))
    branches = None if open_ is None else names_in(open_)
    answer = asked(workspace).affected(branches, fault, file_given(signals), as_of, file_given(switching))
    tell_problems(answer.rejected)
    result = answer.as_dict(language())
    after: dict[str, Any] = result.get("after_isolation", {})
    if csv is not None:
        write_table(answer.table(), csv, language())
        if result["customers"] is None:
            tell("{count} transformers written to {path}", count=len(result["transformers"]), path=csv)
        else:
            tell("{count} customers written to {path}", count=answer.customer_count, path=csv)
    for loop in answer.parallel:
        tell(
            "In parallel before that: {feeders} (branches {branches})",
            style="yellow",
            feeders=", ".join(loop.feeders or loop.sources),
            branches=", ".join(loop.branches),
        )
    if as_json:
        print_json(result)
        return
    print_rows(
        [{"feeder_id": feeder, "customers": count} for feeder, count in result["feeders"].items()], ["feeder_id", "customers"],
        f"{_who(result)}; " + translate("{important} important", language(), important=len(result["important"])),
    )  # fmt: skip
    if "groups" in result:
        _tell_how_sure(result)
    elif after:
        sys.stdout.write(
            translate("Once {devices} isolate the fault: {who}; section {section}", language(),
                      devices=", ".join(after["isolated_by"]) or "—", who=_who(after),
                      section=", ".join(result["section"]) or "—")
            + "\n"
        )  # fmt: skip
    tell_problems(answer.problems)


def _tell_how_sure(result: dict[str, Any]) -> None:
    """Say how sure the list by signals is, and who stays off once the faults are isolated."""
    groups, after = result["groups"], result["after_isolation"]
    tell(
        "Transformers off: {certain} certain, {probable} probable; {doubtful} doubtful ones are not on the list.",
        certain=len(groups["certain"]),
        probable=len(groups["probable"]),
        doubtful=len(groups["doubtful"]),
    )
    if result["customers"] is not None:
        tell("Customers expected off, by probability: {expected:.1f}", expected=result["expected_customers"])
    if result["approximate"]:
        tell(
            "Rings or users of two feeders allow too many cases: only the most probable count; approximate: {branches}",
            style="yellow",
            branches=", ".join(result["approximate"]),
        )
    if after["sections"]:
        tell("Once each fault is isolated in its most probable section: {who}", who=_who(after))


def _who(result: dict[str, Any]) -> str:
    """Say how many are off; without a table of customers nothing is known of them."""
    if result["customers"] is None:
        return translate(
            "{transformers} transformers off; the workspace has no table of customers",
            language(),
            transformers=len(result["transformers"]),
        )
    return translate(
        "{customers} customers and {transformers} transformers off",
        language(),
        customers=result["customers"],
        transformers=len(result["transformers"]),
    )


@app.command()
def locate(
    workspace: WorkspaceArgument,
    signals: Signals,
    switching: Switching = None,
    as_of: AsOf = None,
    incident: Annotated[str | None, typer.Option(help="One of several incidents that the signals tell of.")] = None,
    as_json: Json = False,
) -> None:
    """Find the faulted section from signals that may be missing or wrong."""
    answer = asked(workspace).locate(file_given(signals), as_of, file_given(switching), incident)
    tell_problems(answer.rejected)
    result = answer.as_dict(language())
    if as_json:
        print_json(result)
        return
    if result["incident"]:
        others = ", ".join(each for each in result["incidents"] if each != result["incident"])
        tell("Incident {incident}; there are others: {others}", incident=result["incident"], others=others)
    if result["nothing"] >= 0.5:
        tell("It is more probable that nothing happened ({share:.0%}).", share=result["nothing"])
    shown = [each | {"branches": ends_of(each["branches"])} for each in result["ranked"][:10]]
    print_rows(shown, ["probability", "branches", "bounded_by"])
    for suspect in result["suspect_signals"]:
        tell("Suspect: {kind} of {object_id} is thought {thought}", **suspect)
    if result["ambiguous"]:
        tell("Several sections explain the signals equally well.")
    if result["two_faults"] >= 0.5:
        tell("Two faults are likely ({share:.0%}).", share=result["two_faults"])
    if result["next_check"]:
        tell("Check next: {object_id} ({gain_bits:.2f} bit)", **result["next_check"])


LISTED = 6
"""Branches of a section that are listed; of more, its ends stand for it."""


def ends_of(branches: list[str]) -> list[str]:
    """Return a section by its ends, where it has many branches."""
    return branches if len(branches) <= LISTED else [branches[0], f"… {len(branches) - 2} …", branches[-1]]


@app.command("sensor-health")
def sensor_health(workspace: WorkspaceArgument, as_json: Json = False) -> None:
    """Learn from closed incidents how often each sensor misses a fault or reports a false one."""
    result = asked(workspace).sensor_health().as_dict(language())
    if as_json:
        print_json(result)
        return
    print_rows(
        result["rows"],
        ["branch_id", "kind", "correct", "missed", "silent", "quiet", "wrong", "miss_rate", "false_rate", "accuracy"],
    )
    if result["accuracy"] is not None:
        tell("Correct actions of all sensors: {accuracy:.2f}%", accuracy=result["accuracy"])
    if result["reports"]:
        tell("How terminals reported and customers called in these incidents:")
        print_rows(result["reports"], list(result["reports"][0]))


@app.command()
def restore(
    workspace: WorkspaceArgument,
    fault: Annotated[
        str,
        typer.Option(help="Branch that a fault strikes, or several with commas; of a bus or a lost source the node."),
    ],
    objective: Annotated[str | None, typer.Option(help="What shall come back: customers or kw.")] = None,
    refused: Annotated[str, typer.Option(help="Devices that cannot be operated, with commas.")] = "",
    tripped: Annotated[str, typer.Option(help="Devices that are known to have tripped, with commas.")] = "",
    done: Annotated[
        str, typer.Option(help="Operations carried out since, as open:S1,close:K1; the rest is planned from there.")
    ] = "",
    hours_off: Annotated[
        float | None, typer.Option(min=0, help="Hours since supply was lost; by default as the log tells, else 0.")
    ] = None,
    switching: Switching = None,
    as_of: AsOf = None,
    csv: Annotated[
        Path | None, typer.Option("--csv", help="Write who is off and when each is back, .csv or .xlsx.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Plan which switches to operate, in which order, so that most has power again before the repair; every step is proven."""
    utility = asked(workspace)
    with working("looking for a plan"):
        plan = utility.restore(
            names_in(fault),
            names_in(refused),
            objective,
            as_of,
            file_given(switching),
            names_in(tripped),
            names_in(done),
            hours_off=hours_off,
        )
    if csv is not None:
        listed = plan.affected()
        write_table(listed, csv, language())
        tell("{count} customers written to {path}", count=listed.height, path=csv)
    result = plan.as_dict(language())
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
        ["step", "action", "branch_id", "remote", "stage", "transformers", "customers", "saved_transformer_hours"],
        translate("Isolated by: {devices}", language(), devices=", ".join(result["isolate"]) or "—"),
    )  # fmt: skip
    print_rows(result["stages"], ["stage", "minutes", "transformers", "customers"])
    print_rows(result["missing"], ["reason", "customers", "kw", "way", "missing_a", "missing_kw", "missing_pu", "said"])
    print_rows(result["mobile"], ["transformer_id", "important", "kva", "means"])
    sys.stdout.write(
        translate(
            "Saved against waiting for the repair: {hours:.1f} hours of medium-voltage users. Proven step by step: the fault "
            "stays dead, the network radial, every limit kept.",
            language(),
            hours=result["saved_transformer_hours"],
        )
        + "\n"
    )
    for said in result["assumptions"]:
        ERRORS.print(said)
    if not result["best"]:
        tell("It is not proven that no better plan exists.", "yellow")


@app.command()
def infer(
    workspace: WorkspaceArgument,
    signals: Signals,
    switching: Switching = None,
    as_of: AsOf = None,
    as_json: Json = False,
) -> None:
    """Infer from signals what is out: lines, transformers, customers; confirmed, suspected, restored or overturned."""
    utility = asked(workspace)
    with working("judging the signals"):
        inference = utility.infer(file_given(signals), as_of, file_given(switching))
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
    signals: Signals,
    speed: Annotated[str, typer.Option(help="Times faster than in life, such as 60; max does not wait.")] = "60",
    to: Annotated[str, typer.Option(help="Address of the running desk.")] = "http://127.0.0.1:8050",
    as_json: Json = False,
) -> None:
    """Play a file of signals into a running desk, as if they came in now."""
    from rich.progress import Progress

    utility = opened(workspace)
    with Progress(console=ERRORS, disable=not ERRORS.is_terminal) as bar:
        task = bar.add_task(translate("signals", language()), total=None)
        answer = utility.replay(
            file_given(signals), to, speed, lambda done, total: bar.update(task, completed=done, total=total)
        )
    if as_json:
        print_json(answer)
        return
    sys.stdout.write(translate("{count} signals were sent to {url}.", language(), count=answer["sent"], url=to) + "\n")
