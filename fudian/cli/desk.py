"""Commands for the store of a desk: a copy of it, and the way back."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from fudian.cli.arguments import StoreUrl, WorkspaceArgument, file_given, store_beside
from fudian.cli.terminal import tell, working

app = typer.Typer()


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


@app.command("restore-backup")
def restore_backup(
    workspace: WorkspaceArgument,
    copy: Annotated[Path, typer.Option("--from", help="File that fudian backup wrote.")],
    store: StoreUrl = None,
) -> None:
    """Put a copy in the place of the store, while no desk runs on it; what was there is kept beside it."""
    from fudian.store import url_beside
    from fudian.store.copies import put_back

    file_given(copy)
    with working("putting the copy back"):
        kept = put_back(copy, store or url_beside(workspace))
    tell("The store is that of the copy now; what was there is kept as {path}", path=kept)
