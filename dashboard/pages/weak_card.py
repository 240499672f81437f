"""Weak spots on the management page: where lines, transformers or voltages are at their limits, and what would lift each."""

from __future__ import annotations

from dash import html

from dashboard.parts.address import Address
from dashboard.parts.blocks import card, data, row, strong, table
from dashboard.parts.names import named
from dashboard.parts.words import DASH, number
from fudian import Utility
from network import FudianError, listed, translate
from repair.restoration.weak_spot import HIGH, LONG, LOW, WeakSpot

_SHOWN = 10
_STATES = {
    "overloaded": "overloaded",
    "heavy": "heavily loaded",
    "low_voltage": "low voltage",
    "high_voltage": "high voltage",
    "long_radius": "long feeder",
}


def weak_card(utility: Utility, address: Address) -> html.Div:
    """Return the card: the worst spots, by users and hours behind them."""
    return html.Div(_content(utility, address), className="grid-card")


def _content(utility: Utility, address: Address) -> html.Section:
    language = address.language
    title = translate("Weak spots", language)
    try:
        found = utility.weak_spots()
    except FudianError as refused:
        return card(title, html.P(refused.message.in_language(language), className="quiet"))
    said = [html.P(each.in_language(language), className="quiet") for each in found.assumed]
    if not found.spots:
        none = translate("No line, transformer or voltage is near its limit, and no feeder is long.", language)
        return card(title, html.P(none, **data(figure="weak", value=0)), *said)
    head = [
        (translate("what is weak", language), ""),
        (translate("place", language), ""),
        (translate("Feeder", language), ""),
        (translate("reached", language), "right"),
        (translate("typically", language), "right"),
        (translate("users", language), "right"),
        (translate("user-hours a day", language), "right"),
        (translate("what would lift it", language), ""),
    ]
    names = dict(utility.network.feeders.select("feeder_id", "name").iter_rows())
    rows = [_row(utility, spot, names, language) for spot in found.spots[:_SHOWN]]
    how_many = translate("{shown} of {all} spots", language, shown=len(rows), all=len(found.spots))
    return card(
        title,
        table(head, rows, "weak", title),
        html.P(how_many, className="quiet", **data(figure="weak", value=len(found.spots))),
        *said,
        note=translate("ranked by users and hours behind them", language),
    )


def _row(utility: Utility, spot: WeakSpot, names: dict[str, str | None], language: str) -> html.Tr:
    users = spot.transformers if spot.customers is None else spot.customers
    label = spot.feeder_id and (names.get(spot.feeder_id) or spot.feeder_id)
    lifts = listed([lift.said for lift in spot.lifts]).in_language(language) if spot.lifts else DASH
    tone = "abnormal" if spot.kind == "overloaded" else "warning"
    return row(
        [
            (strong(translate(_STATES[spot.kind], language), tone), ""),
            (named(utility, spot.object_id), ""),
            (label or DASH, ""),
            (_amount(spot, spot.value), "right"),
            (DASH if spot.typical is None else _amount(spot, spot.typical), "right"),
            (number(users, 0), "right"),
            (number(spot.user_hours_per_day, 0), "right"),
            (lifts, ""),
        ]
    )


def _amount(spot: WeakSpot, value: float) -> str:
    """Return a value of a spot with its unit."""
    if spot.kind == LONG:
        return f"{number(value, 1)} km"
    return f"{number(value, 3)} p.u." if spot.kind in {LOW, HIGH} else f"{number(100.0 * value, 0)} %"
