"""The one-line diagram of a feeder: what has supply, what has not, where the switches are and how many hang where."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go

from dashboard.parts.charts import ABNORMAL, INK, LINK, NORMAL, QUIET, house_figure
from network import Supply, Topology, translate
from network.pictures.layout import DrawnBranch, DrawnTransformer, Layout, feeder_layout

LINES = ("line", "cable", "bus")
_LANE = 62
"""Height of a lane in pixels."""

_NAME_AWAY, _NUMBER_AWAY = 0.32, 0.32
"""How far the middle of a device's name stands from it, and of a number of customers from its transformers, in rows."""

_WIDTH, _HEIGHT = 0.9, 0.3
"""How much room a short text takes, in columns and rows of the diagram."""


@dataclass(frozen=True)
class Event:
    """What the diagram shows besides the feeder.

    Attributes:
        dead: branches without supply.
        off: transformers without supply, of whatever their branch is.
        opened: branches that opened.
        suspected: the dead part is only thought to be without supply.
        colour: of what is without supply.
        fault: branches of the most probable section; empty where there is none.
        fault_label: what to write there.
        back: branches that have supply again.
        closed: ties that are closed now.
        seen, not_seen: branches whose sensor saw a fault current, or looked and saw none.
    """

    dead: Collection[str] = ()
    off: Collection[str] = ()
    opened: Collection[str] = ()
    suspected: bool = False
    colour: str = ABNORMAL
    fault: Collection[str] = ()
    fault_label: str = ""
    back: Collection[str] = ()
    closed: Collection[str] = ()
    seen: Collection[str] = ()
    not_seen: Collection[str] = ()


def feeder_diagram(supply: Supply, place: int, event: Event, language: str) -> go.Figure:
    """Return the diagram of the feeder that ``place`` (in depth-first order) belongs to."""
    net = supply.network
    layout = feeder_layout(supply, place)
    low, high = layout.lanes
    figure = house_figure(int(min(max((high - low + 1.9) * _LANE, 200), 430)), (8, 8, 6, 6))
    ids = net.branches["branch_id"].to_list()
    _lines(figure, layout, ids, event)
    _transformers(figure, net, layout, event, language)
    _devices(figure, net, layout, event, language)
    _source(figure)
    figure.update_xaxes(visible=False, range=[-0.8, layout.width + 1.6])
    figure.update_yaxes(visible=False, range=[low - 1.0, high + 0.9])
    return figure


def _path(lines: Iterable[tuple[tuple[float, float], ...]]) -> tuple[list[float | None], list[float | None]]:
    x: list[float | None] = []
    y: list[float | None] = []
    for points in lines:
        x += [*(point[0] for point in points), None]
        y += [*(point[1] for point in points), None]
    return x, y


def _lines(figure: go.Figure, layout: Layout, ids: list[str], event: Event) -> None:
    dead, fault, back = set(event.dead) | set(event.opened), set(event.fault), set(event.back)
    live = {"color": NORMAL, "width": 2.2}
    without = {"color": event.colour, "width": 2.6, "dash": "dash" if event.suspected else "solid"}
    borders = {ids[branch.branch] for branch in layout.branches if _is_border(branch, layout, ids, event)}
    before = [_halves(branch.points)[0] for branch in layout.branches if ids[branch.branch] in borders]

    def beyond(chosen: Collection[str]) -> list[tuple[tuple[float, float], ...]]:
        """Return the lines of branches; of a switch that parts live from dead only what lies beyond it."""
        return [
            _halves(branch.points)[1] if ids[branch.branch] in borders else branch.points
            for branch in layout.branches
            if ids[branch.branch] in chosen
        ]

    looks = (
        (before + [branch.points for branch in layout.branches if ids[branch.branch] not in dead | back], live),
        (beyond(back), {"color": LINK, "width": 2.6}),
        (beyond(dead - fault), without),
        (beyond(fault), {"color": ABNORMAL, "width": 6}),
    )
    for lines, line in looks:
        x, y = _path(lines)
        figure.add_scatter(x=x, y=y, mode="lines", line=line, hoverinfo="skip")
    for is_closed, line in (
        (False, {"color": NORMAL, "width": 1.6, "dash": "dot"}),
        (True, {"color": LINK, "width": 2.6}),
    ):
        x, y = _path(each.points for each in layout.ties if (ids[each.branch] in event.closed) == is_closed)
        figure.add_scatter(x=x, y=y, mode="lines", line=line, hoverinfo="skip")
    faulted = [_middle(branch.points) for branch in layout.branches if ids[branch.branch] in fault]
    if faulted and event.fault_label:
        figure.add_annotation(
            x=faulted[0][0],
            y=faulted[0][1],
            yshift=31,
            text=f"<b>{event.fault_label}</b>",
            showarrow=False,
            bgcolor="rgba(255,255,255,0.85)",
            borderpad=1,
            font={"size": 13, "color": ABNORMAL},
        )


