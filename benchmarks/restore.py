"""Service restoration beside plain enumeration, Graphillion and RELSAD.

    make peers                                               # brings the peers, once
    .venv-interop/bin/python -m benchmarks.restore           # 30 random groups and case33bw: some minutes
    .venv-interop/bin/python -m benchmarks.restore 200       # more groups
    .venv-interop/bin/python -m benchmarks.restore groups    # one part: groups, case33bw

Every method answers the same faults on the same networks in one run; the restored load is compared before any time is
shown. Times are of the processor, on this machine and in this run; the ratios are what counts. A peer that is not
installed is left out and said.

Random groups: a source with its breaker, four or five buses, two or three ties, a switch at either end of every line
and one on every tie, ratings that bind. Enumeration tries every state of the switches.

case33bw: the feeder of Baran and Wu (reference data beside the project), each line faulted in turn, once without a
voltage that binds and once with a lowest voltage of 0.9. No machine tries all states of its 75 switches; enumeration
takes what is known of the case, that all can be fed where any spanning tree can, and puts every spanning tree without
the faulted line through a power flow. It does not say what to do where no tree will do. Its list of trees is made once
for all faults and not counted. Graphillion lists the trees in the order of their resistance, and stops at the first
that keeps the voltage.

RELSAD closes the backup lines that were declared, the first between two parts, without a choice among them; ratings
act only when it sheds load afterwards, at any bus and in any share, and voltages have no limit (see
:mod:`benchmarks.relsad_peer`). What its switches feed is therefore looked at twice: whether it breaks a limit when all
loads under voltage are fed, and how much is fed once it has shed single loads. What is fed only by breaking a limit is
not compared.

Ours is the whole of ``restore``: loads, isolation, search, every step played and proven. For the peers only the search
counts.
"""

from __future__ import annotations

import importlib.util
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import polars as pl
from rich.console import Console
from rich.progress import track
from rich.table import Table

from benchmarks.relsad_peer import MISSING, Line, Shed, Wires, relsad_version, shed_after
from network import FudianError, Supply
from network.arrays import Mask, Numbers
from repair.restoration.restorer import RestorationPlan, restore
from tests.repair.every_state import EveryState
from tests.repair.grids import Branch, Grid

OURS, ENUMERATION, GRAPHILLION, RELSAD = "Fudian", "enumeration", "Graphillion", "RELSAD"
FLOOR_PU, NO_FLOOR_PU = 0.9, 0.5
POWER_FACTOR = 0.85
ROUNDS = 20
"""Of the power flow of a tree; one above the lowest voltage needs fewer."""
AT_ONCE = 100
"""Trees of Graphillion that go through the power flow together."""
LINE_LIMIT_S = 30.0
"""Of a plan for a line of case33bw with that lowest voltage."""
BOUND = f"case33bw, lowest voltage {FLOOR_PU:g}"
COLUMNS = (
    "method", "fed, MW", "as much", "less", "more", "breaks a limit", "sheds single loads", "proven best", "median",
    "longest", "times ours: median", "worst",
)  # fmt: skip


@dataclass(frozen=True)
class Answer:
    """What a method makes of one fault.

    Attributes:
        kw: load that is fed in the end; ``None`` where the method only finds that not all can be fed.
        seconds: of the processor.
        keeps: whether all limits are kept with all loads under voltage fed, without a loop.
        shed_kw: load that is fed once single loads are shed, where the method does so.
        noise_kw: what that may be off.
        best: whether the method says that there is no better answer.
        gap_kw: what it says could be fed more at most.
    """

    kw: float | None
    seconds: float
    keeps: bool = True
    shed_kw: float | None = None
    noise_kw: float = 0.0
    best: bool = True
    gap_kw: float = 0.0


