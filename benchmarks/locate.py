"""Fault location on real feeders with flags that are lost and flags that are wrong, beside the matrix method and 0-1 programming.

    python -m benchmarks.locate               # 500 faults per cell
    python -m benchmarks.locate 20000         # the full table; some hours on one core, feeders run beside each other

Feeders: EPRI K1 and a circuit of ESB Networks (golden folders of the tests), and a SimBench network where that package
is installed. Sensors stand wherever forty more branches have come together. Faults strike in proportion to length. Each flag is
lost (a fault not reported) or wrong (reported where none is) at the rates of the cell; the methods know those rates, as they
would from history. One sensor at each place does not allow more than about 85 % at 10 % lost and 3 % wrong, whatever the
method; with three, as indicators of three phases stand, the same feeders are judged once more in that cell.

An answer is right when it names what sensors can tell: the section of one fault; of two faults the sections of both, or of the
one behind which the other hides. Methods that name several count in proportion. Beside ours stands the best that any method can
reach: an independent calculation of the most probable answer from the same reports, section by section.
"""

from __future__ import annotations

import multiprocessing
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property, lru_cache
from itertools import product
from pathlib import Path

import numpy as np
import polars as pl
from rich.console import Console
from rich.progress import track
from rich.table import Table

from network import Network, Supply, network_from_tables, read_network
from network.arrays import Indices, Mask, Numbers
from repair.location.cross_checks import matrix_method, zero_one_programming
from repair.location.evidence import Sensors, Witnesses, lower_place
from repair.location.feeders import Feeders
from repair.location.radial_model import RadialModel
from repair.location.sections import SectionPosterior, locate
from repair.settings import LocationSettings
from tests.conftest import GOLDEN

MISSING = (0.0, 0.1, 0.2, 0.3)
FALSE = (0.0, 0.03, 0.1)
FAULTS = (1, 2)
ALLOWS = (0.1, 0.03)
"""The cell at which three sensors at each place allow 96 %, and one does not."""
EVERY = 40
SURE = 1e-6
"""A rate of zero, for methods that reckon with logarithms."""


# Feeders ----------------------------------------------------------------------------------------------------------------


def epri_k1() -> Network:
    """Return EPRI K1 with its switches."""
    rows = pl.read_csv(GOLDEN / "epri_k1" / "EPRI_K1_branches.csv", schema_overrides={"name": pl.String})
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

    tables = tables_of(GOLDEN / "esb_ireland" / "E11_circuit_CIM.json")
    for branch in tables["branches"]:
        branch["kind"] = "line"
    return network_from_tables(tables)


def simbench() -> Network:
    """Return a rural medium-voltage network of SimBench."""
    from network.readers.converting import convert_files

    with tempfile.TemporaryDirectory() as folder:
        convert_files([Path("1-MV-rural--0-sw")], "pandapower", Path(folder) / "net")
        net = read_network(Path(folder) / "net")
    branches = net.branches.with_columns(kind=pl.lit("line"))
    return network_from_tables({"sources": net.sources, "branches": branches, "transformers": []})


FEEDERS = {"EPRI K1": epri_k1, "ESB circuit": esb_circuit, "SimBench rural": simbench}
TRIPLED = " x3"
"""Ends the name of a feeder with three sensors one behind the other at each place: what one loses, the others tell."""
SWITCH = " switch"


def lengths(net: Network) -> pl.Series:
    """Return the length of every branch; the mean, or one, where it is not known."""
    length = net.branches["length_km"]
    return length.fill_null(length.mean() if length.null_count() < len(length) else 1.0)


