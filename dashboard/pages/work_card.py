"""Work on one incident on the dispatch page: its stages, who looks after it, its orders, and what was decided."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dash import html

from dashboard.pages.frequent_card import FIRST_WAIT_S, clock, how_far
from dashboard.pages.told_part import told_of
from dashboard.parts.address import Address
from dashboard.parts.blocks import Part, badge, card, row, scrolling, table
from dashboard.parts.decisions import OPERATIONS, choose, decide, decide_with, may_decide, to_incident
from dashboard.parts.expected import as_facts
from dashboard.parts.names import device, named
from dashboard.parts.words import DASH, moment, number
from fudian import Utility
from network import FudianError, translate
from repair.desk.restoration_time.outlook import ExpectedBack
from repair.desk.work import STAGE_NAMES, STAGES, Line, Sheet

ACTION_NAMES: Mapping[str, str] = {
    "acknowledge": "acknowledged",
    "note": "note",
    "hand_over": "handed over",
    "commander": "incident commander",
    "stage": "stage",
    "estimate": "power is expected back",
    "order": "order",
    "assign": "crew assigned",
    "look": "section looked at",
    "photograph": "photograph",
    "link": "public page opened",
    "unlink": "public page closed",
    "merge": "merged into another incident",
    "split": "users split off",
    "move": "users moved to another incident",
    "upstream": "grid above is lost",
    "section": "fault section chosen",
    "refuse": "does not move",
    "step": "operated",
    "close": "incident closed",
    "reopen": "opened again",
    "record": "outage record accepted",
    "undo": "undone",
}
"""Each decision in words."""

TOLD_BY_NAMES: Mapping[str, str] = {
    "switching": "switching",
    "meter": "meter",
    "stage": "stage",
    "closing": "closing",
}
"""Who tells when a user came back, in words."""

MOVE_NAMES: Mapping[str, str] = {
    "open": "was opened",
    "close": "was closed",
    "cut": "leads taken off",
    "join": "leads put back",
    "jumper": "jumper in place",
    "remove": "jumper removed",
}
"""Each operation in words."""


def work_card(utility: Utility, address: Address, incident: str) -> html.Section:
    """Return the card of one incident."""
    language, sheet, to = address.language, utility.sheet(incident), to_incident(incident)
    content: list[Part] = [_stages(sheet, to, language), _facts(utility, sheet, incident, language)]
    if may_decide():
        content.append(html.Div(_actions(sheet, to, language), className="actions deciding-row"))
    content += told_of(utility.messages(incident, limit=1).as_dict(), language)
    if sheet.is_closed:
        content += _record(utility, sheet, incident, to, language)
    content.append(_history(sheet, to, language))
    state = badge(translate("incident closed", language)) if sheet.is_closed else None
    if sheet.reopened and not sheet.is_closed:
        state = badge(translate("opened again", language), "abnormal")
    return card(translate("Work on the incident", language), *content, note=state, name="work")


def _stages(sheet: Sheet, to: str, language: str) -> html.Ol:
    items = []
    for stage in STAGES:
        name, at = translate(STAGE_NAMES[stage], language), sheet.stages.get(stage)
        if at is not None:
            items.append(html.Li([name, html.Span(moment(at, form="%H:%M"), title=moment(at))], className="reached"))
        elif may_decide() and not sheet.is_closed:
            items.append(html.Li(decide(name, to, {"action": "stage", "stage": stage})))
        else:
            items.append(html.Li(name, className="quiet"))
    return html.Ol(items, className="stages")


def _facts(utility: Utility, sheet: Sheet, incident: str, language: str) -> html.Table:
    facts: list[tuple[str, Part]] = [
        (translate("looked after by", language), sheet.acknowledged_by or DASH),
        (translate("incident commander", language), sheet.commander or DASH),
        (translate("repair orders", language), ", ".join(sheet.orders) or DASH),
        (translate("crew", language), sheet.crew_id or DASH),
    ]
    if sheet.link is not None:
        door = html.A(
            translate("Open", language), href=f"/public/outage/{sheet.link}", target="_blank", className="link"
        )
        facts.append((translate("public page", language), door))
    if sheet.photographs and may_decide():
        pictures = [
            html.A(str(number_), href=f"/api/v1/photographs/{photo}", target="_blank", className="link spaced")
            for number_, photo in enumerate(sheet.photographs, 1)
        ]
        facts.append((translate("photographs", language), html.Span(pictures)))
    facts += _expected(utility, sheet, incident, language)
    place = utility.low_voltage_place(incident)
    if place:
        said = [place["transformer_id"], *place["boxes"], *([place["phases"]] if place["phases"] else [])]
        facts.append((translate("transformer, meter box, phase", language), " · ".join(said)))
    if sheet.section:
        facts.append((translate("fault section chosen", language), ", ".join(sheet.section[:4])))
    if sheet.merged_into:
        facts.append((translate("part of", language), sheet.merged_into))
    parent = utility.work.parent(incident)
    if parent:
        facts.append((translate("split off from", language), parent))
    moved = [user for user, (_, into) in utility.work.moves.items() if into == incident]
    if moved:
        facts.append((translate("users moved here", language), ", ".join(moved[:12])))
    if sheet.upstream:
        at = moment(sheet.upstream["at"])
        facts.append((translate("grid above is lost", language), f"{sheet.upstream['node']} · {at}"))
    return table([], [row([(label, ""), (value, "right")]) for label, value in facts])


def _expected(utility: Utility, sheet: Sheet, incident: str, language: str) -> list[tuple[str, Part]]:
    """Return when power is expected back, as somebody said, or by experience once that is learned."""
    if sheet.is_closed and not sheet.estimate:
        return []
    done = utility.restoration_times_under_check(FIRST_WAIT_S)
    if not done.is_all and not sheet.estimate:
        by_experience = translate("power is expected back, by experience", language)
        return [(by_experience, html.Div([how_far(done, language), *clock(done)]))]
    expected = ExpectedBack(sheet.estimate, None) if sheet.estimate else utility.expected_back().get(incident)
    return as_facts(expected, language)


def _actions(sheet: Sheet, to: str, language: str) -> list[Part]:
    """Return what can be decided now."""
    note = ("note", translate("note", language))
    users = ("users", translate("ids of transformers or customers, with commas", language))
    if sheet.is_closed:
        return [
            decide_with(
                translate("Open again", language),
                to,
                {"action": "reopen"},
                [("reason", translate("why", language))],
                language,
            )
        ]
    into = ("into", translate("id of the other incident", language))
    doors: list[tuple[str, str, list[tuple[str, str]]]] = [
        ("Hand over", "hand_over", [("to", translate("to whom", language)), note]),
        ("Order", "order", [("order_id", translate("number of the order", language))]),
        ("Expected back", "estimate", [("until", translate("day and time", language))]),
        ("Commander", "commander", [("name", translate("name", language))]),
        ("Note", "note", [note]),
        ("Split off", "split", [users]),
        ("Move users", "move", [users, into]),
        ("Merge", "merge", [into]),
        ("Grid above is lost", "upstream", [("node", translate("node of the source", language)), note]),
        ("Close", "close", [note]),
    ]
    taken = [] if sheet.acknowledged_by else [decide(translate("Acknowledge", language), to, {"action": "acknowledge"})]
    is_shown = sheet.link is not None
    said = "Close the public page" if is_shown else "Public page"
    taken.append(decide(translate(said, language), to, {"action": "unlink" if is_shown else "link"}))
    return taken + [
        decide_with(translate(label, language), to, {"action": action}, fields, language)
        for label, action, fields in doors
    ]


def _record(utility: Utility, sheet: Sheet, incident: str, to: str, language: str) -> list[Part]:
    """Return the outage record that is handed to the statistics, and the way to accept it."""
    heading = html.H3(translate("Outage record", language))
    if sheet.record is not None:
        who = next(line.who for line in reversed(sheet.lines) if line.action == "record")
        return [heading, html.P(translate("Accepted by {who}; it counts in the statistics.", language, who=who))]
    try:
        found = utility.proposed(incident)
    except FudianError as refusal:
        return [heading, html.P(refusal.in_language(language), className="quiet")]
    rows = [
        row(
            [
                (named(utility, user.user), ""),
                (moment(user.by_switching), "right"),
                (moment(user.by_meter), "right"),
                (number(user.difference_min, 1), "right"),
                (moment(user.taken), "right"),
                (translate(TOLD_BY_NAMES[user.told_by], language), "right quiet"),
            ]
        )
        for user in found.users[:20]
    ]
    head = [
        (translate("user", language), ""),
        (translate("by switching", language), "right"),
        (translate("by meter", language), "right"),
        (translate("difference, min", language), "right"),
        (translate("back", language), "right"),
        (translate("told by", language), "right"),
    ]
    first = found.outages[0]
    said = translate(
        "Records proposed: {count}, {start} – {end}; they count once somebody accepts them.",
        language,
        count=len(found.outages),
        start=moment(first["start"]),
        end=moment(max(outage["end"] for outage in found.outages)),
    )
    accept = decide(translate("Accept", language), to, {"action": "record"}, "send") if may_decide() else None
    listed = scrolling(table(head, rows, "", translate("Outage record", language)))
    return [heading, html.P(said), listed, html.Div([accept], className="deciding-row")]


def _history(sheet: Sheet, to: str, language: str) -> Part:
    if not sheet.history:
        return html.P(translate("Nothing was decided yet.", language), className="quiet")
    rows = []
    for line in reversed(sheet.history):
        undo: Part = ""
        if line.is_undone:
            undo = translate("undone", language)
        elif line.action != "undo" and may_decide():
            undo = decide(translate("undo", language), to, {"action": "undo", "number": line.number}, "quiet")
        cells: list[tuple[Part, str]] = [
            (_said(line, language), ""),
            (line.who, "quiet"),
            (undo, "right quiet"),
        ]
        rows.append(row(cells, None, "undone" if line.is_undone else ""))
    head = [(translate("decided", language), ""), (translate("by", language), ""), ("", "")]
    listed = table(head, rows, "", translate("What was decided", language))
    summary = translate("Decisions: {count}", language, count=len(sheet.history))
    return html.Details([html.Summary(summary, className="link"), listed], className="history")


def _said(line: Line, language: str) -> str:
    """Return one decision in words."""
    said: dict[str, Any] = dict(line.details)
    parts = [] if line.action == "step" else [translate(ACTION_NAMES[line.action], language)]
    if "stage" in said:
        parts.append(translate(STAGE_NAMES[said.pop("stage")], language))
    if "move" in said:
        parts.append(translate(MOVE_NAMES[said.pop("move")], language))
    if "found" in said:
        parts.append(translate("fault found" if said.pop("found") else "no fault found", language))
    at = said.pop("at", None) or said.pop("until", None)
    if line.action == "record":
        said = {"outage_id": said["tables"]["outages"][0]["outage_id"]}
    for hidden in ("token", "range"):
        said.pop(hidden, None)
    parts += [", ".join(map(str, value)) if isinstance(value, list) else str(value) for value in said.values()]
    return " ".join(parts) + (f" · {moment(at)}" if at else "")


def state_card(utility: Utility, address: Address) -> html.Section:
    """Return the card of the state of the switches now: what differs from normal, and what was operated."""
    language, now = address.language, utility.operated()
    rows = []
    for operation in reversed(now["operations"][-30:]):
        undo: Part = ""
        if operation["is_undone"]:
            undo = translate("undone", language)
        elif may_decide():
            number = operation["number"]
            to = to_incident(operation["incident"]) if "incident" in operation else OPERATIONS
            undo = decide(translate("undo", language), to, {"action": "undo", "number": number}, "quiet")
        name: Part = (
            operation["branch_id"]
            if operation["action"] in {"jumper", "remove"}
            else device(utility, operation["branch_id"])
        )
        ends = f" {operation['from_node']} – {operation['to_node']}" if operation["action"] == "jumper" else ""
        rows.append(
            row(
                [
                    (translate(MOVE_NAMES[operation["action"]], language), ""),
                    ([name, ends], ""),
                    (operation.get("reason", ""), "quiet"),
                    (operation["who"], "quiet"),
                    (moment(operation["at"]), "right"),
                    (undo, "right quiet"),
                ],
                None,
                "undone" if operation["is_undone"] else "",
            )
        )
    content: list[Part] = [html.P(_differs(now, language))]
    if may_decide():
        moves = [(move, translate(name, language)) for move, name in MOVE_NAMES.items()]
        fields = [
            ("branch_id", translate("device, line or name of the jumper", language)),
            ("from_node", translate("from node (jumper)", language)),
            ("to_node", translate("to node (jumper)", language)),
            ("at", translate("time, by default now", language)),
            ("reason", translate("why", language)),
        ]
        what = choose("action", translate("operation", language), moves)
        door = decide_with(translate("Tell an operation", language), OPERATIONS, {}, fields, language, what)
        content.append(html.Div([door], className="actions deciding-row"))
    if rows:
        head = [
            (translate("operation", language), ""),
            (translate("device", language), ""),
            (translate("why", language), ""),
            (translate("by", language), ""),
            (translate("time", language), "right"),
            ("", ""),
        ]
        content.append(table(head, rows, "", translate("What was operated", language)))
    return card(translate("State of the switches now", language), *content, name="state-now")


def _differs(now: Mapping[str, Any], language: str) -> str:
    parts = [
        translate(said, language, devices=", ".join(now[name][:8]) + (" …" if len(now[name]) > 8 else ""))
        for name, said in (("opened", "open: {devices}"), ("closed", "closed: {devices}"))
        if now[name]
    ]
    parts += [
        translate(
            "jumper {name}: {from_node} – {to_node}",
            language,
            name=jumper["branch_id"],
            from_node=jumper["from_node"],
            to_node=jumper["to_node"],
        )
        for jumper in now["jumpers"]
    ]
    if not parts:
        return translate("All switches are as they normally are.", language)
    return translate("Not as normal:", language) + " " + "; ".join(parts)
