"""The dispatch page: what is out, where the fault lies, who is off, on one screen."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import polars as pl
from dash import dcc, html, no_update

from dashboard.access.units import customers_off
from dashboard.pages.crew_card import arrival_badge, crew_cards
from dashboard.pages.diagram_card import diagram_card, feeder_card, place_of
from dashboard.pages.frequent_card import FIRST_WAIT_S
from dashboard.pages.location_part import location_part
from dashboard.pages.loop_card import loop_card
from dashboard.pages.plan_card import NO_PLAN, Chosen, chosen_plan, plan_card, plan_to_print, switching_order
from dashboard.pages.told_part import plan_told
from dashboard.pages.work_card import state_card, work_card
from dashboard.parts.address import Address
from dashboard.parts.blocks import (
    Part,
    badge,
    card,
    chip,
    data,
    frame,
    link,
    row,
    scrolling,
    table,
)
from dashboard.parts.charts import WARNING
from dashboard.parts.customers_card import CUSTOMER_COLUMNS, customers_card
from dashboard.parts.diagram import Event
from dashboard.parts.expected import in_a_row
from dashboard.parts.order_sheet import order_sheet
from dashboard.parts.words import DASH, MINUTES, moment, number, word
from fudian import Utility
from network import FudianError, text, translate
from network.steps import Done
from repair import Affected, Location
from repair.desk.board import Board, Entry
from repair.desk.restoration_time.outlook import ExpectedBack

TABS = ("active", "restored", "planned", "crews")
_TAB_NAMES = {"active": "Active", "restored": "Restored", "planned": "Planned", "crews": "Crews"}
_LISTED = 100
_MOMENTS = 30

LIST, TOLD, LISTED = "incidents", "desk-told", "desk-listed"
"""Ids of what holds the list of events, of what the page's script asks for it anew by, and of what tells it that it came."""


def page(utility: Utility, address: Address) -> html.Div:
    """Return the page."""
    at = moment_of(utility, address)
    board = utility.board(at)
    tab = address.choose("tab", TABS, "active")
    if tab == "crews":
        cards = crew_cards(utility, address, at if "at" in address.values else None)
        address.note_unknown()
        chips, fresh = _chips(utility, address, board, tab), _freshness(utility, address, at)
        return frame(address, chips, fresh, cards, has_heading=False)
    entries = {"active": board.active, "restored": board.restored}.get(tab, ())
    keys = [entry.key for entry in entries]
    planned = board.planned["plan_id"].to_list()
    options = planned if tab == "planned" else keys
    chosen = address.choose("event", options, options[0] if options else "")
    entry = next((each for each in entries if each.key == chosen), None)
    plan = chosen_plan(utility, address, entry, at)
    address.note_unknown()
    if tab == "planned":
        left = _planned_list(utility, address, board, chosen)
        right, customers = _plan_sheet(utility, address, board, chosen)
    else:
        left = _incident_list(utility, address, entries, entry, tab, plan)
        right, customers = _event_sheet(utility, address, entry, plan)
    return frame(
        address,
        _chips(utility, address, board, tab),
        _freshness(utility, address, at),
        [html.Div([left, right, html.Div(customers, className="wide")], className="grid halves desk")],
        has_heading=False,
    )


def list_now(utility: Utility, address: Address) -> Part:
    """Return the list of events alone: what is new stands there before the rest of the page is made; nothing on other tabs."""
    tab = address.choose("tab", TABS, "active")
    if "at" in address.values or tab not in {"active", "restored"}:
        return no_update
    board = utility.board()
    entries = {"active": board.active, "restored": board.restored}[tab]
    keys = [entry.key for entry in entries]
    chosen = address.choose("event", keys, keys[0] if keys else "")
    shown = next((each for each in entries if each.key == chosen), None)
    return _list_card(utility, address, entries, shown, tab, wait_s=0.0)


def under_check(utility: Utility, _: Address, wait_s: float | None = FIRST_WAIT_S) -> Done:
    """Return how far it is learned how long restoration takes, which the sheet of an event tells."""
    return utility.restoration_times_under_check(wait_s)