def with_switches(net: Network, watched: pl.Series) -> Network:
    """Return the network with a switch of no length at the beginning of the watched branches, on the side of the source."""
    supply = net.energise()
    lower = net.nodes.gather(supply.node_at[lower_place(supply, net.branch_index(watched))])
    line = net.branches.with_columns(length_km=lengths(net)).join(
        pl.DataFrame({"branch_id": watched, "lower": lower}), "branch_id", "left", maintain_order="left"
    )
    begin, end = pl.col("from_node"), pl.col("to_node")
    upper = pl.when(end == pl.col("lower")).then(begin).otherwise(end)
    between = pl.col("branch_id") + " behind"
    switch = line.filter(pl.col("lower").is_not_null()).select(
        branch_id=pl.col("branch_id") + SWITCH, from_node=upper, to_node=between, kind=pl.lit("switch"), length_km=0.0
    )
    cut = pl.col("lower").is_not_null()
    line = line.select(
        "branch_id",
        "kind",
        "normally_open",
        "length_km",
        from_node=pl.when(cut).then(between).otherwise(begin),
        to_node=pl.when(cut).then("lower").otherwise(end),
    )
    branches = pl.concat([line, switch], how="diagonal")
    return network_from_tables({"sources": net.sources, "branches": branches, "transformers": []})


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
        net = FEEDERS[name.removesuffix(TRIPLED)]()
        bench = cls._of(net, cls._sensors)
        if not name.endswith(TRIPLED):
            return bench
        watched = net.branches["branch_id"].gather(bench.feeders.branch_to[bench.place])
        all_watched = watched
        for _ in range(2):
            net = with_switches(net, watched)
            watched = watched + SWITCH
            all_watched = all_watched.append(watched)
        is_watched = net.branches["branch_id"].is_in(all_watched.implode()).to_numpy()
        return cls._of(net, lambda feeders: np.flatnonzero((feeders.branch_to >= 0) & is_watched[feeders.branch_to]))

    @classmethod
    def _of(cls, net: Network, sensors: Callable[[Feeders], Indices]) -> Bench:
        supply = net.energise()
        sources = np.flatnonzero(supply.parent == 0)
        largest = sources[np.argmax(supply.end[sources] - sources)]
        feeders = Feeders.of(supply, np.array([largest]))
        branches = feeders.branch_to[feeders.branch_to >= 0]
        length = np.maximum(lengths(net).gather(branches).to_numpy(), 1e-6)
        return cls(supply, feeders, sensors(feeders), length / length.sum())

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

    @cached_property
    def watched(self) -> pl.DataFrame:
        """The branches with a sensor."""
        ids = self.supply.network.branches["branch_id"].gather(self.feeders.branch_to[self.place])
        return pl.DataFrame({"object_id": ids})

    def model(self, report: Numbers, miss: float, false: float, rules: LocationSettings) -> RadialModel:
        """Return the reports as the location takes them."""
        count = len(self.place)
        branch = self.feeders.branch_to[self.place]
        sensors = Sensors(branch, self.place, np.full(count, miss), np.full(count, false), report)
        nobody = Witnesses(np.zeros(0, dtype=np.int64), np.zeros(0), ())
        heard = self.watched.with_columns(
            pl.lit(datetime(2022, 1, 1)).alias("time"),
            object=pl.lit("branch"),
            kind=pl.lit("fault_current"),
            value=report,
        )
        prior = np.zeros(self.supply.network.branches.height)
        prior[self.feeders.branch_to[self.candidates]] = self.prior
        return RadialModel(self.feeders, sensors, np.zeros(0, dtype=np.int64), nobody, rules, heard, prior)


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


@dataclass(frozen=True, eq=False)
class Answers:
    """What every method says to one report: each answer as what it would show, shape (answers, sensors).

    Attributes:
        first: our first answer.
        stated: its probability.
        few: the smallest set of our sections that holds 90 %; of one fault only.
        best: the most probable of all answers; several where they are equal.
        matrix: of the matrix method.
        zero_one: every solution of 0-1 programming.
    """

    first: Mask
    stated: float
    few: Mask
    best: Mask
    matrix: Mask
    zero_one: Mask


@dataclass(frozen=True, eq=False)
class Methods:
    """The methods side by side on one feeder, at the rates of one cell."""

    bench: Bench
    shown: Mask
    section: Indices
    miss: float
    false: float
    faults: int

    @cached_property
    def names(self) -> list[str]:
        names: list[str] = self.bench.watched["object_id"].to_list()
        return names

    @cached_property
    def every(self) -> tuple[Mask, Numbers]:
        return _every_answer(
            self.shown, np.bincount(self.section, weights=self.bench.prior).astype(np.float64), self.faults
        )

    def answers(self, report: Mask) -> Answers:
        """Return what every method says to one report."""
        rules = LocationSettings(second_fault_rate=0.0 if self.faults == 1 else 1 - 1e-9)
        model = self.bench.model(report.astype(np.float64), self.miss, self.false, rules)
        first, few, stated = _our_answer(
            SectionPosterior(model, self.bench.prior, rules), self.shown, self.section, self.faults
        )
        best = _best(self.every, report, self.miss, self.false)
        flags = {each: bool(value) for each, value in zip(self.names, report, strict=True)}
        matrix = _shows(matrix_method(self.bench.supply, flags), self.names, self.bench)
        solutions = zero_one_programming(self.bench.supply, flags).solutions
        zero_one = np.array([_shows(solution, self.names, self.bench) for solution in solutions])
        return Answers(first, stated, few, best, matrix[None], zero_one)


