"""The grid on the management page: its structure against the plan, and where a fault leaves healthy load without a way."""

from __future__ import annotations

from dash import dcc, html

from dashboard.parts.address import Address
from dashboard.parts.blocks import Part, card, data, row, strong, table
from dashboard.parts.names import named
from dashboard.parts.targets_table import targets_table
from dashboard.parts.words import DASH, number
from fudian import Utility
from network import FudianError, translate
from repair.restoration.n_minus_1 import NMinus1, SectionResult

CARD, CLOCK = "grid-card", "grid-clock"
"""Ids of the card and of the clock that has it drawn again while the test goes on."""
_EVERY_MS = 2000
_SHOWN = 10


def grid_card(utility: Utility, address: Address) -> html.Div:
    """Return the card; while the N-1 test is under way it holds the clock by which it is drawn again."""
    return html.Div(grid_content(utility, address), id=CARD, className="grid-card")


def grid_content(utility: Utility, address: Address) -> list[Part]:
    """Return what stands in the card now."""
    language = address.language
    title = translate("The grid", language)
    try:
        sweep = utility.n_1(wait_s=0.0)
    except FudianError as refused:
        return [card(title, html.P(refused.message.in_language(language), className="quiet"))]
    plans = utility.grid_targets(wait_s=0.0)
    judged = [target for plan in plans for target in plan.results]
    columns = html.Div(
        [html.Div(targets_table(address, judged)), html.Div(_sections(utility, sweep, language))], className="two"
    )
    said = [html.P(each.in_language(language), className="quiet") for each in sweep.assumed]
    names = ", ".join(plan.plan for plan in plans)
    clock = [] if sweep.complete else [dcc.Interval(id=CLOCK, interval=_EVERY_MS)]
    return [
        card(
            title,
            columns,
            *said,
            *clock,
            note=translate("public feeders · {plan}", language, plan=names),
        )
    ]


def _sections(utility: Utility, sweep: NMinus1, language: str) -> list[Part]:
    """Return the sections whose fault leaves healthy load without a way, worst first, the feeders without a tie, and how far."""
    names = dict(utility.network.feeders.select("feeder_id", "name").iter_rows())
    failing = sorted(
        (section for section in sweep.sections if section.passes is False), key=lambda each: -(each.missing_a or 0.0)
    )
    rows = [
        _section_row(names.get(each.feeder_id) or each.feeder_id, named(utility, each.branch_id), each)
        for each in failing[:_SHOWN]
    ]
    rows += [
        row([(names.get(told["feeder_id"]) or told["feeder_id"], ""), (told["reason"], ""), (DASH, "right"), (DASH, "right")])
        for told in sweep.feeder_rows(language) if told["reason"] and sweep.complete
    ]  # fmt: skip
    head = [
        (translate("Feeder", language), ""),
        (translate("fault at", language), ""),
        (translate("load to transfer, A", language), "right"),
        (translate("missing, A", language), "right"),
    ]
    caption = translate("Feeders that fail N-1", language)
    how_far = translate("{done} of {all} sections tried", language, done=len(sweep.sections), all=sweep.sections_in_all)
    if len(failing) > _SHOWN:
        how_far += " · " + translate("{count} more that fail", language, count=len(failing) - _SHOWN)
    return [
        html.H3(caption),
        table(head, rows, "n-1", caption),
        html.P(how_far, className="quiet", **data(figure="sections", value=len(sweep.sections))),
    ]


def _section_row(feeder: str, place: str, section: SectionResult) -> html.Tr:
    missing = strong(number(section.missing_a, 0), "abnormal")
    return row([(feeder, ""), (place, ""), (number(section.transfer_a, 0), "right"), (missing, "right")])