def moment_of(utility: Utility, address: Address) -> datetime:
    """Return the moment that the address names; by default as far as the data is known."""
    address.asked.add("at")
    given = address.values.get("at")
    if given is None:
        return utility.now
    try:
        return utility.moment(given) or utility.now
    except FudianError as refused:
        address.choose("at", (), f"{utility.now:%Y-%m-%dT%H:%M}")
        address.notes.append(refused.message)
        return utility.now


def _chips(utility: Utility, address: Address, board: Board, tab: str) -> list[Part]:
    counts = {"active": len(board.active), "restored": len(board.restored), "planned": board.planned.height}
    counts["crews"] = len(utility.crew_names())
    return [
        link(
            f"{translate(_TAB_NAMES[each], address.language)} {counts[each]}",
            address.href(tab=each, event=None, **NO_PLAN),
            f"chip tab {'here' if each == tab else ''}",
        )
        for each in TABS
    ]


def _freshness(utility: Utility, address: Address, at: datetime) -> list[Part]:
    """Return the moment that is shown, which is also the way back to an earlier one, and the last signal heard."""
    language = address.language
    heard = utility.heard_last(at)
    moments = [
        (
            translate("now: {moment}", language, moment=moment(utility.now, form=MINUTES)),
            address.href(at=None, tab=None, event=None, **NO_PLAN),
        )
    ]
    everything = utility.board()
    told = [entry for entry in (*everything.active, *everything.restored) if entry.incident]
    for entry in sorted(told, key=lambda each: each.start, reverse=True)[:_MOMENTS]:
        if entry.incident:
            later = entry.incident.last + timedelta(minutes=1)
            label = translate(
                "{moment} after the signals of {object}",
                language,
                moment=moment(later, form=MINUTES),
                object=entry.object_id or DASH,
            )
            moments.append(
                (label, address.href(at=str(utility.workspace.reading.shown(later)), tab=None, event=None, **NO_PLAN))
            )
    return [
        html.Span(
            translate(
                "last signal {moment}",
                language,
                moment=moment(heard, seconds=True) if isinstance(heard, datetime) else DASH,
            )
        ),
        html.Span("·"),
        chip(
            translate("as of {moment}", language, moment=moment(at, form=MINUTES)),
            moments,
            translate("Moment", language),
        ),
    ]


# Lists ----------------------------------------------------------------------------------------------------------------


def title_of(utility: Utility, entry: Entry, language: str) -> str:
    """Return where an event is, in words."""
    object_id = entry.object_id
    if object_id is None:
        return translate("place not known", language)
    net = utility.network
    for frame_, column in (
        (net.branches, "branch_id"),
        (net.transformers, "transformer_id"),
        (net.feeders, "feeder_id"),
    ):
        found = frame_.filter(pl.col(column) == object_id)
        if not found.is_empty():
            name = found["name"][0] or object_id
            return translate("below {name}", language, name=name) if column == "branch_id" else str(name)
    return object_id


def off_by(entry: Entry) -> int:
    """Return how many are off by an event: customers, or users where a record only states their number."""
    if entry.record and entry.object_id is None and entry.record.get("users"):
        return int(entry.record["users"])
    return entry.affected.customer_count


def _state(entry: Entry) -> tuple[str, str]:
    if entry.end is not None:
        return "restored", ""
    if entry.incident is None:
        return "recorded", "warning"
    return entry.incident.outage.state, "abnormal"


_STATES = {
    "restored": "restored",
    "recorded": "recorded",
    "confirmed": "confirmed",
    "suspected": "suspected",
}


def _incident_list(
    utility: Utility, address: Address, entries: tuple[Entry, ...], shown: Entry | None, tab: str, plan: Chosen | None
) -> html.Div:
    return html.Div(
        [
            html.Div(_list_card(utility, address, entries, shown, tab, FIRST_WAIT_S), id=LIST),
            dcc.Store(id=TOLD),
            dcc.Store(id=LISTED),
            diagram_card(utility, address, shown, plan),
            state_card(utility, address) if "at" not in address.values and tab == "active" else None,
            loop_card(utility, address) if tab == "restored" else None,
        ],
        className="stack",
    )


