"""Buttons that decide: each sends one request to the interface, by which the page and every other one is made anew."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from dash import dcc, html

from dashboard.access.reader import reader
from dashboard.access.roles import Right
from dashboard.parts.blocks import Part, aria, data
from network import translate

OPERATIONS = "/api/v1/operations"
"""Where operations are told."""


def may_decide() -> bool:
    """Tell whether whoever asks may work on incidents."""
    return reader().may(Right.DECIDE)


def to_incident(incident: str) -> str:
    """Return where decisions on an incident are told."""
    return f"/api/v1/incidents/{quote(incident, safe='')}/decisions"


def decide(label: Part, to: str, said: Mapping[str, Any], name: str = "", title: str | None = None) -> html.Button:
    """Return a button that sends one decision.

    Args:
        label: what it says.
        to: of :func:`to_incident`, or :data:`OPERATIONS`.
        said: what is sent.
        name: class of the button.
        title: what it does, where its label is short.
    """
    more: Any = {"title": title, **aria(label=title)} if title else {}
    sent = data(to=to, say=json.dumps(said, ensure_ascii=False))
    return html.Button(label, type="button", className=f"decide {name}".strip(), **sent, **more)


def decide_with(
    label: str, to: str, said: Mapping[str, Any], fields: Sequence[tuple[str, str]], language: str, choices: Part = None
) -> html.Details:
    """Return a door that asks for what a decision must say, and sends it.

    Args:
        label: what it says.
        to: of :func:`to_incident`, or :data:`OPERATIONS`.
        said: what is sent besides.
        fields: name of each, and what it asks for.
        language: ``en`` or ``zh``.
        choices: further fields.
    """
    asked = [
        html.Label([described, dcc.Input(name=name, type="text", autoComplete="off", maxLength=300)])
        for name, described in fields
    ]
    send = decide(translate("Send", language), to, said, "send")
    return html.Details(
        [html.Summary(label, className="chip"), html.Div([choices, *asked, send], className="choices asked")],
        className="choice deciding",
    )


def choose(name: str, described: str, options: Sequence[tuple[str, str]]) -> html.Label:
    """Return a field that offers a choice: value and label of each."""
    offered = [html.Option(label, value=value) for value, label in options]
    return html.Label([described, html.Select(offered, **data(name=name))])
