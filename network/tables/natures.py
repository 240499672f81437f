"""Natures as utilities write them: words, codes, and paths through the tree of natures in any order and with any marks.

Group and leaf are read together (R1.22): ``预安排停电/临时停电/检修停电`` is temporary maintenance. A text counts only where
each of its words is known, so that ``非故障停电`` is not taken for a fault.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from network.tables.code_words import COARSE_NATURES, NATURES

_WORDS = {
    "prearranged": ("预安排", "prearranged", "pre-arranged"),
    "planned": ("计划", "计停", "planned", "scheduled", "01"),
    "temporary": ("临时", "临停", "temporary"),
    "fault": (
        "故障", "事故", "跳闸", "fault", "faulted", "unplanned", "unscheduled", "forced", "breakdown", "equipment failure",
        "failure", "trip", "tripping", "tripped", "02",
    ),
    "rationing": ("限电", "rationing", "load shedding", "load-shedding"),
    "internal": ("内部", "internal"),
    "external": ("外部", "external"),
    "MAINT": ("检修", "maintenance", "repairs"),
    "CONST": ("施工", "construction"),
    "CUST": ("用户申请", "申请", "at user request", "at customer request", "customer request", "user request"),
    "SWITCH": ("调电", "load-switching"),
    "SYS": ("系统电源不足", "电源不足"),
    "NET": ("供电网",),
    "outage": ("停电", "停运", "outage", "interruption", "shutdown", "power cut", "works", "work"),
}  # fmt: skip
_MEANINGS = {word: meaning for meaning, words in _WORDS.items() for word in words}
_USER_IN_BETWEEN = re.compile("用户(临时|计划)申请")
_MARKS = r"[\s/\\>\-—–→,，、;；|·:：_()（）]+"
_TOKEN = re.compile("|".join([*sorted(map(re.escape, _MEANINGS), key=len, reverse=True), _MARKS]), re.IGNORECASE)
_SPEAKS_AGAINST = re.compile("非|不|未|无|取消|临时|计划|限电|预安排|外部|内部")
_WORK = frozenset({"MAINT", "CONST", "CUST", "SWITCH"})
_LIMITS = frozenset({"SYS", "NET"})
_FAULTS = frozenset({"internal", "external"})


class Nature(NamedTuple):
    """A code of :data:`network.tables.code_words.NATURES`, whether the text named it in full, and its part that is not known."""

    code: str
    in_full: bool
    unread: str = ""


def nature_of(word: str) -> Nature | None:
    """Return the nature that a text means.

    Args:
        word: as it stands in the file, with half-width letters and without blanks around it.

    Returns:
        The nature; ``None`` where a word of it is not known or two words contradict each other.
    """
    lowered = word.lower()
    for code, words in NATURES.items():
        if lowered == code.lower() or word in words:
            return Nature(code, in_full=True)
    for code, words in COARSE_NATURES.items():
        if word in words:
            return Nature(code, in_full=False)
    meanings = _meanings(word)
    return _with_details(word) if meanings is None else _combined(meanings)


def _with_details(word: str) -> Nature | None:
    """Read a path with parts that are not known, where the others name a nature in full and no part speaks against it."""
    parts = [part for part in re.split(_MARKS, word) if part]
    known = [meanings for part in parts if (meanings := _meanings(part)) is not None]
    unread = [part for part in parts if _meanings(part) is None]
    if not known or any(_SPEAKS_AGAINST.search(part) for part in unread):
        return None
    found = _combined(frozenset().union(*known))
    return found._replace(unread=" ".join(unread)) if found is not None and found.in_full else None


def _meanings(word: str) -> frozenset[str] | None:
    """Return what the words of a text mean, ``None`` where one is not known."""
    rest = _USER_IN_BETWEEN.sub(r"\1申请", word)
    found: set[str] = set()
    while rest:
        token = _TOKEN.match(rest)
        if token is None:
            return None
        found.add(_MEANINGS.get(token[0].lower(), ""))
        rest = rest[token.end() :]
    return frozenset(found - {""})


def _combined(meanings: frozenset[str]) -> Nature | None:
    facts = meanings - {"outage"}
    if "fault" in facts:
        return _one_of(facts - {"fault"}, _FAULTS, {"internal": "F-INT", "external": "F-EXT"}, "F-INT")
    facts -= {"prearranged"}
    if "rationing" in facts:
        return _one_of(facts - {"rationing"}, _LIMITS, {"SYS": "P-RAT-SYS", "NET": "P-RAT-NET"}, "P-RAT-NET")
    groups, work = facts & {"planned", "temporary"}, facts & _WORK
    if facts - groups - work or len(groups) > 1 or len(work) > 1 or not meanings - {"outage"}:
        return None
    group = "TEMP" if "temporary" in groups else "PLAN"
    code = f"P-{group}-{next(iter(work), 'MAINT')}"
    return Nature(code, in_full=bool(work and (groups or "outage" in meanings))) if code in NATURES else None


def _one_of(facts: frozenset[str], known: frozenset[str], codes: dict[str, str], commonest: str) -> Nature | None:
    """Return the nature of the one fact that is left, or the commonest of the group where none is."""
    if facts - known or len(facts) > 1:
        return None
    return Nature(codes[next(iter(facts))], in_full=True) if facts else Nature(commonest, in_full=False)
