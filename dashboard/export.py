"""What the pages show, to take along: CSV, XLSX, and a page to print."""

from __future__ import annotations

import html
from collections.abc import Sequence
from datetime import datetime
from urllib.parse import quote

import polars as pl
from fastapi import APIRouter, HTTPException, Request, Response

from dashboard.pages import dispatch, planned
from dashboard.parts.address import Address
from dashboard.parts.words import MINUTES, moment
from dashboard.pool import Pool, PooledRouter
from dashboard.rows import rows_of
from fudian import Utility
from fudian.fresh import Fresh
from network import Text, translate
from network.tables.writing import for_people, workbook

_TYPES = {"csv": "text/csv; charset=utf-8", "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"}
LISTED = {
    ("dispatch", "customers"): (dispatch.customers_of, "Affected customers"),
    ("planned", "customers"): (planned.customers_of, "Affected customers"),
    ("planned", "plans"): (planned.plans_of, "Planned outages"),
    ("planned", "calendar"): (planned.calendar_of, "Calendar"),
    ("dispatch", "steps"): (dispatch.steps_of, "Switching order"),
}
"""What can be taken along by page and name: of the event or the plan that the address names, and its heading."""

_BYTE_ORDER_MARK = "﻿"


def export_router(served: Fresh, pool: Pool) -> APIRouter:
    """Return the routes of the exports; each takes the address of the page that shows the same rows."""
    routes = PooledRouter(pool, prefix="/export", include_in_schema=False)

    @routes.get("/{page}/rows.{ending}")
    def rows(page: str, ending: str, request: Request) -> Response:
        utility = served.utility
        address = Address.read(page, request.url.query, utility.language)
        found = rows_of(utility, address)
        if found is None or ending not in _TYPES:
            raise HTTPException(404)
        return file_of(found.frame, f"{found.title} {found.basis}", ending, address.language)

    @routes.get("/{page}/{name}.{ending}")
    def lists(page: str, name: str, ending: str, request: Request) -> Response:
        if (page, name) not in LISTED:
            raise HTTPException(404)
        make, heading = LISTED[page, name]
        utility = served.utility
        address = Address.read(page, request.url.query, utility.language)
        if (page, name, ending) == ("dispatch", "steps", "html"):
            return Response(dispatch.order_of(utility, address), media_type="text/html; charset=utf-8")
        title, frame = make(utility, address)
        titled = f"{translate(heading, address.language)} {title}".strip()
        if ending == "html":
            page_to_print = printed(frame, titled, _moment(utility, address), address.language, address.notes)
            return Response(page_to_print, media_type="text/html; charset=utf-8")
        if ending not in _TYPES:
            raise HTTPException(404)
        return file_of(frame, titled, ending, address.language)

    return routes


def _moment(utility: Utility, address: Address) -> datetime:
    return dispatch.moment_of(utility, address) if address.page == "dispatch" else utility.known_until


def file_of(frame: pl.DataFrame, title: str, ending: str, language: str) -> Response:
    """Return a table as a file: headers in the language, and no text that a spreadsheet would run as a formula."""
    if ending == "csv":
        content = (_BYTE_ORDER_MARK + for_people(frame, language).write_csv()).encode()
    else:
        content = workbook(frame, title, language)
    name = quote("".join(letter if letter.isalnum() or letter in " -_." else "_" for letter in title))
    return Response(
        content,
        media_type=_TYPES[ending],
        headers={"Content-Disposition": f"attachment; filename*=UTF-8''{name}.{ending}"},
    )


def printed(frame: pl.DataFrame, title: str, at: datetime, language: str, notes: Sequence[Text] = ()) -> str:
    """Return a table as a page to print, under what there is to note."""
    shown = for_people(frame, language)
    noted = "".join(f"<p>{html.escape(note.in_language(language))}</p>" for note in notes)
    head = "".join(f"<th>{html.escape(name)}</th>" for name in shown.columns)
    body = "".join(
        "<tr>" + "".join(f"<td>{html.escape('' if value is None else str(value))}</td>" for value in line) + "</tr>"
        for line in shown.iter_rows()
    )
    heading = html.escape(f"{title} · {moment(at, form=MINUTES)} · {frame.height:,}")
    spoken = "zh-CN" if language == "zh" else "en"
    style = (
        "body{font:12px sans-serif}table{border-collapse:collapse}thead{display:table-header-group}"
        "td,th{border-bottom:1px solid #ccc;padding:2px 8px;text-align:left}"
    )
    return (
        f'<!DOCTYPE html><html lang="{spoken}"><head><meta charset="utf-8"><title>{heading}</title>'
        f'<style>{style}</style></head><body onload="print()"><h1>{heading}</h1>'
        f"{noted}<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></body></html>"
    )
