"""The switching plan of an incident as the desk holds it: where the fault is taken to lie, and who comes back by what is left.

A plan counts once it was taken up: a step of it was ticked off, or the fault was located and its section confirmed. From the
last such word on, the steps that are left have the minutes of their stage, as the settings of restoration tell them.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from network import Supply
from repair.affected import affected_by_transformers
from repair.desk.work import Sheet
from repair.restoration.restorer import REPAIR, RestorationPlan

_WORDS = ("located", "isolated", "partly_restored")
"""Stages from which on the steps that are left are counted anew."""

_OVER = ("repaired", "restored")


def taken_up(sheet: Sheet, at: datetime) -> datetime | None:
    """Return when the plan of an incident was taken up or carried on last; ``None`` where it was not, or all is repaired.

    Args:
        sheet: of the incident; what was decided before it was opened again counts no more.
        at: nothing later is known.
    """
    words: dict[str, datetime] = {}
    has_section = False
    for line in sheet.lines:
        if line.action == "reopen":
            words, has_section = {}, False
        elif line.action == "section":
            has_section = True
        elif line.action in {"step", "stage"} and (said := datetime.fromisoformat(line.details["at"])) <= at:
            words[line.details["stage"] if line.action == "stage" else "step"] = said
    if sheet.fed_again_at is not None and sheet.fed_again_at <= at:
        words.setdefault("partly_restored", sheet.fed_again_at)
    if any(stage in words for stage in _OVER) or not ("step" in words or (has_section and "located" in words)):
        return None
    return max(words[name] for name in ("step", *_WORDS) if name in words)


@dataclass(frozen=True)
class ByStage:
    """Who comes back by steps of one stage.

    Attributes:
        stage: ``remote`` or ``on_site``.
        minutes: that it takes.
        transformer_ids: of those who are off now.
        customers: how many of those who are off now; one with two supplies comes back with the first of them.
    """

    stage: str
    minutes: float
    transformer_ids: tuple[str, ...]
    customers: int


def back_by_stage(plan: RestorationPlan, supply: Supply, off: Collection[str]) -> list[ByStage]:
    """Return who of those who are off comes back by each stage of the steps of a plan; no stage by which nobody does.

    Args:
        plan: of the steps that are left.
        supply: before the fault.
        off: transformers that are off now.
    """
    groups, left = [], set(off)
    waiting = affected_by_transformers(supply, left).customer_count
    for stage in plan.stages:
        own = tuple(each for each in stage.transformer_ids if each in left)
        if stage.stage == REPAIR or not own:
            continue
        left.difference_update(own)
        still = affected_by_transformers(supply, left).customer_count
        groups.append(ByStage(stage.stage, stage.minutes, own, waiting - still))
        waiting = still
    return groups


@dataclass(frozen=True)
class ComesBack:
    """Who comes back by steps of one stage that are still to come.

    Attributes:
        until: by when.
        by_stage: who.
    """

    until: datetime
    by_stage: ByStage


@dataclass(frozen=True)
class StillToSwitch:
    """What the steps that are left of a plan bring back.

    Attributes:
        at: the moment of this.
        groups: who comes back by when, in that order.
        everybody: whether nobody waits for the repair.
    """

    at: datetime
    groups: tuple[ComesBack, ...]
    everybody: bool

    @property
    def customers(self) -> int:
        """How many come back by the steps that are left."""
        return sum(group.by_stage.customers for group in self.groups)

    @property
    def until(self) -> datetime:
        """By when the last of them is back."""
        return max(group.until for group in self.groups)

    def until_of(self, transformer_ids: Collection[str | None]) -> datetime | None:
        """Return by when who is fed by any of some transformers is back; ``None`` where that waits for the repair."""
        named = set(transformer_ids)
        own = [group.until for group in self.groups if not named.isdisjoint(group.by_stage.transformer_ids)]
        return min(own, default=None)


def still_to_switch(
    plan: RestorationPlan, since: datetime, at: datetime, supply: Supply, off: Collection[str]
) -> StillToSwitch | None:
    """Return who comes back by the steps that are left of a plan, and by when; ``None`` where nobody does.

    The minutes of a stage count from the last word on the plan. Where they are over they count from now, until the longest of
    both stages is over without another word: whoever goes on must say so, else the plan tells nothing any more.

    Args:
        plan: of the steps that are left.
        since: when it was taken up or carried on last.
        at: now.
        supply: before the fault.
        off: transformers that are off now.
    """
    longest = max(stage.minutes for stage in plan.stages if stage.stage != REPAIR)
    if at > since + timedelta(minutes=longest):
        return None
    groups = []
    for group in back_by_stage(plan, supply, off):
        takes = timedelta(minutes=group.minutes)
        groups.append(ComesBack(since + takes if since + takes > at else at + takes, group))
    back = {each for group in groups for each in group.by_stage.transformer_ids}
    return StillToSwitch(at, tuple(groups), back >= set(off)) if groups else None
