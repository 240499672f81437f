"""Links to the report of a period, one press a file."""

from __future__ import annotations

from urllib.parse import urlencode

from dash import html

from network import translate

KINDS = ("pdf", "docx", "xlsx")


def report_links(period: str, language: str, plan: str | None = None) -> html.Span:
    """Return the links to the report of a period as PDF, document and workbook."""
    asked = {"period": period, "language": language} | ({"plan": plan} if plan else {})
    links = [
        html.A(kind.upper(), href=f"/api/v1/report/report.{kind}?{urlencode(asked)}", className="link", download="")
        for kind in KINDS
    ]
    parts = [part for each in links for part in (" ", each)]
    return html.Span([translate("Report of {period}:", language, period=period), *parts], className="chip still")
