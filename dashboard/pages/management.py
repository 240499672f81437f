"""The management page: how much work was done without cutting anyone off, and what that saved."""

from __future__ import annotations

from typing import Any

import polars as pl
from dash import html

from dashboard.pages.avoidable_card import avoidable_card
from dashboard.pages.grid_card import grid_card
from dashboard.pages.operation_card import operation_card
from dashboard.pages.process_card import process_card
from dashboard.pages.weak_card import weak_card
from dashboard.parts.address import Address
from dashboard.parts.blocks import Part, bar, card, chip, compose, data, frame, lead, link, row, strong, table
from dashboard.parts.charts import control_figure, graph
from dashboard.parts.freshness import freshness
from dashboard.parts.report_links import report_links, report_period
from dashboard.parts.words import moment, number, percent, word
from fudian import Utility
from network import translate
from reliability.live_line import LiveRatio
from reliability.steering.process import RUNS, Process

BASES = ("jobs", "hours")
_BASIS_NAMES = {"jobs": "by jobs", "hours": "by customer-hours"}
_SHOWN = 8
_FIGURES = {"jobs": "live_jobs", "hours": "live_hours"}


def page(utility: Utility, address: Address) -> html.Div:
    """Return the page."""
    if not utility.years and not utility.network.branches.is_empty():
        return _network_alone(utility, address)
    utility.require_records()
    year = year_of(utility, address)
    basis = address.choose("basis", BASES, "jobs")
    report_period(utility, address, year)
    address.note_unknown()
    whole = _whole(utility, year)
    run = process(utility, year, basis)
    return frame(
        address,
        _chips(utility, address, year, basis),
        freshness(utility, address),
        [
            _lead(utility, address, year, ratio_of(whole, basis), run),
            html.Div(
                [_chart_card(address, run, basis), _units_card(utility, address, year, basis)], className="grid halves"
            ),
            html.Div(
                [_planned_card(utility, address, year), _connections_card(address, whole)], className="grid two-one"
            ),
            html.Div(
                [process_card(utility, address, year), avoidable_card(utility, address, year)], className="grid halves"
            ),
            grid_card(utility, address),
            weak_card(utility, address),
            operation_card(utility, address, year),
        ],
    )


def year_of(utility: Utility, address: Address) -> int:
    """Return the year that an address chooses."""
    years = [str(year) for year in utility.years]
    return int(address.choose("year", years, years[-1]))


def _network_alone(utility: Utility, address: Address) -> html.Div:
    """Return the page of a workspace that holds a network and no record: the grid is all that can be told."""
    language = address.language
    address.note_unknown()
    sentence = [
        translate("The grid as it is; there are no records of outages, so no figure of work can be told.", language)
    ]
    chips = [html.Span(utility.name, className="chip still")] if utility.name else []
    return frame(
        address,
        chips,
        freshness(utility, address),
        [lead(sentence, []), grid_card(utility, address), weak_card(utility, address)],
    )


def _whole(utility: Utility, year: int) -> LiveRatio:
    return utility.live_work(year)


def process(utility: Utility, year: int, basis: str) -> Process:
    """Return the live-line ratio of every month that is over until the end of a year, judged as one process."""
    return utility.process(_FIGURES[basis], year)


def _fraction(each: dict[str, Any], basis: str) -> str:
    if basis == "jobs":
        return _of(each["live_jobs"], None if each["live_jobs"] is None else each["live_jobs"] + each["outage_jobs"])
    return f"{number(each['reduced_ch'], 0)} / {number(each['work_ch'], 0)}"


def _of(part: int | None, whole: int | None) -> str:
    return f"{number(part, 0)} / {number(whole, 0)}"


def ratio_of(live: LiveRatio, basis: str) -> float | None:
    """Return the ratio by jobs or by customer-hours, in per cent."""
    return live.by_jobs if basis == "jobs" else live.by_customer_hours


