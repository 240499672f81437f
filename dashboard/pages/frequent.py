"""The page of frequent outages: who is over a bar, at it, or one below, rule by rule, with what is planned for them."""

from __future__ import annotations

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
        sentence: list[Part] = [translate("The plans to come are being calculated, which count here too.", language)]
        return frame(
            address, [], freshness(utility, address), [lead(sentence, [how_far(done, language)]), *clock(done)]
        )
    near = bands_of(utility, until, rules)
    counts = utility.frequent_bands(rules, as_of=until).as_dict(language)["counts"]
    breaks = sum(each["breaks"] for each in counts)
    sentence = [count_words(near, language)]
    if breaks:
        sentence += ["; ", strong(translate("plans to come bring {count} over it", language, count=breaks), "warning")]
    below = [
        translate(
            "users and rules counted · by the records until {moment}", language, moment=until[:16].replace("T", " ")
        )
    ]
    chips = [
        chip(
            translate("{year}", language, year=year),
            [(each, address.href(year=each, until=None)) for each in reversed(years)],
            translate("Year", language),
        ),
        chip(
            translate("seen from {moment}", language, moment=until[:10]),
            [(each[:10], address.href(until=each)) for each in reversed(ends)],
            translate("Seen from", language),
        ),
        chip(
            translate("rules {rules}", language, rules=rules),
            [(each, address.href(rules=each)) for each in PRESETS],
            translate("Rules of frequent outages", language),
        ),
        html.Span(translate("MV users, with major event days", language), className="chip still"),
    ]
    shown = near.head(_SHOWN)
    title = translate("Off too often", language)
    content: Part = bands_table(utility, address, shown)
    if near.is_empty():
        content = html.P(translate("Nobody is near a bar.", language), className="quiet")
    note = translate(
        "{shown} of {all}, the worst first · a row opens its outages", language, shown=shown.height, all=near.height
    )
    head = [
        (translate("rule", language), ""),
        (translate("allowed", language), "right"),
        (translate("over the bar", language), "right"),
        (translate("one more breaks it", language), "right"),
        (translate("two more break it", language), "right"),
        (translate("with plans to come", language), "right"),
        (translate("brought over by them", language), "right"),
    ]
    names = ("most", "over", "at", "near", "planned", "breaks")
    rows = [
        row([(word(each["rule"], language), ""), *((str(each[name]), "right") for name in names)], None)
        for each in counts
    ]
    by_rule = translate("Rule by rule", language)
    return frame(
        address,
        chips,
        freshness(utility, address),
        [
            lead([*sentence, translate(".", language)], below),
            html.Div(
                [card(title, content, note=note), card(by_rule, table(head, rows, "bands", by_rule))],
                className="grid halves",
            ),
        ],
    )


def under_check(utility: Utility, address: Address, wait_s: float | None = FIRST_WAIT_S) -> Done:
    """Return how far the plans to come are calculated, which count here too."""
    years = [str(year) for year in utility.years]
    ends = moments(utility, int(address.choose("year", years, years[-1])))
    return utility.bands_under_check(address.choose("until", ends, ends[-1]), wait_s)
