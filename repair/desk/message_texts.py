"""The texts of messages to customers: fault, progress, restored, planned, temporary, change, in both languages."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from network import translate
from network.texts import shown
from repair.desk.messages import Message
from repair.desk.work import STAGE_NAMES
from repair.settings import MessageSettings

CAUSE_NAMES: Mapping[str, str] = {
    "line": "a fault of the line",
    "transformer": "a fault at the transformer",
    "customers": "a fault of the low-voltage supply",
    "customer": "a fault of the low-voltage supply",
    "upstream": "a loss of the grid above",
}
"""Each class of cause in words; the explanations of an incident that a fault explains, and the loss of the grid above."""

MESSAGE_KIND_NAMES: Mapping[str, str] = {
    "fault": "fault outage",
    "progress": "progress of the repair",
    "restored": "power is back",
    "planned": "planned outage",
    "temporary": "temporary outage",
    "change": "change of the outage",
}
"""Each kind of message in words."""


def text_of(message: Message, name: str | None, rules: MessageSettings) -> str:
    """Return a message as its addressee reads it.

    Args:
        message: its facts.
        name: of the customer; ``None`` for a notice, and where it is not known.
        rules: of the workspace: language, who signs, telephone number.
    """
    language = rules.language
    unit = rules.unit or translate("the power utility", language)
    signed = translate("[{unit}]", language, unit=unit)
    sentences = _OF_KIND[message.kind](message, name, rules)
    between = "" if language == "zh" else " "
    return signed + between + between.join(sentences)


def _fault(message: Message, name: str | None, rules: MessageSettings) -> list[str]:
    language, facts = rules.language, message.facts
    if name:
        whom = translate("Dear {name}:", language, name=name)
    elif message.to.kind == "customer":
        whom = translate("Dear customer:", language)
    else:
        whom = translate("To all customers:", language)
    said = {
        "area": facts["area"],
        "cause": translate(CAUSE_NAMES[facts["cause"]], language),
        "start": _moment(facts["start"], language),
    }
    happened = translate(
        "{area} lost power at {start} through {cause}; a crew is on its way."
        if facts["crew"]
        else "{area} lost power at {start} through {cause}; the repair is being prepared.",
        language,
        **said,
    )
    follow = []
    if rules.page and "page" in facts:
        address = page_of(rules.page, facts["page"])
        follow = [translate("Follow the repair at {address} .", language, address=address)]
    asked = translate("For questions call {hotline}.", language, hotline=rules.hotline)
    return [whom, happened, *_expected(facts, language), *follow, asked]


def page_of(base: str, token: str) -> str:
    """Return the address of the public page of an incident."""
    return f"{base}/public/outage/{token}"


def _progress(message: Message, _: str | None, rules: MessageSettings) -> list[str]:
    language, facts = rules.language, message.facts
    at = _clock(facts["time"])
    stage = translate(STAGE_NAMES[facts["stage"]], language)
    progress = translate("Repair in {area}: {stage} ({time}).", language, area=facts["area"], stage=stage, time=at)
    return [progress, *_expected(facts, language)]


def _expected(facts: Mapping[str, Any], language: str) -> list[str]:
    """Return when power is expected back: as a person said, or between two moments; nothing where nobody can tell."""
    if "range" in facts:
        low, high = (_moment(each, language) for each in facts["range"])
        return [translate("Power is expected back between {low} and {high}.", language, low=low, high=high)]
    if "estimate" not in facts:
        return []
    told = translate(
        "Power is expected back at {estimate}, which differs from the time given before."
        if facts.get("moved")
        else "Power is expected back at {estimate}.",
        language,
        estimate=_moment(facts["estimate"], language),
    )
    return [told]


def _restored(message: Message, _: str | None, rules: MessageSettings) -> list[str]:
    language, facts = rules.language, message.facts
    end = _moment(facts["end"], language)
    return [
        translate("{area} has power again since {end}.", language, area=facts["area"], end=end),
        translate("If you are still without power, call {hotline}.", language, hotline=rules.hotline),
        translate("Thank you for your patience.", language),
    ]


def _planned(message: Message, _: str | None, rules: MessageSettings) -> list[str]:
    language, facts = rules.language, message.facts
    said = {
        "reason": facts["reason"] or translate("work on the network", language),
        "area": ("" if language == "zh" else " ").join(filter(None, [facts["line"], facts["area"]])),
        **_span(facts["start"], facts["end"], language),
    }
    notice = translate(
        "Planned outage: for {reason}, {area} will be without power from {start} to {end}. Please prepare for it."
        if message.kind == "planned"
        else "Temporary outage: for {reason}, {area} will be without power from {start} to {end}. We apologise.",
        language,
        **said,
    )
    return [notice]


def _change(message: Message, _: str | None, rules: MessageSettings) -> list[str]:
    language, facts = rules.language, message.facts
    old = _moment(facts["old_start"], language)
    if facts["change"] == "cancelled":
        said = translate(
            "Outage cancelled: the outage of {area} announced for {old_start} will not take place.",
            language,
            area=facts["area"],
            old_start=old,
        )
        return [said]
    changed = translate(
        "Outage postponed: the outage of {area} announced for {old_start} is now from {start} to {end}."
        if facts["change"] == "postponed"
        else "Outage changed: the outage of {area} announced for {old_start} is now from {start} to {end}.",
        language,
        area=facts["area"],
        old_start=old,
        **_span(facts["start"], facts["end"], language),
    )
    return [changed]


_OF_KIND = {
    "fault": _fault,
    "progress": _progress,
    "restored": _restored,
    "planned": _planned,
    "temporary": _planned,
    "change": _change,
}


def _moment(said: str, language: str) -> str:
    at = datetime.fromisoformat(said)
    if language != "zh":
        return shown(at, "%Y-%m-%d %H:%M")
    month, day = (int(shown(at, form)) for form in ("%m", "%d"))
    return f"{month}月{day}日{shown(at, '%H:%M')}"


def _clock(said: str) -> str:
    return shown(datetime.fromisoformat(said), "%H:%M")


def _span(start: str, end: str, language: str) -> dict[str, str]:
    """Return start and end; of the end the time of day alone where both are on one day."""
    first, last = (shown(datetime.fromisoformat(each), "%Y-%m-%d") for each in (start, end))
    until = _clock(end) if first == last else _moment(end, language)
    return {"start": _moment(start, language), "end": until}
