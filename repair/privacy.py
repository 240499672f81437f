"""Personal data is masked wherever a role does not need it: names, phones and addresses in lists, messages and logs."""

from __future__ import annotations

import polars as pl

MASK = "•"


def mask_name(name: pl.Expr) -> pl.Expr:
    """Keep the first character: 王小明 becomes 王••."""
    return name.str.slice(0, 1) + pl.lit(MASK).repeat_by(
        (name.str.len_chars().cast(pl.Int64) - 1).clip(0, 3)
    ).list.join("")


def mask_phone(phone: pl.Expr) -> pl.Expr:
    """Keep the first three and the last two digits: 13812345678 becomes 138••••••78."""
    return pl.when(phone.str.len_chars() > 6).then(phone.str.slice(0, 3) + MASK * 4 + phone.str.slice(-2)).when(
        phone.is_not_null()
    ).then(pl.lit(MASK * 4))  # fmt: skip


def mask_address(address: pl.Expr) -> pl.Expr:
    """Keep the first six characters, which name the place but not the door."""
    return pl.when(address.str.len_chars() > 6).then(address.str.slice(0, 6) + MASK * 3).otherwise(address)
