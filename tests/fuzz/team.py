"""A team of processes that read broken inputs one by one, and how each of them ended."""

from __future__ import annotations

import argparse
import multiprocessing
import os
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from multiprocessing.connection import wait
from pathlib import Path
from typing import Any

from tests.fuzz import seeds
from tests.fuzz.work import HAS_OPENDSS, HAS_PANDAPOWER, chosen, kinds, work

SECONDS = 10.0
"""How long one input may take, in seconds of the processor, so that other work on the machine does not count."""

_MOST_STARTS = 5
"""So often in a row may a worker break off between two inputs."""

AT_MOST = 120.0
"""And in seconds of the clock, for what waits for ever without work."""

INPUTS = 3000
"""So many inputs a worker reads before a fresh one takes its place, so that what one leaves behind meets few others."""


@dataclass
class Worker:
    """A process that reads every nth input, and where it is."""

    last: int
    step: int
    seed: int
    next: int
    folder: str
    wanted: str
    inputs: int = INPUTS
    process: Any = None
    pipe: Any = None
    at: tuple[int, str] | None = None
    since: float = 0.0
    worked_before: float = 0.0
    starts: int = 0
    read: int = 0
    again: int = -1

    def start(self) -> None:
        context = multiprocessing.get_context("spawn")
        self.pipe, theirs = context.Pipe(duplex=False)
        self.process = context.Process(
            target=work,
            args=(theirs, self.seed, self.folder, self.next, self.until(), self.step, self.wanted),
        )
        self.process.start()
        theirs.close()
        self.at, self.since, self.read = None, time.perf_counter(), 0

    def until(self) -> int:
        """Return the input before which this process ends."""
        return min(self.last, self.next + self.inputs * self.step)

    def is_late(self) -> bool:
        """Return whether the input that is read takes too long."""
        if self.at is None:
            return False
        return self.worked() - self.worked_before > SECONDS or time.perf_counter() - self.since > AT_MOST

    def worked(self) -> float:
        """Return the seconds of the processor that the process has taken."""
        try:
            fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            return 0.0
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def stop(self) -> None:
        self.process.kill()
        self.process.join()
        self.pipe.close()


@dataclass
class Score:
    """How the inputs ended."""

    ended: Counter[tuple[str, str]] = field(default_factory=Counter)
    bad: list[tuple[int, str, str]] = field(default_factory=list)
    slowest: tuple[float, int] = (0.0, -1)
    longest: tuple[float, int] = (0.0, -1)
    memory_kb: int = 0
    workers: int = 0
    tired: list[str] = field(default_factory=list)
    begun: float = field(default_factory=time.perf_counter)

    def take(self, number: int, kind: str, how: str, seconds: float, clock: float) -> None:
        """Count one input: how it ended, after so many seconds of the processor and of the clock."""
        self.slowest = max(self.slowest, (seconds, number))
        self.longest = max(self.longest, (clock, number))
        if how not in {"result", "refused"}:
            self.bad.append((number, kind, how))
            print(f"BAD input {number} ({kind}): {how}", file=sys.stderr, flush=True)
            how = "bad"
        self.ended[kind, how] += 1

    def print(self) -> None:
        """Print the figures."""
        print(f"{'kind':<20}{'inputs':>9}{'result':>9}{'refused':>9}{'bad':>6}")
        for kind in sorted({kind for kind, _ in self.ended}):
            counts = [self.ended[kind, how] for how in ("result", "refused", "bad")]
            print(
                f"{kind:<20}{sum(counts):>9}"
                + "".join(f"{count:>{6 if at == 2 else 9}}" for at, count in enumerate(counts))
            )
        print(
            f"{self.ended.total()} inputs in {time.perf_counter() - self.begun:.0f} s by {self.workers} workers; slowest "
            f"{self.slowest[0]:.1f} s of the processor (input {self.slowest[1]}), {self.longest[0]:.1f} s of the clock (input "
            f"{self.longest[1]}); most memory {self.memory_kb >> 10} MB; "
            f"OpenDSS itself {'ran' if HAS_OPENDSS else 'is absent'}, pandapower {'ran' if HAS_PANDAPOWER else 'is absent'}"
        )
        for said in self.tired:
            print(said)
        for number, kind, how in self.bad[:50]:
            print(f"BAD input {number} ({kind}): {how}")


