"""Mobile supply during planned work 发电车, 移动箱变车: whom a generator or a car could feed, and at what cost."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from repair.planned.plan_desk import Job, PlanDesk

HOURS_PER_DAY = 24.0


@dataclass(frozen=True)
class MobileSupply:
    """One way to feed some of those who are off.

    Attributes:
        means: ``generator`` or ``mobile_substation``.
        transformers: whom it feeds.
        saved_ch: customer-hours of medium-voltage users that it saves.
        cost: what it costs, in the currency of the settings; ``None`` where the settings give no cost.
    """

    means: str
    transformers: tuple[str, ...]
    saved_ch: float
    cost: float | None

    @property
    def cost_per_ch(self) -> float | None:
        """Cost of each customer-hour saved."""
        return None if self.cost is None or not self.saved_ch else self.cost / self.saved_ch

    def as_dict(self) -> dict[str, Any]:
        """Return every figure."""
        return vars(self) | {"transformers": list(self.transformers), "cost_per_ch": self.cost_per_ch}


def mobile_supplies(desk: PlanDesk, job: Job) -> tuple[MobileSupply, ...]:
    """Return what generators and a substation car of the settings could feed during a plan.

    A generator feeds one transformer's low-voltage side, those with most customers first; the car stands in for one transformer.
    """
    rules, net = desk.rules, desk.net
    off = np.sort(job.outage.after.hit.transformer_index)
    off = off[desk.serving[off]]
    customers = np.diff(net.customers_of_transformer.first)[off]
    kva = desk.restorer.loads.kw[off] / desk.restorer.loads.rules.power_factor
    by_customers = off[np.argsort(-customers, kind="stable")], np.argsort(-customers, kind="stable")
    hours = job.minutes / 60.0
    found = []
    for means, size, count, per_day, per_h in (
        ("generator", rules.generator_kva, rules.generators, rules.generator_cost_per_day, rules.generator_cost_per_h),
        ("mobile_substation", rules.mobile_substation_kva, 1, rules.mobile_substation_cost_per_day,
         rules.mobile_substation_cost_per_h),
    ):  # fmt: skip
        if size is None:
            continue
        fits = kva[by_customers[1]] <= size
        fed = by_customers[0][fits][:count]
        if not len(fed):
            continue
        known = per_day is not None or per_h is not None
        each = (per_day or 0.0) * math.ceil(hours / HOURS_PER_DAY) + (per_h or 0.0) * hours
        ids = tuple(net.transformers["transformer_id"].gather(fed).to_list())
        found.append(MobileSupply(means, ids, len(fed) * hours, each * len(fed) if known else None))
    return tuple(found)
