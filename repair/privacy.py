"""Personal data is masked wherever a role does not need it: names, phones and addresses in lists, messages and logs."""

from __future__ import annotations

import polars as pl

MASK = "•"


def mask_name(name: pl.Expr) -> pl.Expr:
    """Keep the first character of a longer name: 王小明 becomes 王••; one character becomes •."""
    return pl.when(name.str.len_chars() == 1).then(pl.lit(MASK)).otherwise(_mask_rest(name))


def _mask_rest(name: pl.Expr) -> pl.Expr:
    return name.str.slice(0, 1) + pl.lit(MASK).repeat_by(
        (name.str.len_chars().cast(pl.Int64) - 1).clip(0, 3)
    ).list.join("")


def mask_phone(phone: pl.Expr) -> pl.Expr:
    """Keep the first three and the last two digits: 13812345678 becomes 138••••78."""
    return pl.when(phone.str.len_chars() > 6).then(phone.str.slice(0, 3) + MASK * 4 + phone.str.slice(-2)).when(
        phone.is_not_null()
    ).then(pl.lit(MASK * 4))  # fmt: skip


def mask_address(address: pl.Expr) -> pl.Expr:
    """Keep what names the place, up to the first number and six characters, but never all of it."""
    place = address.str.replace(r"[0-9０-９一二三四五六七八九十].*$", "")
    most = (address.str.len_chars() - 1).clip(0, 6)
    return place.str.slice(0, most) + pl.lit(MASK * 3)