def run_cell(name: str, missing: float, false: float, faults: int, rounds: int, seed: int) -> Cell:
    """Strike ``rounds`` times and let every method answer. A report that was heard before is not reckoned again."""
    bench = Bench.of(name)
    rng = np.random.default_rng(seed)
    shown, section = signatures(bench)
    methods = Methods(bench, shown, section, max(missing, SURE), max(false, SURE), faults)
    known: dict[bytes, Answers] = {}
    rights = dict.fromkeys(("Fudian", "best", "matrix", "0-1"), 0.0)
    stated, correct, covered, size = np.zeros(rounds), np.zeros(rounds), 0, 0
    for i in range(rounds):
        struck = rng.choice(len(bench.prior), faults, p=bench.prior)
        truth: Mask = np.atleast_1d(shown[section[struck]].any(axis=0))
        chance = rng.random(len(truth))
        report = np.where(truth, chance >= missing, chance < false)
        key = report.tobytes()
        answers = known.get(key)
        if answers is None:
            answers = known[key] = methods.answers(report)
        stated[i] = answers.stated
        correct[i] = np.array_equal(answers.first, truth)
        covered += bool(np.all(answers.few == truth, axis=1).any())
        size += len(answers.few)
        rights["Fudian"] += correct[i]
        for method, said in (("best", answers.best), ("matrix", answers.matrix), ("0-1", answers.zero_one)):
            rights[method] += float(np.all(said == truth, axis=1).mean())
    shares = {method: value / rounds for method, value in rights.items()}
    return Cell(shares, stated, correct, covered / rounds, size / rounds)


def _our_answer(reading: SectionPosterior, shown: Mask, section: Indices, faults: int) -> tuple[Mask, Mask, float]:
    """Return what the first answer would show, what each of the sections that hold 90 % would, and the stated probability."""
    first_of = np.unique(reading.model.section, return_index=True)[1]
    sections = section[first_of]
    order = np.argsort(-reading.probability, kind="stable")
    if faults == 1:
        few = order[: int(np.searchsorted(np.cumsum(reading.probability[order]), 0.9 - 1e-12)) + 1]
        return shown[sections[order[0]]], shown[sections[few]], float(reading.probability[order[0]])
    answer = reading.explanations[0]
    first: Mask = np.any(shown[sections[order[list(answer.sections)]]], axis=0)
    return first, first[None], answer.probability


def _every_answer(shown: Mask, weight: Numbers, faults: int) -> tuple[Mask, Numbers]:
    """Return all that one fault or two can show, each once, with its prior: for the calculation beside ours."""
    if faults == 1:
        return shown, weight
    pairs = np.array(list(product(range(len(shown)), repeat=2)))
    both = shown[pairs[:, 0]] | shown[pairs[:, 1]]
    answers, which = np.unique(both, axis=0, return_inverse=True)
    return answers, np.bincount(which.ravel(), weights=weight[pairs[:, 0]] * weight[pairs[:, 1]]).astype(np.float64)


def _best(every: tuple[Mask, Numbers], report: Mask, miss: float, false: float) -> Mask:
    """Return the most probable of all answers; all of them where several are equal."""
    answers, prior = every
    at_fault, elsewhere = np.where(report, 1 - miss, miss), np.where(report, false, 1 - false)
    value = np.log(prior) + np.where(answers, np.log(at_fault), np.log(elsewhere)).sum(axis=1)
    likeliest: Mask = answers[value >= value.max() - 1e-9]
    return likeliest


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
        rows: list[tuple[str, str, str, float | None]] = [
            ("branch", f"B{i}", "fault_current", float((i in way) != (rng.random() < 0.03))) for i in watched
        ]
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


def cells(name: str) -> list[tuple[float, float, int]]:
    """Return every cell of a feeder: missing, false, number of faults."""
    if name.endswith(TRIPLED):
        return [(*ALLOWS, faults) for faults in FAULTS]
    return [(missing, false, faults) for faults in FAULTS for missing in MISSING for false in FALSE]


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
        jobs = [(cell, pool.submit(run_cell, name, *cell, rounds, seed)) for seed, cell in enumerate(cells(name))]
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
        fine &= r["Fudian"] >= 0.96 or faults > 1 or not name.endswith(TRIPLED)
        held = (f"{cell.covered:.1%}", f"{cell.size:.2f}") if faults == 1 else ("", "")
        rates = (f"{r[each] * 100:.2f}" for each in ("Fudian", "best", "matrix", "0-1"))
        table.add_row(str(faults), f"{missing:.0%}", f"{false:.0%}", *rates, *held)
    console.print(table)
    return found, fine


def main() -> int:
    """Run the benchmark; the exit status is 1 where a target is missed."""
    console = Console(width=150)
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 500
    chosen = sys.argv[2:] or [*FEEDERS, *(name + TRIPLED for name in FEEDERS)]
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
