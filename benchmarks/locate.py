"""Fault location on real feeders with flags that are lost and flags that are wrong, beside the matrix method and 0-1 programming.

    python -m benchmarks.locate               # 500 faults per cell
    python -m benchmarks.locate 20000         # the full table; some hours on one core, feeders run beside each other

Feeders: EPRI K1 and a circuit of ESB Networks (reference data beside the project), and a SimBench network where that package
is installed. Sensors stand wherever forty more branches have come together. Faults strike in proportion to length. Each flag is
lost (a fault not reported) or wrong (reported where none is) at the rates of the cell; the methods know those rates, as they
would from history.

An answer is right when it names what sensors can tell: the section of one fault; of two faults the sections of both, or of the
one behind which the other hides. Methods that name several count in proportion. Beside ours stands the best that any method can
reach: an independent calculation of the most probable answer from the same reports, section by section.
"""

from __future__ import annotations

import multiprocessing
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from itertools import product
from pathlib import Path

import numpy as np
import polars as pl
from rich.console import Console
from rich.progress import track
from rich.table import Table

from network import Network, Supply, network_from_tables
from network.arrays import Indices, Mask, Numbers
from repair.cross_checks import matrix_method, zero_one_programming
from repair.evidence import Sensors, Witnesses
from repair.feeders import Feeders
from repair.location import Reading, locate
from repair.radial import Radial
from repair.settings import LocationSettings

REFERENCE = Path(__file__).parent.parent.parent / "shared" / "data"
MISSING = (0.0, 0.1, 0.2, 0.3)
FALSE = (0.0, 0.03, 0.1)
FAULTS = (1, 2)
EVERY = 40
SURE = 1e-6
"""A rate of zero, for methods that reckon with logarithms."""


# Feeders ----------------------------------------------------------------------------------------------------------------


def epri_k1() -> Network:
    """Return EPRI K1 with its switches."""
    rows = pl.read_csv(REFERENCE / "epri_k1" / "EPRI_K1_branches.csv", schema_overrides={"name": pl.String})
    branches = rows.with_row_index("row").select(
        branch_id=pl.format("{}.{}#{}", "kind", "name", "row"),
        from_node="bus1",
        to_node="bus2",
        kind=pl.when(pl.col("is_switch") == 1).then(pl.lit("switch")).otherwise(pl.lit("line")),
        normally_open=pl.col("open").cast(pl.Boolean),
    )
    return network_from_tables({"sources": [{"node": "trans_equiv"}], "branches": branches, "transformers": []})


def esb_circuit() -> Network:
    """Return the circuit of ESB Networks; its fuses and reclosers as plain sections, for flags alone are judged here."""
    from tests.reference.test_esb_ireland import tables_of

    tables = tables_of(REFERENCE / "esb_ireland" / "E11_circuit_CIM.json")
    for branch in tables["branches"]:
        branch["kind"] = "line"
    return network_from_tables(tables)


def simbench() -> Network:
    """Return a rural medium-voltage network of SimBench."""
    from network import read_network
    from network.converting import convert

    with tempfile.TemporaryDirectory() as folder:
        convert(["1-MV-rural--0-sw"], "pandapower", Path(folder) / "net")
        net = read_network(Path(folder) / "net")
    branches = net.branches.with_columns(kind=pl.lit("line"))
    return network_from_tables({"sources": net.sources, "branches": branches, "transformers": []})


FEEDERS = {"EPRI K1": epri_k1, "ESB circuit": esb_circuit, "SimBench rural": simbench}