def run(count: int, seed: int, workers: int, first: int = 0, wanted: str = "", inputs: int = INPUTS) -> Score:
    """Read ``count`` inputs."""
    score = Score()
    with tempfile.TemporaryDirectory() as folder:
        team = []
        for at in range(workers):
            place = Path(folder) / str(at)
            place.mkdir()
            team.append(Worker(first + count, workers, seed, first + at, str(place), wanted, inputs))
            team[-1].start()
        told = 0
        while team:
            if score.ended.total() // 1000 > told:
                told = score.ended.total() // 1000
                print(f"{told * 1000} inputs after {time.perf_counter() - score.begun:.0f} s", file=sys.stderr)
            ready = wait([worker.pipe for worker in team], timeout=1.0)
            for worker in list(team):
                if worker.pipe in ready and _hear(worker, score):
                    team.remove(worker)
                elif worker.is_late():
                    _give_up(worker, score, f"not done after {SECONDS:g} s")
    return score


def _hear(worker: Worker, score: Score) -> bool:
    """Take what a worker says, and return whether it has read all its inputs."""
    try:
        said = worker.pipe.recv()
    except EOFError:
        return _broke_off(worker, score)
    if said[0] == "begun":
        worker.at, worker.since, worker.worked_before = (said[1], said[2]), time.perf_counter(), worker.worked()
    elif said[0] == "ended":
        number, kind, how, seconds = said[1:]
        score.take(number, kind, how, seconds, time.perf_counter() - worker.since)
        worker.next, worker.at, worker.starts = said[1] + worker.step, None, 0
        worker.read += 1
    else:
        score.memory_kb = max(score.memory_kb, said[1])
        score.workers += 1
        worker.stop()
        if worker.next >= worker.last:
            return True
        worker.start()
    return False


def _broke_off(worker: Worker, score: Score) -> bool:
    """Start a worker again that broke off, and return whether that is given up.

    The input at which it broke off is read once more, first of all: one that breaks a fresh worker is to blame itself. One that
    does not met what earlier ones had left behind; that is told too, with how many those were.
    """
    worker.process.join()
    code = worker.process.exitcode
    if worker.at is None:
        worker.starts += 1
        worker.stop()
        if worker.starts > _MOST_STARTS:
            score.bad.append((worker.next, "", f"a worker breaks off before it reads an input (exit code {code})"))
            return True
        worker.start()
        return False
    number, kind = worker.at
    if not worker.read or worker.again == number:
        _give_up(worker, score, f"the process broke off (exit code {code})")
        return False
    score.tired.append(
        f"A worker broke off at its input {worker.read + 1} (input {number}, {kind}; exit code {code}); a fresh one read it"
    )
    print(score.tired[-1], file=sys.stderr, flush=True)
    worker.stop()
    worker.next = worker.again = number
    worker.start()
    return False


def _give_up(worker: Worker, score: Score, how: str) -> None:
    assert worker.at is not None
    number, kind = worker.at
    seconds = time.perf_counter() - worker.since
    score.take(number, kind, how, seconds, seconds)
    worker.stop()
    worker.next = number + worker.step
    worker.start()


def _write(number: int, seed: int, to: Path) -> None:
    found = kinds(seeds.county())
    names = [name for name, kind in sorted(found.items()) for _ in range(kind.share)]
    everything = [content for kind in found.values() for _, content in kind.seeds]
    kind, name, content = chosen(number, seed, names, found, everything)
    to.write_bytes(content)
    print(f"{to}: {kind}, {name}, {len(content)} bytes")


def main() -> None:
    """Read as many inputs as asked for."""
    asked = argparse.ArgumentParser()
    asked.add_argument("--count", type=int, default=100_000)
    asked.add_argument("--seed", type=int, default=1)
    asked.add_argument("--first", type=int, default=0)
    asked.add_argument("--workers", type=int, default=max((multiprocessing.cpu_count() or 2) - 1, 1))
    asked.add_argument("--inputs", type=int, default=INPUTS, help="how many inputs each worker reads")
    asked.add_argument("--kinds", default="", help="only kinds that begin so, such as opendss")
    asked.add_argument("--only", type=int)
    asked.add_argument("--to", type=Path, default=Path("input.bin"))
    given = asked.parse_args()
    os.environ |= {"RUST_BACKTRACE": "0", "POLARS_MAX_THREADS": "1"}
    if given.only is not None:
        _write(given.only, given.seed, given.to)
        return
    score = run(given.count, given.seed, given.workers, given.first, given.kinds, given.inputs)
    score.print()
    sys.exit(bool(score.bad))
