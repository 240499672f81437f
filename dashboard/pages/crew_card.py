"""Crews on the dispatch page: who goes where, which arrival clocks run out, why, and how well it went."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from dash import html

from dashboard.pages.bases_card import bases_card
from dashboard.pages.frequent_card import FIRST_WAIT_S
from dashboard.parts.address import Address
from dashboard.parts.blocks import Part, badge, card, link, row, scrolling, table
from dashboard.parts.decisions import choose, decide_with, may_decide, to_incident
from dashboard.parts.expected import in_a_row
from dashboard.parts.words import DASH, moment, number
from fudian import Utility
from network import FudianError, translate
from repair.desk.crews.clocks import ArrivalClock
from repair.desk.crews.crew_plan import Assignment, CrewPlan
from repair.desk.figures import DISPATCH_FIGURE_NAMES
from repair.desk.restoration_time.outlook import ExpectedBack

CLOCK_NAMES: Mapping[str, str] = {
    "met": "arrived in time",
    "missed": "arrival limit missed",
    "late": "will be late",
    "due": "arrival limit near",
    "running": "in time",
    "no_limit": "no limit known",
}
"""Each state of an arrival clock in words."""

_TONES = {"missed": "abnormal", "late": "abnormal", "due": "warning"}

WHY_NAMES: Mapping[str, str] = {
    "sent": "fewest customer-hours",
    "under_way": "under way already",
    "chosen": "chosen by a person",
    "no_crew": "no crew has the skills",
    "no_shift": "no crew is on duty long enough",
}
"""Why a crew goes, or none does, in words."""


STATE_NAMES: Mapping[str, str] = {
    "on_site": "on site",
    "under_way": "on its way",
    "free": "free",
    "later": "on duty later",
}
"""What a crew does now, in words."""

SKILL_NAMES: Mapping[str, str] = {"live_line": "live-line work", "cable": "cable", "low_voltage": "low-voltage work"}
"""Each skill in words; vehicles stand as the table names them."""


def crew_cards(utility: Utility, address: Address, at: datetime | None) -> list[Part]:
    """Return the cards of the crews.

    Args:
        utility: knows them.
        address: of the page.
        at: the moment that is shown; ``None`` for now, in which alone anything can be decided.
    """
    language = address.language
    title = translate("Who goes where", language)
    try:
        plan = utility.crews(at)
    except FudianError as refusal:
        return [card(title, html.P(refusal.in_language(language), className="quiet"))]
    names = {crew_name["crew_id"]: crew_name["name"] for crew_name in utility.crew_names()}
    is_told = at is None and utility.restoration_times_under_check(FIRST_WAIT_S).is_all
    expected = utility.expected_back() if is_told else {}
    rows = [_assignment(utility, address, each, names, expected, is_now=at is None) for each in plan.assignments]
    head = [
        (translate("Event", language), ""),
        (translate("customers", language), "right"),
        (translate("crew", language), ""),
        (translate("arrives", language), "right"),
        (translate("arrival limit", language), "right"),
        (translate("expected back", language), "right"),
        (translate("why", language), ""),
        ("", ""),
    ]
    content: list[Part] = [html.P(_sentence(plan, language))]
    if rows:
        content.append(scrolling(table(head, rows, "", title)))
    who = "Crews are sent by themselves." if plan.rules.dispatch == "automatic" else "Crews are sent by a person."
    plan_card = card(title, *content, note=translate(who, language), name="crews")
    return [
        html.Div(
            [
                plan_card,
                _on_duty(utility, plan, names, language),
                bases_card(utility, address),
                _figures(utility, language),
            ],
            className="stack",
        )
    ]


def _on_duty(utility: Utility, plan: CrewPlan, names: Mapping[str, str | None], language: str) -> html.Section:
    """Return who is on duty, with what they can do and drive, where they wait and what they do now; the others last."""
    told = {crew["crew_id"]: crew for crew in plan.as_dict()["crews"]}
    homes = {each["crew_id"]: each for each in utility.workspace.tables["crews"].to_dicts()}
    order = ["on_site", "under_way", "free", "later"]
    rows = []
    for crew in sorted(told.values(), key=lambda each: (order.index(each["state"]), each["crew_id"])):
        home, duty = homes[crew["crew_id"]], crew["on_duty"]
        begins = duty["from"] if crew["state"] == "later" else None
        until = moment(duty["until"]) if duty["until"] else translate("no roster", language)
        cells: list[tuple[Part, str]] = [
            (f"{crew['crew_id']} {names.get(crew['crew_id']) or ''}".strip(), ""),
            (badge(translate(STATE_NAMES[crew["state"]], language), "" if crew["state"] != "free" else "good"), ""),
            (f"{moment(begins)} – {until}" if begins else until, "right"),
            (", ".join(translate(SKILL_NAMES.get(each, each), language) for each in crew["skills"]) or DASH, ""),
            (home["zones"] or home["unit"] or DASH, ""),
            (home["base_id"] or DASH, ""),
            (str(len(crew["visits"])), "right"),
        ]
        rows.append(row(cells))
    off = [f"{each} {name or ''}".strip() for each, name in names.items() if each not in told]
    head = [
        (translate("crew", language), ""),
        (translate("does now", language), ""),
        (translate("on duty until", language), "right"),
        (translate("skills and vehicles", language), ""),
        (translate("works in", language), ""),
        (translate("base", language), ""),
        (translate("visits planned", language), "right"),
    ]
    title = translate("Crews on duty", language)
    rest = translate("Off duty: {crews}", language, crews=", ".join(off)) if off else ""
    return card(title, scrolling(table(head, rows, "", title)), html.P(rest, className="quiet"), name="on-duty")


def arrival_badge(clock: ArrivalClock, language: str) -> html.Span:
    """Return how an arrival clock stands, with the moment by which a crew has to be there."""
    due = "" if clock.due is None else " " + moment(clock.due, form="%H:%M")
    return badge(translate(CLOCK_NAMES[clock.state], language) + due, _TONES.get(clock.state, ""))


def _sentence(plan: CrewPlan, language: str) -> str:
    if not plan.assignments:
        return translate("No open incident waits for a crew.", language)
    warned = sum(assignment.clock.state in _TONES for assignment in plan.assignments)
    said = translate(
        "{hours} customer-hours are expected from now on; each incident to its nearest free crew would take {nearest}.",
        language,
        hours=number(plan.customer_hours, 0),
        nearest=number(plan.nearest, 0),
    )
    if warned:
        late = translate("Arrival limits that are missed, near, or cannot be kept: {count}.", language, count=warned)
        said += ("" if language == "zh" else " ") + late
    return said


def _assignment(
    utility: Utility,
    address: Address,
    each: Assignment,
    names: Mapping[str, str | None],
    expected: Mapping[str, ExpectedBack],
    is_now: bool,
) -> html.Tr:
    language, incident = address.language, each.fault.key
    first = each.visits[0] if each.visits else None
    entry = utility.board().find(incident)
    title = utility.name_of(entry.object_id) if entry is not None else incident
    crew = DASH if first is None else f"{first.crew_id} {names.get(first.crew_id) or ''}".strip()
    why = translate(WHY_NAMES[each.reason], language)
    if each.next_best is not None and each.reason == "sent":
        other, hours = each.next_best
        more = translate("{crew}: {hours} h more", language, crew=other, hours=number(hours, 1))
        why += f" ({more})"
    state = arrival_badge(each.clock, language)
    send: Part = ""
    if is_now and may_decide():
        options = [(name, f"{name} {shown or ''}".strip()) for name, shown in names.items()]
        fields = choose("crew_id", translate("crew", language), options)
        send = decide_with(
            translate("Send a crew", language),
            to_incident(incident),
            {"action": "assign"},
            [("note", translate("note", language))],
            language,
            fields,
        )
    cells: list[tuple[Part, str]] = [
        (link(title or incident, address.href(tab="active", event=incident)), ""),
        (f"{each.fault.customers:,}", "right"),
        (crew, ""),
        (DASH if first is None else moment(first.arrives), "right"),
        (state, "right"),
        (in_a_row(expected[incident], language) if incident in expected else moment(each.restored), "right"),
        (why, "quiet"),
        (send, "right"),
    ]
    return row(cells)


def _figures(utility: Utility, language: str) -> Part:
    """Return how well incidents were dealt with that are remembered."""
    found: list[dict[str, Any]] = utility.dispatch_kpi().rows.to_dicts() + utility.desk_kpi().rows.to_dicts()
    by_name = {each["kpi"]: each for each in found}
    rows = []
    for name, said in DISPATCH_FIGURE_NAMES.items():
        each = by_name[name]
        value = DASH if each["value"] is None else f"{each['value']:.1f}%"
        of = f"{number(each['numerator'], 0)} / {each['denominator']:,}"
        rows.append(row([(translate(said, language), ""), (value, "right"), (of, "right quiet")]))
    title = translate("How the dispatch went", language)
    return card(title, table([], rows, "", title), name="dispatch-figures")