def _list_card(
    utility: Utility, address: Address, entries: tuple[Entry, ...], shown: Entry | None, tab: str, wait_s: float
) -> Part:
    language = address.language
    rows = []
    expected = _expected_back(utility, address, tab, wait_s)
    warned = utility.arrival_warnings() if tab == "active" and "at" not in address.values else {}
    for entry in entries[:_LISTED]:
        location = entry.incident.location if entry.incident else None
        state, tone = _state(entry)
        important = html.Span(str(entry.important), className="abnormal" if entry.important else "quiet")
        last: Part = moment(entry.end) if tab == "restored" else badge(translate(_STATES[state], language), tone)
        if entry.key in warned:
            last = html.Span([last, " ", arrival_badge(warned[entry.key], language)])
        rows.append(
            row(
                [
                    (html.B(title_of(utility, entry, language)), ""),
                    (f"{off_by(entry):,}", "right"),
                    (important, "right"),
                    *([] if tab == "restored" else [(_kind(entry, language), "right")]),
                    (_certainty(location, language), "right"),
                    (moment(entry.start), "right"),
                    *([] if tab == "restored" else [(in_a_row(expected.get(entry.key), language), "right")]),
                    (last, "right"),
                ],
                address.href(event=entry.key, **NO_PLAN),
                "chosen" if entry is shown else "",
                incident=entry.key,
            )
        )
    names = [
        translate("Event", language),
        translate("customers", language),
        translate("important", language),
        *([] if tab == "restored" else [translate("kind", language)]),
        translate("location", language),
        translate("began", language),
        *([] if tab == "restored" else [translate("expected back", language)]),
        translate("back", language) if tab == "restored" else translate("stage", language),
    ]
    head = [(name, "right" if position else "") for position, name in enumerate(names)]
    content: list[Part] = [scrolling(table(head, rows, "", translate("Events", language)))]
    if not entries:
        nothing = translate(
            "Nothing is out at this moment." if tab == "active" else "Nothing came back in the last 30 days.", language
        )
        content = [html.P(nothing, className="quiet")]
    elif len(entries) > _LISTED:
        content.append(
            html.P(translate("{count} more, older", language, count=len(entries) - _LISTED), className="quiet")
        )
    return card(translate(_TAB_NAMES[tab], language), *content)


def _expected_back(utility: Utility, address: Address, tab: str, wait_s: float) -> Mapping[str, ExpectedBack]:
    """Return when power is expected back by incident; nothing at an earlier moment, and while that is being learned."""
    if tab != "active" or "at" in address.values or not utility.restoration_times_under_check(wait_s).is_all:
        return {}
    return utility.expected_back()


def _kind(entry: Entry, language: str) -> str:
    return word(entry.incident.outage.level, language) if entry.incident else DASH


def _certainty(location: Location | None, language: str) -> str:
    if location is None or not location.ranked:
        return DASH
    return translate("ambiguous", language) if location.ambiguous else f"{location.ranked[0].probability * 100:.0f}%"


def _planned_list(utility: Utility, address: Address, board: Board, chosen: str) -> html.Div:
    language = address.language
    rows = []
    for plan in board.planned.head(_LISTED).to_dicts():
        affected = _off_by_plan(utility, plan)
        rows.append(
            row(
                [
                    (html.B(_place(utility, plan)), ""),
                    (DASH if affected is None else f"{affected.customer_count:,}", "right"),
                    (plan["work"] or DASH, ""),
                    (moment(plan["start"]), "right"),
                    (moment(plan["end"]), "right"),
                    (badge(plan["status"] or DASH), "right"),
                ],
                address.href(event=plan["plan_id"], **NO_PLAN),
                "chosen" if plan["plan_id"] == chosen else "",
            )
        )
    head = [
        (translate("Place", language), ""),
        (translate("customers", language), "right"),
        (translate("work", language), ""),
        (translate("from", language), "right"),
        (translate("until", language), "right"),
        (translate("state", language), "right"),
    ]
    content: Part = scrolling(table(head, rows, "", translate("Planned outages", language)))
    if not rows:
        content = html.P(translate("Nothing is planned after this moment.", language), className="quiet")
    found = board.planned.filter(pl.col("plan_id") == chosen).to_dicts()
    diagram = _plan_diagram(utility, address, found[0]) if found else None
    return html.Div([card(translate("Planned", language), content), diagram], className="stack")


