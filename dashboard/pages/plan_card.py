"""The plan of one event on the dispatch page: what to operate in which order, what each step is worth, and its proof."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import polars as pl
from dash import html

from dashboard.parts.address import Address
from dashboard.parts.blocks import Part, card, compose, data, link, row, strong, table
from dashboard.parts.decisions import decide, decide_with, may_decide, to_incident
from dashboard.parts.names import device
from dashboard.parts.order_sheet import Carried, remark
from dashboard.parts.words import DASH, moment, number, word
from fudian import Utility
from network import FudianError, Text, text, translate
from repair.desk.board import Entry
from repair.desk.work import Sheet
from repair.restoration.proof import Step
from repair.restoration.restorer import REPAIR, RestorationPlan, Stage

FEW = 3
"""Ids that are named where there may be many."""

NO_PLAN: dict[str, str | None] = {"section": None, "step": None, "refused": None, "done": None}
"""What of an address belongs to one plan, left out."""


@dataclass(frozen=True, eq=False)
class Chosen:
    """The plan that an address shows.

    Attributes:
        plan: the plan; ``None`` where there is none.
        reason: why there is none.
        place: where the fault is taken to lie: the second section as ``2``, the first of its parts as ``2.1``.
        step: after how many steps the diagram shows the network.
        refused: devices that are said not to move, by the sheet or the address.
        done: operations that the address ticks off besides those that are kept, in order, as ``open:S1``.
        sheet: what was decided; ``None`` where an earlier moment is shown, at which nothing is decided any more.
        doubted: branches of the section that the plan feeds again: the fault is taken to lie on a part of it, and might be there.
    """

    plan: RestorationPlan | None
    reason: Text | None
    place: str
    step: int
    refused: tuple[str, ...]
    done: tuple[str, ...] = ()
    sheet: Sheet | None = None
    doubted: tuple[str, ...] = ()

    @property
    def section(self) -> int:
        """Which of the probable sections that is, from 1."""
        return int(self.place.partition(".")[0])

    @property
    def caution(self) -> Text | None:
        """What to make sure of before power goes where the fault might lie too; ``None`` where it goes to no such place."""
        if not self.doubted or self.plan is None:
            return None
        return text(
            "The fault is taken to lie on {fault}. No report tells {branches} from it, which the plan feeds again: make sure "
            "first that it does not lie there.",
            fault=few(self.plan.fault.ids),
            branches=few(self.doubted),
        )


def chosen_plan(utility: Utility, address: Address, entry: Entry | None, at: datetime) -> Chosen | None:
    """Return the plan at a moment for an event that goes on and whose fault has a probable section; ``None`` for any other."""
    address.asked.update({"section", "step", "refused", "done"})
    if entry is None or entry.end is not None or entry.incident is None or not entry.incident.location.ranked:
        return None
    sheet = None if "at" in address.values else utility.work.sheet(entry.key)
    location = entry.incident.location
    places = location.places
    place = address.choose("section", list(places), location.place_of(sheet.section if sheet else ()))
    refused, done = (
        tuple(each for each in address.values.get(name, "").split(",") if each) for name in ("refused", "done")
    )
    if sheet is not None:
        refused = tuple(dict.fromkeys((*sheet.refused, *refused)))
    try:
        plan = utility.plan_for(entry, places[place].branches, refused, None if sheet else at, done)
    except FudianError as refusal:
        return Chosen(None, refusal.message, place, 0, refused, done, sheet)
    steps = [str(each) for each in range(len(plan.steps) + 1)]
    doubted = plan.feeds_again(places[place.partition(".")[0]].branches)
    return Chosen(plan, None, place, int(address.choose("step", steps, "0")), refused, done, sheet, doubted)


def few(ids: Sequence[str]) -> str:
    """Return some ids, of many the first."""
    return ", ".join(ids[:FEW]) + (" …" if len(ids) > FEW else "")


def plan_card(utility: Utility, address: Address, chosen: Chosen) -> html.Section:
    """Return the card: who comes back when, the operations, the proof, and the order to print."""
    language, plan = address.language, chosen.plan
    title = translate("Power back first, repair after", language)
    if plan is None:
        said = chosen.reason.in_language(language) if chosen.reason else ""
        left_out = [*_done(address, chosen), *_refused(address, chosen)]
        return card(title, html.P(said, className="warning"), *left_out, name="plan")
    content: list[Part] = [
        html.P(_sentence(plan, language)),
        html.P(chosen.caution.in_language(language), className="warning") if chosen.caution else None,
        *_done(address, chosen),
        _operations(utility, address, chosen, plan),
        *_tick_with_more(chosen, plan, language),
        *_refused(address, chosen),
    ]
    content += [html.P(each.said.in_language(language)) for each in plan.missing]
    content += [html.P(each.said.in_language(language)) for each in plan.mobile]
    content += [html.P(each.in_language(language), className="quiet") for each in plan.assumed]
    if not plan.best:
        content.append(html.P(translate("It is not proven that no better plan exists.", language), className="warning"))
    return card(title, *content, note=_note(address, plan), name="plan")


def _note(address: Address, plan: RestorationPlan) -> list[Part]:
    language = address.language
    proof = translate("proven: fault dead, radial, within ratings and voltage", language)
    if plan.lowest_voltage_pu is not None:
        proof += translate(", lowest {voltage} p.u.", language, voltage=number(plan.lowest_voltage_pu, 3))
    if not plan.steps and not plan.done:
        return [proof]
    wanted = address.search(address.without_rows(), language)
    exports = [
        html.A(name.upper(), href=f"/export/dispatch/steps.{name}{wanted}", download="") for name in ("csv", "xlsx")
    ]
    exports.append(html.A(translate("Print", language), href=f"/export/dispatch/steps.html{wanted}", target="_blank"))
    return [proof, html.Span(exports, className="actions spread")]


def _sentence(plan: RestorationPlan, language: str) -> list[Part]:
    back, rest = _customers(plan.stages[:-1]), plan.stages[-1]
    if not plan.steps and plan.done:
        if not rest.transformers:
            return [translate("All steps are carried out: everybody is back.", language)]
        return compose(
            "All steps are carried out: {rest} customers wait for the repair.",
            language,
            rest=strong(_customers([rest])),
        )
    if not plan.steps:
        return [translate("Nobody can be fed another way: all wait for the repair.", language)]
    return compose(
        "{back} customers come back before the repair, {rest} wait for it; {hours} customer-hours and {saidi} s per user saved.",
        language,
        back=html.B(back, **data(figure="back", value=back.replace(",", ""))),
        rest=strong(_customers([rest])),
        hours=strong(number(plan.saved.customer_hours, 1)),
        saidi=strong(number(_seconds(plan.saved.saidi_h), 1)),
    )


def _customers(stages: tuple[Stage, ...] | list[Stage]) -> str:
    known = [stage.customers for stage in stages if stage.customers is not None]
    return f"{sum(known):,}" if len(known) == len(stages) else DASH


def _seconds(hours: float | None) -> float | None:
    return None if hours is None else 3600 * hours


def _operations(utility: Utility, address: Address, chosen: Chosen, plan: RestorationPlan) -> html.Table:
    language = address.language
    minutes = {stage.stage: stage.minutes for stage in plan.stages}
    rows = []
    for step, savings in zip(plan.steps, plan.savings, strict=True):
        saved = _seconds(savings.saidi_h)
        tick = [_tick(address, chosen, step)] if step.order == 1 else []
        cells: list[tuple[Part, str]] = [
            (str(step.order), ""),
            (operation_words(step, language), ""),
            (device(utility, step.branch_id), ""),
            (
                remark(step, language)
                if step.parallel or step.interrupts_transformers
                else _effect(plan, step, language),
                "right",
            ),
            (f"−{number(saved, 1)}" if saved else DASH, "right"),
            (_within(minutes[step.stage], language), "right quiet"),
            ([*tick, " ", _refusal(address, chosen, step)], "right"),
        ]
        rows.append(row(cells, address.href(step=str(step.order)), "chosen" if step.order == chosen.step else ""))
    rest = plan.stages[-1]
    back = translate("{count} customers back", language, count=_customers([rest]))
    rows.append(
        row(
            [
                ("", ""),
                (word(REPAIR, language), ""),
                ("", ""),
                (back, "right"),
                (DASH, "right"),
                (_within(rest.minutes, language), "right quiet"),
                ("", ""),
            ]
        )
    )
    head = [
        ("#", ""),
        (translate("operation", language), ""),
        (translate("device", language), ""),
        (translate("effect", language), "right"),
        (translate("s per user", language), "right"),
        (translate("back within", language), "right"),
        ("", ""),
    ]
    return table(head, rows, "operations", translate("Operating steps", language))


def _tick(address: Address, chosen: Chosen, step: Step) -> Part:
    """Return the way to say that an operation was carried out: kept on the sheet by who may, else only in the address."""
    label = translate("done", address.language)
    if chosen.sheet is not None and may_decide():
        said = {"action": "step", "branch_id": step.branch_id, "move": step.action}
        return decide(label, to_incident(chosen.sheet.incident), said, "above")
    ticked = ",".join((*chosen.done, f"{step.action}:{step.branch_id}"))
    return link(label, address.href(done=ticked, step=None), "above quiet")


def _tick_with_more(chosen: Chosen, plan: RestorationPlan, language: str) -> list[Part]:
    """Return the door by which the first step is ticked off with the time at which it was done, or what was read there."""
    if chosen.sheet is None or not may_decide() or not plan.steps:
        return []
    step = plan.steps[0]
    said = {"action": "step", "branch_id": step.branch_id, "move": step.action}
    fields = [
        ("at", translate("done at, such as 07:57; now if blank", language)),
        ("read", translate("value read, such as 95 A", language)),
        ("note", translate("note", language)),
    ]
    label = translate("step 1 done, with time or reading", language)
    door = decide_with(label, to_incident(chosen.sheet.incident), said, fields, language)
    return [html.Div([door], className="actions deciding-row")]


def _refusal(address: Address, chosen: Chosen, step: Step) -> Part:
    """Return the way to say that a device does not move."""
    label = translate("does not move", address.language)
    if chosen.sheet is not None and may_decide():
        said = {"action": "refuse", "branch_id": step.branch_id}
        return decide(label, to_incident(chosen.sheet.incident), said, "above quiet")
    refused = address.href(refused=",".join((*chosen.refused, step.branch_id)), step=None)
    return link(label, refused, "above quiet")


def operation_words(step: Step, language: str) -> str:
    """Return what is done with a device, and from where: 遥控合."""
    if step.remote:
        return translate("open remotely" if step.action == "open" else "close remotely", language)
    return translate("open on site" if step.action == "open" else "close on site", language)


def _effect(plan: RestorationPlan, step: Step, language: str) -> str:
    if step.restores_transformers:
        if step.restores_customers is None:
            return translate("{count} users back", language, count=f"{len(step.restores_transformers):,}")
        return translate("{count} customers back", language, count=f"{step.restores_customers:,}")
    if step.action == "open" and step.branch_id in plan.isolating:
        return translate("isolates the fault", language)
    return translate("parts the load" if step.action == "open" else "prepares", language)


def _within(minutes: float, language: str) -> str:
    if minutes < 120:
        return translate("{minutes} min", language, minutes=f"{minutes:g}")
    return translate("{hours} h", language, hours=f"{minutes / 60:g}")


def _refused(address: Address, chosen: Chosen) -> list[Part]:
    """Return the devices that are said not to move, each with the way back."""
    if not chosen.refused:
        return []
    language, sheet = address.language, chosen.sheet
    lines = (
        {} if sheet is None else {line.details["branch_id"]: line for line in sheet.lines if line.action == "refuse"}
    )
    parts: list[Part] = [translate("Left out, since they do not move:", language), " "]
    for each in chosen.refused:
        if each in lines:
            parts += [_undo(f"{each} ×", sheet, lines[each].number, language), " "]
            continue
        others = ",".join(other for other in chosen.refused if other != each and other not in lines) or None
        parts += [link(f"{each} ×", address.href(refused=others, step=None), "chip"), " "]
    return [html.P(parts)]


def _undo(label: str, sheet: Sheet | None, number: int, language: str) -> Part:
    """Return the way back from a decision for who may decide, else what it says."""
    if sheet is None or not may_decide():
        return html.Span(label.removesuffix(" ×"), className="chip still")
    said = {"action": "undo", "number": number}
    return decide(label, to_incident(sheet.incident), said, "chip", translate("undo", language))


def _done(address: Address, chosen: Chosen) -> list[Part]:
    """Return the operations that were carried out, the last with the way back."""
    language, sheet = address.language, chosen.sheet
    kept = [f"{action}:{branch}" for action, branch in (chosen.plan.done if chosen.plan else ())]
    kept = kept[: len(kept) - len(chosen.done)]
    if not kept and not chosen.done:
        return []
    parts: list[Part] = [translate("Done so far; the rest is planned from there:", language), " "]
    steps = {} if sheet is None else {
        f"{line.details['move']}:{line.details['branch_id']}": line for line in sheet.lines if line.action == "step"
    }  # fmt: skip
    carried = carried_out(chosen)
    for place, each in enumerate((*kept, *chosen.done), 1):
        known = carried[place - 1] if place <= len(carried) else Carried("", "")
        said = " ".join(word for word in (done_words(each, language), known.at, known.read) if word)
        if place == len(kept) and each in steps and not chosen.done:
            parts.append(_undo(f"{said} ×", sheet, steps[each].number, language))
        elif place == len(kept) + len(chosen.done) and chosen.done:
            back = address.href(done=",".join(chosen.done[:-1]) or None, step=None)
            parts.append(link(f"{said} ×", back, "chip", title=translate("undo", language)))
        else:
            parts.append(html.Span(said, className="chip still"))
        parts.append(" ")
    return [html.P(parts)]


def done_words(operation: str, language: str) -> str:
    """Return an operation that was carried out in words: 合上 F01-T14."""
    action, _, branch_id = operation.partition(":")
    said = "opened {device}" if action == "open" else "closed {device}"
    return translate(said, language, device=branch_id)


def stepping(address: Address, chosen: Chosen) -> list[Part]:
    """Return the words beside the diagram: after which step it stands, with the ways to the one before and the one after."""
    plan, language = chosen.plan, address.language
    if plan is None or not plan.steps:
        return []
    said = translate("after step {step} of {count}", language, step=chosen.step, count=len(plan.steps))
    parts: list[Part] = [" · "]
    if chosen.step > 0:
        parts += [
            link("◂", address.href(step=str(chosen.step - 1)), title=translate("one step back", language)),
            " ",
        ]
    parts.append(
        said if chosen.step else translate("before the first of {count} steps", language, count=len(plan.steps))
    )
    if chosen.step < len(plan.steps):
        parts += [
            " ",
            link("▸", address.href(step=str(chosen.step + 1)), title=translate("one step on", language)),
        ]
    return parts


def plan_to_print(
    utility: Utility, address: Address, entry: Entry | None, at: datetime
) -> tuple[RestorationPlan, list[Carried], Text | None]:
    """Return the plan that an address shows, what of it was carried out, and what to make sure of first.

    Raises:
        FudianError: the event has no plan.
    """
    chosen = chosen_plan(utility, address, entry, at)
    if chosen is None or chosen.plan is None:
        raise FudianError(
            (chosen.reason if chosen else None) or text("There is no plan for this event."),
            text("Go back to the list and choose one."),
        )
    return chosen.plan, carried_out(chosen), chosen.caution


def carried_out(chosen: Chosen) -> list[Carried]:
    """Return the operations that the plan goes on from, with the moment and the reading of those that the sheet keeps."""
    told = {} if chosen.sheet is None else {
        (line.details["move"], line.details["branch_id"]): line.details for line in chosen.sheet.lines if line.action == "step"
    }  # fmt: skip
    found = []
    for operation in chosen.plan.done if chosen.plan else ():
        details = told.get(operation, {})
        at = moment(details["at"], form="%H:%M") if details.get("at") else ""
        found.append(Carried(*operation, at, str(details.get("read") or "")))
    return found


def switching_order(utility: Utility, address: Address, entry: Entry | None, at: datetime) -> tuple[str, pl.DataFrame]:
    """Return the fault and the operations of the plan that an address shows, as people take them along.

    Raises:
        FudianError: the event has no plan.
    """
    plan, language = plan_to_print(utility, address, entry, at)[0], address.language
    minutes = {stage.stage: stage.minutes for stage in plan.stages}
    rows = [
        {
            "step": step.order,
            "action": operation_words(step, language),
            "branch_id": step.branch_id,
            "stage": word(step.stage, language),
            "minutes": minutes[step.stage],
            "transformers": len(step.restores_transformers),
            "customers": step.restores_customers,
        }
        for step in plan.steps
    ]
    schema = {"step": pl.Int64, "action": pl.String, "branch_id": pl.String, "stage": pl.String, "minutes": pl.Float64,
              "transformers": pl.Int64, "customers": pl.Int64}  # fmt: skip
    return few(plan.fault.ids), pl.DataFrame(rows, schema)
