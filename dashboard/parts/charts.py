"""Charts in the house style: ink for data, labels at the lines, no axis lines, no mode bar that uploads anything."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from itertools import pairwise
from typing import Any

import plotly.graph_objects as go
from dash import dcc, html

from dashboard.parts.address import Address
from dashboard.parts.words import number, percent
from network import translate
from reliability.control_chart import Stretch
from reliability.steering.process import Process

INK, QUIET, GROUND, WHITE = "#1d2730", "#5a6772", "#f3f4f5", "#ffffff"
FAULT, PREARRANGED, LINK = "#4f6f88", "#a9bccb", "#3d6b8e"
WARNING, ABNORMAL = "#8a4a00", "#a3211b"
BAND, GRID, NORMAL = "#d9e2ea", "#eceff1", "#9db1c1"
FONT = (
    '-apple-system, "Segoe UI", "Noto Sans CJK SC", "Noto Sans SC", "PingFang SC", '
    '"Microsoft YaHei", system-ui, sans-serif'
)

_MONTHS_EN = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def house_figure(height: int, margin: tuple[int, int, int, int] = (36, 8, 12, 28)) -> go.Figure:
    """Return an empty figure in the house style.

    Args:
        height: in pixels.
        margin: left, right, top, bottom in pixels.
    """
    left, right, top, bottom = margin
    axis = {
        "showline": False,
        "zeroline": False,
        "ticks": "",
        "fixedrange": True,
        "tickfont": {"color": QUIET, "size": 12},
    }
    return go.Figure(
        layout={
            "height": height,
            "margin": {"l": left, "r": right, "t": top, "b": bottom},
            "font": {"family": FONT, "size": 13, "color": INK},
            "paper_bgcolor": "rgba(0,0,0,0)",
            "plot_bgcolor": "rgba(0,0,0,0)",
            "showlegend": False,
            "hovermode": "closest",
            "hoverlabel": {"bgcolor": WHITE, "bordercolor": BAND, "font": {"family": FONT, "size": 13, "color": INK}},
            "dragmode": False,
            "xaxis": axis | {"showgrid": False},
            "yaxis": axis | {"gridcolor": GRID},
        }
    )


def graph(figure: go.Figure, door: str, language: str, label: str) -> html.Figure:
    """Return a figure for a page; its points open the rows that their ``customdata`` name.

    Args:
        figure: of :func:`house_figure`.
        door: name of the chart among those of the page.
        language: of the plotting library's own words.
        label: what the chart shows, for screen readers.
    """
    return html.Figure(
        [
            dcc.Graph(
                id={"door": door},
                figure=figure,
                config=graph_config(language),
                responsive=True,
                style={"height": f"{figure.layout.height}px"},
            ),
            html.Figcaption(label, className="hidden"),
        ],
        className="chart",
    )


def graph_config(language: str) -> Any:
    """Return the settings of every chart: nothing is sent anywhere, no mode bar."""
    return {
        "displayModeBar": False,
        "displaylogo": False,
        "modeBarButtonsToRemove": ["sendChartToCloud", "sendDataToCloud", "editInChartStudio"],
        "showSendToCloud": False,
        "plotlyServerURL": "",
        "scrollZoom": False,
        "locale": "zh-CN" if language == "zh" else "en",
    }


def month_labels(language: str) -> list[str]:
    """Return the twelve months as axis labels."""
    return [f"{month}月" for month in range(1, 13)] if language == "zh" else list(_MONTHS_EN)


def spread(values: Sequence[float], gap: float, top: float) -> list[float]:
    """Return positions near ``values``, not above ``top``, at least ``gap`` apart, so that labels do not overlap."""
    order = sorted(range(len(values)), key=lambda position: values[position])
    placed = list(values)
    for before, after in pairwise(order):
        placed[after] = max(placed[after], placed[before] + gap)
    limit = top
    for position in reversed(order):
        placed[position] = min(placed[position], limit)
        limit = placed[position] - gap
    return placed


def cumulative_chart(
    days: Sequence[date],
    hours: Sequence[float],
    customer_hours: Sequence[float],
    last_year: Sequence[float],
    limit: tuple[float, str] | None,
    event_days: Sequence[date],
    address: Address,
    filters: Mapping[str, str] | None = None,
    ahead: tuple[float, float, float] | None = None,
) -> go.Figure:
    """Return the hours per user that a year has accrued, last year quiet behind it, the limit, and how it is likely to end.

    Args:
        days: of the year, in order.
        hours: accrued until the end of each day, h per user.
        customer_hours: of each day alone.
        last_year: accrued hours of each day of the year before; blank where there are no records.
        limit: target of the year in h and as it is written, or ``None``.
        event_days: major event days of the year.
        address: that the doors lead from.
        filters: of the rows behind every point, besides its day.
        ahead: the year end in h: low, expected, high; ``None`` where the year is over or nothing can be said.
    """
    language, year, height = address.language, days[0].year, 362
    figure = house_figure(height, (34, 92, 14, 26))
    top = max([*hours, *last_year, *(ahead or ()), limit[0] if limit else 0.0, 0.1]) * 1.08
    if len(last_year):
        figure.add_scatter(
            x=list(range(1, len(last_year) + 1)),
            y=list(last_year),
            mode="lines",
            hoverinfo="skip",
            line={"color": "#c9d5de", "width": 2},
        )
    positions = [day.timetuple().tm_yday for day in days]
    doors = [address.rows_search("ledger", {**(filters or {}), "day": day.isoformat()}) for day in days]
    _accrued_line(figure, days, hours, customer_hours, doors, language)
    figure.add_scatter(
        x=[positions[-1]], y=[hours[-1]], mode="markers", marker={"color": INK, "size": 8}, hoverinfo="skip"
    )
    labels = [] if ahead is not None else [(hours[-1], f"<b>{number(hours[-1])} h</b>", INK)]
    if ahead is not None:
        figure.add_annotation(
            x=positions[-1], y=hours[-1], text=f"<b>{number(hours[-1])} h</b>", showarrow=False, xanchor="right",
            yanchor="bottom", xshift=-4,
        )  # fmt: skip
    if len(last_year):
        labels.append((last_year[-1], f"{year - 1} {number(last_year[-1])}", QUIET))
    if limit is not None:
        figure.add_shape(type="line", x0=1, x1=366, y0=limit[0], y1=limit[0], line={"color": QUIET, "width": 1.3})
        labels.append((limit[0], translate("target {limit}", language, limit=limit[1]), INK))
    if ahead is not None:
        over = limit is not None and ahead[1] > limit[0]
        _ahead(figure, positions[-1], hours[-1], ahead, over=over)
        expected = translate("expected {value}", language, value=number(ahead[1]))
        labels += [(ahead[1], f"<b>{expected}</b>", WARNING if over else INK)]
        labels += [(value, number(value), QUIET) for value in (ahead[0], ahead[2])]
    _end_labels(figure, labels, top / (height - 40) * 17, top)
    _mark_event_days(figure, event_days, top, language)
    starts = [date(year, month, 1).timetuple().tm_yday for month in range(1, 13)]
    figure.update_xaxes(range=[0, 367], tickvals=starts[::2], ticktext=month_labels(language)[::2])
    figure.update_yaxes(range=[-top * 0.01, top], nticks=6)
    return figure


def _ahead(figure: go.Figure, day: int, hours: float, ahead: tuple[float, float, float], *, over: bool) -> None:
    """Draw from the last day to the year end: the range as a band, what is expected as a dashed line."""
    low, expected, high = ahead
    figure.add_scatter(
        x=[day, 366, 366], y=[hours, high, low], fill="toself", mode="none", hoverinfo="skip",
        fillcolor="#f2dcc0" if over else BAND, opacity=0.7,
    )  # fmt: skip
    dashed = {"color": WARNING if over else FAULT, "width": 1.6, "dash": "dash"}
    figure.add_scatter(x=[day, 366], y=[hours, expected], mode="lines", line=dashed, hoverinfo="skip")


def _accrued_line(
    figure: go.Figure,
    days: Sequence[date],
    hours: Sequence[float],
    customer_hours: Sequence[float],
    doors: Sequence[str],
    language: str,
) -> None:
    accrued, that_day = translate("accrued", language), translate("that day", language)
    unit = translate("customer-hours", language)
    figure.add_scatter(
        x=[day.timetuple().tm_yday for day in days],
        y=list(hours),
        mode="lines",
        line={"color": INK, "width": 2, "shape": "hv"},
        customdata=[
            [door, f"{day:%m-%d}", amount] for door, day, amount in zip(doors, days, customer_hours, strict=True)
        ],
        hovertemplate="%{customdata[1]}<br>"
        f"{accrued} %{{y:.2f}} h<br>{that_day} %{{customdata[2]:,.1f}} {unit}<extra></extra>",
    )


def _end_labels(figure: go.Figure, labels: Sequence[tuple[float, str, str]], gap: float, top: float) -> None:
    """Write labels (height, text, colour) at the right end of their lines."""
    for (_, label, colour), y in zip(labels, spread([each[0] for each in labels], gap, top), strict=True):
        figure.add_annotation(
            x=1,
            xref="paper",
            xshift=6,
            y=y,
            text=label,
            showarrow=False,
            xanchor="left",
            font={"size": 13, "color": colour},
        )


def _mark_event_days(figure: go.Figure, event_days: Sequence[date], top: float, language: str) -> None:
    for number_of_day, day in enumerate(event_days[:4]):
        x = day.timetuple().tm_yday
        figure.add_shape(type="line", x0=x, x1=x, y0=0, y1=top, line={"color": ABNORMAL, "width": 1.2, "dash": "dot"})
        near_end = x > 240
        figure.add_annotation(
            x=x,
            y=top * (0.05 + 0.08 * number_of_day),
            showarrow=False,
            xanchor="right" if near_end else "left",
            xshift=-4 if near_end else 4,
            text=translate("{day} major event day", language, day=f"{day:%m-%d}"),
            font={"size": 12, "color": ABNORMAL},
        )


def control_figure(process: Process, address: Address) -> go.Figure:
    """Return a control chart: natural limits as a band, the mean as a line, months outside in the abnormal colour.

    Args:
        process: a figure month by month.
        address: that the doors lead from.
    """
    height, chart, months = 264, process.chart, process.months
    figure = house_figure(height, (46, 116, 12, 26))
    is_share = process.unit == "%"
    floor, ceiling = _reach(process)
    positions = list(range(len(months)))
    for stretch in chart.stretches:
        _natural_limits(figure, stretch, process.changes.get(months[stretch.first]), ceiling)
    colours = [ABNORMAL if position in chart.signals else INK for position in positions]
    parts = zip(process.numerators, process.denominators, strict=True)
    fractions = [f"{number(above, 0)} / {number(below, 0)}" for above, below in parts]
    rows = "live_jobs" if is_share else "ledger"
    figure.add_scatter(
        x=positions,
        y=list(chart.values),
        mode="lines+markers",
        line={"color": INK, "width": 1.6},
        marker={
            "color": colours,
            "opacity": 1,
            "size": [9 if position in chart.signals else 6 for position in positions],
        },
        customdata=[
            [_month_rows(address, rows, month), month, fraction]
            for month, fraction in zip(months, fractions, strict=True)
        ],
        hovertemplate=f"%{{customdata[1]}}<br>{'%{y:.1f}%' if is_share else '%{y:.3f} h'}<br>%{{customdata[2]}}<extra></extra>",
    )
    labels: list[tuple[float, str, str]] = []
    if chart.values and chart.values[-1] is not None:
        shown = percent(chart.values[-1]) if is_share else f"{chart.values[-1]:.2f} h"
        labels.append((chart.values[-1], f"<b>{shown}</b>", INK))
    if chart.lower is not None and chart.upper is not None and chart.mean is not None:
        words = (
            (translate("upper limit", address.language), chart.upper),
            (translate("mean", address.language), chart.mean),
            (translate("lower limit", address.language), chart.lower),
        )
        labels += [
            (value, f"{name} {value:.0f}%" if is_share else f"{name} {value:.2f}", QUIET) for name, value in words
        ]
    _end_labels(figure, labels, (ceiling - floor) / (height - 38) * 17, ceiling)
    figure.update_xaxes(
        range=[-0.5, len(months) - 0.4],
        tickvals=positions[:: max(1, len(months) // 6)],
        ticktext=[month[2:] for month in months][:: max(1, len(months) // 6)],
    )
    figure.update_yaxes(range=[floor, ceiling], ticksuffix="%" if is_share else "", nticks=6)
    return figure


def _month_rows(address: Address, rows: str, month: str) -> str:
    """Return the address of the rows of a month, in the year that it belongs to."""
    of_year = replace(address, values=address.values | {"year": month[:4]})
    return of_year.rows_search(rows, {"month": month})


def _reach(process: Process) -> tuple[float, float]:
    """Return between which values a control chart is drawn."""
    known = [value for value in process.chart.values if value is not None]
    limits = [
        each for stretch in process.chart.stretches for each in (stretch.lower, stretch.upper) if each is not None
    ]
    if process.unit == "%":
        return max(0.0, min([*known, *limits], default=6.0) - 6), 102.0
    return 0.0, 1.08 * max([*known, *limits], default=1.0) or 1.0


def _natural_limits(figure: go.Figure, stretch: Stretch, change: str | None, ceiling: float) -> None:
    """Draw the band of usual ups and downs between two changes, the mean in it, and what was changed above it."""
    ends = {"x0": stretch.first - 0.5, "x1": stretch.last + 0.5}
    if change is not None:
        figure.add_annotation(
            x=ends["x0"],
            y=ceiling,
            text=change,
            showarrow=False,
            xanchor="left",
            yanchor="top",
            font={"color": QUIET, "size": 12},
        )
        figure.add_shape(
            type="line", x0=ends["x0"], x1=ends["x0"], y0=0, y1=1, yref="paper", line={"color": BAND, "width": 1}
        )
    if stretch.lower is None or stretch.upper is None:
        return
    figure.add_shape(
        type="rect", y0=stretch.lower, y1=stretch.upper, fillcolor="#eaf0f4", line_width=0, layer="below", **ends
    )
    figure.add_shape(type="line", y0=stretch.mean, y1=stretch.mean, line={"color": "#8496a3", "width": 1}, **ends)
