"""Commands that serve the dashboard."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fudian.cli.arguments import StoreUrl, WorkspaceArgument, file_given, store_beside
from fudian.cli.terminal import language
from network import FudianError, text

if TYPE_CHECKING:
    from dashboard.access.provider import Provider

app = typer.Typer()

Port = Annotated[int, typer.Option(min=0, max=65535, help="0 takes any free one.")]


@app.command()
def serve(
    workspace: WorkspaceArgument,
    port: Port = 8050,
    host: Annotated[str, typer.Option(help="127.0.0.1 serves this machine only.")] = "127.0.0.1",
    open_browser: Annotated[bool, typer.Option("--open-browser", help="Open the page in a browser.")] = False,
    store: StoreUrl = None,
    role: Annotated[
        str | None, typer.Option(help="Role of the reader at this machine while there are no accounts.")
    ] = None,
    is_open: Annotated[
        bool, typer.Option("--open", help="Anybody may read, personal data masked; writing takes a token.")
    ] = False,
    host_name: Annotated[
        list[str] | None, typer.Option(help="Further host name that readers type; may be given several times.")
    ] = None,
    trusted_proxy: Annotated[
        list[str] | None,
        typer.Option(help="Address or network of a proxy that is believed; may be given several times."),
    ] = None,
    user_header: Annotated[
        str | None, typer.Option(help="Header in which a trusted proxy names the user, who needs an account.")
    ] = None,
    provider: Annotated[
        str | None,
        typer.Option(
            help="Issuer of an OpenID provider for sign-in; FUDIAN_PROVIDER_ID and FUDIAN_PROVIDER_SECRET hold what it knows "
            "this server by."
        ),
    ] = None,
    provider_claim: Annotated[
        str, typer.Option(help="What of the provider's word is the user name.")
    ] = "preferred_username",
    certificate: Annotated[Path | None, typer.Option(help="File of the certificate, to speak HTTPS.")] = None,
    key: Annotated[Path | None, typer.Option(help="File of its key.")] = None,
) -> None:
    """Serve the dashboard and /api/v1 on a workspace; docs/serving.md tells for whom."""
    from dashboard.access.accounts import role_of
    from dashboard.access.entrance import Access, Rules
    from dashboard.access.hosts import networks
    from dashboard.app import serve as serve_dashboard

    if (certificate is None) != (key is None):
        raise FudianError(text("--certificate and --key go together."))
    rules = Rules(
        host,
        tuple(host_name or ()),
        role if role is None else role_of(role),
        is_open,
        networks(trusted_proxy or ()),
        user_header,
        certificate is not None,
    )
    files = (Path(), Path()) if certificate is None or key is None else (certificate, key)
    for file in files if certificate else ():
        file_given(file)
    at_provider = None if provider is None else _provider(provider, provider_claim)
    access = Access(store_beside(workspace, store), rules)
    serve_dashboard(workspace, port, open_browser, language(), access, at_provider, files if certificate else None)


def _provider(issuer: str, claim: str) -> Provider:
    from dashboard.access.provider import Provider, ProviderSettings

    known_as = os.environ.get("FUDIAN_PROVIDER_ID", ""), os.environ.get("FUDIAN_PROVIDER_SECRET", "")
    if not all(known_as):
        raise FudianError(
            text("--provider needs FUDIAN_PROVIDER_ID and FUDIAN_PROVIDER_SECRET in the environment."),
            text("The provider gives both when this server is registered there."),
        )
    return Provider(ProviderSettings(issuer, *known_as, claim))


@app.command()
def demo(port: Port = 8050) -> None:
    """Open the sample county in the dashboard; nothing is kept."""
    from dashboard.app import serve as serve_dashboard
    from data_samples.generator.county import COUNTY

    serve_dashboard(COUNTY, port, open_browser=True, language=language())
