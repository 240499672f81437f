"""The planned outages that could have been avoided, one by one, with the hours that each way would have saved."""

from __future__ import annotations

from dash import dcc, html

from dashboard.pages.frequent_card import how_far
from dashboard.parts.address import Address
from dashboard.parts.blocks import Part, card, compose, link, row, strong, table
from dashboard.parts.names import named
from dashboard.parts.words import DASH, moment, number
from fudian import Utility
from network import FudianError, translate
from repair.planned.avoidable import WAYS, Avoidable, AvoidableOutage

CARD, CLOCK = "avoidable-card", "avoidable-clock"
"""Ids of the card and of the clock that has it drawn again while outages are being judged."""
_EVERY_MS = 2000
_SHOWN = 8


def avoidable_card(utility: Utility, address: Address, year: int) -> html.Div:
    """Return the card of a year; while its outages are being judged it holds the clock by which it is drawn again."""
    return html.Div(avoidable_content(utility, address, year), id=CARD, className="stack")


def avoidable_content(utility: Utility, address: Address, year: int) -> list[Part]:
    """Return what stands in the card now."""
    language = address.language
    title = translate("Planned outages that could have been avoided", language)
    try:
        done = utility.avoidable_under_check(year)
        if done.is_all:
            return [_found_card(utility, address, title, utility.avoidable(year))]
    except FudianError as refused:
        return [card(title, html.P(refused.message.in_language(language), className="quiet"), name="avoidable")]
    return [card(title, how_far(done, language), dcc.Interval(id=CLOCK, interval=_EVERY_MS), name="avoidable")]


def _found_card(utility: Utility, address: Address, title: str, found: Avoidable) -> html.Section:
    language = address.language
    possible = [each for each in found.outages if each.ways]
    whole, saved = (sum(getattr(each, name) for each in found.outages) for name in ("ch", "avoidable_ch"))
    sentence = compose(
        "{count} of {all} planned outages, {saved} of {hours} customer-hours: {ways}",
        language,
        count=strong(str(sum(each.avoidable_ch > 0 for each in found.outages))),
        all=str(len(found.outages)),
        saved=strong(number(saved, 1)),
        hours=number(whole, 1),
        ways="; ".join(
            f"{WAYS[way].in_language(language)} {count} · {number(hours, 1)}"
            for way, (count, hours) in found.totals.items()
        ),
    )
    head = [
        (translate("Outage", language), ""),
        (translate("began", language), "right"),
        (translate("place", language), ""),
        (translate("work", language), ""),
        (translate("CH", language), "right"),
        (translate("live work", language), "right"),
        (translate("transfer", language), "right"),
        (translate("merged", language), "right"),
        (translate("notice", language), "right"),
    ]
    rows = [_row(utility, address, each) for each in possible[:_SHOWN]]
    content: Part = table(head, rows, "avoidable", title)
    if not rows:
        content = html.P(translate("No planned outage of the year could have been avoided by these ways.", language))
    notes = [html.P(each.in_language(language), className="quiet") for each in found.notes]
    if len(possible) > _SHOWN:
        door = link(translate("All ▸", language), address.rows_href("ledger", {"group": "work"}))
        notes.insert(0, html.P([translate("{count} more", language, count=len(possible) - _SHOWN), " ", door]))
    return card(title, html.P(sentence), content, *notes, note=translate("customer-hours", language), name="avoidable")


def _row(utility: Utility, address: Address, each: AvoidableOutage) -> html.Tr:
    live = DASH if each.live_item is None else f"#{each.live_item} · {number(each.live_ch, 1)}"
    merged = DASH if each.merge_with is None else f"{each.merge_with} · {number(each.merge_ch, 1)}"
    lead = DASH
    if each.notice_lead_h is not None:
        lead = f"{each.notice_lead_h:.0f} / {each.notice_required_h:.0f} h"
    return row(
        [
            (each.outage_id, ""),
            (moment(each.start), "right"),
            (named(utility, each.place), "cut"),
            (each.work or DASH, "cut"),
            (number(each.ch, 1), "right"),
            (live, "right"),
            (DASH if not each.transfer_ch else number(each.transfer_ch, 1), "right"),
            (merged, "right"),
            (strong(lead, "warning") if each.notice_ch else lead, "right"),
        ],
        address.rows_href("ledger", {"outage_id": each.outage_id}),
    )
