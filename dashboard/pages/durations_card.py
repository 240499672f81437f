"""How long a planned outage is likely to take beside what is stated, and what overruns and late operations cost each unit."""

from __future__ import annotations

from dash import html

from dashboard.parts.address import Address
from dashboard.parts.blocks import Part, badge, card, row, table
from dashboard.parts.words import DASH, number, word
from fudian import Utility
from network import translate
from reliability.steering.durations import EXTENTS, JUDGEMENTS, PARTS, Prediction

_PART_NAMES = {
    "opening": "cut and permit",
    "work": "the work",
    "closing": "closing and supply back",
    "whole": "all of it",
}
"""What each part of an outage is called."""

_TONES = {"short": "warning", "long": "warning", "fits": ""}


def duration_card(address: Address, said: Prediction) -> html.Section:
    """Return the card of one plan: its parts with their ranges, beside the stated time."""
    language = address.language
    rows = []
    for part in PARTS:
        if part not in said.parts:
            continue
        own = said.parts[part]
        whole = part == "whole"
        stated: Part = number(said.stated_h, 1) if whole else ""
        if whole and said.judgement is not None:
            judged = JUDGEMENTS[said.judgement].in_language(language)
            stated = [stated, " ", badge(judged, _TONES[said.judgement])]
        rows.append(
            row(
                [
                    (translate(_PART_NAMES[part], language), ""),
                    (html.B(number(own.middle, 1)), "right"),
                    (f"{number(own.low, 1)}–{number(own.high, 1)}", "right quiet"),
                    (stated, "right"),
                ]
            )
        )
    title = translate("How long it takes", language)
    head = [
        (translate("phase", language), ""),
        (translate("half take less", language), "right"),
        (translate("range of 80 %", language), "right"),
        (translate("stated", language), "right"),
    ]
    content: list[Part] = [table(head, rows, "duration", title)] if rows else []
    content.append(html.P(said.rests_on.in_language(language), className="quiet"))
    kind = word(said.kind, language) if said.kind else translate("kind of job not known", language)
    note = f"h · {kind} · {EXTENTS[said.extent].in_language(language)}"
    return card(title, *content, note=note, name="duration")


def losses_card(utility: Utility, address: Address) -> html.Section:
    """Return the card of what was lost by unit in the year."""
    language, told = address.language, utility.durations()
    rows = [
        row(
            [
                (each["unit"] or translate("no unit recorded", language), ""),
                (f"{each['overrun']} / {each['plans']}", "right"),
                (number(each["overrun_ch"], 1), "right"),
                (f"{each['late']} / {each['plans']}", "right"),
                (number(each["late_ch"], 1), "right"),
                (html.B(number(each["lost_ch"], 1)), "right"),
                (DASH if not each["off_ch"] else f"{each['lost_ch'] / each['off_ch']:.0%}", "right quiet"),
            ]
        )
        for each in told.losses.to_dicts()
    ]
    head = [
        (translate("Unit", language), ""),
        (translate("overran", language), "right"),
        (translate("CH", language), "right"),
        (translate("operated late", language), "right"),
        (translate("CH", language), "right"),
        (translate("lost CH", language), "right"),
        (translate("of all", language), "right"),
    ]
    title = translate("Lost to overruns and late operations", language)
    untold = int(told.losses["untold"].sum())
    below = []
    if untold:
        said = translate("{count} plans do not say where they were or from when to when", language, count=untold)
        below.append(html.P(said, className="quiet"))
    content: Part = table(head, rows, "losses", title)
    if not rows:
        content = html.P(translate("No plan of the year was carried out.", language), className="quiet")
    note = translate("{start} to {end} · users below the place of the work, without transfer", language,
                     start=f"{told.period.start:%Y-%m-%d}", end=f"{min(told.period.end, told.as_of):%Y-%m-%d}")  # fmt: skip
    return card(title, content, *below, note=note, name="losses")