def _chips(utility: Utility, address: Address, year: int, basis: str) -> list[Part]:
    language = address.language
    name = f"{utility.name} · " if utility.name else ""
    return [
        chip(
            f"{name}{translate('{year}', language, year=year)}",
            [(str(each), address.href(year=str(each))) for each in reversed(utility.years)],
            translate("Year", language),
        ),
        chip(
            translate(_BASIS_NAMES[basis], language),
            [(translate(_BASIS_NAMES[each], language), address.href(basis=each)) for each in BASES],
            translate("Basis of the ratio", language),
        ),
        html.Span(translate("MV users, with major event days", language), className="chip still"),
        *report_links(utility, address, year),
    ]


def _lead(utility: Utility, address: Address, year: int, value: float | None, run: Process) -> html.Div:
    language = address.language
    whole = _whole(utility, year)
    if whole.live_jobs is None:
        why = "There is no table of live-line jobs that can be used, so the ratio cannot be computed."
        return lead([translate("{year}", language, year=year), ": ", translate(why, language)], [])
    sentence = compose(
        "{year}: {ratio} of the work was done without an outage",
        language,
        year=str(year),
        ratio=html.B(percent(value), **data(figure="ratio", value=value)),
    )
    lower, upper = run.chart.lower, run.chart.upper
    if lower is not None and upper is not None:
        limits = f"{lower:.0f}–{upper:.0f}%"
        if run.chart.signals:
            sentence += compose(
                ", {count} months outside the usual {limits}",
                language,
                count=strong(str(len(run.chart.signals)), "warning"),
                limits=limits,
            )
        elif not run.chart.runs:
            sentence += compose(", every month within the usual {limits}", language, limits=limits)
        for each in run.chart.runs[-1:]:
            sentence += [translate(", ", language)]
            sentence += compose(
                RUNS[each.kind].template, language, count=strong(str(each.length), "warning"),
                first=run.months[each.first], last=run.months[each.last],
            )  # fmt: skip
    sentence += compose(
        "; {hours} customer-hours avoided, {each} hours per user.",
        language,
        hours=html.B(number(whole.reduced_ch, 0), **data(figure="avoided", value=whole.reduced_ch)),
        each=strong(number(whole.saidi_avoided_h)),
    )
    plans = utility.workspace.tables["plans"].filter(pl.col("start").dt.year() == year)
    possible = plans.filter(pl.col("live_line_item").is_not_null()).height
    below = compose(
        "{outages} planned outages still cost {hours} customer-hours. {door}",
        language,
        outages=str(whole.outage_jobs),
        hours=number(whole.prearranged_ch, 0),
        door=link(translate("One by one ▸", language), address.rows_href("ledger", {"group": "work"})),
    )
    if possible:
        below += [
            " ",
            *compose(
                "{count} planned outages of the year name a live-line item that could do the work. {door}",
                language,
                count=strong(str(possible)),
                door=link(translate("See them ▸", language), address.rows_href("plans", {"live": "1"})),
            ),
        ]
    return lead(sentence, below)


def _chart_card(address: Address, run: Process, basis: str) -> html.Section:
    language = address.language
    label = translate("Live-work ratio of each month with its natural limits", language)
    content = graph(control_figure(run, address), "control", language, label)
    changes = [
        html.P(translate("from {month} on: {what}", language, month=month, what=what), className="quiet")
        for month, what in run.changes.items()
    ]
    note = translate(
        "{basis} · XmR control chart: ups and downs inside the band need no comment",
        language,
        basis=translate(_BASIS_NAMES[basis], language),
    )
    return card(translate("Live-work ratio", language), content, *changes, note=note)


