"""When power is expected back, in words: as a person says, by steps of a switching plan still to come, or by experience."""

from __future__ import annotations

from datetime import datetime

from dash import html

from dashboard.parts.blocks import Part, data
from dashboard.parts.words import DASH, moment
from network import translate
from repair.desk.restoration_time.outlook import ExpectedBack


def span(low: datetime, high: datetime) -> str:
    """Return from when to when; of the end the time of day alone where both are on one day."""
    end = moment(high, form="%H:%M") if moment(low, form="%m-%d") == moment(high, form="%m-%d") else moment(high)
    return f"{moment(low)} – {end}"


def in_a_row(expected: ExpectedBack | None, language: str) -> Part:
    """Return what one cell of a list tells."""
    if expected is None:
        return DASH
    if expected.estimate is not None:
        said = translate("as the desk says", language)
        return html.Span(moment(expected.estimate), title=said, **data(expected="person"))
    whole: Part = DASH if expected.range is None else span(*expected.range)
    if expected.by_switching is None or expected.by_plan:
        why = "by the steps still to come" if expected.by_plan else "by experience"
        return html.Span(whole, title=translate(why, language), **data(expected="plan" if expected.by_plan else ""))
    sooner = translate(
        "{count} by {time}",
        language,
        count=f"{expected.by_switching:,}",
        time=moment(expected.switched_by, form="%H:%M"),
    )
    return html.Span([whole, html.Br(), html.Span(sooner, className="quiet")], **data(expected="partly"))


def as_facts(expected: ExpectedBack | None, language: str) -> list[tuple[str, Part]]:
    """Return what the sheet of an event tells: a line for all, or one for those who come back sooner and one for the others."""
    if expected is None:
        return []
    if expected.estimate is not None:
        return [(translate("power is expected back", language), moment(expected.estimate))]
    whole = None if expected.range is None else span(*expected.range)
    if expected.by_plan and whole is not None:
        return [(translate("power is expected back, by the steps still to come", language), whole)]
    if expected.by_switching is None or expected.switched_by is None:
        return [] if whole is None else [(translate("power is expected back, by experience", language), whole)]
    sooner = translate(
        "{count} customers are expected back by the steps still to come", language, count=f"{expected.by_switching:,}"
    )
    facts: list[tuple[str, Part]] = [(sooner, translate("until {time}", language, time=moment(expected.switched_by)))]
    others = translate("the others are expected back after the repair, by experience", language)
    return [*facts, (others, whole or translate("no time can be told", language))]