@dataclass
class Compared:
    """The answers of all methods to the same faults.

    Attributes:
        title: the networks.
        names: of the faults.
        answers: of each method, one per fault.
    """

    title: str
    names: list[str] = field(default_factory=list)
    answers: dict[str, list[Answer]] = field(default_factory=dict)

    def add(self, name: str, answers: dict[str, Answer]) -> None:
        """Add one fault."""
        self.names.append(name)
        for method, answer in answers.items():
            self.answers.setdefault(method, []).append(answer)

    def beaten(self) -> Iterator[str]:
        """Give every fault after which a peer feeds more than we do within the limits."""
        for method, answers in self.answers.items():
            for name, ours, other in zip(self.names, self.answers[OURS], answers, strict=True):
                if other.keeps and other.kw is not None and (ours.kw or 0.0) < other.kw - 1e-6:
                    why = "called the best" if ours.best else "not called the best: its time ran out"
                    yield f"{self.title}, {name}: {method} feeds {other.kw:g} kW, {OURS} {ours.kw:g} kW, {why}"

    def show(self, console: Console) -> None:
        """Print one row for each method."""
        table = Table(title=f"{self.title}: {len(self.names)} faults")
        for at, title in enumerate(COLUMNS):
            table.add_column(title, justify="right" if at else "left")
        for method, answers in self.answers.items():
            table.add_row(method, *self._row(method, answers))
        console.print(table)
        for method, answers in self.answers.items():
            self._show_shed(method, answers, console)
        for name, ours in zip(self.names, self.answers[OURS], strict=True):
            if not ours.best:
                console.print(
                    f"{OURS}, {name}: {ours.kw:g} kW, not proven the best; at most {ours.gap_kw:g} kW more",
                    highlight=False,
                )

    def _show_shed(self, method: str, answers: list[Answer], console: Console) -> None:
        """Print what a method feeds that sheds single loads, as no switch of the network can."""
        if not any(_sheds(answer) for answer in answers):
            return
        pairs = [(a.kw or 0.0, b) for a, b in zip(self.answers[OURS], answers, strict=True)]
        more = sum(b.shed_kw > a + b.noise_kw for a, b in pairs if b.shed_kw is not None)
        shed_mw = sum(b.shed_kw or 0.0 for _, b in pairs) / 1000.0
        console.print(
            f"{method} feeds {shed_mw:.2f} MW in all once it has shed single loads, which no switch does here: "
            f"more than {OURS} after {more} of the faults",
            highlight=False,
        )

    def _row(self, method: str, answers: list[Answer]) -> Iterator[str]:
        ours = self.answers[OURS]
        kept = [(a.kw or 0.0, b.kw) for a, b in zip(ours, answers, strict=True) if b.keeps and b.kw is not None]
        yield f"{sum(b for _, b in kept) / 1000.0:.2f}"
        if method == OURS:
            yield from ("", "", "")
        else:
            yield str(sum(abs(a - b) <= 1e-6 for a, b in kept))
            yield str(sum(b < a - 1e-6 for a, b in kept))
            yield str(sum(b > a + 1e-6 for a, b in kept))
        yield str(sum(not answer.keeps for answer in answers))
        shed = [answer for answer in answers if answer.shed_kw is not None]
        yield str(sum(_sheds(each) for each in shed)) if shed else ""
        yield str(sum(answer.best for answer in answers))
        seconds = np.array([answer.seconds for answer in answers])
        yield from (time_said(float(np.median(seconds))), time_said(float(seconds.max())))
        ratio = seconds / np.array([each.seconds for each in ours])
        yield from (f"{np.median(ratio):,.2f}", f"{ratio.min():,.2f}") if method != OURS else ("", "")


def _sheds(answer: Answer) -> bool:
    return answer.shed_kw is not None and answer.kw is not None and answer.shed_kw < answer.kw - answer.noise_kw


def time_said(seconds: float) -> str:
    """Return a time as it is printed."""
    return f"{seconds * 1e3:,.0f} ms" if seconds < 1.0 else f"{seconds:,.1f} s"


def timed(work: Callable[[], Any]) -> tuple[Any, float]:
    """Do some work and return what came out, and the seconds of the processor that it took."""
    begun = time.process_time()
    return work(), time.process_time() - begun


def our_answer(supply: Supply, fault: str) -> Answer:
    """Return what our plan feeds, nothing where it is refused; every plan is proven by playing it."""
    found, seconds = timed(lambda: _plan_or_refusal(supply, fault))
    if isinstance(found, FudianError):
        return Answer(0.0, seconds, best=False)
    assert found.proof.holds
    fed = supply.network.transformers["load_kw"].to_numpy()[found.back.transformer_index].sum()
    return Answer(float(fed), seconds, best=found.best, gap_kw=found.gap)


