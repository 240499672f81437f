"""What is out, judged by storms whose rates the model does not know, beside the threshold rule that it replaced.

    python -m benchmarks.infer                     # 12 storms per world
    python -m benchmarks.infer --storms 40         # more
    python -m benchmarks.infer --worlds "as set"   # some worlds only
    python -m benchmarks.infer --picture reliability.svg
    python -m benchmarks.infer --keep tests/reference/data/storms   # the storms of the tests anew, after a change of the county

The storms come from a script beside the project (``--script``), which shares no code and no rate with the model; where it is not
there, nothing is done. At 3, 12, 40, 75 and 180 minutes after the last fault: customers wrongly on the list and missing, in per
cent of all that are off; whether an incident begins at the device that cleared the fault; whether the first three sections hold
the fault; incidents where nothing is out, per day; and how far stated probabilities are from shares that came true. The rates of
the settings stay as they are, except in the column "told": there the same model is told the rates of the world, where a setting
names them. "Lone" are those of the wrongly listed of whom one terminal said off while their lines have supply: in these worlds no
transformer fails by itself, which only "told" knows. At the end stands by how many points the first is worse than the second, at
most, in each world, with lone reports and without.
"""

from __future__ import annotations

import argparse
import gzip
import importlib.util
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import polars as pl

from benchmarks.threshold_rule import off_by_threshold
from data_samples.generator.county import COUNTY
from network import Network, read_network
from repair import Inference
from repair.settings import InferenceSettings

SCRIPT = Path(__file__).parent.parent.parent / "shared" / "storm" / "storm.py"
Columns = Mapping[str, pl.DataType | type[pl.DataType]]
MINUTES = (3, 12, 40, 75, 180)
FAULTS = 3
SCHEMA: Columns = {
    "time": pl.Datetime("us"),
    "object": pl.String,
    "object_id": pl.String,
    "kind": pl.String,
    "value": pl.Float64,
    "arrived": pl.Datetime("us"),
}
TRUTH: Columns = {"transformer_id": pl.String, "from": pl.Datetime("us"), "until": pl.Datetime("us")}
FAULT: Columns = {
    "branch_id": pl.String,
    "time": pl.Datetime("us"),
    "cleared_by": pl.String,
    "overreached": pl.Boolean,
    "repaired": pl.Datetime("us"),
    "kind": pl.String,
}
WORLDS: Mapping[str, Mapping[str, float]] = {
    "as set": {},
    "loss 20 %": {"off_loss": 0.2, "on_loss": 0.2},
    "loss 40 %": {"off_loss": 0.4, "on_loss": 0.4},
    "concentrators silent": {"channel_down": 0.15},
    "10-minute batches": {"batch_share": 0.5},
    "crossed terminals": {"swapped_share": 0.1},
    "half without terminals": {"terminal_share": 0.5},
    "calls only": {"terminal_share": 0.0},
    "by day": {"night_factor": 1.0},
    "overreach": {"overreach": 0.4},
    "many false reports": {"false_off_per_day": 0.1, "read_error": 0.05},
    "flags and trips lost": {"flag_miss": 0.4, "trip_miss": 0.2},
}


def script_of(path: Path) -> ModuleType | None:
    """Return the script that makes storms, where it is there."""
    spec = importlib.util.spec_from_file_location("storm", path) if path.is_file() else None
    if spec is None or spec.loader is None:
        return None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@dataclass
class Tally:
    """What came out at one time of one world; customers, and pairs of stated probability and truth."""

    wrong: int = 0
    lone: int = 0
    missing: int = 0
    off: int = 0
    old_wrong: int = 0
    old_missing: int = 0
    device: list[bool] = field(default_factory=list)
    old_device: list[bool] = field(default_factory=list)
    section: list[bool] = field(default_factory=list)
    false: int = 0
    days: float = 0.0
    stated: list[float] = field(default_factory=list)
    true: list[bool] = field(default_factory=list)


