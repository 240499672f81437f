"""Figures of operation on the management page: automation, waiting, active repair, and the targets of every plan for them."""

from __future__ import annotations

from typing import Any

from dash import html

from dashboard.parts.address import Address
from dashboard.parts.blocks import Part, card, row, table
from dashboard.parts.targets_table import targets_table
from dashboard.parts.words import DASH, number, percent, word
from fudian import Utility
from network import translate


def operation_card(utility: Utility, address: Address, year: int) -> html.Div:
    """Return the figures of a year beside the targets of every plan for them."""
    language = address.language
    rows = [_row(each, language) for each in utility.operating_kpi(year).as_dict(language)["rows"]]
    head = [
        (translate("Figure", language), ""),
        (translate("numerator / denominator", language), "right"),
        (translate("asked for", language), "right"),
        ("", "right"),
    ]
    title = translate("Automation, waiting, repair", language)
    judged = [target for each in utility.operating_targets(year) for target in each.results]
    figures = card(title, table(head, rows, "operating", title), note=str(year))
    return html.Div(
        [figures, card(translate("Targets of operation", language), targets_table(address, judged), note=str(year))],
        className="grid halves",
    )


def _row(each: dict[str, Any], language: str) -> html.Tr:
    value = each["value"]
    label: list[Part] = [word(each["kpi"], language)]
    if each["reason"] and value is None:
        label.append(html.Div(each["reason"], className="reason"))
    parts = DASH
    if each["denominator"] is not None:
        digits = 1 if each["unit"] in {"days", "%"} else 0
        parts = f"{number(each['numerator'], digits)} / {number(each['denominator'], digits)} {word(each['unit'], language)}"
    asked = DASH if each["reference"] is None else f"≥ {each['reference']:g}%"
    return row([(label, ""), (parts, "right quiet"), (asked, "right quiet"), (html.B(percent(value)), "right")], None)
