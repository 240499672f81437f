"""Mobile supply 发电车, 移动箱变车 for important users who stay off until the repair."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from network import Supply, Text, text
from repair.restoration.loading import Loads
from repair.settings import PlannedSettings

GENERATOR, SUBSTATION = "generator", "mobile_substation"


@dataclass(frozen=True)
class MobileNeed:
    """A transformer with important customers that stays off, and what could feed it meanwhile.

    Attributes:
        transformer_id: which one.
        important: how many of its customers are important or sensitive.
        kva: what it takes.
        means: ``generator`` or ``mobile_substation`` of the settings; ``None`` where there is none left that is large enough.
        said: all of it in a sentence.
    """

    transformer_id: str
    important: int
    kva: float
    means: str | None
    said: Text

    def as_dict(self, language: str = "en") -> dict[str, Any]:
        """Return all fields, for JSON."""
        return vars(self) | {"said": self.said.in_language(language)}


def mobile_needs(loads: Loads, before: Supply, end: Supply, rules: PlannedSettings) -> tuple[MobileNeed, ...]:
    """Return what mobile supply could do for important customers who are off at the end of a plan, most of them first.

    A generator feeds the low-voltage side of one transformer; a substation car stands in for one.

    Args:
        loads: the load of every transformer.
        before: supply before the fault.
        end: supply at the end of the plan.
        rules: the settings of mobile supply.
    """
    net, lost = before.network, before.lost_in(end)
    customers = net.customers[lost.customer_index]
    marked = customers["important"].fill_null(value=False) | customers["sensitive"].fill_null(value=False)
    of = net.customer_transformer[lost.customer_index[marked.to_numpy()]]
    transformers, counts = np.unique(of[np.isin(of, lost.transformer_index)], return_counts=True)
    left = {
        GENERATOR: 0 if rules.generator_kva is None else rules.generators,
        SUBSTATION: 0 if rules.mobile_substation_kva is None else 1,
    }
    size = {GENERATOR: rules.generator_kva or 0.0, SUBSTATION: rules.mobile_substation_kva or 0.0}
    found = []
    for at in np.argsort(-counts, kind="stable").tolist():
        row, important = int(transformers[at]), int(counts[at])
        kva = float(loads.kw[row]) / loads.rules.power_factor
        means = next((name for name in left if left[name] and kva <= size[name]), None)
        if means is not None:
            left[means] -= 1
        name = str(net.transformers["transformer_id"][row])
        found.append(MobileNeed(name, important, kva, means, _said(name, important, kva, means)))
    return tuple(found)


def _said(name: str, important: int, kva: float, means: str | None) -> Text:
    stays = text("{transformer} with {count} important customers stays off", transformer=name, count=important)
    if means == GENERATOR:
        return text("{stays}: a mobile generator of {kva:.0f} kVA could feed it", stays=stays, kva=kva)
    if means == SUBSTATION:
        return text("{stays}: a mobile substation of {kva:.0f} kVA could feed it", stays=stays, kva=kva)
    return text(
        "{stays} and needs {kva:.0f} kVA: no mobile supply of the settings is large enough", stays=stays, kva=kva
    )
