"""Headers in English, read word by word: ``No. of Customers Affected``, ``Event #``, ``Restoration Date/Time``.

Utilities that write English have no common headers, but few words for what they mean. A header counts only where each of its
words is known and together they can mean one column alone; ``Type``, ``District`` or ``ID`` say too little.
"""

from __future__ import annotations

import re
from functools import lru_cache

_WORDS = {
    "event": "outage outages interruption interruptions incident incidents event events fault faults job ticket disturbance",
    "number": "no number num nr id ref reference code count total",
    "clock": "time timestamp datetime at when",
    "day": "date day",
    "plain": "of the and for actual power supply electricity service",
    "user": "customer consumer user client subscriber connection",
    "users": "customers consumers users clients subscribers connections",
    "off": "affected interrupted off out lost impacted disconnected without involved deenergised deenergized",
    "begins": "start starts started begin begins began beginning commenced commencement from onset occurred occurrence",
    "ends": "end ends ended finish finished restored restoration restore reconnected until to cleared resumed",
    "lasts": "duration lasted",
    "nature": "nature type category kind class classification",
    "unit": "depot office division department branch district centre center",
    "responsible": "responsible operating operations operational service work managing maintenance",
}  # fmt: skip
_MEANINGS: dict[str, set[str]] = {}
for _meaning, _words in _WORDS.items():
    for _word in _words.split():
        _MEANINGS.setdefault(_word, set()).add(_meaning)
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|#")
_BRACKETS = re.compile(r"\([^()]*\)\s*$")
_LONGEST = 60


@lru_cache(maxsize=4096)
def english_meaning(header: str) -> str | None:
    """Return the name of the column that a header in English means among outages, ``None`` where it is not sure.

    Args:
        header: as it stands in the file.
    """
    if len(header) > _LONGEST or not header.isascii():
        return None
    words = [word.lower() for word in _WORD.findall(_BRACKETS.sub("", header).replace("'", ""))]
    found = [_MEANINGS.get("number" if word == "#" else word, {"number"} if word == "#" else set()) for word in words]
    if not words or not all(found):
        return None
    return _column(found)


def _column(words: list[set[str]]) -> str | None:
    """Return the column that words mean together; of a word with two meanings, the one that fits."""

    def has(meaning: str) -> bool:
        return any(meaning in word for word in words)

    def only(*meanings: str) -> bool:
        return all(word & {*meanings, "plain"} for word in words)

    if has("users") or (has("user") and has("off")):
        counted = has("off") or (has("number") and "number" in words[0])
        return "users" if counted and only("users", "user", "off", "number") else None
    if has("lasts"):
        return "duration_h" if only("lasts", "event", "off") else None
    if has("number"):
        return "outage_id" if has("event") and only("number", "event") else None
    if has("nature"):
        return "nature" if has("event") and only("nature", "event") and "nature" in words[0] else None
    if has("unit") and has("responsible"):
        return "unit" if only("unit", "responsible") else None
    if has("day") and not has("clock"):
        return None  # may be the day of a clock beside it
    if has("begins"):
        return "start" if only("begins", "event", "off", "clock", "day") else None
    if has("ends"):
        return "end" if only("ends", "event", "clock", "day") else None
    return "start" if has("off") and has("clock") and only("off", "event", "clock", "day") else None


def is_abbreviation(header: str, unit: str) -> bool:
    """Return whether what stands in brackets behind a header only abbreviates it: ``Customers Interrupted (CI)``."""
    words = re.findall(r"[a-z]+", _BRACKETS.sub("", header).lower())
    kept = [word for word in words if word not in {"of", "the", "and", "for"}]
    return len(kept) > 1 and unit.lower() in {"".join(word[0] for word in each) for each in (words, kept)}
