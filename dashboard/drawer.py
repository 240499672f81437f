"""The drawer: the rows behind a figure, with what they sum to and a way to take them along."""

from __future__ import annotations

import logging

from dash import html

from dashboard.access.reader import Look, reader
from dashboard.access.roles import Right
from dashboard.parts.address import Address
from dashboard.parts.blocks import Part, aria, data
from dashboard.parts.grids import grid
from dashboard.rows import are_customers, failure, rows_of
from fudian import Utility
from network import FudianError, translate

_log = logging.getLogger("fudian")


def contents(utility: Utility, address: Address) -> tuple[str, Part]:
    """Return title and content of the drawer for an address."""
    language = address.language
    try:
        rows = rows_of(utility, address)
    except FudianError as error:
        message, hint = failure(error, language)
        return translate("These rows cannot be shown", language), html.Div(
            [html.P(message), html.P(hint, className="quiet")], role="alert"
        )
    except Exception:  # noqa: BLE001 (the last door: a reader never sees a traceback, the log keeps it)
        _log.exception("The rows of %s could not be made", address.values)
        return translate("These rows cannot be shown", language), html.P(
            translate("Something went wrong inside Fudian.", language), role="alert"
        )
    if rows is None:
        return "", ""
    if are_customers(address):
        reader().sees(Look(address.page, address.search(address.values), "page", rows.frame.height))
    wanted = address.search(address.values, language)
    head = html.Div(
        [
            html.Div([html.Div(rows.basis, className="quiet"), html.B(rows.total, **data(hours=rows.customer_hours))]),
            html.Div(
                []
                if not reader().may(Right.EXPORT)
                else [
                    html.A(name.upper(), href=f"/export/{address.page}/rows.{name}{wanted}", download="")
                    for name in ("csv", "xlsx")
                ],
                className="actions",
                **aria(label=translate("Export", language)),
            ),
        ],
        className="drawer-head",
    )
    if rows.frame.is_empty():
        return rows.title, [head, html.P(translate("There is no such row.", language), className="quiet")]
    return rows.title, [head, grid({"grid": "rows"}, rows.frame, language, "calc(100vh - 124px)")]
