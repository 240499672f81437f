"""The switching order 倒闸操作票 as a page to print: what for, each operation with its check mark, and who signs."""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from dashboard.parts.words import DASH, MINUTES, moment, number
from network import Text, translate
from repair.restoration.parallel import CONFIRM
from repair.restoration.proof import Step
from repair.restoration.restorer import RestorationPlan

_STYLE = (
    "@page{size:A4;margin:14mm 14mm 18mm;@bottom-center{content:counter(page) ' / ' counter(pages);font:11px sans-serif}}"
    "body{font:13px sans-serif;color:#000}h1{font-size:20px;text-align:center;margin:4px}"
    "table{border-collapse:collapse;width:100%;margin-bottom:10px}thead{display:table-header-group}tr{break-inside:avoid}"
    "td,th{border:1px solid #000;padding:4px 8px;text-align:left}th{background:#eee}.mark{text-align:center;width:4em}"
    ".line{border:0;text-align:left;background:none;font-weight:normal;padding:0 0 4px}"
    ".signs{break-inside:avoid}.signs td{height:2.4em}"
)


@dataclass(frozen=True)
class Carried:
    """An operation that was carried out.

    Attributes:
        action: ``open`` or ``close``.
        branch_id: the device.
        at: when, as ``07:57``; blank where nobody kept it.
        read: what was read there; blank where nobody told.
    """

    action: str
    branch_id: str
    at: str = ""
    read: str = ""


def order_sheet(
    plan: RestorationPlan,
    done: Sequence[Carried],
    key: str,
    utility_name: str,
    at: datetime,
    language: str,
    caution: Text | None = None,
) -> str:
    """Return the page.

    Args:
        plan: the operations.
        done: those carried out before, from which it goes on.
        key: names the event; the number of the order.
        utility_name: for the page header; blank where none is known.
        at: the moment for which it was planned.
        language: ``en`` or ``zh``.
        caution: what to make sure of first.
    """

    def said(message: str, **values: object) -> str:
        return html.escape(translate(message, language, **values))

    title = said("Switching order")
    faults = ", ".join(_named(plan, each) for each in plan.fault.ids)
    facts = [
        (said("number"), html.escape(key)),
        (said("planned for the state at"), moment(at, form=MINUTES)),
        (said("feeder"), html.escape(", ".join(_feeders(plan)) or DASH)),
        (said("fault"), html.escape(faults)),
        (said("purpose"), said("isolate the fault and bring power back before the repair")),
        (
            said("tripped"),
            html.escape(", ".join(_named(plan, each) for each in plan.as_dict(language)["tripped"]) or DASH),
        ),
    ]
    facts += [(said("caution"), html.escape(caution.in_language(language)))] if caution else []
    head = "".join(f"<th>{said(each)}</th>" for each in ("#", "operation", "remark", "done", "time"))
    rows = "".join(_row_done(plan, number, each, language) for number, each in enumerate(done, 1))
    rows += "".join(_row(plan, step, step.order + len(done), language) for step in plan.steps)
    rows += f'<tr><td></td><td colspan="4">{said("End of the order: nothing follows")}</td></tr>'
    signs = ("operator", "guardian", "dispatcher in charge", "begun at", "ended at")
    running = html.escape(" · ".join(each for each in (utility_name, key, moment(at, form=MINUTES)) if each))
    return (
        f'<!DOCTYPE html><html lang="{"zh-CN" if language == "zh" else "en"}"><head><meta charset="utf-8">'
        f'<title>{title} {html.escape(key)}</title><style>{_STYLE}</style></head><body onload="print()"><h1>{title}</h1>'
        f"<table>{''.join(f'<tr><th>{name}</th><td>{value}</td></tr>' for name, value in facts)}</table>"
        f'<table><thead><tr><th class="line" colspan="5">{title} · {running}</th></tr><tr>{head}</tr></thead>'
        f"<tbody>{rows}</tbody></table>"
        f'<table class="signs"><tr>{"".join(f"<th>{said(sign)}</th>" for sign in signs)}</tr>'
        f"<tr>{'<td></td>' * len(signs)}</tr></table></body></html>"
    )


def _row(plan: RestorationPlan, step: Step, number: int, language: str) -> str:
    operation = f"{_operation(step.action, step.remote, language)} {_named(plan, step.branch_id)}"
    return (
        f"<tr><td>{number}</td><td>{html.escape(operation)}</td><td>{html.escape(remark(step, language))}</td>"
        '<td class="mark">☐</td><td></td></tr>'
    )


def _row_done(plan: RestorationPlan, number: int, done: Carried, language: str) -> str:
    net = plan.fault.network
    remote = bool(net.remote[net.branch_index(done.branch_id)[0]])
    operation = f"{_operation(done.action, remote, language)} {_named(plan, done.branch_id)}"
    return (
        f"<tr><td>{number}</td><td>{html.escape(operation)}</td><td>{html.escape(done.read)}</td>"
        f'<td class="mark">☑</td><td>{html.escape(done.at)}</td></tr>'
    )


def _operation(action: str, remote: bool, language: str) -> str:
    if remote:
        return translate("open remotely" if action == "open" else "close remotely", language)
    return translate("open on site" if action == "open" else "close on site", language)


def remark(step: Step, language: str) -> str:
    """Return what to know of a step: that it joins live feeders, with the current of the loop, or cuts off for a moment."""
    said = []
    if step.parallel is not None:
        said.append(translate("joins two live parts for a moment", language))
        if step.loop_a is not None:
            said.append(translate("loop current about {ampere} A", language, ampere=number(step.loop_a, 0)))
        if step.parallel == CONFIRM:
            said.append(translate("confirm first that they may be joined", language))
    if step.interrupts_transformers:
        count = len(step.interrupts_transformers)
        said.append(translate("{count} transformers are off until the next step", language, count=count))
    if step.restores_transformers:
        said.append(translate("{count} transformers back", language, count=len(step.restores_transformers)))
    return "; ".join(said)


def _named(plan: RestorationPlan, branch_id: str) -> str:
    """Return a device by its name and its id."""
    found = plan.fault.network.branches.filter(branch_id=branch_id)["name"].to_list()
    return f"{found[0]}（{branch_id}）" if found and found[0] and found[0] != branch_id else branch_id


def _feeders(plan: RestorationPlan) -> list[str]:
    """Return the feeders of the fault and of the devices that are operated, by name, each once."""
    net = plan.fault.network
    branches = [*plan.fault.ids, *(branch for _, branch in plan.done), *(step.branch_id for step in plan.steps)]
    ids = (
        net.branches.filter(net.branches["branch_id"].is_in(branches))["feeder_id"]
        .drop_nulls()
        .unique(maintain_order=True)
    )
    names = dict(net.feeders.select("feeder_id", "name").iter_rows())
    return [names.get(each) or each for each in ids.to_list()]