def _plan_diagram(utility: Utility, address: Address, plan: dict[str, Any]) -> Part:
    affected = _off_by_plan(utility, plan)
    if affected is None:
        return None
    event = Event(dead=affected.branches, opened=affected.opened, colour=WARNING)
    place = place_of(utility, plan["branch_id"], affected)
    return feeder_card(utility, address, place, event, planned=True)


def _off_by_plan(utility: Utility, plan: dict[str, Any]) -> Affected | None:
    """Return who is off by a plan, or ``None`` where that cannot be told."""
    try:
        return utility.affected_by_plan(plan)
    except FudianError:
        return None


def _place(utility: Utility, plan: dict[str, Any]) -> str:
    net = utility.network
    for frame_, column in (
        (net.branches, "branch_id"),
        (net.feeders, "feeder_id"),
        (net.transformers, "transformer_id"),
    ):
        if plan[column]:
            found = frame_.filter(pl.col(column) == plan[column])["name"].to_list()
            return str(found[0] if found and found[0] else plan[column])
    return DASH


# One event ------------------------------------------------------------------------------------------------------------


def _customers_off(count: int, is_over: bool, language: str) -> str:
    """Return how many customers are off, or were."""
    if count == 1:
        return translate("1 customer was off" if is_over else "1 customer off", language)
    said = "{count} customers were off" if is_over else "{count} customers off"
    return translate(said, language, count=f"{count:,}")


def _event_sheet(
    utility: Utility, address: Address, entry: Entry | None, plan: Chosen | None
) -> tuple[html.Div, Part | None]:
    """Return the sheet of an event, and the list of its customers."""
    language = address.language
    if entry is None:
        return _nothing_chosen(translate("No event chosen", language), language), None
    count = html.Span(
        _customers_off(off_by(entry), entry.end is not None, language),
        className="abnormal" if entry.end is None else "",
        **data(figure="customers", value=off_by(entry)),
    )
    content = (
        location_part(entry, address, plan)
        if entry.incident
        else [
            html.P(
                translate("No signal was heard; the event is known from its record alone.", language), className="quiet"
            )
        ]
    )
    sheet = html.Section(
        [
            html.Header(
                [
                    html.H2([title_of(utility, entry, language), " ", count], className="large spaced"),
                    html.Div(_times(entry, language), className="sheet-times"),
                ]
            ),
            *content,
        ],
        className="card",
    )
    planned = plan_card(utility, address, plan) if plan else None
    work = work_card(utility, address, entry.key)
    off = _affected(entry, plan, language)
    columns = [*(CUSTOMER_COLUMNS[:-1] if "stage" in off.columns else CUSTOMER_COLUMNS)]
    columns += [name for name in ("stage", "sure") if name in off.columns]
    customers = customers_card(address, off, {"event": entry.key}, entry.important, columns)
    return html.Div([sheet, planned, work], className="stack"), customers


def _nothing_chosen(title: str, language: str) -> html.Div:
    hint = html.P(translate("A row of the list opens its sheet here.", language), className="quiet")
    return html.Div([card(title, hint)])


def _affected(entry: Entry, plan: Chosen | None, language: str) -> pl.DataFrame:
    """Return who is off by an event, with the plan's ``stage`` and ``minutes`` until each is back where there is one."""
    customers = customers_off(entry.affected)
    if plan is None or plan.plan is None:
        return customers
    words_ = {stage.stage: word(stage.stage, language) for stage in plan.plan.stages}
    back = plan.plan.affected().select("customer_id", pl.col("stage").replace(words_), "minutes")
    return customers.join(back, on="customer_id", how="left", maintain_order="left")


