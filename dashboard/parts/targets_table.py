"""The table of targets: what was reached, the limit, and whether it holds."""

from __future__ import annotations

from collections.abc import Sequence

from dash import html

from dashboard.parts.address import Address
from dashboard.parts.blocks import badge, row, table
from dashboard.parts.words import DASH, number, word
from network import translate
from reliability.targets import STATUSES, TargetResult

_STATUS_TONES = {"fail": "warning", "unknown": "", "pass": "", "not_computable": "quiet-badge"}


def metric_word(metric: str, language: str) -> str:
    """Return the name of what a target measures."""
    return word(metric, language)


def _digits(value: float | None) -> int:
    return 0 if value is None or value == round(value) or abs(value) >= 100 else 1


def status_badge(status: str, language: str) -> html.Span:
    """Return whether a target holds, in a word."""
    return badge(STATUSES[status].in_language(language), _STATUS_TONES[status])


def targets_table(address: Address, targets: Sequence[TargetResult]) -> html.Table:
    """Return targets with what was reached, the limit and the status; those of users open the ledger behind them."""
    language = address.language
    rows = []
    for target in targets:
        unit = word(target.unit, language)
        sign = "≤" if target.op == "<=" else "≥"
        reason = target.reason.in_language(language) if target.reason else None
        label = [f"{target.label} ", html.Span(metric_word(target.metric, language), className="quiet")]
        if target.denominator is not None:
            parts = " / ".join(number(part, _digits(part)) for part in (target.numerator, target.denominator))
            label.append(
                html.Div(parts, className="reason quiet", title=translate("numerator / denominator", language))
            )
        if reason:
            label.append(html.Div(reason, className="reason"))
        href = address.rows_href("ledger", {"target": target.target_id, "med": "include"}) if target.where else None
        rows.append(
            row(
                [
                    (label, ""),
                    (f"{number(target.value)} {unit}" if target.value is not None else DASH, "right"),
                    (f"{sign} {target.limit:g} {unit}", "right quiet"),
                    (status_badge(target.status, language), "right"),
                ],
                href,
            )
        )
    head = [
        (translate("Target", language), ""),
        (translate("reached", language), "right"),
        (translate("limit", language), "right"),
        (translate("status", language), "right"),
    ]
    return table(head, rows, "targets", translate("Targets of the plan", language))
