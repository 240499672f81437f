"""What customers are told of an incident or of a plan, and who: rules alone, nothing is kept or sent here.

Of an incident a customer is told once that there is a fault, then of stages and of estimates that moved, then once that power is
back; of a plan that there will be an outage, and of what changes in it. What is asked depends on what somebody was told before,
so that nothing is told twice. A customer is told in person where the contact is verified and no messages were declined; for all
others of a transformer there is one notice per transformer 台区. A message holds facts and no personal data; the name and the
telephone number are looked up when it is sent.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from hashlib import blake2b
from typing import Any

import polars as pl

from network.representation import Shown
from reliability.notice import Notice, notice_of
from reliability.settings import ReliabilitySettings
from repair.desk.work import STAGES, Sheet
from repair.settings import MessageSettings

KINDS = ("fault", "progress", "restored", "planned", "temporary", "change")
"""故障停电, 抢修进度, 复电, 计划停电, 临时停电, 停电变更."""

OVERTAKES: Mapping[str, frozenset[str]] = {
    "progress": frozenset({"progress"}),
    "restored": frozenset({"fault", "progress"}),
}
"""What need not be told any more, once a later message to the same addressee waits."""


@dataclass(frozen=True)
class Addressee:
    """Who is told: a customer, or whoever posts a notice for the other customers of a transformer.

    Attributes:
        kind: ``customer`` or ``transformer``.
        id: of the customer or the transformer.
        area: name of the transformer.
        important: whether an important customer is told by it.
    """

    kind: str
    id: str
    area: str
    important: bool = False


@dataclass(frozen=True, eq=False, repr=False)
class Message(Shown):
    """What one addressee is told.

    Attributes:
        subject: id of the incident; ``plan:`` and the id, of a plan.
        kind: one of :data:`KINDS`.
        to: the addressee.
        facts: what the text is made of: times in ISO 8601, words; no personal data.
        key: the same for the same message, however often it is sent.
    """

    subject: str
    kind: str
    to: Addressee
    facts: Mapping[str, Any] = field(default_factory=dict)
    key: str = ""


def addressees(customers: pl.DataFrame, transformers: pl.DataFrame) -> tuple[Addressee, ...]:
    """Return who is told on behalf of the customers of an affected list.

    Args:
        customers: rows of the table of customers.
        transformers: rows of the table of transformers: those of the customers, and those that are affected without any.
    """
    areas = {
        each["transformer_id"]: each["name"] or each["transformer_id"]
        for each in transformers.select("transformer_id", "name").to_dicts()
    }
    in_person: list[Addressee] = []
    with_customers = set(customers["transformer_id"])
    notices = dict.fromkeys((area for area in areas if area not in with_customers), False)
    for row in customers.to_dicts():
        transformer = row["transformer_id"]
        if row["verified"] and not row["opted_out"] and (row["phone"] or "").strip():
            area = areas.get(transformer, transformer)
            in_person.append(Addressee("customer", row["customer_id"], area, bool(row["important"])))
        else:
            notices[transformer] = notices.get(transformer, False) or bool(row["important"])
    posted = [Addressee("transformer", each, areas.get(each, each), said) for each, said in notices.items()]
    return (*in_person, *posted)


# Incidents ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Standing:
    """How an incident stands for those who are told of it.

    Attributes:
        subject: its id.
        cause: class of the cause, one of :data:`repair.desk.message_texts.CAUSE_NAMES`.
        start: when it began.
        stages: the stages that it reached since it was opened last, with their times.
        estimate: when power will be back, as a person said; ``None`` where nobody did.
        last: when something was heard of it last.
        range: between which moments power will be back, by the model; ``None`` where none can be told.
        sooner: the range of those who come back by switching before the repair, by kind and id.
        page: secret of its public page, where messages lead there.
    """

    subject: str
    cause: str
    start: datetime
    stages: Mapping[str, datetime]
    estimate: datetime | None
    last: datetime | None = None
    range: tuple[datetime, datetime] | None = None
    sooner: Mapping[tuple[str, str], tuple[datetime, datetime]] = field(default_factory=dict)
    page: str | None = None

    @classmethod
    def of(cls, sheet: Sheet, cause: str, start: datetime, last: datetime | None = None) -> Standing:
        """Return how an incident stands by its sheet; stages from before it was opened again count no more."""
        stages: dict[str, datetime] = {}
        for line in sheet.lines:
            if line.action == "reopen":
                stages = {}
            elif line.action == "stage":
                stages[line.details["stage"]] = datetime.fromisoformat(line.details["at"])
        return cls(sheet.incident, cause, start, stages, sheet.estimate, last)


def incident_messages(
    standing: Standing,
    who: Iterable[Addressee],
    back: Collection[tuple[str, str]],
    earlier: Sequence[Message],
    rules: MessageSettings,
) -> list[Message]:
    """Return what has to be told now of an incident.

    Args:
        standing: how it stands.
        who: those of its affected list.
        back: kind and id of those of them who have power again, though the incident is not over.
        earlier: what was told, or waits to be told, of it, in order; without what was withdrawn.
        rules: of the workspace.
    """
    told: dict[tuple[str, str], list[Message]] = {}
    for message in earlier:
        told.setdefault((message.to.kind, message.to.id), []).append(message)
    begun = any(STAGES.index(stage) >= STAGES.index(rules.fault_from) for stage in standing.stages)
    found = []
    for each in who if begun else ():
        before = told.get((each.kind, each.id), [])
        is_back = "restored" in standing.stages or (each.kind, each.id) in back
        asked = _asked(standing, _expected(standing, each), is_back, before, rules)
        if asked is not None:
            kind, facts = asked
            number = sum(message.kind == kind for message in before)
            key = _key(standing.subject, kind, each, number)
            found.append(Message(standing.subject, kind, each, facts | {"area": each.area}, key))
    return found


def _asked(
    standing: Standing, estimate: dict[str, Any], is_back: bool, before: Sequence[Message], rules: MessageSettings
) -> tuple[str, dict[str, Any]] | None:
    """Return the message that one addressee needs now, as its kind and its facts, when power is expected back among them."""
    last = before[-1].kind if before else None
    stages = standing.stages
    if is_back:
        end = stages.get("restored") or stages.get("partly_restored")
        if end is not None and "restored" not in stages and standing.last is not None:
            end = max(end, standing.last)  # by then it was, whoever came back after the stage was told
        return None if last == "restored" or end is None else ("restored", {"end": end.isoformat()})
    if last is None or last == "restored":
        crew = any(STAGES.index(stage) >= STAGES.index("dispatched") for stage in stages)
        facts = {"cause": standing.cause, "start": standing.start.isoformat(), "crew": crew}
        page = {} if standing.page is None else {"page": standing.page}
        return "fault", facts | estimate | _stage_told(stages, rules) | page
    since = before[max((at for at, each in enumerate(before) if each.kind == "fault"), default=0) :]
    known = {stage for each in since for stage in each.facts.get("stages", ())}
    fresh = _stage_told(stages, rules)
    furthest = max((STAGES.index(stage) for stage in known), default=-1)
    news = [stage for stage in fresh["stages"] if STAGES.index(stage) > furthest]
    said = next((each.facts["estimate"] for each in reversed(since) if "estimate" in each.facts), None)
    moved = standing.estimate is not None and (
        said is None
        or abs(standing.estimate - datetime.fromisoformat(said)) > timedelta(minutes=rules.estimate_change_min)
    )
    if not news and not moved:
        return None
    reached = max(stages, key=STAGES.index)
    facts = {"stage": reached, "time": stages[reached].isoformat(), "moved": moved and said is not None}
    return "progress", facts | estimate | fresh


def _expected(standing: Standing, to: Addressee) -> dict[str, Any]:
    """Return when power is expected back: as a person says, else between two moments, by steps still to come or the model."""
    if standing.estimate is not None:
        return {"estimate": standing.estimate.isoformat()}
    told = standing.sooner.get((to.kind, to.id), standing.range)
    return {} if told is None else {"range": [each.isoformat() for each in told]}


def _stage_told(stages: Mapping[str, datetime], rules: MessageSettings) -> dict[str, Any]:
    """Return the stages that need no message of their own any more, once this one is told."""
    return {"stages": [stage for stage in STAGES if stage in stages and stage in rules.progress_stages]}


# Plans ----------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Announced:
    """A plan as customers are told of it.

    Attributes:
        subject: ``plan:`` and its id.
        start, end: as planned now.
        temporary: whether it is a temporary outage 临时停电.
        approved: whether it may be announced.
        cancelled: whether it was called off.
        reason: the work; blank where nobody said.
        line: name of the line; blank where there is none.
    """

    subject: str
    start: datetime
    end: datetime
    temporary: bool
    approved: bool
    cancelled: bool
    reason: str = ""
    line: str = ""


def plan_messages(
    plan: Announced, who: Iterable[Addressee], earlier: Sequence[Message], now: datetime
) -> list[Message]:
    """Return what has to be told now of a plan: that it is to come, or that it changed; nothing once it has begun.

    Args:
        plan: as it stands.
        who: those of its affected list; who was told before is told of a change too.
        earlier: what was told, or waits to be told, of it, in order; without what was withdrawn.
        now: local time.
    """
    told: dict[tuple[str, str], list[Message]] = {}
    for message in earlier:
        told.setdefault((message.to.kind, message.to.id), []).append(message)
    everybody = {(each.kind, each.id): each for each in (*(message.to for message in earlier), *who)}
    found = []
    for name, each in everybody.items():
        before = told.get(name, [])
        asked = _asked_of_plan(plan, before[-1] if before else None, now)
        if asked is not None:
            kind, facts = asked
            number = sum(message.kind == kind for message in before)
            found.append(
                Message(plan.subject, kind, each, facts | {"area": each.area}, _key(plan.subject, kind, each, number))
            )
    return found


def _asked_of_plan(plan: Announced, last: Message | None, now: datetime) -> tuple[str, dict[str, Any]] | None:
    times = {"start": plan.start.isoformat(), "end": plan.end.isoformat()}
    if last is None or last.facts.get("change") == "cancelled":
        if not plan.approved or plan.cancelled or plan.start <= now:
            return None
        return "temporary" if plan.temporary else "planned", times | {"reason": plan.reason, "line": plan.line}
    old = {"old_start": last.facts["start"], "old_end": last.facts["end"]}
    if datetime.fromisoformat(last.facts["start"]) <= now:
        return None
    if plan.cancelled:
        return "change", {"change": "cancelled"} | old | {name: last.facts[name] for name in times}
    if not plan.approved or all(last.facts[name] == value for name, value in times.items()):
        return None
    later = plan.start.isoformat() > last.facts["start"]
    return "change", {"change": "postponed" if later else "changed"} | old | times


def plan_notice(
    plan: Announced,
    who: Iterable[Addressee],
    sent: Iterable[tuple[Message, datetime]],
    as_of: datetime,
    rules: ReliabilitySettings,
) -> Notice:
    """Return whether everybody was told of the present start of a plan in time.

    Args:
        plan: as it stands.
        who: those of its affected list.
        sent: messages of it that were sent, each with its local time.
        as_of: nothing later is known.
        rules: those that say how long before users are told.
    """
    told: dict[tuple[str, str], datetime] = {}
    for message, at in sent:
        if (
            at <= as_of
            and message.facts["start"] == plan.start.isoformat()
            and message.facts.get("change") != "cancelled"
        ):
            name = message.to.kind, message.to.id
            told[name] = min(at, told.get(name, at))
    needed = [told.get((each.kind, each.id)) for each in who]
    known = [each for each in needed if each is not None]
    notified_at = max(known) if known and len(known) == len(needed) else None
    return notice_of(plan.start, notified_at, plan.temporary, as_of, rules)


# When and how many ----------------------------------------------------------------------------------------------------


def due_at(message: Message, now: datetime, rules: MessageSettings) -> datetime:
    """Return the time from which a message may be sent: now, or the end of the quiet hours, both by the clock on the wall.

    A fault is told to important customers at any hour.
    """
    if message.kind == "fault" and message.to.important:
        return now
    if not rules.quiet_from or not rules.quiet_until:
        return now
    begins, ends = time.fromisoformat(rules.quiet_from), time.fromisoformat(rules.quiet_until)
    clock = now.time()
    is_quiet = begins <= clock < ends if begins <= ends else clock >= begins or clock < ends
    if not is_quiet:
        return now
    end = datetime.combine(now.date(), ends)
    return end if end > now else end + timedelta(days=1)


@dataclass(frozen=True)
class Notified:
    """How many were told 通知到户.

    Attributes:
        customers: how many stand on the affected list.
        in_person: how many of them a message of their own reached.
        by_notice: how many more belong to a transformer for which a notice was sent.
    """

    customers: int
    in_person: int
    by_notice: int

    @property
    def ratio(self) -> float | None:
        """通知到户率: customers that a message of their own reached, of those on the list; ``None`` where it is empty."""
        return self.in_person / self.customers if self.customers else None

    def as_dict(self) -> dict[str, Any]:
        """Return it for JSON."""
        return vars(self) | {"ratio": self.ratio}


def notified(customers: pl.DataFrame, reached: Collection[tuple[str, str]]) -> Notified:
    """Return how many customers of an affected list were told.

    Args:
        customers: rows of the table of customers.
        reached: kind and id of the addressees to whom a message was sent.
    """
    in_person = by_notice = 0
    for customer, transformer in customers.select("customer_id", "transformer_id").iter_rows():
        if ("customer", customer) in reached:
            in_person += 1
        elif ("transformer", transformer) in reached:
            by_notice += 1
    return Notified(customers.height, in_person, by_notice)


def _key(subject: str, kind: str, to: Addressee, number: int) -> str:
    """Return the key of the message of a kind that is the so-manyth for an addressee."""
    said = json.dumps([subject, kind, to.kind, to.id, number], ensure_ascii=False)
    return blake2b(said.encode(), digest_size=16).hexdigest()