# One feeder -------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Bench:
    """A feeder with its sensors.

    Attributes:
        supply: its normal state.
        feeders: the part that the greatest source feeds.
        place: of each sensor, in rising order.
        prior: of a fault on each branch of the forest, by length.
    """

    supply: Supply
    feeders: Feeders
    place: Indices
    prior: Numbers

    @classmethod
    @lru_cache(maxsize=1)
    def of(cls, name: str) -> Bench:
        supply = FEEDERS[name]().energise()
        sources = np.flatnonzero(supply.parent == 0)
        largest = sources[np.argmax(supply.end[sources] - sources)]
        feeders = Feeders.of(supply, np.array([largest]))
        branches = feeders.branch_to[feeders.branch_to >= 0]
        length = supply.network.branches["length_km"].gather(branches)
        known = length.fill_null(length.mean() if length.null_count() < len(length) else 1.0).to_numpy()
        return cls(supply, feeders, cls._sensors(feeders), np.maximum(known, 1e-6) / np.maximum(known, 1e-6).sum())

    @staticmethod
    def _sensors(feeders: Feeders) -> Indices:
        """A sensor wherever 40 more branches have come together below the one before: from the ends to the source."""
        own = np.zeros(len(feeders.end), dtype=np.int64)
        chosen = []
        for place in range(len(feeders.end) - 1, 0, -1):
            own[place] += 1
            if feeders.parent[place] == 0 or feeders.branch_to[place] < 0:
                continue
            if own[place] >= EVERY or feeders.parent[feeders.parent[place]] == 0:
                chosen.append(place)
            else:
                own[feeders.parent[place]] += own[place]
        return np.array(sorted(chosen), dtype=np.int64)

    @property
    def candidates(self) -> Indices:
        return np.flatnonzero(self.feeders.branch_to >= 0)

    @property
    def beyond(self) -> Mask:
        """Whether each candidate lies beyond each sensor, shape (sensors, candidates)."""
        place = self.place[:, None]
        return (place <= self.candidates) & (self.candidates < self.feeders.end[place])

    def model(self, report: Numbers, miss: float, false: float, rules: LocationSettings) -> Radial:
        """Return the reports as the location takes them."""
        count = len(self.place)
        branch = self.feeders.branch_to[self.place]
        sensors = Sensors(branch, self.place, np.full(count, miss), np.full(count, false), report)
        nobody = Witnesses(np.zeros(0, dtype=np.int64), np.zeros(0), ())
        return Radial(self.feeders, sensors, np.zeros(0, dtype=np.int64), nobody, rules)


def signatures(bench: Bench) -> tuple[Mask, Indices]:
    """Return what each section shows, shape (sections, sensors), and the section of each candidate."""
    shown, section = np.unique(bench.beyond.T, axis=0, return_inverse=True)
    return shown, section.ravel()


@dataclass
class Cell:
    """What came out of one cell of the table."""

    rights: dict[str, float]
    stated: Numbers
    correct: Numbers
    covered: float
    size: float


def run_cell(name: str, missing: float, false: float, faults: int, rounds: int, seed: int) -> Cell:
    """Strike ``rounds`` times and let every method answer."""
    bench = Bench.of(name)
    rng = np.random.default_rng(seed)
    shown, section = signatures(bench)
    weight = np.bincount(section, weights=bench.prior)
    rules = LocationSettings(second_fault_rate=0.0 if faults == 1 else 1 - 1e-9)
    miss_rate, false_rate = max(missing, SURE), max(false, SURE)
    names = bench.supply.network.branches["branch_id"].gather(bench.feeders.branch_to[bench.place]).to_list()
    every = _every_answer(shown, weight, faults)
    rights = dict.fromkeys(("Fudian", "best", "matrix", "0-1"), 0.0)
    stated, correct, covered, size = np.zeros(rounds), np.zeros(rounds), 0, 0
    for i in range(rounds):
        struck = rng.choice(len(bench.prior), faults, p=bench.prior)
        truth = shown[section[struck]].any(axis=0)
        chance = rng.random(len(truth))
        report = np.where(truth, chance >= missing, chance < false).astype(np.float64)
        reading = Reading(bench.model(report, miss_rate, false_rate, rules), bench.prior, rules)
        first, sections, probability = _our_answer(reading, shown, section, faults)
        stated[i] = probability
        correct[i] = np.array_equal(first, truth)
        if faults == 1:
            order = np.argsort(-reading.probability, kind="stable")
            few = order[: int(np.searchsorted(np.cumsum(reading.probability[order]), 0.9 - 1e-12)) + 1]
            covered += any(np.array_equal(shown[sections[each]], truth) for each in few)
            size += len(few)
        rights["Fudian"] += correct[i]
        rights["best"] += _best(every, report, miss_rate, false_rate, truth)
        flags = {each: bool(value) for each, value in zip(names, report, strict=True)}
        named = matrix_method(bench.supply, flags)
        rights["matrix"] += np.array_equal(_shows(named, names, bench), truth)
        solutions = zero_one_programming(bench.supply, flags).solutions
        rights["0-1"] += np.mean([np.array_equal(_shows(each, names, bench), truth) for each in solutions])
    shares = {method: value / rounds for method, value in rights.items()}
    return Cell(shares, stated, correct, covered / rounds, size / rounds)