@dataclass(frozen=True, eq=False)
class Storm:
    """One storm over the county: its signals by arrival, and the truth."""

    signals: pl.DataFrame
    truth: Sequence[tuple[str, datetime, datetime | None]]
    faults: Sequence[Sequence[Any]]

    @classmethod
    def of(cls, script: ModuleType, tables: Any, seed: int, rates: Mapping[str, float]) -> Storm:
        """Make one."""
        signals, truth, faults = script.storm(tables, seed=seed, faults=FAULTS, rates=dict(rates))
        rows = [
            (
                row[0],
                row[1],
                row[2],
                row[3],
                None if row[4] == "" else float(row[4]),
                row[5] if len(row) > 5 else row[0],
            )
            for row in signals
        ]
        return cls(pl.DataFrame(rows, schema=SCHEMA, orient="row").sort("arrived"), truth, faults)

    def keep(self, folder: Path) -> None:
        """Write the storm as three tables."""
        folder.mkdir(parents=True, exist_ok=True)
        truth = pl.DataFrame(list(self.truth), schema=TRUTH, orient="row")
        faults = pl.DataFrame(list(self.faults), schema=FAULT, orient="row")
        for name, table in (("signals", self.signals), ("truth", truth), ("faults", faults)):
            (folder / f"{name}.csv.gz").write_bytes(gzip.compress(table.write_csv().encode(), mtime=0))

    @classmethod
    def kept(cls, folder: Path) -> Storm:
        """Read one that was written."""
        signals, truth, faults = (
            pl.read_csv(folder / f"{name}.csv.gz", schema=schema)
            for name, schema in (("signals", SCHEMA), ("truth", TRUTH), ("faults", FAULT))
        )
        return cls(signals, truth.rows(), faults.rows())

    @property
    def last(self) -> datetime:
        """When the last fault struck."""
        latest: datetime = max(fault[1] for fault in self.faults)
        return latest

    def heard(self, at: datetime) -> pl.DataFrame:
        """Return the signals that have arrived by a moment."""
        return self.signals.filter((pl.col("arrived") <= at) & (pl.col("time") <= at)).drop("arrived")

    def off(self, at: datetime) -> set[str]:
        """Return the transformers that are off at a moment."""
        return {name for name, since, until in self.truth if since <= at and (until is None or at < until)}


@dataclass(frozen=True, eq=False)
class Bench:
    """The county, and who counts on it."""

    net: Network
    served: frozenset[str]
    customers: Mapping[str, int]

    @classmethod
    def of(cls) -> Bench:
        """Return the sample county; transformers that are not in service during the storms do not count."""
        net = read_network(COUNTY)
        day = datetime(2023, 1, 1)
        early = pl.col("in_service").is_null() | (pl.col("in_service") <= day)
        served = net.transformers.filter(early & (pl.col("retired").is_null() | (pl.col("retired") > day)))
        ids = net.transformers["transformer_id"].to_list()
        return cls(
            net,
            frozenset(served["transformer_id"]),
            dict(zip(ids, net.customers_with_one_supply.tolist(), strict=True)),
        )

    def count(self, transformers: set[str]) -> int:
        """Return how many customers these transformers feed alone."""
        return sum(self.customers[transformer] for transformer in transformers)

    def judge(self, storm: Storm, minutes: int, tally: Tally, rules: InferenceSettings) -> None:
        """Judge one storm at one time."""
        net = self.net
        supply = net.energise()
        at = storm.last + timedelta(minutes=minutes)
        heard = storm.heard(at)
        inference = Inference(supply, None, rules)
        inference.take(heard)
        inference.tick(at)
        incidents = inference.incidents
        off = storm.off(at) & self.served
        listed = {each for one in incidents if one.is_open for each in one.dark_ids}
        tally.off += self.count(off)
        tally.wrong += self.count(listed - off)
        alone = {name for one in incidents if one.is_open and one.level == "transformer" for name in one.dark_ids}
        tally.lone += self.count(alone - off)
        tally.missing += self.count(off - listed)
        words = heard.sort("time").select("object", "object_id", "kind", pl.col("value").fill_null(0).cast(pl.Int64))
        old, named = off_by_threshold(supply, words.iter_rows())
        ids = net.transformers["transformer_id"]
        old_listed = {ids[each] for each in old} & self.served
        tally.old_wrong += self.count(old_listed - off)
        tally.old_missing += self.count(off - old_listed)
        self._faults(storm, inference, named, at, tally)
        touched = {name for name, since, _ in storm.truth if since <= at}
        tally.false += sum(
            incident.is_open
            and incident.phases is None
            and not set(incident.dark_ids) & touched
            and not incident.customer_ids
            for incident in incidents
        )
        tally.days += (at - storm.signals["time"][0]) / timedelta(days=1)
        feeders = {fault[0][:3] for fault in storm.faults}
        sure = inference.sure()
        for name in self.served:
            if name[:3] in feeders:
                tally.stated.append(sure.get(name, 0.0))
                tally.true.append(name in off)

    def _faults(self, storm: Storm, inference: Inference, named: set[int], at: datetime, tally: Tally) -> None:
        """Judge which device is named for each fault that stands, and whether the first sections hold it."""
        net = self.net
        supply = net.energise()
        now_open = [
            incident for incident in inference.incidents if incident.state in {"suspected", "confirmed", "restored"}
        ]
        old = set(net.branches["branch_id"].gather(sorted(named)).to_list())
        for branch, began, clearing, over, repaired, kind in storm.faults:
            below = set(supply.below(clearing).transformers) & self.served
            if kind == "temporary" or not below or not began <= at < repaired or over:
                continue
            mine = [each for each in now_open if set(each.transformer_ids) & below or each.object_id == clearing]
            best = max(mine, key=lambda each: len(each.transformer_ids), default=None)
            right = best is not None and (best.object_id == clearing or (len(below) == 1 and best.object_id in below))
            tally.device.append(right)
            tally.old_device.append(clearing in old)
            if best is not None and best.level not in {"transformer", "customers", "customer"}:
                tally.section.append(self._located(inference, storm.heard(at), best.object_id, branch))

    def _located(self, inference: Inference, heard: pl.DataFrame, head: str, branch: str) -> bool:
        from repair import locate

        supply = self.net.energise()
        piece = inference.places(heard)
        at = int(supply.place_below(self.net.branch_index(head))[0])
        mine = piece.filter(pl.col("head") == int(supply.head_above[at])).drop("place", "head")
        found = locate(supply, mine, self.net.workspace.tables["sensors"])
        return any(branch in section.branches for section in found.ranked[:3])


