"""How incidents were dealt with, beside those that are over: the figures of closed-loop repair."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dash import html

from dashboard.parts.address import Address
from dashboard.parts.blocks import card, data, row, table
from dashboard.parts.words import DASH, number
from fudian import Utility
from network import translate
from repair.desk.figures import FIGURE_NAMES


def loop_card(utility: Utility, address: Address) -> html.Section:
    """Return the card."""
    language = address.language
    told = utility.desk_kpi().as_dict(language)
    rows = [
        row([(translate(FIGURE_NAMES[each["kpi"]], language), ""), *_cells(each, language)]) for each in told["rows"]
    ]
    head = [(translate("figure", language), ""), ("", "right"), (translate("of", language), "right")]
    note = translate("{count} incidents that signals told of", language, count=f"{told['incidents']:,}")
    return card(
        translate("Closed-loop repair", language),
        table(head, rows, "", translate("Closed-loop repair", language)),
        note=note,
        name="loop",
    )


def _cells(figure: Mapping[str, Any], language: str) -> list[tuple[Any, str]]:
    value, count = figure["value"], figure["denominator"]
    if value is None:
        return [(DASH, "right"), (DASH, "right quiet")]
    if figure["unit"] == "%":
        said, of = f"{value:.1f}%", f"{figure['numerator']:.0f} / {count}"
    else:
        said, of = translate("{minutes} min", language, minutes=number(value, 1)), str(count)
    return [(html.Span(said, **data(figure=figure["kpi"], value=value)), "right"), (of, "right quiet")]