def _times(entry: Entry, language: str) -> list[Part]:
    began = html.Div(translate("began {moment}", language, moment=moment(entry.start, seconds=True)))
    if entry.end is not None:
        return [began, html.Div(translate("all back {moment}", language, moment=moment(entry.end, seconds=True)))]
    signals = entry.incident.last if entry.incident else None
    return (
        [began, html.Div(translate("last signal {moment}", language, moment=moment(signals, seconds=True)))]
        if signals
        else [began]
    )


def _plan_sheet(utility: Utility, address: Address, board: Board, chosen: str) -> tuple[Part, Part | None]:
    """Return the sheet of a plan, and the list of its customers."""
    language = address.language
    found = board.planned.filter(pl.col("plan_id") == chosen)
    if found.is_empty():
        return _nothing_chosen(translate("No plan chosen", language), language), None
    plan = found.row(0, named=True)
    try:
        affected = utility.affected_by_plan(plan)
    except FudianError as refused:
        warning = html.P(refused.in_language(language), className="warning")
        return html.Div([card(_place(utility, plan), warning)]), None
    hours = (plan["end"] - plan["start"]) / timedelta(hours=1)
    transformers = len(affected.hit.transformers)
    facts = [
        (translate("planned", language), f"{moment(plan['start'])} – {moment(plan['end'])}"),
        (translate("nature", language), word(plan["nature"], language)),
        (translate("work", language), plan["work"] or DASH),
        (translate("Unit", language), plan["unit"] or DASH),
        (translate("transformers × hours", language), f"{transformers:,} × {number(hours, 1)} h"),
        (translate("applied for", language), moment(plan["applied_at"])),
        (translate("users told", language), moment(plan["notified_at"])),
    ]
    sheet = html.Section(
        [
            html.Header(
                [
                    html.H2(
                        [
                            _place(utility, plan),
                            " ",
                            html.Span(
                                translate(
                                    "{count} customers will be off", language, count=f"{affected.customer_count:,}"
                                ),
                                className="warning",
                            ),
                        ],
                        className="large spaced",
                    ),
                    html.Div(plan["status"] or DASH, className="sheet-times"),
                ]
            ),
            table([], [row([(label, ""), (value, "right")]) for label, value in facts]),
        ],
        className="card",
    )
    important = int(affected.customers["important"].sum())
    told = None if "at" in address.values else plan_told(utility, plan["plan_id"], language)
    customers = customers_card(address, customers_off(affected), {"event": plan["plan_id"]}, important)
    return html.Div([sheet, told], className="stack"), customers


def customers_of(utility: Utility, address: Address) -> tuple[str, pl.DataFrame]:
    """Return the title and the affected customers of the event that an address names, with the plan's stages.

    Raises:
        FudianError: the address names no event of the board.
    """
    at = moment_of(utility, address)
    board = utility.board(at)
    key = address.values.get("event", "")
    entry = board.find(key)
    if entry is not None:
        customers = _affected(entry, chosen_plan(utility, address, entry, at), address.language)
        return title_of(utility, entry, address.language), customers
    plan = board.planned.filter(pl.col("plan_id") == key)
    if plan.is_empty():
        raise FudianError(
            text("There is no event {event!r} at this moment.", event=key), text("Go back to the list and choose one.")
        )
    row_ = plan.row(0, named=True)
    return _place(utility, row_), customers_off(utility.affected_by_plan(row_))


def order_of(utility: Utility, address: Address) -> str:
    """Return the switching order that an address shows, as a page to print.

    Raises:
        FudianError: the address names no event of the board, or one without a plan.
    """
    at = moment_of(utility, address)
    board = utility.board(at)
    entry = board.find(address.values["event"]) if "event" in address.values else next(iter(board.active), None)
    plan, done, caution = plan_to_print(utility, address, entry, at)
    return order_sheet(plan, done, entry.key if entry else "", utility.name, at, address.language, caution)


def steps_of(utility: Utility, address: Address) -> tuple[str, pl.DataFrame]:
    """Return the title and the operations of the plan that an address shows; the first event is its default as on the page.

    Raises:
        FudianError: the address names no event of the board, or one without a plan.
    """
    at = moment_of(utility, address)
    board = utility.board(at)
    entry = board.find(address.values["event"]) if "event" in address.values else next(iter(board.active), None)
    return switching_order(utility, address, entry, at)