def _halves(points: tuple[tuple[float, float], ...]) -> tuple[tuple[tuple[float, float], ...], ...]:
    """Return a line up to the switch on it, and from there on."""
    middle = _middle(points)
    return (*points[:-1], middle), (middle, points[-1])


def _is_border(switch: DrawnBranch, layout: Layout, ids: list[str], event: Event) -> bool:
    """Return whether an open switch has supply before it: no branch that ends where it begins is without."""
    if ids[switch.branch] not in event.opened:
        return False
    before = [ids[branch.branch] for branch in layout.branches if branch.points[-1] == switch.points[0]]
    return not any(each in event.dead or each in event.opened for each in before)


def _transformers(figure: go.Figure, net: Topology, layout: Layout, event: Event, language: str) -> None:
    customers = np.bincount(net.customer_transformer[net.customer_transformer >= 0], minlength=net.transformers.height)
    dead_nodes = _nodes_of(net, event.dead)
    back_nodes = _nodes_of(net, event.back) - dead_nodes
    names, ids = net.transformers["name"].to_list(), net.transformers["transformer_id"].to_list()
    off = set(event.off) if not event.back else set()
    colours = dict.fromkeys(dead_nodes, event.colour) | dict.fromkeys(back_nodes, LINK)
    for colour in (NORMAL, event.colour, LINK):
        chosen = [
            transformer
            for transformer in layout.transformers
            if (
                event.colour
                if ids[transformer.transformer] in off
                else colours.get(int(net.transformer_node[transformer.transformer]), NORMAL)
            )
            == colour
        ]
        x, y = _path((each.foot, each.head) for each in chosen)
        figure.add_scatter(x=x, y=y, mode="lines", line={"color": colour, "width": 1.4}, hoverinfo="skip")
        together = _together(net, chosen)
        figure.add_scatter(
            x=[each.head[0] for each in chosen],
            y=[each.head[1] for each in chosen],
            mode="markers",
            marker={"size": 9, "color": "white", "line": {"color": colour, "width": 1.8}},
            customdata=[
                [None, f"{names[each.transformer] or ''} {ids[each.transformer]}", int(customers[each.transformer])]
                for each in chosen
            ],
            hovertemplate="%{customdata[1]}<br>%{customdata[2]} "
            + translate("customers", language)
            + "<extra></extra>",
        )
        figure.add_scatter(
            x=[sum(each.head[0] for each in group) / len(group) for group in together.values()],
            y=[group[0].head[1] + (-0.13 if down else 0.13) for (_, down), group in together.items()],
            mode="text",
            hoverinfo="skip",
            text=[str(sum(customers[each.transformer] for each in group)) for group in together.values()],
            textposition=["bottom center" if down else "top center" for _, down in together],
            textfont={"size": 11, "color": QUIET if colour == NORMAL else colour},
        )


def _together(
    net: Topology, transformers: Iterable[DrawnTransformer]
) -> dict[tuple[int, bool], list[DrawnTransformer]]:
    """Return the transformers whose customers are told as one number, by their node and whether they hang down."""
    together: dict[tuple[int, bool], list[DrawnTransformer]] = {}
    for transformer in transformers:
        node = int(net.transformer_node[transformer.transformer])
        together.setdefault((node, transformer.head[1] < transformer.foot[1]), []).append(transformer)
    return together


