"""Which version of the data is shown, how old it is, and what is happening to it: on every page, kept up to date."""

from __future__ import annotations

from datetime import datetime, timedelta

from dash import ClientsideFunction, Dash, Input, Output, State, dcc, html, no_update

from dashboard.parts.address import Address
from dashboard.parts.blocks import Part, data
from fudian.fresh import Fresh
from network import translate

VERSION = "data-version"
"""Id of the store with the version of the data that the page was made from; the page is made anew when it changes."""
_CLOCK, _NOTICE, _STATE, _TOLD = "data-clock", "data-notice", "data-state", "page-told"
_EVERY_MS = 4000
_SAID_FOR = timedelta(minutes=2)


def state_parts(served: Fresh) -> list[Part]:
    """Return what every page has above it and below it, and the clock that keeps both true."""
    return [
        dcc.Store(id=VERSION, data=served.standing.version),
        dcc.Store(id=_TOLD),
        dcc.Interval(id=_CLOCK, interval=_EVERY_MS),
        html.Div(id=_NOTICE, role="status"),
    ]


def state_line() -> html.Div:
    """Return the line under the page, to be filled."""
    return html.Div(id=_STATE, className="data-state")


def connect_state(pages: Dash, served: Fresh) -> None:
    """Connect the clock with what it keeps true, and a page with the title and language of the document."""

    @pages.callback(
        Output(VERSION, "data"),
        Output(_NOTICE, "children"),
        Output(_STATE, "children"),
        Input(_CLOCK, "n_intervals"),
        Input("address", "search"),
        State(VERSION, "data"),
        State("address", "pathname"),
    )
    def tell(_: int | None, search: str | None, shown: str | None, path: str | None) -> tuple[Part, Part, Part]:
        language = Address.read(path, search, served.utility.language).language
        version = served.standing.version
        return no_update if version == shown else version, notice(served, language), state(served, language)

    pages.clientside_callback(  # type: ignore[no-untyped-call]
        ClientsideFunction("fudian", "told"),
        Output(_TOLD, "data"),
        Input("page", "children"),
        prevent_initial_call=True,
    )


def notice(served: Fresh, language: str) -> Part:
    """Return what is happening to the data, or nothing where it stands as it is."""
    if served.warning is not None:
        return html.P(served.warning.in_language(language), className="notice warning", role="alert")
    if served.doing is not None:
        return html.P([served.doing.in_language(language), " …"], className="notice")
    since, zone = served.standing.read_at, served.standing.utility.workspace.reading.zone
    if served.renewed and datetime.now() - since < _SAID_FOR:
        said = translate("New data is shown since {moment}.", language, moment=f"{since.astimezone(zone):%H:%M}")
        return html.P(said, className="notice")
    return []


def state(served: Fresh, language: str) -> list[Part]:
    """Return the version of the data and its age."""
    standing = served.standing
    return [
        html.Span(
            translate(
                "data written {written}, read {age} ago, version {version}",
                language,
                written=f"{standing.written.astimezone(standing.utility.workspace.reading.zone):%Y-%m-%d %H:%M}",
                age=age(datetime.now() - standing.read_at, language),
                version=standing.version,
            ),
            **data(version=standing.version),
        )
    ]


def age(passed: timedelta, language: str) -> str:
    """Return how long ago something was, in the unit that people would use."""
    minutes = int(passed.total_seconds() // 60)
    if minutes < 1:
        return translate("less than a minute", language)
    if minutes < 120:
        return translate("{count} min", language, count=minutes)
    if minutes < 48 * 60:
        return translate("{count} h", language, count=minutes // 60)
    return translate("{count} days", language, count=minutes // (24 * 60))