def _plan_or_refusal(supply: Supply, fault: str) -> RestorationPlan | FudianError:
    try:
        return restore(supply, fault, objective="kw")
    except FudianError as refused:
        return refused


# Random groups --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Group:
    """A random group of feeders for all methods.

    Attributes:
        grid: with a breaker, a switch at either end of every line, and one on every tie; 1 kW is 1 A.
        wires: the same for RELSAD.
        line: of each line, its first switch in the grid; then come the line and its second switch.
        tie: of each tie, its switch in the grid.
    """

    grid: Grid
    wires: Wires
    line: dict[str, int]
    tie: dict[str, int]

    @classmethod
    def seeded(cls, seed: int) -> Group:
        """Return a group; every line carries its load before the fault, and few carry much more."""
        rng = np.random.default_rng(seed)
        count = int(rng.integers(4, 6))
        parent = [0] + [int(rng.integers(1, at)) for at in range(2, count + 1)]
        load_kw = rng.integers(2, 21, count) * 10
        below = load_kw.copy()
        for at in range(count - 1, 0, -1):
            below[parent[at] - 1] += below[at]
        lines = [
            Line(f"L{at}", (str(parent[at]), str(at + 1)), (0.01, 0.01), float(round(below[at] * rng.uniform(1, 1.8))))
            for at in range(count)
        ]
        apart = [(a, b) for b in range(2, count + 1) for a in range(1, b) if parent[b - 1] != a]
        ties = []
        for at, pair in enumerate(rng.permutation(len(apart))[: 2 + count % 2]):
            a, b = apart[pair]
            ties.append(Line(f"T{at}", (str(a), str(b)), (0.01, 0.01), float(rng.integers(4, 40) * 10), tie=True))
        wires = Wires([*lines, *ties], {str(at + 1): float(kw) for at, kw in enumerate(load_kw)}, 1.0)
        return cls.of(wires)

    @classmethod
    def of(cls, wires: Wires) -> Group:
        """Return the group that these wires are."""
        branches, line, tie = [Branch("S", "0", "breaker")], {}, {}
        for each in wires.lines:
            (a, b), name = each.ends, each.name
            if each.tie:
                tie[name] = len(branches)
                branches.append(Branch(a, b, "switch", is_open=True, rating=each.rating_kw))
                continue
            line[name] = len(branches)
            branches.append(Branch(a, f"{name}a", "switch"))
            branches.append(Branch(f"{name}a", f"{name}b", "line", rating=each.rating_kw))
            branches.append(Branch(f"{name}b", b, "switch"))
        loads: list[tuple[str, str | None, int, int]] = [(bus, None, int(kw), 1) for bus, kw in wires.load_kw.items()]
        return cls(Grid({"S": None}, branches, loads), wires, line, tie)

    def enumerated(self, fault: int) -> Answer:
        """Return the best of every state of the switches."""
        found, seconds = timed(lambda: EveryState.of(self.grid, fault).best("kw")[0])
        return Answer(float(found[0]), seconds)

    def relsad(self, failed: str) -> Answer:
        """Return what RELSAD feeds, and whether its switches alone keep the limits."""
        fault, shed = self.line[failed] + 1, shed_after(self.wires, failed)
        after = self.grid.tripped(fault)
        state = list(after)
        state[0] = failed != self.wires.lines[0].name
        for name, at in self.line.items():
            state[at] = state[at + 2] = name in shed.closed and name != failed
        for name, at in self.tie.items():
            state[at] = name in shed.closed
        fed = self.grid.reach(state, ["S"])
        keeps = self.grid.keeps_limits(state, fault) and not fed & self.grid.zone(fault, after)
        return Answer(
            float(self.grid.gain(state, after)[1]), shed.seconds, keeps, shed.fed_kw, shed.noise_kw, best=False
        )


def random_groups(groups: int, with_relsad: bool, console: Console) -> Compared:
    """Fault every line of random groups."""
    found = Compared("random groups of up to 13 switches")
    for seed in track(range(groups), console=console, description="random groups", transient=True):
        group = Group.seeded(seed)
        supply = group.grid.network().energise()
        for name, at in group.line.items():
            answers = {OURS: our_answer(supply, f"B{at + 1}"), ENUMERATION: group.enumerated(at + 1)}
            if with_relsad:
                answers[RELSAD] = group.relsad(name)
            found.add(f"seed {seed}, line {name}", answers)
    return found


