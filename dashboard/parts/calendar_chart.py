"""The calendar of planned outages as a picture: each outage on its day, and from where its plans were moved."""

from __future__ import annotations

from datetime import datetime

import plotly.graph_objects as go

from dashboard.parts.address import Address
from dashboard.parts.charts import FAULT, GRID, INK, LINK, QUIET, WHITE, house_figure
from dashboard.parts.words import moment, number
from network import translate
from repair.planned.calendar_plan import CalendarPlan, Entry

ROW_PX = 26


def calendar_figure(calendar: CalendarPlan, chosen: str, address: Address) -> go.Figure:
    """Return a timeline: one line per outage, hollow where a plan was submitted, filled where it is best done.

    Args:
        calendar: the calendar.
        chosen: plan that stands out.
        address: that the doors lead from.
    """
    entries, language = calendar.entries, address.language
    left_over = [job for job, _ in calendar.unscheduled]
    lines = len(entries) + len(left_over)
    figure = house_figure(max(lines, 1) * ROW_PX + 44, (12, 92, 4, 34))
    labels = []
    for line, entry in enumerate(entries):
        plans = entry.option.group.plan_ids
        labels.append(" + ".join(plans))
        _draw_entry(figure, entry, line, chosen in plans, address)
    for line, job in enumerate(left_over, len(entries)):
        labels.append(f"{job.plan_id} ✗")
        _hollow(figure, [job.start], line, address.search({"plan": job.plan_id}), job.plan_id)
    figure.update_yaxes(
        range=[lines - 0.5, -0.5], tickvals=list(range(lines)), ticktext=labels, automargin=True, showgrid=False,
    )  # fmt: skip
    figure.update_xaxes(
        type="date", showgrid=True, gridcolor=GRID, tickformat="%m-%d", hoverformat="%Y-%m-%d %H:%M", nticks=10
    )
    if not lines:
        figure.add_annotation(
            text=translate("No outage is needed.", language),
            showarrow=False,
            font={"color": QUIET},
            x=0.5,
            y=0.5,
            xref="paper",
            yref="paper",
        )
    return figure


def _draw_entry(figure: go.Figure, entry: Entry, line: int, is_chosen: bool, address: Address) -> None:
    option, group = entry.option, entry.option.group
    door = address.search({"plan": group.plan_ids[0]})
    for job in group.jobs:
        if job.start != option.start:
            _hollow(figure, [job.start], line, address.search({"plan": job.plan_id}), job.plan_id)
            if job.start.date() != option.start.date():
                figure.add_annotation(
                    x=option.start, y=line, ax=job.start, ay=line, xref="x", yref="y", axref="x", ayref="y", text="",
                    showarrow=True, arrowhead=2, arrowsize=1, arrowwidth=1, arrowcolor=QUIET, standoff=8, startstandoff=8,
                )  # fmt: skip
    hours = number(group.cost.customer_hours, 1)
    figure.add_scatter(
        x=[option.start], y=[line], mode="markers",
        marker={"size": 13, "symbol": "square", "color": INK if is_chosen else LINK if len(group.jobs) > 1 else FAULT},
        customdata=[[door, " + ".join(group.plan_ids), hours, moment(option.end, form="%H:%M")]],
        hovertemplate="%{customdata[1]}<br>%{x}–%{customdata[3]}<br>%{customdata[2]} "
        + translate("customer-hours", address.language) + "<extra></extra>",
    )  # fmt: skip
    saved = f" (−{number(group.saving_ch, 1)})" if round(group.saving_ch, 1) else ""
    figure.add_annotation(
        x=1, xref="paper", xshift=6, y=line, text=f"{hours}{saved}", showarrow=False, xanchor="left",
        font={"size": 12, "color": INK if saved else QUIET},
    )  # fmt: skip


def _hollow(figure: go.Figure, starts: list[datetime], line: int, door: str, plan_id: str) -> None:
    """Draw where a plan was submitted."""
    figure.add_scatter(
        x=starts, y=[line] * len(starts), mode="markers",
        marker={"size": 12, "symbol": "square", "color": WHITE, "line": {"color": QUIET, "width": 1.4}},
        customdata=[[door, plan_id]] * len(starts), hovertemplate="%{customdata[1]}<br>%{x}<extra></extra>",
    )  # fmt: skip
