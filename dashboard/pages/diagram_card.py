"""The card with the one-line diagram: the feeder of an event or of a plan, and what is without supply on it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import polars as pl
from dash import html

from dashboard.pages.plan_card import Chosen, stepping
from dashboard.parts.address import Address
from dashboard.parts.blocks import Part, card
from dashboard.parts.charts import ABNORMAL, LINK, NORMAL, WARNING, graph
from dashboard.parts.diagram import Event, feeder_diagram
from dashboard.parts.words import DASH
from fudian import Utility
from network import translate
from network.pictures.layout import head_of
from repair import Affected
from repair.desk.board import Entry
from repair.location.sections import LIKELIEST


def diagram_card(utility: Utility, address: Address, entry: Entry | None, plan: Chosen | None) -> Part:
    """Return the diagram of an event: without supply as far as it is known now, or after a step of the plan."""
    if entry is None:
        return None
    location = entry.incident.location if entry.incident else None
    section = location.places[plan.place if plan else LIKELIEST] if location and location.ranked else None
    seen, not_seen = _flags(entry)
    label = ""
    if section:
        label = translate("fault {percent}%", address.language, percent=f"{section.probability * 100:.0f}")
    event = Event(
        dead=entry.affected.branches if entry.end is None else (),
        off=entry.affected.hit.transformers if entry.end is None else (),
        opened=entry.affected.opened if entry.end is None else (),
        suspected=entry.end is None and entry.incident is not None and entry.incident.outage.state == "suspected",
        fault=section.branches if section else (),
        fault_label=label,
        seen=seen,
        not_seen=not_seen,
    )
    if plan and plan.plan and (plan.step or plan.plan.done):
        state = plan.plan.state(plan.step)
        event = replace(
            event, dead=state.dead, opened=state.opened, closed=state.closed, back=state.back, suspected=False
        )
    place = place_of(utility, entry.object_id, entry.affected)
    return feeder_card(utility, address, place, event, planned=False, stepped=stepping(address, plan) if plan else [])


def feeder_card(
    utility: Utility, address: Address, place: int, event: Event, planned: bool, stepped: Sequence[Part] = ()
) -> Part:
    """Return the card with the feeder of a place, and an event on it; nothing where the place is none."""
    language = address.language
    if place <= 0:
        return None
    feeder = utility.normal.node_feeder[int(utility.normal.node_at[head_of(utility.normal, place)])]
    name = str(dict(utility.network.feeders.select("feeder_id", "name").iter_rows()).get(feeder) or feeder or DASH)
    figure = feeder_diagram(utility.present(), place, event, language)
    source = dict(utility.network.sources.select("node", "name").iter_rows()).get(_source_node(utility, place)) or DASH
    note = translate("from {source} · one-line diagram · numbers are customers", language, source=source)
    if not event.opened and not event.closed:
        note = translate(
            "from {source} · one-line diagram, normal switching · numbers are customers", language, source=source
        )
    label = translate("One-line diagram of {feeder}", language, feeder=name)
    legend = _legend(language, planned, bool(event.back))
    return card(name, graph(figure, "diagram", language, label), legend, note=[note, *stepped])


def _flags(entry: Entry) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the branches whose last report was a fault current or a trip, and those that looked and saw none."""
    if entry.incident is None:
        return (), ()
    reports = (
        entry.incident.signals.filter((pl.col("object") == "branch") & pl.col("kind").is_in(["fault_current", "trip"]))
        .group_by("object_id", maintain_order=True)
        .agg(seen=(pl.col("value").fill_null(1.0) != 0).last())
    )
    return tuple(reports.filter("seen")["object_id"]), tuple(reports.filter(~pl.col("seen"))["object_id"])


def place_of(utility: Utility, object_id: str | None, affected: Affected) -> int:
    """Return a place in depth-first order that an event concerns, 0 where it has none."""
    net, supply = utility.network, utility.normal
    if object_id is not None and (net.branches["branch_id"] == object_id).any():
        index = net.branch_index(object_id)[0]
        return int(max(supply.place_of[net.from_node[index]], supply.place_of[net.to_node[index]]))
    off = affected.hit.transformer_index
    if not len(off):
        off = net.customer_transformer[affected.hit.customer_index[:1]]
    return int(np.max(supply.place_of[net.transformer_node[off[:1]]], initial=0))


def _source_node(utility: Utility, place: int) -> str:
    """Return the node of the source that feeds a place."""
    while utility.normal.parent[place] > 0:
        place = int(utility.normal.parent[place])
    return str(utility.network.nodes[int(utility.normal.node_at[place])])


def _legend(language: str, planned: bool, with_back: bool) -> html.Div:
    energised = (translate("energised", language), NORMAL, "solid")
    out = (
        (translate("without supply", language), ABNORMAL, "solid"),
        (translate("thought to be without supply", language), ABNORMAL, "dashed"),
    )
    lines = (
        (energised, (translate("will be without supply", language), WARNING, "solid")) if planned else (energised, *out)
    )
    if with_back:
        lines = (*lines, (translate("fed again", language), LINK, "solid"))
    marks = ((translate("closed", language), "#1d2730"), (translate("open", language), "#ffffff"))
    parts = [
        html.Span([html.I(style={"width": "26px", "borderTop": f"3px {kind} {colour}"}), name])
        for name, colour, kind in lines
    ]
    square = {"width": "11px", "height": "11px", "border": "2px solid #1d2730"}
    parts += [html.Span([html.I(style=square | {"background": filling}), name]) for name, filling in marks]
    if planned:
        return html.Div(parts, className="legend")
    parts += [
        html.Span([html.B("▶ ", className="abnormal"), translate("fault current seen", language)]),
        html.Span(["○ ", translate("looked, none seen", language)]),
    ]
    return html.Div(parts, className="legend")