# The 33-bus feeder ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Baran:
    """The 33-bus feeder for all methods.

    Attributes:
        rows: the table of its branches.
        load_kw: of each bus.
        trees: every spanning tree, shape (trees, branches).
    """

    rows: pl.DataFrame
    load_kw: dict[str, float]
    trees: Mask

    @classmethod
    def read(cls) -> Baran:
        """Read the published feeder."""
        from tests.reference.case33bw import branches, buses
        from tests.reference.spanning_trees import spanning_trees

        load_kw = {str(bus): float(kw) for bus, kw in buses().select("bus", "p_kw").iter_rows()}
        return cls(branches(), load_kw, spanning_trees())

    @property
    def faults(self) -> list[int]:
        """The lines that are closed."""
        return [int(line) for line in self.rows.filter(status=1)["branch"]]

    @property
    def total_kw(self) -> float:
        """The load of all buses."""
        return sum(self.load_kw.values())

    def wires(self) -> Wires:
        """Return the feeder for RELSAD."""
        lines = [
            Line(str(row["branch"]), (str(row["from_bus"]), str(row["to_bus"])), (row["r_ohm"], row["x_ohm"]),
                 tie=row["status"] == 0)
            for row in self.rows.iter_rows(named=True)
        ]  # fmt: skip
        return Wires(lines, self.load_kw, POWER_FACTOR)

    @staticmethod
    def supply(floor_pu: float) -> Supply:
        """Return our own supply, with a lowest voltage."""
        from tests.reference.case33bw import network

        rules = {"power_factor": POWER_FACTOR, "min_voltage_pu": floor_pu}
        return network(switched=True, restoration=rules).energise()

    @staticmethod
    def lowest_pu(trees: Mask) -> Numbers:
        """Return the lowest voltage of each tree, shape (trees,)."""
        from tests.reference.spanning_trees import lowest_voltages_pu

        return lowest_voltages_pu(trees, POWER_FACTOR, ROUNDS)

    def enumerated(self, line: int) -> Answer:
        """Return whether any spanning tree without a line keeps the voltage."""
        without = self.trees[~self.trees[:, line - 1]]
        found, seconds = timed(lambda: bool((self.lowest_pu(without) >= FLOOR_PU).any()))
        return self._all_or_unknown(found, len(without), seconds)

    def graphillion(self, line: int) -> Answer:
        """Return whether a tree does, the trees with the least resistance first."""
        found, seconds = timed(lambda: self._first_tree(line))
        return self._all_or_unknown(found, int((~self.trees[:, line - 1]).sum()), seconds)

    def _all_or_unknown(self, found: bool, trees: int, seconds: float) -> Answer:
        """Return the answer: all, nothing where no tree is left (all hang on that line), or that not all can be fed."""
        kw = self.total_kw if found else None if trees else 0.0
        return Answer(kw, seconds, best=kw is not None)

    def _first_tree(self, line: int) -> bool:
        from graphillion import GraphSet

        rows = self.rows.filter(pl.col("branch") != line)
        edges = [(int(a), int(b)) for a, b in rows.select("from_bus", "to_bus").iter_rows()]
        if len({bus for edge in edges for bus in edge}) < len(self.load_kw):
            return False
        GraphSet.set_universe(edges)
        place = {edge: int(branch) - 1 for edge, branch in zip(edges, rows["branch"], strict=True)}
        resistance = dict(zip(edges, rows["r_ohm"].to_list(), strict=True))
        waiting: list[Mask] = []
        for tree in GraphSet.trees(is_spanning=True).min_iter(resistance):
            closed = np.zeros(self.rows.height, dtype=np.bool_)
            closed[[place[edge] for edge in tree]] = True
            waiting.append(closed)
            if len(waiting) == AT_ONCE:
                if (self.lowest_pu(np.array(waiting)) >= FLOOR_PU).any():
                    return True
                waiting = []
        return bool(waiting) and bool((self.lowest_pu(np.array(waiting)) >= FLOOR_PU).any())

    def relsad(self, line: int, shed: Shed, floor_pu: float) -> Answer:
        """Return what RELSAD feeds, and whether its switches alone keep the voltage."""
        closed = np.array([str(branch) in shed.closed and branch != line for branch in self.rows["branch"]])
        if line == self.faults[0]:
            return Answer(0.0, shed.seconds, True, shed.fed_kw, shed.noise_kw, best=False)
        is_tree = bool((self.trees == closed).all(axis=1).any())
        keeps = is_tree and bool(self.lowest_pu(closed[None])[0] >= floor_pu)
        return Answer(self.total_kw, shed.seconds, keeps, shed.fed_kw, shed.noise_kw, best=False)


