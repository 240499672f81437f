"""SAIDI month by month as a process: limits before colours, and the sentences that follow the rules."""

from __future__ import annotations

from dash import html

from dashboard.parts.address import Address
from dashboard.parts.blocks import Part, card
from dashboard.parts.charts import control_figure, graph
from fudian import Utility
from network import translate


def process_card(utility: Utility, address: Address, year: int) -> html.Section:
    """Return the card: the chart, and what the rules find in it."""
    language = address.language
    found = utility.process("saidi", year)
    title = translate("SAIDI by month", language)
    label = translate("SAIDI of each month with its natural limits", language)
    content: list[Part] = []
    if found.months:
        content.append(graph(control_figure(found, address), "saidi-control", language, label))
    content += [html.P(sentence.in_language(language)) for sentence in found.says]
    content += [html.P(each.in_language(language), className="quiet") for each in found.notes]
    note = translate("h per user · XmR control chart: ups and downs inside the band need no comment", language)
    return card(title, *content, note=note, name="process")