def _units_card(utility: Utility, address: Address, year: int, basis: str) -> html.Section:
    language = address.language
    units = utility.live_ratio(year, "unit").as_dict()["rows"]
    key = "by_jobs" if basis == "jobs" else "by_customer_hours"
    rows = []
    for each in sorted(units, key=lambda unit: -(unit[key] or 0.0)):
        share = (each[key] or 0.0) / 100
        outages = link(
            f"{each['outage_jobs']:,}", address.rows_href("ledger", {"group": "work", "unit": each["unit"]}), "above"
        )
        rows.append(
            row(
                [
                    (each["unit"], ""),
                    (_fraction(each, basis), "right"),
                    (bar((share, "measure"), label=percent(each[key])), "wide-cell"),
                    (html.B(percent(each[key])), "right"),
                    (number(each["reduced_ch"], 0), "right"),
                    (number(each["saidi_avoided_h"]), "right"),
                    (outages, "right"),
                ],
                address.rows_href("live_jobs", {"unit": each["unit"]}),
            )
        )
    head = [
        (translate("Unit", language), ""),
        (translate("live / all", language), "right"),
        ("", "wide-cell"),
        (translate("ratio", language), "right"),
        (translate("avoided CH", language), "right"),
        (translate("h per user", language), "right"),
        (translate("planned outages", language), "right"),
    ]
    note = translate("{basis} · a row opens its live jobs", language, basis=translate(_BASIS_NAMES[basis], language))
    return card(
        translate("Units", language),
        table(head, rows, "unit-bars", translate("Live-work ratio of each unit", language)),
        note=note,
    )


def _planned_card(utility: Utility, address: Address, year: int) -> html.Section:
    language = address.language
    planned = utility.costly_plans(year)
    rows = [
        row(
            [
                (each["outage_id"], ""),
                (moment(each["start"]), "right"),
                (each["unit"] or "—", ""),
                (word(each["nature"], language), ""),
                (each["cause"] or "—", ""),
                (f"{each['users']:,}", "right"),
                (number(each["ch"], 1), "right"),
            ],
            address.rows_href("ledger", {"outage_id": each["outage_id"]}),
        )
        for each in planned.head(_SHOWN).to_dicts()
    ]
    head = [
        (translate("Outage", language), ""),
        (translate("began", language), "right"),
        (translate("Unit", language), ""),
        (translate("nature", language), ""),
        (translate("cause", language), ""),
        (translate("users", language), "right"),
        (translate("CH", language), "right"),
    ]
    note = compose(
        "{count} in {year}, dearest first. {door}",
        language,
        count=str(planned.height),
        year=str(year),
        door=link(translate("All ▸", language), address.rows_href("ledger", {"group": "work"})),
    )
    content: Part = table(head, rows, "", translate("Planned outages", language))
    if not rows:
        content = html.P(translate("No planned outage is counted in this period.", language), className="quiet")
    return card(translate("Planned outages for work", language), content, note=note)


def _connections_card(address: Address, whole: LiveRatio) -> html.Section:
    language = address.language
    lines: list[tuple[str, str, str, str | None]] = [
        (
            translate("Connections made without an outage", language),
            _of(whole.live_connections, whole.connections),
            percent(whole.live_connect_rate),
            address.rows_href("live_jobs", {"connection": "1"}),
        ),
        (
            translate("Work done without an outage, by jobs", language),
            _of(whole.live_jobs, None if whole.live_jobs is None else whole.live_jobs + whole.outage_jobs),
            percent(whole.by_jobs),
            address.rows_href("live_jobs"),
        ),
        (
            translate("The same by customer-hours", language),
            f"{number(whole.reduced_ch, 0)} / {number(whole.work_ch, 0)}",
            percent(whole.by_customer_hours),
            address.rows_href("ledger", {"group": "work"}),
        ),
        (
            translate("Customer-hours avoided per user", language),
            f"{number(whole.reduced_ch, 0)} / {number(whole.population, 0)}",
            f"{number(whole.saidi_avoided_h)} h",
            address.rows_href("live_jobs"),
        ),
        (translate("Live jobs whose saving cannot be told", language), "", f"{whole.unknown_jobs:,}", None),
    ]
    rows = [
        row([(label, ""), (fraction, "right quiet"), (html.B(value), "right")], href)
        for label, fraction, value, href in lines
    ]
    head = [
        (translate("Figure", language), ""),
        (translate("numerator / denominator", language), "right"),
        ("", "right"),
    ]
    return card(
        translate("Figures of the year", language), table(head, rows, "", translate("Figures of the year", language))
    )