def _numbers(net: Topology, layout: Layout) -> list[tuple[float, float]]:
    """Return where the numbers of customers stand."""
    return [
        (sum(each.head[0] for each in group) / len(group), group[0].head[1] + (-_NUMBER_AWAY if down else _NUMBER_AWAY))
        for (_, down), group in _together(net, layout.transformers).items()
    ]


def _is_free(at: tuple[float, float], taken: Iterable[tuple[float, float]]) -> bool:
    """Whether a short text can stand there beside others."""
    return all(abs(at[0] - x) >= _WIDTH or abs(at[1] - y) >= _HEIGHT for x, y in taken)


def _nodes_of(net: Topology, branch_ids: Collection[str]) -> set[int]:
    """Return the nodes at which branches end."""
    chosen = net.branches["branch_id"].is_in(list(branch_ids)).to_numpy()
    return set(np.concatenate([net.from_node[chosen], net.to_node[chosen]]).tolist())


def _devices(figure: go.Figure, net: Topology, layout: Layout, event: Event, language: str) -> None:
    """Draw switches as squares: filled is closed, hollow is open; a tie stands at the end of its dotted line."""
    kinds, names, ids = (net.branches[column].to_list() for column in ("kind", "name", "branch_id"))
    opened = set(event.opened)
    devices = [
        (each.branch, _middle(each.points), ids[each.branch] in opened)
        for each in layout.branches
        if kinds[each.branch] not in LINES
    ]
    devices += [(each.branch, each.points[-1], ids[each.branch] not in event.closed) for each in layout.ties]
    states = {True: translate("open", language), False: translate("closed", language)}
    figure.add_scatter(
        x=[at[0] for _, at, _ in devices],
        y=[at[1] for _, at, _ in devices],
        mode="markers",
        marker={
            "symbol": "square",
            "size": 12,
            "color": ["white" if is_open else INK for *_, is_open in devices],
            "line": {"color": INK, "width": 1.6},
        },
        customdata=[[None, f"{names[branch] or ''} {ids[branch]}", states[is_open]] for branch, _, is_open in devices],
        hovertemplate="%{customdata[1]}<br>%{customdata[2]}<extra></extra>",
    )
    taken = _numbers(net, layout)
    for branch, at, _ in devices:
        short = ids[branch].rsplit("-", 1)[-1]
        above, below = (at[0], at[1] + _NAME_AWAY), (at[0], at[1] - _NAME_AWAY)
        is_below = not _is_free(above, taken) and _is_free(below, taken)
        taken.append(below if is_below else above)
        figure.add_annotation(
            x=at[0],
            y=at[1],
            yshift=-15 if is_below else 14,
            text=short,
            showarrow=False,
            font={"size": 11, "color": INK},
            bgcolor="rgba(255,255,255,0.7)",
            borderpad=0,
        )
    for chosen, symbol, colour in ((event.seen, "triangle-right", ABNORMAL), (event.not_seen, "circle-open", QUIET)):
        told = set(chosen)
        flagged = [at for branch, at, _ in devices if ids[branch] in told]
        figure.add_scatter(
            x=[at[0] for at in flagged],
            y=[at[1] - 0.28 for at in flagged],
            mode="markers",
            hoverinfo="skip",
            marker={"symbol": symbol, "size": 9, "color": colour, "line": {"width": 1.4, "color": colour}},
        )


def _middle(points: tuple[tuple[float, float], ...]) -> tuple[float, float]:
    before, after = points[-2], points[-1]
    return (before[0] + after[0]) / 2, (before[1] + after[1]) / 2


def _source(figure: go.Figure) -> None:
    """Draw the source as an upright bar."""
    figure.add_shape(type="line", x0=-0.1, x1=-0.1, y0=-0.4, y1=0.4, line={"color": INK, "width": 8})
