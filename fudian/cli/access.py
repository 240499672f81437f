"""Commands for accounts, tokens and the record of looks at customer lists."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from getpass import getpass
from typing import TYPE_CHECKING, Annotated, Any

import typer

from fudian.cli.arguments import TIMES, Json, Limit, StoreUrl, WorkspaceArgument, names_in, store_beside
from fudian.cli.terminal import language, print_json, print_rows, tell
from network import FudianError, text, translate

if TYPE_CHECKING:
    from collections.abc import Mapping

users = typer.Typer(name="users", help="Accounts: who may sign in, in which role.", no_args_is_help=True)
tokens = typer.Typer(name="tokens", help="Tokens with which programs ask.", no_args_is_help=True)
looks = typer.Typer()

Name = Annotated[str, typer.Argument(metavar="NAME", show_default=False)]
Role = Annotated[str, typer.Option(help="viewer, operations, dispatcher, manager or admin.")]
Unit = Annotated[str | None, typer.Option(help="The one unit that is seen; all by default.")]

_ACCOUNT = ["name", "role", "unit", "password", "created_at", "disabled_at"]
_TOKEN = ["name", "scopes", "unit", "created_at", "expires_at", "used_at", "revoked_at"]
_LOOK = ["at", "who", "role", "list", "which", "form", "customers", "is_masked", "peer"]


def _accounts(workspace: Any, store: str | None) -> Any:
    from dashboard.access.accounts import Accounts

    return Accounts(store_beside(workspace, store))


def _tokens(workspace: Any, store: str | None) -> Any:
    from dashboard.access.tokens import Tokens

    return Tokens(store_beside(workspace, store))


def _password() -> str:
    """Ask for a password twice, or read it from standard input where that is no terminal."""
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\r\n")
    first = getpass(translate("Password: ", language()))
    if getpass(translate("Once more: ", language())) != first:
        raise FudianError(text("The two passwords differ."))
    return first


def _show(row: Mapping[str, Any], columns: list[str], as_json: bool) -> None:
    if as_json:
        print_json(row)
    else:
        print_rows([row], columns)


@users.command("add")
def add_user(
    workspace: WorkspaceArgument,
    name: Name,
    role: Role,
    unit: Unit = None,
    no_password: Annotated[
        bool, typer.Option("--no-password", help="For an account that signs in at a provider or through a proxy.")
    ] = False,
    store: StoreUrl = None,
    as_json: Json = False,
) -> None:
    """Make an account; the password is asked for, or read from standard input."""
    from dashboard.access.accounts import role_of

    role_of(role)
    account = _accounts(workspace, store).add(name, role, None if no_password else _password(), unit)
    _show(account.as_dict(), _ACCOUNT, as_json)


@users.command("list")
def list_users(workspace: WorkspaceArgument, store: StoreUrl = None, as_json: Json = False) -> None:
    """List all accounts."""
    rows = [account.as_dict() for account in _accounts(workspace, store).all()]
    if as_json:
        print_json({"rows": rows})
        return
    print_rows(rows, _ACCOUNT)


@users.command("change")
def change_user(
    workspace: WorkspaceArgument,
    name: Name,
    role: Annotated[str | None, typer.Option(help="viewer, operations, dispatcher, manager or admin.")] = None,
    unit: Annotated[str | None, typer.Option(help="The one unit that is seen; blank for all.")] = None,
    password: Annotated[bool, typer.Option("--password", help="Set a new password.")] = False,
    store: StoreUrl = None,
    as_json: Json = False,
) -> None:
    """Change role, unit or password of an account; its sessions end."""
    new = _password() if password else None
    account = _accounts(workspace, store).change(name, role=role, unit=unit, password=new)
    _show(account.as_dict(), _ACCOUNT, as_json)


@users.command("disable")
def disable_user(
    workspace: WorkspaceArgument,
    name: Name,
    enable: Annotated[bool, typer.Option("--enable", help="Enable it again.")] = False,
    store: StoreUrl = None,
    as_json: Json = False,
) -> None:
    """Disable an account and end its sessions."""
    _show(_accounts(workspace, store).disable(name, enable).as_dict(), _ACCOUNT, as_json)


@tokens.command("add")
def add_token(
    workspace: WorkspaceArgument,
    name: Name,
    scope: Annotated[
        str, typer.Option(help="What it allows: read, ask, customers, personal, signals, decide, with commas.")
    ],
    days: Annotated[float, typer.Option(min=0.01, max=3660, help="For how long it is good.")] = 365,
    unit: Unit = None,
    store: StoreUrl = None,
    as_json: Json = False,
) -> None:
    """Make a token, and print it this once."""
    given, token = _tokens(workspace, store).add(name, names_in(scope), days, unit)
    if as_json:
        print_json({"token": given} | token.as_dict())
        return
    sys.stdout.write(f"{given}\n")
    tell("It is shown this once. Programs send it as Authorization: Bearer ….")


@tokens.command("list")
def list_tokens(workspace: WorkspaceArgument, store: StoreUrl = None, as_json: Json = False) -> None:
    """List all tokens, without what they are."""
    rows = [token.as_dict() for token in _tokens(workspace, store).all()]
    if as_json:
        print_json({"rows": rows})
        return
    print_rows(rows, _TOKEN)


@tokens.command("revoke")
def revoke_token(workspace: WorkspaceArgument, name: Name, store: StoreUrl = None, as_json: Json = False) -> None:
    """Let a token be good no longer."""
    _show(_tokens(workspace, store).revoke(name).as_dict(), _TOKEN, as_json)


@looks.command("looks")
def list_looks(
    workspace: WorkspaceArgument,
    since: Annotated[datetime | None, typer.Option(help="First moment, in UTC.", formats=TIMES)] = None,
    who: Annotated[str | None, typer.Option(help="Only those of one account, or of 'token NAME'.")] = None,
    limit: Limit = 1000,
    store: StoreUrl = None,
    as_json: Json = False,
) -> None:
    """Tell who saw or took along which list of customers, the latest first."""
    from dashboard.access.looks import Looks

    rows = Looks(store_beside(workspace, store)).since(since.replace(tzinfo=UTC) if since else None, who, limit)
    if as_json:
        print_json({"rows": rows})
        return
    print_rows(rows, _LOOK)