def _our_answer(reading: Reading, shown: Mask, section: Indices, faults: int) -> tuple[Mask, Indices, float]:
    """Return what the first answer would show, the signature of each of our sections, and the probability that is stated."""
    first_of = np.unique(reading.model.section, return_index=True)[1]
    sections = section[first_of]
    if faults == 1:
        best = int(np.argmax(reading.probability))
        return shown[sections[best]], sections, float(reading.probability[best])
    order = np.argsort(-reading.probability, kind="stable")
    answer = reading.explanations[0]
    return shown[sections[order[list(answer.sections)]]].any(axis=0), sections, answer.probability


def _every_answer(shown: Mask, weight: Numbers, faults: int) -> tuple[Mask, Numbers]:
    """Return all that one fault or two can show, each once, with its prior: for the calculation beside ours."""
    if faults == 1:
        return shown, weight
    pairs = np.array(list(product(range(len(shown)), repeat=2)))
    both = shown[pairs[:, 0]] | shown[pairs[:, 1]]
    answers, which = np.unique(both, axis=0, return_inverse=True)
    return answers, np.bincount(which.ravel(), weights=weight[pairs[:, 0]] * weight[pairs[:, 1]])


def _best(every: tuple[Mask, Numbers], report: Numbers, miss: float, false: float, truth: Mask) -> float:
    """Return whether the most probable of all answers is right; of equal ones the share that is."""
    answers, prior = every
    seen = report > 0
    at_fault, elsewhere = np.where(seen, 1 - miss, miss), np.where(seen, false, 1 - false)
    value = np.log(prior) + np.where(answers, np.log(at_fault), np.log(elsewhere)).sum(axis=1)
    equal = np.flatnonzero(value >= value.max() - 1e-9)
    return float((answers[equal] == truth).all(axis=1).mean())


def _shows(faulted: frozenset[str], names: list[str], bench: Bench) -> Mask:
    """Return which sensors see faults in the sections that these sensors head."""
    result = np.zeros(len(names), dtype=np.bool_)
    for i, (name, place) in enumerate(zip(names, bench.place, strict=True)):
        if name in faulted:
            result |= (bench.place <= place) & (place < bench.feeders.end[bench.place])
            result[i] = True
    return result


# Speed ------------------------------------------------------------------------------------------------------------------


def speed(console: Console, sections: int = 10_000, sensors: int = 500, rounds: int = 20) -> float:
    """Locate on one large feeder, and return the milliseconds of processor time from signals to the ranking."""
    rng = np.random.default_rng(1)
    above = [max(0, i - int(rng.geometric(0.3))) for i in range(sections)]
    kinds = ["breaker"] + ["recloser" if i % 2000 == 0 else "line" for i in range(1, sections)]
    branches = pl.DataFrame(
        {
            "branch_id": [f"B{i}" for i in range(sections)],
            "from_node": [f"N{i}" for i in above],
            "to_node": [f"N{i + 1}" for i in range(sections)],
            "kind": kinds,
            "length_km": rng.uniform(0.05, 0.5, sections),
        }
    )
    hung = rng.choice(sections, 2000, replace=False)
    transformers = pl.DataFrame({"transformer_id": [f"T{i}" for i in hung], "node": [f"N{i + 1}" for i in hung]})
    net = network_from_tables({"sources": [{"node": "N0"}], "branches": branches, "transformers": transformers})
    supply, rules = net.energise(), LocationSettings()
    watched = np.sort(rng.choice(sections, sensors, replace=False))
    table = pl.DataFrame({"branch_id": [f"B{i}" for i in watched]}).with_columns(miss_rate=0.05, false_rate=0.05)
    prepared = Sensors.of(supply, table, rules)
    first, everything = [], []
    for _ in range(rounds):
        way, node = set(), int(rng.integers(sections)) + 1
        while node:
            way.add(node - 1)
            node = above[node - 1]
        rows = [("branch", f"B{i}", "fault_current", float((i in way) != (rng.random() < 0.03))) for i in watched]
        rows = [row for row in rows if rng.random() > 0.1] + [("branch", "B0", "trip", None)]
        rows += [("transformer", f"T{i}", "off", None) for i in hung if rng.random() < 0.7]
        names = {"object": pl.String, "object_id": pl.String, "kind": pl.String, "value": pl.Float64}
        signals = pl.DataFrame(rows, schema=names, orient="row").with_columns(time=pl.lit(datetime(2022, 1, 1)))
        begin = time.process_time()
        found = locate(supply, signals, prepared, rules)
        first.append((time.process_time() - begin) * 1000)
        found.as_dict()
        everything.append((time.process_time() - begin) * 1000)
    ranking, whole = float(np.median(first)), float(np.median(everything))
    console.print(
        f"\n{sections:,} sections, {sensors} sensors, {signals.height:,} signals: ranked in {ranking:.1f} ms of the processor "
        f"(target below 20); with every pair of faults, doubtful signals and checks {whole:.0f} ms",
        highlight=False,
    )
    return ranking