def calibration_error(stated: Sequence[float], true: Sequence[bool]) -> float:
    """Return the expected calibration error in per cent: the mean distance of stated from true shares over ten bins."""
    share, happened = np.array(stated), np.array(true, dtype=np.float64)
    number = np.minimum((share * 10).astype(int), 9)
    size = np.bincount(number, minlength=10)
    gaps = np.abs(np.bincount(number, share, 10) - np.bincount(number, happened, 10))
    return float(gaps.sum() / max(size.sum(), 1) * 100)


def points(tally: Tally, informed: Tally) -> float:
    """Return by how many points of all off one tally is worse than another, wrongly listed and missing together."""
    return 100 * (tally.wrong + tally.missing - informed.wrong - informed.missing) / max(tally.off, 1)


def without_lone(tally: Tally) -> Tally:
    """Return the same without lone reports."""
    return replace(tally, wrong=tally.wrong - tally.lone)


def share(part: float, whole: float) -> str:
    """Return a part in per cent."""
    return f"{100 * part / whole:5.1f}" if whole else "    –"


def true_rules(told: Mapping[str, float]) -> InferenceSettings:
    """Return the settings of one who is told the rates of a world; single transformers and customers never fail there."""
    loss, absent = told["off_loss"], 1 - told["terminal_share"]
    never = 1e-6
    return InferenceSettings(
        qualities=((1.0, min(max(absent, 0.001), 0.999), loss),), on_loss=told["on_loss"], delivery_s=told["delay_s"],
        batch_share=min(told["batch_share"], 0.99), batch_min=told["batch_min"], night_factor=told["night_factor"],
        false_off=told["false_off_per_day"] / 24, read_error=told["read_error"], overreach_rate=told["overreach"],
        trip_loss=told["trip_miss"], flag_miss=told["flag_miss"], flag_false=told["flag_false"], temporary=told["temporary"],
        calls=((1.0, told["call_per_customer_h"]),), false_calls_per_day=told["false_call_per_day"],
        repair_h=1.1 * told["repair_h"], wrong_place=min(max(told["swapped_share"], never), 0.5),
        channel_fails=max(told["channel_down"] / 8, never), transformer_outages_yr=never, customer_outages_yr=never,
        low_voltage_outages_yr=never,
    )  # fmt: skip


