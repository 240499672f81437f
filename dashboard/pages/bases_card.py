"""Where crews should wait 抢修驻点, on a map: the bases of today, the best ones by the faults of the past, and the gain."""

from __future__ import annotations

from typing import Any

from dash import html

from dashboard.pages.frequent_card import clock, how_far
from dashboard.parts.address import Address
from dashboard.parts.blocks import Part, badge, card, compose, link, row, scrolling, strong, table
from dashboard.parts.charts import INK, LINK, QUIET, graph, house_figure
from dashboard.parts.words import DASH, number
from fudian import Utility
from network import FudianError, text, translate

WAIT_S = 1.0
HEIGHT = 420
OTHERS = (-1, 0, 1, 2)
"""How many bases more than today can be asked for."""


def bases_card(utility: Utility, address: Address) -> html.Section | None:
    """Return the card; nothing where no crew waits anywhere."""
    language, title = address.language, translate("Where crews should wait", address.language)
    bases = utility.workspace.tables["bases"].drop_nulls(["lon", "lat"])
    counts = [str(bases.height + more) for more in OTHERS if bases.height + more > 0]
    count = address.choose("bases", counts, str(bases.height))
    if bases.is_empty():
        return None
    done = utility.under_way(f"bases {count}", text("where crews should wait"), lambda: _told(utility, count), WAIT_S)
    if not done.is_all:
        return card(title, html.Div([how_far(done, language), *clock(done)]), name="bases")
    told = _told(utility, count)
    if isinstance(told, FudianError):
        return card(title, html.P(told.in_language(language), className="quiet"), name="bases")
    doors: list[Part] = [
        link(each, address.href(bases=each), f"chip {'here' if each == count else ''}") for each in counts
    ]
    asked = html.Div([translate("bases:", language), " ", *doors], className="actions")
    return card(
        title, html.P(_sentence(told, language)), asked, _map(told, language), _table(told, language), name="bases"
    )


def _told(utility: Utility, count: str) -> dict[str, Any] | FudianError:
    try:
        return utility.bases(int(count)).as_dict()
    except FudianError as refusal:
        return refusal


def _sentence(told: dict[str, Any], language: str) -> list[Part]:
    today = told["today"]["mean_min"]
    return compose(
        "By the {faults} faults until {until}, crews at {count} bases would travel {new} min on average; from the {bases} "
        "bases of today {now} min.",
        language,
        faults=f"{told['faults']:,}",
        until=told["until"][:10],
        count=str(len(told["rows"])),
        new=strong(number(told["mean_min"], 1)),
        bases=str(told["today"]["bases"]),
        now=strong(number(today, 1)),
    )


def _map(told: dict[str, Any], language: str) -> html.Figure:
    figure = house_figure(HEIGHT, (8, 8, 8, 8))
    faults = told["demand"]
    figure.add_scatter(
        x=[each["lon"] for each in faults], y=[each["lat"] for each in faults], mode="markers", hoverinfo="text",
        text=[f"{each['place']}: {each['faults']}" for each in faults], name=translate("faults", language),
        marker={"size": [4 + 2 * each["faults"] ** 0.5 for each in faults], "color": QUIET, "opacity": 0.35},
    )  # fmt: skip
    today = told["today"]["places"]
    figure.add_scatter(
        x=[each["lon"] for each in today], y=[each["lat"] for each in today], mode="markers", hoverinfo="text",
        text=[each["place"] for each in today], name=translate("bases of today", language),
        marker={"size": 18, "symbol": "square-open", "color": INK, "line": {"width": 2}},
    )  # fmt: skip
    best = told["rows"]
    figure.add_scatter(
        x=[each["lon"] for each in best], y=[each["lat"] for each in best], mode="markers+text", hoverinfo="text",
        text=[each["place"] for each in best], name=translate("best bases", language), textposition="top center",
        marker={"size": 11, "color": LINK},
    )  # fmt: skip
    figure.update_layout(showlegend=True, legend={"orientation": "h", "y": 0, "x": 0})
    figure.update_xaxes(visible=False)
    figure.update_yaxes(visible=False, scaleanchor="x", scaleratio=1.2)
    return graph(figure, "bases", language, translate("Faults of the past, bases of today and best bases", language))


def _table(told: dict[str, Any], language: str) -> Part:
    head = [
        (translate("base", language), ""),
        ("", ""),
        (translate("faults nearest to it", language), "right"),
        (translate("travel, min", language), "right"),
    ]
    rows = [
        row(
            [
                (each["place"], ""),
                ("" if each["is_base"] else badge(translate("new base", language)), ""),
                (f"{each['faults']:,}", "right"),
                (DASH if each["mean_min"] is None else number(each["mean_min"], 1), "right"),
            ]
        )
        for each in told["rows"]
    ]
    return scrolling(table(head, rows, "", translate("Best bases", language)))
