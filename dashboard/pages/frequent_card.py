"""Who is off too often: over the bar, at it, and one below, with what is planned for them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import polars as pl
from dash import html

from dashboard.access.units import own
from dashboard.parts.address import Address
from dashboard.parts.blocks import Part, badge, card, link, row, strong, table
from dashboard.parts.words import word
from fudian import Utility
from network import translate

_TONES = {"over": "abnormal", "at": "warning", "near": ""}
BANDS = {"over": "over the bar", "at": "one more breaks it", "near": "two more break it"}
"""How near users are to a rule: beyond it, at what it allows, or one below."""


def bands_of(utility: Utility, as_of: str | None, rules: str = "nea") -> pl.DataFrame:
    """Return the users of whoever asks that are over, at or one below a bar."""
    bands = utility.frequent_bands(rules, as_of=as_of).rows
    return own(utility.network, bands.with_columns(transformer_id=pl.col("user_id")))


def count_words(near: pl.DataFrame, language: str) -> str:
    """Return how many users stand where, each once by band."""
    counts = {band: near.filter(pl.col("band") == band)["user_id"].n_unique() for band in BANDS}
    return translate("{over} over the bar, {at} at it, {near} one below", language, **counts)


def frequent_card(utility: Utility, address: Address, as_of: str | None = None, most: int = 9) -> html.Section:
    """Return the card: the first of them, and the way to the page of all."""
    language = address.language
    near = bands_of(utility, as_of)
    title = translate("Off too often", language)
    content: Part = bands_table(utility, address, near.head(most))
    if near.is_empty():
        content = html.P(translate("Nobody is near a bar.", language), className="quiet")
    door = link(translate("All ▸", language), address.page_href("frequent", until=as_of))
    return card(title, content, note=[count_words(near, language), " ", door], name="frequent")


def _planned(each: Mapping[str, Any], language: str) -> Part:
    """Return how many plans to come cut a user off, and whether they bring it over the bar."""
    if not each["planned"]:
        return ""
    if each["breaks"]:
        return strong(translate("{count} planned: over the bar", language, count=each["planned"]), "warning")
    return translate("{count} planned", language, count=each["planned"])


def bands_table(utility: Utility, address: Address, near: pl.DataFrame) -> html.Table:
    """Return the users with rule, times, plans to come and band."""
    language = address.language
    names = dict(utility.network.transformers.select("transformer_id", "name").iter_rows())
    rows = [
        row(
            [
                (names.get(each["user_id"]) or each["user_id"], "cut"),
                (word(each["rule"], language), "quiet"),
                (f"{each['times']} / {each['most']}", "right"),
                (_planned(each, language), "right"),
                (badge(translate(BANDS[each["band"]], language), _TONES[each["band"]]), "right"),
            ],
            address.rows_href("ledger", {"user_id": each["user_id"]}),
        )
        for each in near.to_dicts()
    ]
    head = [
        (translate("Transformer", language), ""),
        (translate("rule", language), ""),
        (translate("times / allowed", language), "right"),
        (translate("plans to come", language), "right"),
        ("", "right"),
    ]
    return table(head, rows, "frequent", translate("Off too often", language))
