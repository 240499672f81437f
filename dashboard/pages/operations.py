"""The operations page: how long the average user was without power this year, and whether the targets hold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import polars as pl
from dash import html

from dashboard.pages.frequent_card import FIRST_WAIT_S, clock, frequent_card
from dashboard.pages.steering import moments
from dashboard.pages.targets_card import has_curve, in_hours, targets_card, worst_target
from dashboard.parts.address import Address
from dashboard.parts.blocks import (
    Part,
    bar,
    card,
    chip,
    compose,
    data,
    frame,
    lead,
    link,
    row,
    sparkline,
    strong,
    table,
)
from dashboard.parts.charts import cumulative_chart, graph
from dashboard.parts.freshness import freshness
from dashboard.parts.report_links import report_links, report_period
from dashboard.parts.targets_table import metric_word
from dashboard.parts.words import number, percent, word
from fudian import Utility
from network import FudianError, translate
from network.steps import Done
from reliability.area import Area
from reliability.period import Period
from reliability.query import MED, Query
from reliability.steering.forecast import Forecast, TargetForecast
from reliability.targets import TargetResult

WHOLE = "all"
_CAUSES = 8
_FREQUENT = 8


@dataclass(frozen=True)
class Choice:
    """What the chips of the page say."""

    year: int
    plan: str
    level: str
    med: str
    area: str


def choices(utility: Utility, address: Address) -> Choice:
    """Read the filters of the address."""
    utility.require_records()
    years = [str(year) for year in utility.years]
    year = int(address.choose("year", years, years[-1]))
    plan = address.choose("plan", utility.target_plans, utility.target_plans[0])
    report_period(utility, address, year)
    level = address.choose("level", ("mv", "lv"), "mv")
    med = address.choose("med", MED, "include")
    curves = [
        result.target_id for result in utility.targets(plan, year, level, wait_s=0.0).results if has_curve(result)
    ]
    worst = worst_target(
        [result for result in utility.targets(plan, year, level, wait_s=0.0).results if has_curve(result)]
    )
    area = address.choose("area", (WHOLE, *curves), worst.target_id if worst else WHOLE)
    return Choice(year, plan, level, med, area)


def page(utility: Utility, address: Address) -> html.Div:
    """Return the page."""
    chosen = choices(utility, address)
    address.note_unknown()
    query = utility.query(chosen.year, level=chosen.level, med=chosen.med)
    targets = utility.targets(chosen.plan, chosen.year, chosen.level, wait_s=0.0).results
    whole = utility.totals(query).row(0, named=True)
    done = _under_check(utility, chosen, FIRST_WAIT_S)
    said = _forecast(utility, chosen) if done.is_all else None
    if said is not None and said.tightest is not None and "area" not in address.values:
        chosen = _on_the_tightest(chosen, said.tightest)
    return frame(
        address,
        _chips(utility, address, chosen),
        freshness(utility, address),
        [
            _lead(address, chosen, whole, targets)
            if said is None or said.tightest is None
            else _lead_ahead(utility, address, chosen, whole, said.tightest, targets),
            html.Div(
                [
                    _curve_card(utility, address, chosen, query, targets, said),
                    targets_card(utility, address, query, targets),
                ],
                className="grid two-one",
            ),
            html.Div(
                [
                    _causes_card(utility, address, query),
                    _feeders_card(utility, address, query),
                    frequent_card(utility, address, moments(utility, chosen.year)[-1], _FREQUENT),
                ],
                className="grid three",
            ),
            *clock(done),
        ],
    )


def under_check(utility: Utility, address: Address, wait_s: float | None = FIRST_WAIT_S) -> Done:
    """Return how far the plans to come are calculated, on which a forecast and those who are off too often rest."""
    return _under_check(utility, choices(utility, address), wait_s)


def _under_check(utility: Utility, chosen: Choice, wait_s: float | None) -> Done:
    as_of = moments(utility, chosen.year)[-1]
    bands = utility.bands_under_check(as_of, wait_s)
    if not bands.is_all or utility.known_until >= Period.year(chosen.year).end:
        return bands
    return utility.levers_under_check(chosen.plan, year=chosen.year, wait_s=wait_s)


def _chips(utility: Utility, address: Address, chosen: Choice) -> list[Part]:
    language = address.language
    name = f"{utility.name} · " if utility.name else ""
    unit = translate("{year}", language, year=chosen.year)
    return [
        chip(
            f"{name}{unit}",
            [(str(year), address.href(year=str(year), area=None)) for year in reversed(utility.years)],
            translate("Year", language),
        ),
        chip(
            translate("plan {plan}", language, plan=chosen.plan),
            [(plan, address.href(plan=plan, area=None)) for plan in utility.target_plans],
            translate("Plan", language),
        ),
        chip(
            word(chosen.level, language),
            [(word(each, language), address.href(level=each)) for each in ("mv", "lv")],
            translate("User level", language),
        ),
        chip(
            word(chosen.med, language),
            [(word(each, language), address.href(med=each)) for each in MED],
            translate("Major event days", language),
        ),
        html.Span(translate("SAIDI-1, all causes", language), className="chip still"),
        *_no_days(utility, chosen, language),
        *_beyond(utility, address, chosen),
        *report_links(utility, address, chosen.year, chosen.plan),
    ]


def _no_days(utility: Utility, chosen: Choice, language: str) -> list[Part]:
    """Return that nothing is left out, where major event days shall be and there are none."""
    if chosen.med == "include":
        return []
    found = utility.major_event_days(utility.query(chosen.year, level=chosen.level, med=chosen.med))
    if found.days:
        return []
    said = translate("no major event day in {year}: nothing is left out", language, year=chosen.year)
    return [
        html.Span(
            [said, f" · {found.reason.in_language(language)}" if found.reason else ""], className="chip still warning"
        )
    ]


def _beyond(utility: Utility, address: Address, chosen: Choice) -> list[Part]:
    """Return how many records state more users than there are, with the door to them."""
    count = utility.records_beyond(utility.query(chosen.year, level=chosen.level, med=chosen.med))
    said = translate("records that state more users than there are: {count}", address.language, count=count)
    return [link(said, address.rows_href("problems"), "chip warning")] if count else []


def _lead(address: Address, chosen: Choice, whole: dict[str, Any], targets: Sequence[TargetResult]) -> html.Div:
    language = address.language
    met = sum(target.status == "pass" for target in targets)
    holding = sum(target.status == "unknown" for target in targets)
    missed = sum(target.status == "fail" for target in targets)
    untold = sum(target.status == "not_computable" for target in targets)
    sentence = compose(
        "{year}: the average user was without power for {saidi}; {met} of {count} targets are met",
        language,
        year=str(chosen.year),
        saidi=html.B(
            [number(whole["SAIDI-1"]), translate(" hours", language)], **data(figure="saidi", value=whole["SAIDI-1"])
        ),
        met=strong(str(met)),
        count=str(len(targets)),
    )
    if missed:
        sentence += compose(", {count} missed", language, count=strong(str(missed), "warning"))
    if holding:
        sentence += compose(", {count} still open", language, count=strong(str(holding)))
    if untold:
        sentence += compose(", {count} cannot be computed", language, count=str(untold))
    return lead([*sentence, translate(".", language)], _below(address, targets))


def _forecast(utility: Utility, chosen: Choice) -> Forecast | None:
    """Return how the year is likely to end, where it is not over yet and that can be told."""
    if utility.known_until >= Period.year(chosen.year).end:
        return None
    try:
        return utility.forecast(chosen.plan, level=chosen.level, year=chosen.year)
    except FudianError:
        return None


def _on_the_tightest(chosen: Choice, tightest: TargetForecast) -> Choice:
    """Return the choice with the curve of the target that the first sentence is about."""
    return replace(chosen, area=tightest.target.target_id) if has_curve(tightest.target) else chosen


def _year_end(said: Forecast | None, chosen: Choice, target: TargetResult | None) -> tuple[float, float, float] | None:
    """Return low, expected and high year end of a target in h, where the curve is of what the forecast is of."""
    told = said.row(target.target_id) if said is not None and target is not None and chosen.med == "include" else None
    if told is None or told.expected is None or target is None:
        return None
    low, _, high = told.quantiles
    return tuple(in_hours(each or 0.0, target.unit) for each in (low, told.expected, high))  # type: ignore[return-value]


def _lead_ahead(
    utility: Utility,
    address: Address,
    chosen: Choice,
    whole: dict[str, Any],
    tightest: TargetForecast,
    targets: Sequence[TargetResult],
) -> html.Div:
    """Return the first sentence of a year that goes on: so far, how it is likely to end, and what would change that."""
    language = address.language
    chance = tightest.probability() or 0.0
    tone = "warning" if chance < 0.5 else ""
    low, _, high = tightest.quantiles
    unit = word(tightest.target.unit, language)
    sentence = compose(
        "{year}: {saidi} without power per user so far; {label} {metric} {expected} expected by the end of the year "
        "({low}–{high}), target {limit} {unit}, met with {chance}.",
        language,
        year=str(chosen.year),
        saidi=html.B(
            [number(whole["SAIDI-1"]), translate(" hours", language)], **data(figure="saidi", value=whole["SAIDI-1"])
        ),
        label=tightest.target.label,
        metric=metric_word(tightest.target.metric, language),
        expected=strong(number(tightest.expected), tone),
        low=number(low),
        high=number(high),
        limit=f"{tightest.limit:.4g}",
        unit=unit,
        chance=strong(f"{chance:.0%}", tone),
    )
    counts = {
        status: sum(target.status == status for target in targets) for status in ("fail", "unknown", "not_computable")
    }
    below = compose(
        "{missed} targets are missed already, {open} are open, {untold} cannot be computed. {lever} {door}",
        language,
        missed=str(counts["fail"]),
        open=str(counts["unknown"]),
        untold=str(counts["not_computable"]),
        lever=_best_lever(utility, chosen, tightest, language),
        door=link(
            translate("What would meet it ▸", language),
            address.page_href("steering", year=str(chosen.year), plan=chosen.plan),
        ),
    )
    return lead(sentence, below)


def _best_lever(utility: Utility, chosen: Choice, tightest: TargetForecast, language: str) -> str:
    """Say what would help most; nothing where nothing would."""
    rows = utility.levers(chosen.plan, tightest.target.target_id, year=chosen.year).as_dict(language)["rows"]
    best = next((each for each in rows if not each["counted"]), None)
    return "" if best is None else translate("Most would help: {lever}.", language, lever=best["says"])


def _below(address: Address, targets: Sequence[TargetResult]) -> list[Part]:
    language = address.language
    worst = worst_target(targets)
    if worst is None or worst.value is None:
        return [translate("No target of this plan can be computed from the data; the table says why.", language)]
    gap = abs(worst.value - worst.limit)
    unit = word(worst.unit, language)
    filters = {"target": worst.target_id, "med": "include"} if worst.where else None
    missed = (
        "Farthest from its target: {label} {metric} {value}, target {limit}, off by {gap}. {door}"
        if worst.op == "<="
        else "Farthest from its target: {label} {metric} {value}, target {limit}, {gap} short of it. {door}"
    )
    return compose(
        missed
        if worst.status == "fail"
        else "Nearest to its limit: {label} {metric} {value}, target {limit}, {gap} to spare. {door}",
        language,
        label=worst.label,
        metric=metric_word(worst.metric, language),
        value=f"{number(worst.value)} {unit}",
        limit=f"{worst.limit:g} {unit}",
        gap=strong(f"{number(gap)} {unit}", "warning" if worst.status == "fail" else ""),
        door=link(translate("See the rows ▸", language), address.rows_href("ledger", filters)) if worst.where else "",
    )


def _curve_card(
    utility: Utility,
    address: Address,
    chosen: Choice,
    query: Query,
    targets: Sequence[TargetResult],
    said: Forecast | None,
) -> html.Section:
    language = address.language
    curves = {each.target_id: each for each in targets if has_curve(each)}
    target = curves.get(chosen.area)
    area = Area(*target.where) if target and target.where else Area()
    curve = utility.accrued(query, area)
    before = pl.DataFrame({"saidi_h": []}, schema={"saidi_h": pl.Float64})
    if chosen.year - 1 in utility.years:
        before = utility.accrued(utility.query(chosen.year - 1, level=chosen.level, med=chosen.med), area)
    label = target.label if target else word("all_scope", language)
    options = [(word("all_scope", language), address.href(area=WHOLE))]
    options += [(f"{each.label} · {each.limit:g} {each.unit}", address.href(area=key)) for key, each in curves.items()]
    picker = chip(label, options, translate("Area of the curve", language))
    title = translate("Accrued outage time per user", language)
    note = translate("h per user · a point opens its day", language)
    if len(before):
        note = translate("h per user · {before} quiet behind · a point opens its day", language, before=chosen.year - 1)
    hours = curve["saidi_h"].to_list()
    if curve.is_empty() or hours[-1] is None:
        content: Part = html.P(
            translate("There is nothing to draw: no records or no users in this area and year.", language),
            className="quiet",
        )
    else:
        limit = (in_hours(target.limit, target.unit), f"{target.limit:g} {target.unit}") if target else None
        days = utility.major_event_days(query).days if chosen.med == "include" else ()
        figure = cumulative_chart(
            curve["day"].to_list(),
            hours,
            curve["ch"].to_list(),
            before["saidi_h"].drop_nulls().to_list(),
            limit,
            days,
            address,
            {"target": target.target_id} if target else None,
            _year_end(said, chosen, target),
        )
        caption = translate(
            "{label}: {value} hours per user so far in {year}",
            language,
            label=label,
            value=number(hours[-1]),
            year=chosen.year,
        )
        content = graph(figure, "curve", language, caption)
    return card([title, picker], content, note=note, name="curve")


def _causes_card(utility: Utility, address: Address, query: Query) -> html.Section:
    language = address.language
    ranked = utility.causes(query, _CAUSES)
    longest = ranked["ch"].max() or 1.0
    rows = []
    for each in ranked.to_dicts():
        if each["rest"]:
            label = translate("{count} more causes", language, count=each["causes"])
            href = address.rows_href("ledger", {"causes_after": str(_CAUSES)})
        else:
            label = each["cause"] or translate("no cause recorded", language)
            href = address.rows_href("ledger", {"cause": each["cause"]})
        parts = bar(
            (each["fault_ch"] / longest, "measure"),
            (each["prearranged_ch"] / longest, "light"),
            label=f"{label} {number(each['ch'], 1)}",
        )
        rows.append(
            row(
                [
                    (label, "cause"),
                    (parts, "wide-cell"),
                    (html.Span(number(each["ch"], 1), **data(hours=each["ch"])), "right"),
                    (f"{each['running_percent']:.0f}%", "right quiet"),
                ],
                href,
            )
        )
    head = [
        (translate("Cause", language), ""),
        ("", "wide-cell"),
        (translate("CH", language), "right"),
        (translate("running", language), "right"),
    ]
    content = (
        table(head, rows, "pareto", translate("Customer-hours by cause", language)) if rows else _nothing(language)
    )
    return card(
        translate("Causes", language),
        content,
        note=translate("customer-hours · dark: fault, light: prearranged", language),
        name="causes",
    )


def _nothing(language: str) -> html.P:
    return html.P(translate("No interruption is counted in this period.", language), className="quiet")


def _feeders_card(utility: Utility, address: Address, query: Query) -> html.Section:
    language = address.language
    worst = utility.worst_feeders(query, 9)
    rows = []
    for each in worst.to_dicts():
        label = each["name"] or each["feeder_id"] or translate("no feeder recorded", language)
        rows.append(
            row(
                [
                    (label, ""),
                    (number(each["ch"], 1), "right"),
                    (percent(each["share_percent"]), "right"),
                    (str(each["outages"]), "right"),
                    (sparkline(each["by_month"], translate("customer-hours of each month", language)), "right"),
                ],
                address.rows_href("ledger", {"feeder_id": each["feeder_id"]}),
            )
        )
    head = [
        (translate("Feeder", language), ""),
        (translate("CH", language), "right"),
        (translate("share", language), "right"),
        (translate("outages", language), "right"),
        (translate("by month", language), "right"),
    ]
    content = (
        table(head, rows, "", translate("Feeders with most customer-hours", language)) if rows else _nothing(language)
    )
    return card(translate("Feeders that cost most", language), content, note=translate("customer-hours", language))
