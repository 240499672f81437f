"""The checks of a planned outage, and the verdict they lead to: 能转必转, 能带不停, 先算后停, 一停多用 (field reference 4.3)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import polars as pl

from network import Text, listed, text
from network.representation import Shown
from reliability.live_items import LIVE_ITEMS, suggested_item
from reliability.notice import Notice
from reliability.repeat import RULES
from reliability.steering.budget import Budget, budget_words
from reliability.steering.durations import Prediction
from repair.planned.merging import Group
from repair.planned.mobile_supply import MobileSupply
from repair.planned.plan_desk import Job, PlanDesk
from repair.planned.source_room import SourceShortage

VERDICTS = {
    "approve": text("approve"),
    "merge": text("merge"),
    "convert-to-live": text("do it live"),
    "reduce": text("reduce"),
    "reject": text("reject"),
}
"""What may become of a plan."""

LIGHTS = {"green": text("within"), "amber": text("scarce"), "red": text("exceeded")}
"""What each light of a budget means."""

CHECKS = {
    "transfer": text("transfer what can be transferred"),
    "live_line": text("no outage where the work can be done live"),
    "calculated": text("calculate before cutting"),
    "merging": text("one outage for many jobs"),
}
"""能转必转, 能带不停, 先算后停, 一停多用."""

STATES = {
    "used": text("used"),
    "partly": text("partly"),
    "possible": text("possible"),
    "not_used": text("not used"),
    "not_needed": text("not needed"),
}
"""How far a check is put to use."""


@dataclass(frozen=True)
class Check:
    """One of the four checks.

    Attributes:
        name: of :data:`CHECKS`.
        state: ``used``, ``partly``, ``possible`` (it could be used), ``not_used`` or ``not_needed``.
        reason: why.
    """

    name: str
    state: str
    reason: Text


@dataclass(frozen=True)
class Off:
    """Who is off for as long as the work lasts, and what that costs.

    Attributes:
        transformers: medium-voltage users in service.
        customers: low-voltage customers; ``None`` without a table of them, as the two after.
        important: ids of important customers.
        sensitive: ids of sensitive customers.
        ch_mv: customer-hours of medium-voltage users, switching included.
        ch_lv: of low-voltage customers.
        saidi_h: hours per medium-voltage user of the network.
    """

    transformers: int
    customers: int | None
    important: tuple[str, ...] | None
    sensitive: tuple[str, ...] | None
    ch_mv: float
    ch_lv: float | None
    saidi_h: float | None

    def as_dict(self) -> dict[str, Any]:
        """Return every figure."""
        lists = {name: None if ids is None else list(ids) for name, ids in
                 (("important", self.important), ("sensitive", self.sensitive))}  # fmt: skip
        return vars(self) | lists


@dataclass(frozen=True)
class Share:
    """What a plan takes from the budget of one unit in one year.

    Attributes:
        unit: whose users are off; blank where they have no unit.
        year: the calendar year.
        plan_ch: their customer-hours in it.
        budget: of the unit; ``None`` where there is none.
    """

    unit: str
    year: int
    plan_ch: float
    budget: Budget | None

    @property
    def after_ch(self) -> float | None:
        """What is left of the budget then."""
        return None if self.budget is None else self.budget.after(self.plan_ch)

    @property
    def light(self) -> str | None:
        """``green``, ``amber`` or ``red``; ``None`` without a budget."""
        return None if self.budget is None else self.budget.light(self.plan_ch)

    def as_dict(self) -> dict[str, Any]:
        """Return every figure."""
        known = {"annual_ch": None} if self.budget is None else self.budget.as_dict()
        share = None if self.budget is None else self.budget.share(self.plan_ch)
        own = {"plan_ch": self.plan_ch, "share": share, "after_ch": self.after_ch, "light": self.light}
        return known | own | {"unit": self.unit or None, "year": self.year}


@dataclass(frozen=True, eq=False, repr=False)
class Facts(Shown):
    """What was computed of a plan.

    Attributes:
        job: the plan.
        before: who is off without transfer.
        after: who is off with it.
        shares: what it takes from the budget of each unit whose users are off; nothing where it is done live.
        group: the jobs that are best done with it; itself alone where merging saves nothing; ``None`` where it is done live.
        mobile: what mobile supplies could feed.
        breaches: users whom it cuts off once too often: ``user_id``, ``rule``, ``since``, ``until``, ``most``.
        notice: whether users are told in time.
        grade: of the plan.
        merge_window_days: within which jobs are merged.
        in_the_way: other outages at the same time that take or need what it takes or needs, but for those of its group.
        all_groups_tried: whether every group that jobs could form was looked at.
        duration: how long it is likely to take.
        short_sources: sources that it and other outages at the same time load beyond what they can give.
    """

    job: Job
    before: Off
    after: Off
    shares: tuple[Share, ...]
    group: Group | None
    mobile: tuple[MobileSupply, ...]
    breaches: pl.DataFrame
    notice: Notice
    grade: str
    merge_window_days: int
    in_the_way: tuple[Job, ...] = ()
    all_groups_tried: bool = True
    duration: Prediction | None = None
    short_sources: tuple[SourceShortage, ...] = ()

    @property
    def stands_back(self) -> tuple[Job, ...]:
        """Those in the way for which the plan has to move: all of them, unless it alone is approved already."""
        return tuple(each for each in self.in_the_way if each.approved or not self.job.approved)

    @property
    def budget_light(self) -> str | None:
        """The worst light of the budgets; ``None`` where no unit has one."""
        lights = [share.light for share in self.shares]
        return next((light for light in ("red", "amber", "green") if light in lights), None)

    @cached_property
    def checks(self) -> tuple[Check, Check, Check, Check]:
        """The four checks, in the order of :data:`CHECKS`."""
        return (
            _transfer_check(self.job),
            _live_check(self.job, self.mobile),
            self._calculated_check(),
            self._merging_check(),
        )

    @cached_property
    def transfer(self) -> Check:
        """能转必转."""
        return self.checks[0]

    @cached_property
    def live(self) -> Check:
        """能带不停."""
        return self.checks[1]

    @cached_property
    def calculated(self) -> Check:
        """先算后停."""
        return self.checks[2]

    @cached_property
    def merging(self) -> Check:
        """一停多用."""
        return self.checks[3]

    def _calculated_check(self) -> Check:
        """先算后停: the figures exist and are within the budget."""
        hours = self.after.ch_mv
        if not self.job.needs_outage:
            return Check("calculated", "used", text(
                "done live it costs no customer-hours and nothing of a budget; as an outage {hours:.1f} customer-hours",
                hours=hours,
            ))  # fmt: skip
        if not self.shares:
            return Check("calculated", "used", text("{hours:.1f} customer-hours; no budget is touched", hours=hours))
        lacking = [share.unit or "—" for share in self.shares if share.after_ch is None]
        if lacking:
            return Check("calculated", "partly", text(
                "{hours:.1f} customer-hours; no budget of {units}: fill in the table budget", hours=hours,
                units=", ".join(lacking),
            ))  # fmt: skip
        tightest = min(self.shares, key=lambda share: share.after_ch or 0.0)
        left, unit, year = tightest.after_ch or 0.0, tightest.unit, tightest.year
        if tightest.light == "red":
            return Check("calculated", "not_used", text(
                "{hours:.1f} customer-hours are {over:.1f} more than {unit} has left of its {year} budget",
                hours=tightest.plan_ch, over=-left, unit=unit, year=year,
            ))  # fmt: skip
        return Check("calculated", "used", text(
            "{hours:.1f} customer-hours; {left:.1f} of the {year} budget of {unit} are left then",
            hours=tightest.plan_ch, left=left, year=year, unit=unit,
        ))  # fmt: skip

    def _merging_check(self) -> Check:
        """一停多用: other pending jobs are done in the same outage."""
        if self.group is None:
            return Check("merging", "not_needed", text("to be done live, so it is not merged with outages"))
        others = [each for each in self.group.plan_ids if each != self.job.plan_id]
        if others:
            return Check("merging", "possible", text(
                "together with {plans} it saves {hours:.1f} customer-hours and one outage of those whom both cut off",
                plans=", ".join(others), hours=self.group.saving_ch,
            ))  # fmt: skip
        if not self.all_groups_tried:
            return Check("merging", "partly", text(
                "none of the groups of jobs that were tried makes one outage cheaper; there are more groups than were tried"
            ))  # fmt: skip
        return Check("merging", "not_needed", text(
            "no other job within {days} days makes one outage cheaper than two", days=self.merge_window_days
        ))  # fmt: skip


def _transfer_check(job: Job) -> Check:
    """能转必转: what can be fed over another way is."""
    outage = job.outage
    if outage.idle:
        return Check("transfer", "not_needed", text("the work is dead already: nobody is off"))
    healthy = outage.transferred + outage.no_way + outage.no_room
    if not healthy:
        return Check(
            "transfer", "not_needed", text("all who are off hang on the part under work: there is nobody to transfer")
        )
    if outage.refusal is not None:
        return Check("transfer", "not_used", outage.refusal)
    if not outage.no_way + outage.no_room:
        return Check("transfer", "used", text(
            "all {count} transformers beside the work are fed over other ways, within ratings and voltage", count=healthy
        ))  # fmt: skip
    fed = text("{fed} of {count} transformers beside the work are fed over other ways",
               fed=outage.transferred, count=healthy)  # fmt: skip
    if not outage.transferred:
        fed = text("none of the {count} transformers beside the work is fed over another way", count=healthy)
    no_way = text("no device leads to {count} of them from a live feeder", count=outage.no_way)
    no_room = text("for {count} the ways have no room within ratings and voltage", count=outage.no_room)
    said = [each for each, count in ((fed, 1), (no_way, outage.no_way), (no_room, outage.no_room)) if count]
    rest = listed(said)
    return Check("transfer", "partly" if outage.transferred else "not_used", rest)


def _live_check(job: Job, mobile: tuple[MobileSupply, ...]) -> Check:
    """能带不停: the work can be done live, or users are fed by mobile supply meanwhile."""
    named, suggested = job.row["live_line_item"], suggested_item(job.row["work"])
    if named is not None and job.needs_outage:
        return Check(
            "live_line", "not_used", text("there is no live-line item {item}: they run from 1 to 33", item=named)
        )
    if named is not None:
        return Check("live_line", "possible", text(
            "the plan names live-line item {item} {name}", item=named, name=LIVE_ITEMS[named]
        ))  # fmt: skip
    if suggested is not None:
        return Check("live_line", "possible", text(
            "the words of the work suggest live-line item {item} {name}; a survey on site must say whether it can be done",
            item=suggested, name=LIVE_ITEMS[suggested],
        ))  # fmt: skip
    if mobile:
        best = max(mobile, key=lambda each: each.saved_ch)
        return Check("live_line", "possible", text(
            "no live-line item is named or suggested; mobile supply could save {hours:.1f} customer-hours", hours=best.saved_ch
        ))  # fmt: skip
    return Check("live_line", "not_used", text(
        "the plan names no live-line item, its words suggest none, and the settings name no generator or substation car that fits"
    ))  # fmt: skip


# The verdict ----------------------------------------------------------------------------------------------------------


def verdict_of(desk: PlanDesk, facts: Facts) -> tuple[str, tuple[Text, ...]]:
    """Return the verdict and why: live before merged, merged before refused, refused before approved."""
    against = _against(desk, facts)
    if facts.after.transformers and not facts.job.needs_outage:
        saved = text("done live, nobody is off: {hours:.1f} customer-hours are saved", hours=facts.after.ch_mv)
        return "convert-to-live", (facts.live.reason, saved, *against)
    if facts.group is not None and len(facts.group.jobs) > 1:
        return "merge", (facts.merging.reason, *against)
    if against:
        return ("reduce" if _can_reduce(desk, facts) else "reject"), against
    return "approve", (facts.calculated.reason, facts.transfer.reason)


def _against(desk: PlanDesk, facts: Facts) -> tuple[Text, ...]:
    """Return what speaks against a plan as it stands."""
    said = []
    if facts.breaches.height:
        said.append(text(
            "{count} users would be off once too often by the rules {rules} of {preset}, {user} among them",
            count=facts.breaches["user_id"].n_unique(),
            rules=listed([RULES[rule] for rule in facts.breaches["rule"].unique(maintain_order=True)]),
            preset=desk.rules.frequent_preset, user=facts.breaches["user_id"][0],
        ))  # fmt: skip
    if facts.budget_light == "red":
        said.append(facts.calculated.reason)
    if facts.notice.state == "late" and facts.after.transformers:
        said.append(text(
            "users cannot be told {hours:g} h before any more: they had to be told by {due:%Y-%m-%d %H:%M}",
            hours=facts.notice.required_h, due=facts.notice.due_by,
        ))  # fmt: skip
    if desk.on_holiday(facts.job.start, facts.job.row["end"]):
        said.append(text("it falls on a holiday, on which nobody is cut off for planned work"))
    if facts.stands_back:
        said.append(_in_the_way(facts.stands_back))
    return (*said, *map(_short_source, facts.short_sources))


def _short_source(short: SourceShortage) -> Text:
    return text(
        "together with {plans} at the same time source {node} would give {value:.0f} A, {limit:.0f} A is what it can: move one "
        "of them", plans=", ".join(short.with_plans), node=short.node, value=short.value_a, limit=short.limit_a,
    )  # fmt: skip


def _in_the_way(others: tuple[Job, ...]) -> Text:
    return text(
        "at the same time {plans} takes or needs the same part of the network or the same ways: move one of them",
        plans=", ".join(other.plan_id for other in others),
    )


def _can_reduce(desk: PlanDesk, facts: Facts) -> bool:
    """Return whether fewer hours or users could mend all that speaks against a plan.

    Mobile supply for all who would be off too often can, and fewer hours where something of the budget is left; nothing of that
    mends a late notice, a holiday, or another outage in the way.
    """
    if (
        facts.stands_back
        or facts.short_sources
        or facts.notice.state == "late"
        or desk.on_holiday(facts.job.start, facts.job.row["end"])
    ):
        return False
    fed = {user for each in facts.mobile for user in each.transformers}
    red = [share.budget for share in facts.shares if share.light == "red" and share.budget is not None]
    return set(facts.breaches["user_id"]) <= fed and all((budget.remaining_ch or 0.0) > 0 for budget in red)


def remarks_of(desk: PlanDesk, facts: Facts) -> tuple[Text, ...]:
    """Return what else to know of a plan: customers to be looked after, peak hours, notice, and what was assumed."""
    after = facts.after
    warning = facts.duration.warning if facts.duration is not None else None
    said = [] if warning is None else [warning]
    if facts.budget_light == "amber":
        said.append(text("the budget is amber: less than {share:.0%} of it is left then",
                         share=desk.statistics.settings.budget_amber_share))  # fmt: skip
    if after.important:
        said.append(text("{count} important customers are off: agree with them first, {ids}", count=len(after.important),
                         ids=", ".join(after.important[:5])))  # fmt: skip
    if after.sensitive:
        said.append(text("{count} sensitive customers are off: look after them, {ids}", count=len(after.sensitive),
                         ids=", ".join(after.sensitive[:5])))  # fmt: skip
    if peak := desk.in_peak(facts.job.start, facts.job.row["end"]):
        said.append(text("it overlaps the peak hours {spans}", spans=", ".join(peak)))
    if facts.notice.state == "due" and after.transformers:
        said.append(text("users have to be told by {due:%Y-%m-%d %H:%M}", due=facts.notice.due_by))
    said += [
        text("{unit}: {words}", unit=share.unit or "—", words=words)
        for share in facts.shares
        if (words := budget_words(share.budget)) is not None
    ]
    if after.transformers and desk.rules.generator_kva is None:
        said.append(text("the settings name no generator (generator_kva), so its saving and cost are not known"))
    if any(each.cost is None for each in facts.mobile):
        said.append(text("the settings name no cost of mobile supply, so it is not known"))
    if yielding := tuple(each for each in facts.in_the_way if each not in facts.stands_back):
        said.append(_in_the_way(yielding))
    if not facts.job.outage.proven:
        said.append(text("the switching steps could not be proven: look at them before use"))
    return (*said, *facts.job.outage.assumed)
