"""The slow, obvious answer to the figures of a scene: every user, every minute, whatever the rules."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from typing import Any

from hypothesis import strategies as st

from reliability import Period
from tests.reliability.records import MINUTE, Scene

LAST = 130
"""A minute after everything that is recorded."""


@dataclass(frozen=True)
class Rules:
    """Rules of the statistics in whole minutes."""

    sustained_threshold_min: int = 3
    ieee_sustained_threshold_min: int = 5
    momentary_event_window_min: int = 5
    merge_gap_min: int = 0
    crossing: str = "cut"
    frequent_count: int = 3
    long_single_h: float = 0.501
    long_total_h: float = 0.801
    overrun_class: str = "P-TEMP-*"


def rules() -> st.SearchStrategy[Rules]:
    minutes = st.integers(0, 25)
    overrun = st.sampled_from(["P-TEMP-*", "F-INT", "same"])
    crossing = st.sampled_from(["cut", "start"])
    return st.builds(
        Rules, minutes, minutes, minutes, st.integers(0, 8), crossing, st.integers(1, 4), overrun_class=overrun
    )


def moment_of_knowledge(scene: Scene, drawn: Rules, as_of: int | None) -> int | None:
    """Return the as-of minute; the last one where whole interruptions belong to their start and some have no end yet."""
    unended = any(outage["end"] is None for outage in scene.outages)
    return LAST if as_of is None and drawn.crossing == "start" and unended else as_of


@dataclass(frozen=True)
class Spell:
    """One interruption of one user: first minute, minute after the last, and how many of them were dark."""

    start: int
    end: int
    dark: tuple[int, ...]

    @property
    def minutes(self) -> int:
        return self.end - self.start


@dataclass(frozen=True)
class Slow:
    """A scene under rules, for a period that ends at the as-of time at the latest."""

    scene: Scene
    rules: Rules
    first: int
    last: int
    as_of: int | None = None

    @property
    def known_last(self) -> int:
        return self.last if self.as_of is None else min(self.last, self.as_of)

    @property
    def period(self) -> Period:
        start = self.scene.start
        return Period(start + self.first * MINUTE, start + self.last * MINUTE)

    def spells(self, user: int) -> list[Spell]:
        """Return the interruptions of a user that count in the period, by the merge and the crossing rule."""
        seen = LAST if self.as_of is None and self.rules.crossing == "start" else min(self.limit, LAST)
        scene = self.known_scene
        dark = [minute for minute in range(seen) if scene.off(user, minute)]
        groups: list[list[int]] = []
        for minute in dark:
            if groups and minute - groups[-1][-1] - 1 <= self.rules.merge_gap_min:
                groups[-1].append(minute)
            else:
                groups.append([minute])
        return [Spell(group[0], group[-1] + 1, tuple(group)) for group in groups]

    @property
    def limit(self) -> int:
        return self.known_last if self.as_of is None else self.as_of

    @property
    def known_scene(self) -> Scene:
        """The scene with the records that count, those without end until what is known."""
        known = [
            outage | {"end": self.limit if outage["end"] is None else outage["end"]}
            for outage in self.scene.outages
            if outage["start"] < self.limit and not outage.get("exclusion")
        ]
        return replace(self.scene, outages=known)

    def nature(self, user: int, minute: int) -> str:
        """Return the nature of a dark minute of a user with one supply: of the first record, or of its overrun (R1.15)."""
        blamed = self.known_scene.off(user, minute)
        first = min(
            (outage for outage in self.scene.outages if outage["outage_id"] in blamed),
            key=lambda outage: (outage["start"], outage["outage_id"]),
        )
        approved, nature = first["approved_end"], str(first["nature"])
        if nature != "P-PLAN-MAINT" or approved is None or minute < approved or self.rules.overrun_class == "same":
            return nature
        return "P-TEMP-MAINT" if self.rules.overrun_class == "P-TEMP-*" else self.rules.overrun_class

    def by_nature(self) -> tuple[dict[str, float], dict[str, int]]:
        """Return customer-hours and customer-interruptions by nature."""
        hours: dict[str, float] = defaultdict(float)
        counts: dict[str, int] = defaultdict(int)
        for user in range(len(self.scene.classes)):
            for spell in self.spells(user):
                if self.begins(spell):
                    counts[self.nature(user, spell.start)] += 1
                for minute in spell.dark:
                    whole = self.rules.crossing == "start"
                    inside = self.begins(spell) if whole else self.first <= minute < self.known_last
                    hours[self.nature(user, minute)] += inside / 60
        return hours, counts

    def begins(self, spell: Spell) -> bool:
        return self.first <= spell.start < self.known_last

    def minutes_inside(self, spell: Spell) -> int:
        if self.rules.crossing == "start":
            return len(spell.dark) if self.begins(spell) else 0
        return sum(self.first <= minute < self.known_last for minute in spell.dark)

    def touching(self, user: int) -> list[Spell]:
        return [spell for spell in self.spells(user) if self.begins(spell) or self.minutes_inside(spell)]

    def served(self, user: int) -> float:
        entered, left = self.scene.service[user]
        first = max(self.first, self.first if entered is None else entered)
        last = min(self.known_last, self.known_last if left is None else left)
        return max(0, last - first) / (self.known_last - self.first)

    def events(self, spells: list[Spell], limit: int) -> int:
        """Return the momentary interruption events of one user: runs from a first interruption, none of them sustained."""
        begun = sorted((spell for spell in spells if self.begins(spell)), key=lambda spell: spell.start)
        runs: list[list[Spell]] = []
        for spell in begun:
            if runs and spell.start - runs[-1][0].start <= self.rules.momentary_event_window_min:
                runs[-1].append(spell)
            else:
                runs.append([spell])
        return sum(all(spell.minutes <= limit for spell in run) for run in runs)

    def figures(self, limit: int, only_sustained: bool) -> dict[str, Any]:
        """Return sums over all users; ``limit``: sustained when longer; ``only_sustained``: others add no hours nor counts."""
        users = range(len(self.scene.classes))
        touching = {user: self.touching(user) for user in users}
        kept = {
            user: [spell for spell in spells if not only_sustained or spell.minutes > limit]
            for user, spells in touching.items()
        }
        begun = {user: [spell for spell in spells if self.begins(spell)] for user, spells in kept.items()}
        hours = {user: sum(self.minutes_inside(spell) for spell in kept[user]) / 60 for user in users}
        every = [spell for spells in touching.values() for spell in spells if self.begins(spell)]
        n = self.rules.frequent_count
        return {
            "N_T": sum(self.served(user) for user in users),
            "CH": sum(hours.values()),
            "CI": sum(map(len, begun.values())),
            "CN": sum(bool(spells) for spells in kept.values()),
            "CH-sustained": sum(
                self.minutes_inside(spell) for spells in touching.values() for spell in spells if spell.minutes > limit
            ) / 60,
            "CI-sustained": sum(spell.minutes > limit for spell in every),
            "short": sum(spell.minutes <= limit for spell in every),
            "events": sum(self.events(touching[user], limit) for user in users),
            "long_single": sum(
                any(spell.minutes / 60 >= self.rules.long_single_h for spell in begun[user]) for user in users
            ),
            "long_total": sum(hours[user] >= self.rules.long_total_h for user in users),
            "often_sustained": sum(
                sum(spell.minutes > limit and self.begins(spell) for spell in touching[user]) >= n for user in users
            ),
            "often": sum(sum(self.begins(spell) for spell in touching[user]) >= n for user in users),
        }  # fmt: skip
