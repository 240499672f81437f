"""The page of planned outages: what each costs and what should become of it, who is off, and the calendar of all of them."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl
from dash import html

from dashboard.access.units import customers_off
from dashboard.pages.durations_card import duration_card, losses_card
from dashboard.pages.frequent_card import clock
from dashboard.pages.plan_card import operation_words
from dashboard.parts.address import Address
from dashboard.parts.blocks import Part, badge, card, compose, data, frame, lead, row, scrolling, strong, table
from dashboard.parts.calendar_chart import calendar_figure
from dashboard.parts.charts import graph
from dashboard.parts.customers_card import customers_card
from dashboard.parts.freshness import freshness
from dashboard.parts.names import device, named
from dashboard.parts.words import DASH, moment, number, word
from fudian import Utility
from network import FudianError, text, translate
from network.steps import Done
from repair.planned.calendar_plan import CalendarPlan
from repair.planned.plan_checks import CHECKS, LIGHTS, STATES, VERDICTS, Facts
from repair.planned.precheck import PlanCheck

TONES = {"approve": "", "merge": "", "convert-to-live": "", "reduce": "warning", "reject": "abnormal"}
LIGHT_TONES = {"green": "", "amber": "warning", "red": "abnormal"}

FIRST_WAIT_S = 0.8
"""For how long the page waits for the checks before it shows how far they are."""

SHOWN_MEANWHILE = 100
"""Plans that are shown until they are checked."""

_SHOWN_REMARKS = 4
_CUSTOMER_COLUMNS = ("customer_id", "name", "transformer_id", "important", "sensitive")


def page(utility: Utility, address: Address) -> html.Div:
    """Return the page."""
    utility.require_records()
    done = utility.plans_under_check(FIRST_WAIT_S)
    if not done.is_all:
        return frame(address, _chips(utility), freshness(utility, address), _under_check(utility, address, done))
    checks = utility.precheck().checks
    ids = [each.plan_id for each in checks]
    chosen = address.choose("plan", ids, ids[0] if ids else "")
    address.note_unknown()
    content: list[Part] = [_lead(utility, address)]
    if checks:
        check = next(each for each in checks if each.plan_id == chosen)
        lower = [_list_card(utility, address, checks, chosen), _calendar_card(utility, address, chosen)]
        lower.append(losses_card(utility, address))
        sheet = html.Div([_sheet(utility, address, check), *_facts_cards(utility, address, check)], className="stack")
        content.append(html.Div([html.Div(lower, className="stack"), sheet], className="grid two-one planned"))
    else:
        content.append(html.Div([losses_card(utility, address)], className="grid"))
    return frame(address, _chips(utility), freshness(utility, address), content)


def under_check(utility: Utility, _: Address, wait_s: float | None = FIRST_WAIT_S) -> Done:
    """Return how far the check of all plans is."""
    return utility.plans_under_check(wait_s)


def _under_check(utility: Utility, address: Address, done: Done) -> list[Part]:
    """Return what stands on the page until all plans are checked: the plans as submitted, how far it is, and a clock."""
    language, plans = address.language, utility.plans_to_come()
    sentence = compose(
        "{count} planned outages to come are being checked",
        language,
        count=html.B(number(plans.height, 0), **data(figure="to-come", value=plans.height)),
    )
    how_far = translate(
        "{what}: {done} of {all}", language, what=done.what.in_language(language), done=done.done, all=done.of
    )
    head = [
        (translate("Number", language), ""),
        (translate("begins", language), "right"),
        (translate("hours", language), "right"),
        (translate("place", language), ""),
        (translate("work", language), ""),
    ]
    rows = [
        row([
            (each["plan_id"], ""),
            (moment(each["start"]), "right"),
            (number((each["end"] - each["start"]).total_seconds() / 3600, 1), "right"),
            (named(utility, each["branch_id"] or each["feeder_id"] or each["transformer_id"]), "cut"),
            (each["work"] or DASH, "cut"),
        ])
        for each in plans.head(SHOWN_MEANWHILE).iter_rows(named=True)
    ]  # fmt: skip
    title = translate("Planned outages", language)
    below = html.Span(how_far, role="status", **data(figure="checked", value=done.done))
    shown = card(title, scrolling(table(head, rows, "plans", title)))
    return [lead(sentence, [below]), html.Div([shown], className="grid"), *clock(done)]


def _chips(utility: Utility) -> list[Part]:
    return [html.Span(utility.name, className="chip")] if utility.name else []


def customers_of(utility: Utility, address: Address) -> tuple[str, pl.DataFrame]:
    """Return the title and the customers whom the plan of an address cuts off, transfer done.

    Raises:
        FudianError: the address names no plan to come, or one that cannot be computed.
    """
    key = address.values.get("plan", "")
    check = next((each for each in utility.precheck().checks if each.plan_id == key), None)
    if check is None or check.facts is None:
        raise FudianError(
            text("There is no planned outage {plan!r} to come.", plan=key), text("Go back to the list and choose one.")
        )
    return key, customers_off(check.facts.job.outage.after)


def plans_of(utility: Utility, address: Address) -> tuple[str, pl.DataFrame]:
    """Return the planned outages to come with what they cost and their verdicts, one row each."""
    return utility.name, utility.precheck().rows(address.language)


def calendar_of(utility: Utility, address: Address) -> tuple[str, pl.DataFrame]:
    """Return the best calendar, one row per outage."""
    del address
    return utility.name, utility.calendar().rows()


def _exports(address: Address, name: str) -> html.Span:
    files = [
        html.A(ending.upper(), href=f"/export/planned/{name}.{ending}{address.search({})}", download="")
        for ending in ("csv", "xlsx")
    ]
    return html.Span(files, className="actions spread")


def _lead(utility: Utility, address: Address) -> html.Div:
    language, found, calendar = address.language, utility.precheck(), utility.calendar().plan
    checks, (before, after) = found.checks, found.customer_hours
    sentence = compose(
        "{count} planned outages to come: {after} customer-hours; transfer already saves {saved}",
        language,
        count=str(len(checks)),
        after=html.B(number(after, 1), **data(figure="after", value=after)),
        saved=strong(number(before - after, 1)),
    )
    counts = [
        f"{VERDICTS[verdict].in_language(language)} {count}"
        for verdict in VERDICTS
        if (count := sum(check.verdict == verdict for check in checks))
    ]
    below = compose(
        "Work done live saves {live}, a better calendar {merged} more. {counts}",
        language,
        live=strong(number(calendar.live_ch, 1)),
        merged=html.B(number(calendar.saving_ch, 1), **data(figure="saving", value=calendar.saving_ch)),
        counts=" · ".join(counts),
    )
    return lead(sentence, below)


def _list_card(utility: Utility, address: Address, checks: Sequence[PlanCheck], chosen: str) -> html.Section:
    language = address.language
    head = [
        (translate("Number", language), ""),
        (translate("begins", language), "right"),
        (translate("hours", language), "right"),
        (translate("place", language), ""),
        (translate("work", language), ""),
        (translate("users off", language), "right"),
        (translate("CH", language), "right"),
        (translate("budget", language), ""),
        (translate("verdict", language), "right"),
    ]
    rows = [_list_row(utility, address, check, check.plan_id == chosen) for check in checks]
    note = translate("without transfer → with it · a row opens its sheet", language)
    return card(
        translate("Planned outages", language),
        scrolling(table(head, rows, "plans", translate("Planned outages", language))),
        note=[note, _exports(address, "plans")],
    )


def _list_row(utility: Utility, address: Address, check: PlanCheck, is_chosen: bool) -> html.Tr:
    language, facts, given = address.language, check.facts, check.row
    hours = (given["end"] - given["start"]).total_seconds() / 3600
    light = facts.budget_light if facts else None
    cells: list[tuple[Part, str]] = [
        (check.plan_id, ""),
        (moment(given["start"]), "right"),
        (number(hours, 1), "right"),
        (named(utility, check.place), "cut"),
        (given["work"] or DASH, "cut"),
        (_change(facts.before.transformers, facts.after.transformers, 0) if facts else DASH, "right"),
        (_change(facts.before.ch_mv, facts.after.ch_mv, 1) if facts else DASH, "right"),
        (
            badge(LIGHTS[light].in_language(language), LIGHT_TONES[light])
            if light
            else html.Span(DASH, className="quiet"),
            "",
        ),
        (badge(VERDICTS[check.verdict].in_language(language), TONES[check.verdict]), "right"),
    ]
    return row(cells, address.href(plan=check.plan_id), "chosen" if is_chosen else "")


def _change(before: float, after: float, digits: int) -> Part:
    """Return a figure, or how transfer changes it."""
    if before == after:
        return number(after, digits)
    return [html.Span(f"{number(before, digits)} → ", className="quiet"), html.B(number(after, digits))]


def _sheet(utility: Utility, address: Address, check: PlanCheck) -> html.Section:
    """Return the verdict of one plan, why, and the four checks."""
    language, facts = address.language, check.facts
    verdict = VERDICTS[check.verdict].in_language(language)
    title = [
        html.Span(f"{check.plan_id} "),
        html.Span(verdict, className=TONES[check.verdict], **data(figure="verdict", value=check.verdict)),
    ]
    content: list[Part] = [html.P(reason.in_language(language), className="verdict-reason") for reason in check.reasons]
    if facts is not None:
        content += [_figures(address, facts), _checks(address, facts)]
        content += [
            html.P(remark.in_language(language), className="quiet") for remark in check.remarks[:_SHOWN_REMARKS]
        ]
    place = named(utility, check.place)
    where = " · ".join(each for each in (place, check.row["unit"], check.row["work"]) if each)
    return card(html.Span(title), *content, note=where, name="sheet")


def _figures(address: Address, facts: Facts) -> html.Table:
    language, before, after = address.language, facts.before, facts.after
    head = [
        ("", ""),
        (translate("without transfer", language), "right"),
        (translate("with transfer", language), "right"),
    ]
    lines: list[tuple[str, float | None, float | None, int]] = [
        (translate("MV users", language), before.transformers, after.transformers, 0),
        (translate("customers", language), before.customers, after.customers, 0),
        (translate("important", language), _count(before.important), _count(after.important), 0),
        (translate("sensitive", language), _count(before.sensitive), _count(after.sensitive), 0),
        (translate("customer-hours, MV", language), before.ch_mv, after.ch_mv, 1),
        (translate("customer-hours, LV", language), before.ch_lv, after.ch_lv, 1),
        (translate("hours per user of the network", language), before.saidi_h, after.saidi_h, 4),
    ]
    rows = [
        row([(label, ""), (number(first, digits), "right quiet"), (html.B(number(second, digits)), "right")])
        for label, first, second, digits in lines
    ]
    for share in facts.shares:
        left = translate("left of the budget of {unit}", language, unit=share.unit or DASH)
        tone = LIGHT_TONES[share.light] if share.light else ""
        now = None if share.budget is None else share.budget.remaining_ch
        rows.append(
            row([(left, ""), (number(now, 1), "right quiet"), (strong(number(share.after_ch, 1), tone), "right")])
        )
    return table(head, rows, "", translate("Who is off and what it costs", language))


def _count(ids: Sequence[str] | None) -> float | None:
    return None if ids is None else len(ids)


def _checks(address: Address, facts: Facts) -> html.Table:
    language = address.language
    rows = [
        row(
            [
                (html.B(CHECKS[check.name].in_language(language)), ""),
                (badge(STATES[check.state].in_language(language)), ""),
                (check.reason.in_language(language), "reason"),
            ]
        )
        for check in facts.checks
    ]
    return table([], rows, "checks", translate("The four checks", language))


def _facts_cards(utility: Utility, address: Address, check: PlanCheck) -> list[Part]:
    if check.facts is None:
        return []
    mobile = [_mobile_card(address, check.facts)] if check.facts.mobile else []
    taken = [duration_card(address, check.facts.duration)] if check.facts.duration else []
    return [*taken, *mobile, _steps_card(utility, address, check.facts), _customers_card(address, check.facts)]


def _mobile_card(address: Address, facts: Facts) -> html.Section:
    """Return what a generator or a substation car would save, and at what cost."""
    language = address.language
    rows = [
        row(
            [
                (word(each.means, language), ""),
                (f"{len(each.transformers):,}", "right"),
                (number(each.saved_ch, 1), "right"),
                (number(each.cost, 0), "right"),
                (number(each.cost_per_ch, 0), "right"),
            ]
        )
        for each in facts.mobile
    ]
    head = [
        (translate("means", language), ""),
        (translate("users fed", language), "right"),
        (translate("CH saved", language), "right"),
        (translate("cost", language), "right"),
        (translate("cost per CH", language), "right"),
    ]
    title = translate("Mobile supply", language)
    return card(title, table(head, rows, "mobile", title))


def _steps_card(utility: Utility, address: Address, facts: Facts) -> html.Section:
    language, outage = address.language, facts.job.outage
    rows = [
        row(
            [
                (str(step.order), ""),
                (operation_words(step, language), ""),
                (device(utility, step.branch_id), ""),
                (f"{len(step.restores_transformers):,}", "right"),
                (DASH if step.restores_customers is None else f"{step.restores_customers:,}", "right"),
            ]
        )
        for step in outage.steps
    ]
    head = [
        ("#", ""),
        (translate("operation", language), ""),
        (translate("device", language), ""),
        (translate("users back", language), "right"),
        (translate("customers back", language), "right"),
    ]
    proven = translate(
        "proven: work dead, radial, within ratings and voltage" if outage.proven else "not proven", language
    )
    if not rows:
        return card(
            translate("Switching", language),
            html.P(translate("No line is switched for this plan.", language), className="quiet"),
        )
    return card(translate("Switching", language), table(head, rows, "", translate("Switching", language)), note=proven)


def _customers_card(address: Address, facts: Facts) -> html.Section:
    important = len(facts.after.important or ())
    customers = customers_off(facts.job.outage.after)
    return customers_card(address, customers, {"plan": facts.job.plan_id}, important, _CUSTOMER_COLUMNS)


def _calendar_card(utility: Utility, address: Address, chosen: str) -> html.Section:
    language, calendar = address.language, utility.calendar().plan
    label = translate("Planned outages as submitted and in the best calendar", language)
    sentence = compose(
        "{submitted} customer-hours as submitted, {planned} in this calendar: {saving} saved",
        language,
        submitted=number(calendar.submitted_ch, 1),
        planned=strong(number(calendar.planned_ch, 1)),
        saving=strong(number(calendar.saving_ch, 1)),
    )
    if calendar.unscheduled:
        left_h = sum(job.after.customer_hours for job, _ in calendar.unscheduled)
        sentence += compose(
            "; {count} with {hours} have no day",
            language,
            count=str(len(calendar.unscheduled)),
            hours=number(left_h, 1),
        )
    content: list[Part] = [
        html.P(sentence),
        graph(calendar_figure(calendar, chosen, address), "calendar", language, label),
    ]
    content += [html.P(words, className="quiet") for words in _calendar_words(calendar, language)]
    note = translate("hollow: as submitted · filled: best calendar · one line per outage", language)
    return card(translate("Calendar", language), *content, note=[note, _exports(address, "calendar")])


def _calendar_words(calendar: CalendarPlan, language: str) -> list[str]:
    said = [
        translate("{plan} has no day: {reason}", language, plan=job.plan_id, reason=why.in_language(language))
        for job, why in calendar.unscheduled
    ]
    said += [
        translate("{plan} cannot be computed: {reason}", language, plan=plan, reason=why.in_language(language))
        for plan, why in calendar.uncomputed
    ]
    said += [
        translate("As submitted: {reason}", language, reason=each.in_language(language))
        for each in calendar.broken[:_SHOWN_REMARKS]
    ]
    said += [remark.in_language(language) for remark in calendar.remarks[:_SHOWN_REMARKS]]
    if calendar.live:
        live = ", ".join(job.plan_id for job in calendar.live)
        said.append(translate("Done live, so not in the calendar: {plans}", language, plans=live))
    if calendar.doubt is not None:
        said.append(calendar.doubt.in_language(language))
    return said
