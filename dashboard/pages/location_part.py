"""Where the fault of an event lies, on the sheet of the event: sections by their probability, and what speaks for and against."""

from __future__ import annotations

import polars as pl
from dash import html

from dashboard.pages.plan_card import NO_PLAN, Chosen
from dashboard.parts.address import Address
from dashboard.parts.blocks import Part, bar, compose, row, strong, table
from dashboard.parts.certainty import doubts, off_facts
from dashboard.parts.decisions import decide, may_decide, to_incident
from dashboard.parts.words import word
from network import translate
from repair import Location
from repair.desk.board import Entry
from repair.location.sections import CHOICES, Section


def location_part(entry: Entry, address: Address, plan: Chosen | None) -> list[Part]:
    """Return where the fault lies beside what was heard, for an event of which signals came.

    Args:
        entry: the event, with its incident.
        address: of the page.
        plan: the plan that the page shows, for which a section is chosen.
    """
    language = address.language
    location = entry.incident.location  # type: ignore[union-attr]
    dark = entry.incident.signals.filter(pl.col("kind").is_in(["off", "call"])).height  # type: ignore[union-attr]
    heard = entry.incident.signals.height  # type: ignore[union-attr]
    facts = [
        (translate("Signals heard", language), f"{heard:,}"),
        (translate("of them off or calls", language), f"{dark:,}"),
        *off_facts(entry, language),
        (translate("Important customers", language), f"{entry.important:,}"),
    ]
    right = html.Div(
        [
            html.H3(translate("The event", language)),
            table([], [row([(label, ""), (value, "right")]) for label, value in facts]),
            doubts(entry, language),
        ]
    )
    if not location.ranked:
        reason = translate("No device reported a trip or a fault current, so no section can be told.", language)
        left = html.Div([html.H3(translate("Fault section", language)), html.P(reason, className="quiet")])
        return [html.Div([left, right], className="two")]
    places = location.places
    rows = [
        _place_row(place, section, entry, address, plan)
        for place, section in places.items()
        if "." not in place or (plan is not None and place.startswith(f"{plan.section}."))
    ]
    rest = sum(section.probability for section in location.ranked[CHOICES:])
    if len(location.ranked) > CHOICES:
        others = translate("{count} other sections", language, count=len(location.ranked) - CHOICES)
        rows.append(_probability_row(others, rest, "light"))
    left = html.Div(
        [
            html.H3(translate("Fault section", language)),
            table([], rows, "sections", translate("Fault section", language)),
        ]
    )
    return [html.Div([left, right], className="two"), html.P(_sentences(location, language), className="quiet")]


def _place_row(place: str, section: Section, entry: Entry, address: Address, plan: Chosen | None) -> html.Tr:
    """Return the row of a section, or of a part of the one that is chosen, with the way to plan for it."""
    language, is_part = address.language, "." in place
    name = _section_name(section.bounded_by, section.branches, language)
    name = translate("of it {part}", language, part=name) if is_part else name
    tone = "light" if is_part else "red" if place == "1" else "sand"
    if plan is None:
        return _probability_row(name, section.probability, tone)
    is_chosen = place == plan.place
    if plan.sheet is not None and may_decide():
        said = {"action": "section", "branches": list(section.branches)}
        button = decide(name, to_incident(entry.key), said, "cover")
        return _probability_row(button, section.probability, tone, None, is_chosen, name)
    href = address.href(**NO_PLAN | {"section": place})
    return _probability_row(name, section.probability, tone, href, is_chosen)


def _probability_row(
    label: Part,
    probability: float,
    tone: str,
    href: str | None = None,
    is_chosen: bool = False,
    described: str = "",
) -> html.Tr:
    said = "<1%" if 0 < probability < 0.005 else f"{probability * 100:.0f}%"
    cells: list[tuple[Part, str]] = [
        (label, ""),
        (bar((probability, tone), label=f"{described or label} {said}"), "wide-cell"),
        (said, "right"),
    ]
    return row(cells, href, f"{'door' if described else ''} {'chosen' if is_chosen else ''}".strip())


def _section_name(bounded_by: tuple[str, ...], branches: tuple[str, ...], language: str) -> str:
    """Return a section by the devices at its borders."""
    if not bounded_by:
        return f"{branches[0]}…" if len(branches) > 1 else branches[0]
    first, beyond = bounded_by[0], [each.rsplit("-", 1)[-1] for each in bounded_by[1:]]
    if not beyond:
        return translate("beyond {device}", language, device=first)
    return translate(
        "{device} to {others}", language, device=first, others=", ".join(beyond[:3]) + ("…" if len(beyond) > 3 else "")
    )


def _sentences(location: Location, language: str) -> list[Part]:
    parts: list[Part] = []
    if location.ambiguous:
        parts += [html.B(translate("Several sections explain the signals equally well.", language)), " "]
    for suspect in location.suspect_signals[:4]:
        if suspect.thought == "missing":
            said = compose(
                "Doubtful: {device} reported no fault current, thought to have missed it. ",
                language,
                device=strong(suspect.object_id),
            )
        else:
            said = compose(
                "Doubtful: {device} reported {kind}, thought to be false. ",
                language,
                device=strong(suspect.object_id),
                kind=word(suspect.kind, language),
            )
        parts += said
    if not location.suspect_signals:
        parts.append(translate("No signal contradicts the first section. ", language))
    if location.two_faults >= 0.5:
        share = f"{location.two_faults * 100:.0f}%"
        parts += [html.B(translate("Two faults are likely ({share}). ", language, share=share))]
    if location.next_check is not None:
        check = location.next_check
        parts += [
            html.Br(),
            *compose(
                "Most worth checking next: {device}",
                language,
                device=strong(check.object_id),
            ),
        ]
    return parts
