"""What explains an outage before any fault is looked for: arrears, then plans (field reference 6.3, explanations 1 and 2)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import polars as pl

from network import Supply, Topology
from network.arrays import NONE, Indices
from network.representation import Shown
from repair.inference.devices import EVER, Devices
from repair.inference.spots import Spots
from repair.settings import InferenceSettings

PowerBetween = Callable[[Indices, int, int], bool]
"""Whether one of these devices had power between two moments, in ms."""

LEVELS: Mapping[str, str] = {"branch": "lateral", "feeder": "line", "transformer": "transformer"}
"""What a plan may name, the most general first, and the level that this takes out."""

MOST = 0.9
"""Share of the transformers of an outage that one plan covers, at least, where it does not cover the head."""


@dataclass(frozen=True)
class Known:
    """One explanation that was there before.

    Attributes:
        explanation: ``arrears`` or ``plan``.
        reference: id of the record or plan.
        level: what it takes out: ``line``, ``lateral``, ``transformer`` or ``customer``.
        object_id: which one.
        until: its end; ``None`` where it has none.
    """

    explanation: str
    reference: str
    level: str
    object_id: str
    until: datetime | None


@dataclass(frozen=True, eq=False, repr=False)
class ExplainedOutages(Shown):
    """Which devices are known to be off, when and why.

    Attributes:
        known: the explanations, arrears first.
        device: number of each device that one of them covers, rising; shape (covers,).
        since, until: the time of each cover in ms, shape (covers,).
        which: index into ``known``, shape (covers,).
        overrun: for so long after its end a plan explains what nothing came back from, in ms.
    """

    known: tuple[Known, ...]
    device: Indices
    since: Indices
    until: Indices
    which: Indices
    overrun: int = 0

    @classmethod
    def of(
        cls, supply: Supply, devices: Devices, tables: Mapping[str, pl.DataFrame], rules: InferenceSettings
    ) -> ExplainedOutages:
        """Return what the tables explain: ``outages`` that are left out for arrears, and approved ``plans``."""
        known: list[Known] = []
        named: list[tuple[str, str]] = []
        spans: list[tuple[int, int]] = []
        for row in _arrears(tables):
            level = "customer" if row["customer_id"] else "transformer"
            known.append(Known("arrears", row["outage_id"], level, row[f"{level}_id"], row["end"]))
            named.append((level, row[f"{level}_id"]))
            spans.append((_ms(row["start"]), _ms(row["end"]) if row["end"] else int(EVER)))
        margin = timedelta(minutes=rules.plan_margin_min)
        for row in _plans(tables, rules):
            kind = next(kind for kind in LEVELS if row[f"{kind}_id"])
            known.append(Known("plan", row["plan_id"], LEVELS[kind], row[f"{kind}_id"], row["end"]))
            named.append((kind, row[f"{kind}_id"]))
            spans.append((_ms(row["start"] - margin), _ms(row["end"])))
        covered = _covered(supply, devices, named)
        parts = [(covered[each], *span) for each, span in zip(named, spans, strict=True)]
        if not parts:
            return cls((), NONE, NONE, NONE, NONE)
        count = [len(device) for device, _, _ in parts]
        device = np.concatenate([device for device, _, _ in parts])
        order = np.argsort(device, kind="stable")
        since, until = (np.repeat([part[side] for part in parts], count)[order] for side in (1, 2))
        which = np.repeat(np.arange(len(parts)), count)[order]
        return cls(tuple(known), device[order], since, until, which, round(rules.overrun_h * 3_600_000))

    def pieces_of(self, begin: int, until: int, spots: Spots) -> Indices:
        """Return the pieces with devices that something covers at some time between two moments, in ms."""
        if not len(self.device):
            return NONE
        covers = (self.since <= until) & (self.until + self.overrun > begin)
        return np.asarray(np.unique(spots.of(self.device[covers])[0]))

    def explaining_outage(
        self, device: int, transformers: Indices, start: datetime, power_between: PowerBetween
    ) -> int:
        """Return what explains an outage: index into ``known``, -1 where nothing does.

        A plan that has ended explains it too, for as long as it may overrun, unless something had power again since it began.

        Args:
            device: number of the device at its head.
            transformers: numbers of the transformers that lost supply.
            start: when it began.
            power_between: tells whether one of these devices had power between two moments.
        """
        if not len(self.device):
            return -1
        devices = np.concatenate([[device], transformers])
        begin = _ms(start)
        for late in (0, self.overrun):
            found = self.explaining(devices, np.full(len(devices), begin), late)
            which = int(found[0])
            if which < 0 and len(transformers):
                first = int(np.bincount(found[1:] + 1).argmax()) - 1
                which = first if (found[1:] == first).mean() >= MOST else -1
            if which < 0 or (late and self.known[which].explanation != "plan"):
                continue
            since = int(self.since[self.which == which].min())
            if not late or not power_between(devices, since, begin):
                return which
        return -1

    def explaining(self, device: Indices, time: Indices, late: int = 0) -> Indices:
        """Return the explanation of each device at each time: index into ``known``, -1 where there is none.

        Args:
            device: number of each device.
            time: when, in ms.
            late: so long after its end each still explains, in ms.
        """
        found = np.full(len(device), -1, dtype=np.int64)
        if not len(self.device):
            return found
        first, last = (np.searchsorted(self.device, device, side=side) for side in ("left", "right"))
        asked = np.flatnonzero(last > first)
        while len(asked):
            at = first[asked]
            covers = (self.since[at] <= time[asked]) & (time[asked] < self.until[at] + late)
            found[asked[covers]] = self.which[at[covers]]
            first[asked] += 1
            asked = asked[~covers & (first[asked] < last[asked])]
        return found


def _arrears(tables: Mapping[str, pl.DataFrame]) -> list[dict[str, Any]]:
    if "outages" not in tables:
        return []
    named = pl.col("customer_id").is_not_null() | pl.col("transformer_id").is_not_null()
    return tables["outages"].filter((pl.col("exclusion") == "arrears") & named).sort("start", "outage_id").to_dicts()


def _plans(tables: Mapping[str, pl.DataFrame], rules: InferenceSettings) -> list[dict[str, Any]]:
    if "plans" not in tables:
        return []
    refused = pl.col("status").is_in(list(rules.not_approved)).fill_null(value=False)
    named = pl.any_horizontal(pl.col("branch_id", "feeder_id", "transformer_id").is_not_null())
    return tables["plans"].filter(~refused & named).sort("start", "plan_id").to_dicts()


def _covered(supply: Supply, devices: Devices, named: Iterable[tuple[str, str]]) -> dict[tuple[str, str], Indices]:
    """Return the devices that go off with each thing that is named: itself, and the transformers below a branch or of a feeder.

    Ten years of plans name the same places again and again, so all are looked up together.
    """
    net = supply.network
    covered = {}
    ids: dict[str, dict[str, None]] = {}
    for kind, each in named:
        ids.setdefault(kind, {})[each] = None
    for kind, all_ids in ids.items():
        if kind == "feeder":
            for each in all_ids:
                covered[kind, each] = _of_feeder(net, devices, each)
            continue
        for each, number in zip(all_ids, devices.numbers(kind, pl.Series(list(all_ids))).tolist(), strict=True):
            itself = np.array([number]) if number >= 0 else NONE
            below = supply.below(each).transformer_index if kind == "branch" and number >= 0 else NONE
            covered[kind, each] = np.concatenate([below, itself])
    return covered


def _of_feeder(net: Topology, devices: Devices, feeder: str) -> Indices:
    branches = np.flatnonzero((net.branches["feeder_id"] == feeder).fill_null(value=False).to_numpy())
    transformers = np.flatnonzero((net.transformer_feeder == feeder).fill_null(value=False).to_numpy())
    return np.concatenate([transformers, branches + devices.branches_from])


def _ms(moment: datetime) -> int:
    return int((moment - datetime(1970, 1, 1)) / timedelta(milliseconds=1))
