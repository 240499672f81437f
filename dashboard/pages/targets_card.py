"""What a plan asks for against what is reached, each area as a bullet, on the operations page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from dash import html

from dashboard.parts.address import Address
from dashboard.parts.blocks import Part, bar, card, row, table
from dashboard.parts.targets_table import metric_word, status_badge
from dashboard.parts.words import DASH, number, word
from fudian import Utility
from network import translate
from network.tables.writing import header
from reliability.query import Query
from reliability.targets import TargetResult

_CLASSES = ("city_centre", "urban", "town", "rural")
"""Region classes from the densest to the sparsest, as every report lists them."""


@dataclass(frozen=True)
class Bullet:
    """One area against its target.

    Attributes:
        label: name of the area.
        value: hours per user.
        limit: target in hours, or ``None``.
        unit: in which both are shown, ``h`` or ``min``.
        href: link to the rows.
        title: what the area is made of, or why it has no target.
        missed: whether the target is missed.
        reason: what else is to say of it.
        status: of the target; nothing where there is none.
    """

    label: str
    value: float
    limit: float | None
    unit: str
    href: str
    title: str
    missed: bool = False
    reason: str = ""
    status: str = ""


def has_curve(target: TargetResult) -> bool:
    """Tell whether a target is an outage time of a part of the users."""
    return target.metric == "SAIDI" and target.where is not None and target.value is not None


def worst_target(targets: Sequence[TargetResult]) -> TargetResult | None:
    """Return the target that is missed by most, or else the one nearest to its limit, relative to the limit."""
    known = [target for target in targets if target.value is not None and target.limit]
    return max(known, key=_load, default=None)


def _load(target: TargetResult) -> float:
    value = target.value or 0.0
    if target.op == ">=":
        return target.limit / value if value else float("inf")
    return value / target.limit


def in_hours(value: float, unit: str) -> float:
    """Return an outage time in hours."""
    return value / 60 if unit == "min" else value


def targets_card(utility: Utility, address: Address, query: Query, targets: Sequence[TargetResult]) -> html.Section:
    """Return every target of the plan as a bullet, and the classes that it states none for."""
    language = address.language
    stated = {target.where for target in targets if has_curve(target)}
    groups: list[tuple[str, list[html.Tr]]] = []
    times = [target for target in targets if has_curve(target)]
    bullets = [_of_target(time, address) for time in times]
    classes = {
        translate("Region class", language): _bullets_of(utility, address, query, "region_class", stated),
        translate("Planning class", language): _bullets_of(utility, address, query, "planning_class", stated),
    }
    every = [*bullets, *(each for rows in classes.values() for each in rows)]
    widest = max((max(each.value, each.limit or 0.0) for each in every), default=1.0) * 1.05 or 1.0
    if bullets:
        groups.append(
            (translate("Areas of the plan", language), [_bullet(bullet, widest, language) for bullet in bullets])
        )
    others = [_other_target(target, address) for target in targets if not has_curve(target)]
    if others:
        groups.append((translate("Other targets of the plan", language), others))
    groups += [(name, [_bullet(each, widest, language) for each in rows]) for name, rows in classes.items() if rows]
    head = [
        (groups[0][0] if groups else translate("Area", language), ""),
        ("", "wide-cell"),
        (translate("reached", language), "right"),
        (translate("target", language), "right"),
        (translate("status", language), "right"),
    ]
    body = []
    for position, (heading, rows) in enumerate(groups):
        if position:
            body.append(html.Tr(html.Th(heading, colSpan=5, scope="colgroup"), className="group"))
        body += rows
    return card(
        translate("Areas against targets", language),
        table(head, body, "bullets", translate("Outage time of each area against its target", language)),
        note=translate("h per user · the stroke is the target · targets are judged with major event days", language),
    )


def _of_target(each: TargetResult, address: Address) -> Bullet:
    return Bullet(
        each.label,
        in_hours(each.value or 0.0, each.unit),
        in_hours(each.limit, each.unit),
        each.unit,
        address.rows_href("ledger", {"target": each.target_id, "med": "include"}),
        _members(each, address.language),
        each.status == "fail",
        each.reason.in_language(address.language) if each.reason else "",
        each.status,
    )


def _bullets_of(utility: Utility, address: Address, query: Query, column: str, stated: set[Any]) -> list[Bullet]:
    """Return the classes of a column that the plan states no target for, in their order."""
    language = address.language
    figures = utility.totals(replace(query, by=(column,)))
    reason = translate("The plan states no target for it.", language)
    rows = sorted(
        figures.select(column, "SAIDI-1").iter_rows(),
        key=lambda each: (_CLASSES.index(each[0]) if each[0] in _CLASSES else len(_CLASSES), each[0] or ""),
    )
    return [
        Bullet(word(name, language), value, None, "h", address.rows_href("ledger", {column: name}), reason)
        for name, value in rows
        if value is not None and (column, (name,)) not in stated
    ]


def _other_target(each: TargetResult, address: Address) -> html.Tr:
    """Return a target that is no outage time: reached and asked for in its own unit, or why it cannot be told."""
    language = address.language
    unit = word(each.unit, language)
    label: list[Part] = [each.label, " ", html.Span(metric_word(each.metric, language), className="quiet")]
    if each.reason:
        label.append(html.Div(each.reason.in_language(language), className="reason"))
    sign = "≤" if each.op == "<=" else "≥"
    missed = "warning" if each.status == "fail" else ""
    share = _load(each) / 1.5 if each.value is not None and each.limit else 0.0
    tone = "over" if missed else "measure"
    shown = "" if each.value is None else bar((min(share, 1.0), tone), mark=1 / 1.5, label=str(number(each.value)))
    return row(
        [
            (label, ""),
            (shown, "wide-cell"),
            (html.B(DASH if each.value is None else f"{number(each.value)} {unit}", className=missed), "right"),
            (f"{sign} {each.limit:g} {unit}", "right quiet"),
            (status_badge(each.status, language), "right"),
        ],
        address.rows_href("ledger", {"target": each.target_id, "med": "include"}) if each.where else None,
    )


def _members(target: TargetResult, language: str) -> str:
    """Return which users an area of a plan is made of."""
    column, values = target.where or ("", ())
    said = ", ".join(word(value, language) for value in values)
    return translate("{name}: {reason}", language, name=header(column, language), reason=said)


def _bullet(each: Bullet, widest: float, language: str) -> html.Tr:
    in_minutes = each.unit == "min"
    shown = f"{each.value * 60:.0f} min" if in_minutes else number(each.value)
    target = DASH if each.limit is None else f"{each.limit * (60 if in_minutes else 1):g} {each.unit}"
    described = f"{each.label} {shown}{'' if in_minutes else ' h'}, {translate('target', language)} {target}"
    mark = None if each.limit is None else each.limit / widest
    label: Part = [each.label, html.Div(each.reason, className="reason")] if each.reason else each.label
    return row(
        [
            (label, ""),
            (bar((each.value / widest, "over" if each.missed else "measure"), mark=mark, label=described), "wide-cell"),
            (html.B(shown, className="warning" if each.missed else ""), "right"),
            (target, "right quiet"),
            (status_badge(each.status, language) if each.status else "", "right"),
        ],
        each.href,
        title=each.title,
    )
