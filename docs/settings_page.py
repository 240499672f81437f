"""The page of settings: ``fudian.toml`` as one would type it, with what each setting permits."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import tomlkit

from fudian.settings import SETTINGS
from network.tables.settings import Settings

GENERAL = """\
name = "复源县"                  # text; who this is: at the head of pages and reports
as_of = 2023-01-01T00:00:00      # local time; until when the data is known; not set: the latest moment that a record names

[files]                          # which table a file holds, where its name does not say so; "" for one that is not needed
"停电明细*.xlsx" = "outages"

[headers]                        # headers of any table, each with the column that it means; "" for one that is not needed
"户数" = "users"

[headers.outages]                # headers of one table; either way round
"影响户数" = "users"
start = ["停电开始", "停运时刻"]

[codes.nature]                   # words of a column of codes, each with its code
"配网检修" = "P-PLAN-MAINT"

[codes."transformers.public"]    # words of a column of one table
"1" = true
"""
"""What stands outside the subjects, as one would type it."""

UNITS = {
    "min": "min",
    "h": "h",
    "s": "s",
    "days": "days",
    "yr": "per year",
    "years": "years",
    "km": "km",
    "kmh": "km/h",
    "kva": "kVA",
    "kw": "kW",
    "kv": "kV",
    "v": "V",
    "pu": "of nominal",
    "percent": "%",
}
"""Units by the end of a setting's name."""

_WITH_TWO = {"km_yr": "per km and year", "per_day": "per day", "per_h": "per hour", "min_per_km": "min per km"}


def settings_page(say: Callable[[str], str] = str) -> str:
    """Describe every setting of ``fudian.toml``.

    Args:
        say: translates a sentence.
    """
    intro = say(
        "In `fudian.toml` of the workspace; what is not named there keeps its default, as written here. Every answer states the "
        "settings it rests on that differ from their defaults (`settings_changed`). Numbers in brackets, such as 4.2 or R1.12, "
        "are sections of the field reference."
    )
    head = f"# {say('Settings')}\n\n{intro}\n\n## {say('Names, files, headers and codes')}\n\n```toml\n{GENERAL}```\n"
    return head + "".join(_subject(settings, say) for settings in SETTINGS.values())


def _subject(settings: type[Settings], say: Callable[[str], str]) -> str:
    said = say(" ".join((settings.__doc__ or "").split()))
    return f"\n## `[{settings.subject}]`\n\n{said}\n\n```toml\n{toml_of(settings, say)}```\n"


def toml_of(settings: type[Settings], say: Callable[[str], str] = str) -> str:
    """Return the settings of a subject at their defaults, as TOML; one without a default is a comment with an example."""
    schema = settings.model_json_schema()
    lines = [f"[{settings.subject}]"]
    for name, field in settings.model_fields.items():
        form = _without_null(schema["properties"][name])
        typed = _typed(field.default)
        told = [say(field.description or ""), ", ".join(filter(None, (_permitted(form, say), _unit(name, say))))]
        lines += ["", *(f"# {line}" for line in told if line)]
        if typed is None:
            example = (field.examples or form.get("enum"))[0]
            lines.append(f"# {name} = {_typed(example)}   # {say('not set by default')}")
            continue
        if field.examples:
            lines.append(f"# {say('for example')}: {name} = {_typed(field.examples[0])}")
        lines.append(f"{name} = {typed}")
    return "\n".join(lines) + "\n"


def _typed(value: Any) -> str | None:
    """Return a value as TOML has it; ``None`` for one that cannot be written."""
    if value is None:
        return None
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{tomlkit.item(key).as_string()} = {_typed(each)}" for key, each in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(str(_typed(each)) for each in value) + "]"
    return tomlkit.item(value).as_string()


def _without_null(form: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the form of a value that is there."""
    kinds = [each for each in form.get("anyOf", ()) if each.get("type") != "null"]
    return kinds[0] if kinds else form


def _permitted(form: Mapping[str, Any], say: Callable[[str], str]) -> str:
    """Return what values a setting permits."""
    if "enum" in form or "const" in form:
        return say("one of") + " " + ", ".join(str(_typed(each)) for each in form.get("enum", [form.get("const")]))
    kind = form.get("type")
    if kind == "array":
        each = form.get("items") or {}
        parts = each.get("prefixItems") or form.get("prefixItems")
        if parts:
            return say("list of lists of {count} numbers").replace("{count}", str(len(parts)))
        return say("list") + (f": {_permitted(each, say)}" if each else "")
    words = {"boolean": "true / false", "integer": say("whole number"), "number": say("number"), "object": say("table")}
    if kind != "string":
        return f"{words[str(kind)]} {', '.join(_bounds(form))}".strip()
    if form.get("format") == "date":
        return say("date")
    return say("time of day, as 07:00, or blank") if form.get("pattern", "").endswith("?$") else say("text")


def _bounds(form: Mapping[str, Any]) -> Iterator[str]:
    signs = {"minimum": "≥", "exclusiveMinimum": ">", "maximum": "≤", "exclusiveMaximum": "<"}
    yield from (f"{sign} {form[name]:g}" for name, sign in signs.items() if name in form)


def _unit(name: str, say: Callable[[str], str]) -> str:
    """Return the unit that the end of a setting's name tells."""
    for end, unit in _WITH_TWO.items():
        if name.endswith(f"_{end}"):
            return say(unit)
    return say(UNITS.get(re.sub(r".*_", "", name), ""))
