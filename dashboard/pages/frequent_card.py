"""Who is off too often: over the bar, at it, and one below, with what is planned for them."""

from __future__ import annotations

import polars as pl
from dash import html

from dashboard.access.units import own
from dashboard.parts.address import Address
from dashboard.parts.blocks import badge, card, row, table
from dashboard.parts.words import word
from fudian import Utility
from network import translate

_SHOWN = 9
_TONES = {"over": "abnormal", "at": "warning", "near": ""}
BANDS = {"over": "over the bar", "at": "one more breaks it", "near": "two more break it"}
"""How near users are to a rule: beyond it, at what it allows, or one below."""


def frequent_card(utility: Utility, address: Address, as_of: str | None = None) -> html.Section:
    """Return the card."""
    language = address.language
    near = own(utility.network, utility.frequent_bands(as_of=as_of).with_columns(transformer_id=pl.col("user_id")))
    names = dict(utility.network.transformers.select("transformer_id", "name").iter_rows())
    rows = [
        row(
            [
                (names.get(each["user_id"]) or each["user_id"], ""),
                (word(each["rule"], language), "quiet"),
                (f"{each['times']} / {each['most']}", "right"),
                (translate("{count} planned", language, count=each["planned"]) if each["planned"] else "", "right"),
                (badge(translate(BANDS[each["band"]], language), _TONES[each["band"]]), "right"),
            ],
            None,
        )
        for each in near.head(_SHOWN).to_dicts()
    ]
    head = [
        (translate("Transformer", language), ""),
        (translate("rule", language), ""),
        (translate("times / allowed", language), "right"),
        (translate("plans to come", language), "right"),
        ("", "right"),
    ]
    title = translate("Off too often", language)
    counts = {band: near.filter(pl.col("band") == band)["user_id"].n_unique() for band in BANDS}
    note = translate(
        "{over} over the bar, {at} at it, {near} one below",
        language,
        over=counts["over"],
        at=counts["at"],
        near=counts["near"],
    )
    content = (
        table(head, rows, "frequent", title)
        if rows
        else html.P(translate("Nobody is near a bar.", language), className="quiet")
    )
    return card(title, content, note=note, name="frequent")