def baran_faults(with_relsad: bool, console: Console) -> list[Compared]:
    """Fault every line of the 33-bus feeder, without and with a voltage that binds."""
    feeder = Baran.read()
    free, bound = Compared("case33bw, no voltage that binds"), Compared(BOUND)
    any_voltage, held = feeder.supply(NO_FLOOR_PU), feeder.supply(FLOOR_PU)
    with_graphillion = importlib.util.find_spec("graphillion") is not None
    if not with_graphillion:
        console.print("Graphillion is not installed: make peers, or pip install graphillion")
    for line in track(feeder.faults, console=console, description="case33bw", transient=True):
        relaxed = {OURS: our_answer(any_voltage, f"L{line}")}
        answers = {OURS: our_answer(held, f"L{line}"), ENUMERATION: feeder.enumerated(line)}
        if with_graphillion:
            answers[GRAPHILLION] = feeder.graphillion(line)
        if with_relsad:
            shed = shed_after(feeder.wires(), str(line))
            relaxed[RELSAD], answers[RELSAD] = (feeder.relsad(line, shed, each) for each in (NO_FLOOR_PU, FLOOR_PU))
        free.add(f"line {line}", relaxed)
        bound.add(f"line {line}", answers)
    return [free, bound]


def judge(reached: dict[str, tuple[float, float]], console: Console) -> bool:
    """Print the targets, met or missed and by how much; return whether all are met."""
    table = Table("target", "reached", "wanted at most", "")
    for name, (value, wanted) in reached.items():
        missed = "met" if value <= wanted else f"missed by {value - wanted:,.2f}"
        table.add_row(name, f"{value:,.2f}", f"{wanted:,g}", missed)
    console.print(table)
    return all(value <= wanted for value, wanted in reached.values())


def compared_with_peers(groups: int, parts: set[str], console: Console) -> list[Compared]:
    """Set every method beside ours on random groups and on the 33-bus feeder; print, and return the answers."""
    version = relsad_version()
    console.print(MISSING if version is None else f"RELSAD {version}", highlight=False)
    compared = [random_groups(groups, version is not None, console)] if "groups" in parts else []
    if "case33bw" in parts:
        try:
            compared += baran_faults(version is not None, console)
        except (ImportError, OSError, FudianError) as absent:
            console.print(f"case33bw is left out: {absent}")
    beaten = [each for one in compared for each in one.beaten()]
    for each in beaten:
        console.print(f"[bold red]{each}")
    if not beaten:
        console.print("the restored load is at least that of every peer that keeps the limits, after every fault")
    for one in compared:
        one.show(console)
    return compared


PARTS = ("groups", "case33bw")


def main() -> int:
    """Run the benchmark, or the parts that are named; the exit status is 1 where a peer restores more, or a target is missed."""
    console = Console(width=150)
    named = set(sys.argv[1:])
    groups = next((int(each) for each in named if each.isdigit()), 30)
    parts = {each for each in named if not each.isdigit()} or set(PARTS)
    if unknown := parts - set(PARTS):
        console.print(f"There is no part {', '.join(sorted(unknown))}; there are {', '.join(PARTS)}")
        return 2
    compared = compared_with_peers(groups, parts, console)
    beaten = float(sum(1 for one in compared for _ in one.beaten()))
    reached = {"faults after which a peer restores more within the limits": (beaten, 0.0)}
    for one in compared:
        if one.title == BOUND:
            reached[f"longest plan, {BOUND}, s"] = max(each.seconds for each in one.answers[OURS]), LINE_LIMIT_S
    return 0 if judge(reached, console) else 1


if __name__ == "__main__":
    sys.exit(main())
