"""The card of affected customers: who is off, masked, with its exports."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl
from dash import html

from dashboard.parts.address import Address
from dashboard.parts.blocks import Part, card
from dashboard.parts.grids import grid
from network import translate

CUSTOMER_COLUMNS = ("customer_id", "name", "phone", "transformer_id", "important", "sensitive", "dual_supply")


def customers_card(
    address: Address,
    customers: pl.DataFrame,
    named: dict[str, str],
    important: int,
    columns: Sequence[str] = CUSTOMER_COLUMNS,
) -> html.Section:
    """Return the affected-customer list of a page, masked, important customers first, with its exports.

    Args:
        address: of the page.
        customers: who is off.
        named: what of the address names the event or the plan.
        important: how many of them are important.
        columns: that are shown; exports hold all.
    """
    language = address.language
    wanted = address.search(address.without_rows() | named)
    files = f"/export/{address.page}/customers"
    exports = [html.A(name.upper(), href=f"{files}.{name}{wanted}", download="") for name in ("csv", "xlsx")]
    exports.append(html.A(translate("Print", language), href=f"{files}.html{wanted}", target="_blank"))
    note = translate(
        "{count} customers · {important} important · {sensitive} sensitive · personal data masked",
        language,
        count=f"{customers.height:,}",
        important=important,
        sensitive=int(customers["sensitive"].sum()),
    )
    content: Part = grid({"grid": "customers"}, customers.select(columns), language, "353px", searchable=False)
    if customers.is_empty():
        content = html.P(translate("Nobody is off.", language), className="quiet")
    return card(
        translate("Affected customers", language), content, note=[note, html.Span(exports, className="actions spread")]
    )
