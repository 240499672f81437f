"""The report of a period with one press: the period in a chip, a link for each kind of file."""

from __future__ import annotations

from urllib.parse import urlencode

from dash import html

from dashboard.parts.address import Address
from dashboard.parts.blocks import Part, chip
from fudian import Utility
from network import translate
from reliability.period import Period

KINDS = ("pdf", "docx", "xlsx")


def report_period(utility: Utility, address: Address, year: int) -> str:
    """Return the period whose report a page offers: as the address says, else the last month of the year that is over."""
    return address.choose("report", *_periods(utility, year))


def _periods(utility: Utility, year: int) -> tuple[list[str], str]:
    """Return the months, quarters, half-years of a year that have begun and the year, and the month that is offered first."""
    known = utility.known_until
    months = Period.year(year).months()
    begun = [label for label, month in months if month.start < known] or [months[0][0]]
    over = [label for label, month in months if month.end <= known] or begun[:1]
    count = len(begun)
    quarters = [f"{year}Q{each}" for each in range(1, (count + 2) // 3 + 1)]
    halves = [f"{year}H{each}" for each in range(1, (count + 5) // 6 + 1)]
    return [*reversed(begun), *reversed(quarters), *reversed(halves), str(year)], over[-1]


def report_links(utility: Utility, address: Address, year: int, plan: str | None = None) -> list[Part]:
    """Return the chip of the period and the links to its report as PDF, document and workbook."""
    language = address.language
    options, default = _periods(utility, year)
    given = address.values.get("report")
    period = given if given in options else default
    asked = {"period": period, "language": language} | ({"plan": plan} if plan else {})
    links: list[Part] = []
    for kind in KINDS:
        href = f"/api/v1/report/report.{kind}?{urlencode(asked)}"
        links += [" ", html.A(kind.upper(), href=href, className="link", download="")]
    return [
        chip(
            translate("report of {period}", language, period=period),
            [(option, address.href(report=option)) for option in options],
            translate("Period of the report", language),
        ),
        html.Span(links, className="chip still"),
    ]