# The table --------------------------------------------------------------------------------------------------------------


def cells() -> Iterator[tuple[float, float, int]]:
    """Return every cell: missing, false, number of faults."""
    yield from ((missing, false, faults) for faults in FAULTS for missing in MISSING for false in FALSE)


def calibration_error(stated: Numbers, correct: Numbers, bins: int = 20) -> float:
    """Return the expected calibration error: how far what is stated lies from what comes true, over bins of equal width."""
    which = np.minimum((stated * bins).astype(int), bins - 1)
    counts = np.bincount(which, minlength=bins)
    gap = np.abs(
        np.bincount(which, weights=stated, minlength=bins) - np.bincount(which, weights=correct, minlength=bins)
    )
    return float(gap.sum() / counts.sum())


def diagram(console: Console, stated: Numbers, correct: Numbers) -> None:
    """Print how often what was stated came true."""
    console.print("stated      came true      answers")
    which = np.minimum((stated * 10).astype(int), 9)
    for each in range(10):
        mine = which == each
        if mine.any():
            bar = "█" * round(correct[mine].mean() * 40)
            console.print(
                f"{stated[mine].mean():6.1%}  {correct[mine].mean():8.1%}  {mine.sum():10,}  {bar}", highlight=False
            )


def feeder_table(console: Console, name: str, rounds: int) -> tuple[list[tuple[tuple[float, float, int], Cell]], bool]:
    """Run every cell of one feeder and print its table."""
    bench = Bench.of(name)
    console.print(
        f"\n{name}: {len(bench.prior):,} branches, {len(bench.place)} sensors, {rounds:,} faults per cell",
        highlight=False,
    )
    with ProcessPoolExecutor(2, multiprocessing.get_context("spawn")) as pool:
        jobs = [(cell, pool.submit(run_cell, name, *cell, rounds, seed)) for seed, cell in enumerate(cells())]
        found = [(cell, job.result()) for cell, job in track(jobs, console=Console(stderr=True), description=name)]
    table = Table(title=f"{name}: right answers, %")
    for title in (
        "faults",
        "missing",
        "false",
        "Fudian",
        "best possible",
        "matrix",
        "0-1",
        "90 % set holds",
        "sections in it",
    ):
        table.add_column(title, justify="right")
    fine = True
    for (missing, false, faults), cell in found:
        r = cell.rights
        fine &= r["Fudian"] >= max(r["matrix"], r["0-1"]) - 1e-12 and r["Fudian"] >= r["best"] - 0.005
        held = (f"{cell.covered:.1%}", f"{cell.size:.2f}") if faults == 1 else ("", "")
        rates = (f"{r[each] * 100:.2f}" for each in ("Fudian", "best", "matrix", "0-1"))
        table.add_row(str(faults), f"{missing:.0%}", f"{false:.0%}", *rates, *held)
    console.print(table)
    return found, fine


def main() -> int:
    """Run the benchmark; the exit status is 1 where a target is missed."""
    console = Console(width=150)
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 500
    chosen = sys.argv[2:] or list(FEEDERS)
    everything: list[tuple[tuple[float, float, int], Cell]] = []
    fine = True
    for name in chosen:
        try:
            found, good = feeder_table(console, name, rounds)
        except (ImportError, OSError) as absent:
            console.print(f"{name} is left out: {absent}")
            continue
        everything += found
        fine &= good
    stated = np.concatenate([cell.stated for _, cell in everything])
    correct = np.concatenate([cell.correct for _, cell in everything])
    error = calibration_error(stated, correct)
    console.print("\nhow often what is stated comes true, all cells")
    diagram(console, stated, correct)
    covered = [cell.covered for (_, _, faults), cell in everything if faults == 1]
    console.print(
        f"expected calibration error {error * 100:.2f} points (target below 1); "
        f"the 90 % set holds the fault in at least {min(covered):.1%} of the faults of a cell (target 90 %)",
        highlight=False,
    )
    return 0 if speed(console) < 20 and fine and error < 0.01 and min(covered) >= 0.9 else 1


if __name__ == "__main__":
    sys.exit(main())
