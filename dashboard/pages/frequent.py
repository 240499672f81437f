"""The page of frequent outages: who is over a bar, at it, or one below, rule by rule, with what is planned for them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl
from dash import html

from dashboard.pages.frequent_card import FIRST_WAIT_S, bands_of, bands_table, clock, count_words, how_far
from dashboard.pages.steering import moments
from dashboard.parts.address import Address
from dashboard.parts.blocks import Part, card, chip, frame, lead, row, strong, table
from dashboard.parts.freshness import freshness
from dashboard.parts.words import word
from fudian import Utility
from network import translate
from network.steps import Done
from reliability.frequent import PRESETS

_SHOWN = 200
_FIRST = 20
"""Rows that stand open; the others unfold."""

_HEAD = {
    "rule": "rule",
    "most": "allowed",
    "over": "over the bar",
    "at": "at it",
    "near": "one below",
    "planned": "with plans",
    "breaks": "brought over",
}


def page(utility: Utility, address: Address) -> html.Div:
    """Return the page."""
    utility.require_records()
    language = address.language
    rules = address.choose("rules", tuple(PRESETS), "nea")
    years = [str(year) for year in utility.years]
    year = int(address.choose("year", years, years[-1]))
    ends = moments(utility, year)
    until = address.choose("until", ends, ends[-1])
    address.note_unknown()
    done = utility.bands_under_check(until, FIRST_WAIT_S)
    if not done.is_all:
        sentence = [translate("The plans to come are being calculated, which count here too.", language)]
        return frame(
            address,
            _chips(address, years, year, ends, until, rules),
            freshness(utility, address),
            [lead(sentence, [how_far(done, language)]), *clock(done)],
        )
    near = bands_of(utility, until, rules)
    counts = utility.frequent_bands(rules, as_of=until).as_dict(language)["counts"]
    below = translate(
        "users and rules counted · by the records until {moment}", language, moment=until[:16].replace("T", " ")
    )
    by_rule = translate("Rule by rule", language)
    cards = [_users(utility, address, near), card(by_rule, _by_rule(counts, by_rule, language))]
    return frame(
        address,
        _chips(address, years, year, ends, until, rules),
        freshness(utility, address),
        [
            lead([*_sentence(near, counts, language), translate(".", language)], [below]),
            html.Div(cards, className="grid halves"),
        ],
    )


def _sentence(near: pl.DataFrame, counts: Sequence[Mapping[str, Any]], language: str) -> list[Part]:
    sentence: list[Part] = [count_words(near, language)]
    if breaks := sum(count["breaks"] for count in counts):
        sentence += [
            translate("; ", language),
            strong(translate("plans to come bring {count} over it", language, count=breaks), "warning"),
        ]
    return sentence


def _chips(
    address: Address, years: Sequence[str], year: int, ends: Sequence[str], until: str, rules: str
) -> list[Part]:
    language = address.language
    return [
        chip(
            translate("{year}", language, year=year),
            [(each, address.href(year=each, until=None)) for each in reversed(years)],
            translate("Year", language),
        ),
        chip(
            translate("seen from {moment}", language, moment=until[:10]),
            [(end[:10], address.href(until=end)) for end in reversed(ends)],
            translate("Seen from", language),
        ),
        chip(
            translate("rules {rules}", language, rules=word(rules, language)),
            [(word(preset, language), address.href(rules=preset)) for preset in PRESETS],
            translate("Rules of frequent outages", language),
        ),
        html.Span(translate("MV users, with major event days", language), className="chip still"),
    ]


def _users(utility: Utility, address: Address, near: pl.DataFrame) -> html.Section:
    """Return the card of the users: the first stand open, the others unfold."""
    language = address.language
    title = translate("Off too often", language)
    if near.is_empty():
        return card(title, html.P(translate("Nobody is near a bar.", language), className="quiet"))
    shown = near.head(_SHOWN)
    content: list[Part] = [bands_table(utility, address, shown.head(_FIRST))]
    if shown.height > _FIRST:
        more = html.Summary(translate("{count} more", language, count=shown.height - _FIRST), className="link")
        content.append(html.Details([more, bands_table(utility, address, shown[_FIRST:])], className="history"))
    note = translate(
        "{shown} of {all}, the worst first · a row opens its outages", language, shown=shown.height, all=near.height
    )
    return card(title, *content, note=note)


def _by_rule(counts: Sequence[Mapping[str, Any]], caption: str, language: str) -> html.Table:
    head = [(translate(title, language), "" if name == "rule" else "right") for name, title in _HEAD.items()]
    rows = [
        row([(word(count["rule"], language), ""), *((str(count[name]), "right") for name in list(_HEAD)[1:])], None)
        for count in counts
    ]
    return table(head, rows, "bands", caption)


def under_check(utility: Utility, address: Address, wait_s: float | None = FIRST_WAIT_S) -> Done:
    """Return how far the plans to come are calculated, which count here too."""
    years = [str(year) for year in utility.years]
    ends = moments(utility, int(address.choose("year", years, years[-1])))
    return utility.bands_under_check(address.choose("until", ends, ends[-1]), wait_s)
