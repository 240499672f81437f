"""Until when the data of a page is known, and the door to what was left out of it."""

from __future__ import annotations

from dash import html

from dashboard.parts.address import Address
from dashboard.parts.blocks import Part, link
from dashboard.parts.words import MINUTES, moment
from fudian import Utility
from network import translate


def freshness(utility: Utility, address: Address) -> list[Part]:
    """Return until when the data is known, and the door to what was left out of it."""
    language = address.language
    records = utility.workspace.tables["outages"].height
    errors = sum(problem.severity == "error" for problem in utility.problems)
    warnings = len(utility.problems) - errors
    label = (
        translate("{count} errors in the data", language, count=errors)
        if errors
        else translate("notes on the data: {count}", language, count=warnings)
    )
    return [
        html.Span(translate("data until {moment}", language, moment=moment(utility.known_until, form=MINUTES))),
        html.Span("·"),
        html.Span(translate("{count} records", language, count=f"{records:,}")),
        html.Span("·"),
        link(label, address.rows_href("problems"), "abnormal" if errors else ""),
        html.Span("·"),
    ]
