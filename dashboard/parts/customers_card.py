"""The card of affected customers: who is off, masked, with its exports."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl
from dash import html

from dashboard.access.reader import Look, reader
from dashboard.access.roles import Right
from dashboard.parts.address import Address
from dashboard.parts.blocks import card
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
    """Return the affected-customer list of a page, important customers first, with its exports, as far as the reader may see it.

    Args:
        address: of the page.
        customers: who is off.
        named: what of the address names the event or the plan.
        important: how many of them are important.
        columns: that are shown; exports hold all.
    """
    language, who = address.language, reader()
    title = translate("Affected customers", language)
    counts = translate(
        "Customers: {count} · {important} important · {sensitive} sensitive",
        language,
        count=f"{customers.height:,}",
        important=important,
        sensitive=int(customers["sensitive"].sum()),
    )
    if not who.may(Right.CUSTOMERS):
        hidden = translate("The list is shown to roles that need it.", language)
        return card(title, html.P(hidden, className="quiet"), note=counts)
    if customers.is_empty():
        return card(title, html.P(translate("Nobody is off.", language), className="quiet"), note=counts)
    who.sees(Look(address.page, " ".join(named.values()), "page", customers.height))
    shown = "personal data masked" if who.is_masked else "with personal data; this look is recorded"
    wanted = address.search(address.without_rows() | named)
    files = f"/export/{address.page}/customers"
    exports = [html.A(name.upper(), href=f"{files}.{name}{wanted}", download="") for name in ("csv", "xlsx")]
    exports.append(html.A(translate("Print", language), href=f"{files}.html{wanted}", target="_blank"))
    actions = html.Span(exports, className="actions spread")
    return card(
        title,
        grid({"grid": "customers"}, customers.select(columns), language, "353px", searchable=False),
        note=[f"{counts} · {translate(shown, language)}", *([actions] if who.may(Right.EXPORT) else [])],
    )