def main() -> None:
    """Print one table for all worlds."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--storms", type=int, default=12)
    parser.add_argument("--worlds", nargs="*")
    parser.add_argument("--script", type=Path, default=SCRIPT)
    parser.add_argument("--picture", type=Path)
    parser.add_argument("--keep", type=Path, help="write ten storms to this folder and judge none")
    given = parser.parse_args()
    script = script_of(given.script)
    if script is None:
        sys.stdout.write(f"There is no storm script at {given.script}; nothing to judge.\n")
        return
    bench, tables = Bench.of(), script.tables_of(str(COUNTY))
    if given.keep:
        for seed in range(1, 11):
            world = list(WORLDS)[seed % len(WORLDS)]
            Storm.of(script, tables, seed, WORLDS[world]).keep(
                given.keep / f"{seed:02} {world}".replace(" %", "").replace(" ", "_")
            )
        return
    head = (
        "world                    min   off    wrong (lone) missing | told: wrong missing | old: wrong missing |"
        " device  old | section | false/day | ECE\n"
    )
    sys.stdout.write(head)
    every: list[Tally] = []
    gaps: dict[str, tuple[float, float]] = {}
    for name, rates in WORLDS.items():
        if given.worlds and name not in given.worlds:
            continue
        storms = [Storm.of(script, tables, seed, rates) for seed in range(1, given.storms + 1)]
        for minutes in MINUTES:
            tally, informed = Tally(), Tally()
            for storm in storms:
                bench.judge(storm, minutes, tally, InferenceSettings())
                bench.judge(storm, minutes, informed, true_rules(script.RATES | dict(rates)))
            every.append(tally)
            before = gaps.get(name, (-100.0, -100.0))
            now = points(tally, informed), points(without_lone(tally), without_lone(informed))
            gaps[name] = max(before[0], now[0]), max(before[1], now[1])
            told = calibration_error(tally.stated, tally.true)
            sys.stdout.write(
                f"{name:24} {minutes:3}  {tally.off:6,}  {share(tally.wrong, tally.off)} "
                f"({share(tally.lone, tally.off)})  {share(tally.missing, tally.off)}  |"
                f"       {share(informed.wrong, informed.off)}   {share(informed.missing, informed.off)} |"
                f"      {share(tally.old_wrong, tally.off)}   {share(tally.old_missing, tally.off)} |"
                f" {share(sum(tally.device), len(tally.device))} {share(sum(tally.old_device), len(tally.device))} |"
                f"  {share(sum(tally.section), len(tally.section))} |"
                f"   {tally.false / max(tally.days, 1e-9):5.2f}   | {told:4.1f}\n"
            )
            sys.stdout.flush()
    for name, gap in gaps.items():
        with_lone, rest = gap
        sys.stdout.write(
            f"{name:24} worse than told by {with_lone:5.1f} points at most, wrong and missing together; "
            f"{rest:5.1f} without lone reports\n"
        )
    if given.picture:
        draw(every, given.picture)


def draw(tallies: Sequence[Tally], path: Path) -> None:
    """Draw a reliability diagram: the share that was truly off over the stated probability."""
    stated = np.array([each for tally in tallies for each in tally.stated])
    true = np.array([each for tally in tallies for each in tally.true], dtype=np.float64)
    number = np.minimum((stated * 10).astype(int), 9)
    size = np.bincount(number, minlength=10)
    kept = np.flatnonzero(size)
    x, y = (np.bincount(number, values, 10)[kept] / size[kept] for values in (stated, true))
    points = "".join(
        f'<circle cx="{40 + 300 * a:.1f}" cy="{340 - 300 * b:.1f}" r="{2 + np.log10(n):.1f}"/>'
        f'<text x="{40 + 300 * a + 8:.1f}" y="{340 - 300 * b + 4:.1f}">{n:,}</text>'
        for a, b, n in zip(x, y, size[kept].tolist(), strict=True)
    )
    ticks = "".join(
        f'<text x="{40 + 300 * t:.0f}" y="356" text-anchor="middle">{t:.1f}</text>'
        f'<text x="34" y="{344 - 300 * t:.0f}" text-anchor="end">{t:.1f}</text>'
        for t in (0.0, 0.5, 1.0)
    )
    path.write_text(
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 420 380" font-family="sans-serif" font-size="10" fill="#24425c">'
        '<rect x="40" y="40" width="300" height="300" fill="none" stroke="#8a97a3"/><path d="M40 340 340 40" stroke="#8a97a3"/>'
        f'{ticks}<text x="190" y="374" text-anchor="middle">stated probability that a transformer is off</text>'
        f'<text x="40" y="30">share that was truly off; numbers of transformers beside the points</text>{points}</svg>\n',
        "utf-8",
    )


if __name__ == "__main__":
    main()
