"""Commands for the store of a desk: a copy of it, and the way back."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from fudian.cli.arguments import (
    TIMES,
    AsOf,
    End,
    Json,
    Start,
    StoreUrl,
    Who,
    WorkspaceArgument,
    asked,
    at_desk_of,
    file_given,
    store_beside,
    who_does,
)
from fudian.cli.terminal import language, print_json, print_rows, tell, working

app = typer.Typer()


def _print_figures(result: dict[str, Any], as_json: bool) -> None:
    """Print how the desk did, a figure a line."""
    if as_json:
        print_json(result)
        return
    print_rows(result["rows"], ["kpi", "value", "unit", "numerator", "denominator"])


@app.command()
def backup(
    workspace: WorkspaceArgument,
    to: Annotated[Path, typer.Option(help="File of the copy; it must not be there yet.")],
    store: StoreUrl = None,
) -> None:
    """Copy the store of the desk while it runs: accounts, events, decisions. The copy is whole, and as of one moment."""
    from fudian.store.copies import copy_of

    with working("copying the store"):
        copy_of(store_beside(workspace, store), to)
    tell("The store was copied to {path}", path=to)


@app.command("desk-kpi")
def desk_kpi(
    workspace: WorkspaceArgument,
    start: Start = None,
    end: End = None,
    store: StoreUrl = None,
    as_json: Json = False,
) -> None:
    """Tell how incidents were dealt with: begun before a call, one order, inferred rightly, back in what time."""
    utility = asked(workspace)
    at_desk_of(utility, workspace, store)
    _print_figures(utility.desk_kpi(start, end).as_dict(language()), as_json)


@app.command("dispatch-kpi")
def dispatch_kpi(
    workspace: WorkspaceArgument,
    start: Start = None,
    end: End = None,
    store: StoreUrl = None,
    as_json: Json = False,
) -> None:
    """Tell how crews arrived, how ranges held, how many customers were told, and what no dispatch could have saved."""
    utility = asked(workspace)
    at_desk_of(utility, workspace, store)
    _print_figures(utility.dispatch_kpi(start, end).as_dict(language()), as_json)


@app.command("incident-record")
def incident_record(
    workspace: WorkspaceArgument,
    incident: Annotated[str, typer.Argument(metavar="INCIDENT", help="Id of a closed incident.")],
    store: StoreUrl = None,
    as_json: Json = False,
) -> None:
    """Tell which outage record a closed incident would leave, beside what meters and switching tell of each user."""
    utility = asked(workspace)
    at_desk_of(utility, workspace, store)
    result = utility.proposed(incident).as_dict()
    if as_json:
        print_json(result)
        return
    print_rows(result["outages"], ["outage_id", "start", "end", "nature", "branch_id", "transformer_id", "customer_id"])
    print_rows(result["users"], ["user", "off_at", "by_meter", "by_switching", "taken", "told_by", "difference_min"])


@app.command()
def operated(workspace: WorkspaceArgument, as_of: AsOf = None, store: StoreUrl = None, as_json: Json = False) -> None:
    """List what was operated at the desk, and in what the state of the switches differs from the normal one."""
    utility = asked(workspace)
    at_desk_of(utility, workspace, store)
    result = utility.operated(as_of)
    if as_json:
        print_json(result)
        return
    rows = [{"at": operation["at"], "action": operation["action"], "branch_id": operation["branch_id"], "who": operation["who"]}
            for operation in result["operations"] if not operation["is_undone"]]  # fmt: skip
    print_rows(rows, ["at", "action", "branch_id", "who"])
    tell("Open: {opened}; closed: {closed}; without supply: {dead}", opened=", ".join(result["opened"]) or "—",
         closed=", ".join(result["closed"]) or "—", dead=", ".join(result["dead"]) or "—")  # fmt: skip


@app.command()
def erase(
    workspace: WorkspaceArgument,
    customer: Annotated[str | None, typer.Option(help="Id of the customer who asked for it.")] = None,
    before: Annotated[
        datetime | None,
        typer.Option(help="All customers, in what came before that day.", formats=TIMES, metavar="TIME"),
    ] = None,
    by: Who = None,
    store: StoreUrl = None,
) -> None:
    """Take customers out of what the desk kept, while no desk runs; that it was done is kept."""
    from fudian.erasure import erase as erase_customers

    moment = None if before is None else before.astimezone()
    count = erase_customers(store_beside(workspace, store), who_does(by), customer, moment)
    tell("{count} events were changed; copies of the store are as they were", count=count)


@app.command("restore-backup")
def restore_backup(
    workspace: WorkspaceArgument,
    copy: Annotated[Path, typer.Option("--from", help="File that fudian backup wrote.")],
    by: Who = None,
    store: StoreUrl = None,
) -> None:
    """Put a copy in the place of the store, while no desk runs on it; what was there is kept beside it."""
    from fudian.restoring import restore_backup as put_back
    from fudian.store import url_beside

    file_given(copy)
    with working("putting the copy back"):
        kept = put_back(copy, store or url_beside(workspace), who_does(by))
    tell("The store is that of the copy now; what was there is kept as {path}", path=kept)
