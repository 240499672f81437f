"""One computation per question, whoever asks."""

import gc
import threading
import time
import weakref
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import Any

import polars as pl
import pytest

import fudian
from data_samples.generator.county import COUNTY
from fudian.memory import MOMENTS_KEPT, SMALL_BYTES, Memory
from fudian.sweep import Sweep
from network import text
from network.steps import NobodyWaitsError, asking, step
from repair.desk.board import Board
from repair.planned.precheck import PlanCheck


def test_four_threads_that_ask_one_question_compute_it_once() -> None:
    memory, computed = Memory(), []
    together = threading.Barrier(4)

    def compute() -> int:
        computed.append(threading.get_ident())
        time.sleep(0.2)
        return 42

    def ask(_: int) -> int:
        together.wait()
        return memory.recall("question", compute)

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(ask, range(4))) == [42] * 4
    assert len(computed) == 1


def test_many_keys_from_four_threads_raise_nothing() -> None:
    memory = Memory(100 * SMALL_BYTES)

    def ask(thread: int) -> int:
        total = 0
        for key in range(5_000):
            total += memory.recall(("number", key * 4 + thread), lambda key=key: key)  # type: ignore[misc]
            if key % 100 == 0:
                memory.forget("board")
        return total

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(ask, range(4))) == [sum(range(5_000))] * 4


def test_a_failure_is_told_to_all_and_asked_again() -> None:
    memory, tried = Memory(), []

    def fail() -> int:
        tried.append(1)
        raise ValueError("no")

    for _ in range(2):
        with pytest.raises(ValueError, match="no"):
            memory.recall("question", fail)
    assert len(tried) == 2
    assert memory.recall("question", lambda: 3) == 3


def test_what_was_asked_for_longest_ago_is_forgotten_first() -> None:
    memory = Memory(2 * SMALL_BYTES)
    for key in ("a", "b", "a", "c"):
        memory.recall(key, lambda key=key: key)  # type: ignore[misc]
    assert memory.recall("a", lambda: "new") == "a"
    assert memory.recall("b", lambda: "new") == "new"


def test_of_a_question_that_each_moment_asks_anew_the_newest_answers_are_kept() -> None:
    memory = Memory()
    memory.recall(("other", 0), lambda: "kept")
    for at in range(5):
        memory.recall(("moment", at), lambda at=at: at, newest=2)  # type: ignore[misc]
    assert [memory.recall(("moment", at), lambda: "new") for at in range(5)] == ["new", "new", "new", 3, 4]
    assert memory.recall(("other", 0), lambda: "new") == "kept"


def test_an_hour_of_signals_leaves_few_boards_behind() -> None:
    """After each signal the dispatcher looks again; what holds a board, and the board itself, is let go."""
    county = fudian.open(COUNTY)
    boards: weakref.WeakSet[Board] = weakref.WeakSet()
    name = county.affected(open="F05-K01").transformers[0]
    for minute in range(30):
        row = {"time": f"2023-01-01 01:{minute:02}:00", "object": "transformer", "object_id": name, "kind": "off"}
        county.ingest([row], f"2023-01-01 01:{minute:02}:30")
        boards.add(county.board())
        county.expected_back()
        county.restore("F05-K01", by="desk")
    gc.collect()
    assert len(boards) <= MOMENTS_KEPT + 1


def test_four_threads_asking_for_the_prechecks_get_one_answer() -> None:
    county = fudian.open(COUNTY)
    with ThreadPoolExecutor(4) as pool:
        answers: list[Any] = list(pool.map(lambda _: county.precheck(), range(4)))
    assert all(answer is answers[0] for answer in answers)
    assert all(isinstance(check, PlanCheck) for check in answers[0].checks)


def test_large_tables_are_forgotten_before_they_fill_the_machine() -> None:
    memory, table = (
        Memory(10 * SMALL_BYTES),
        pl.DataFrame({"h": [0.0] * SMALL_BYTES}),
    )  # eight times as large as a small answer
    for key in ("a", "b"):
        memory.recall(key, lambda: table)
    assert memory.recall("b", lambda: None) is table
    assert memory.recall("a", lambda: None) is None
    too_large = pl.concat([table, table])
    assert memory.recall("c", lambda: too_large) is too_large
    assert memory.recall("c", lambda: None) is None


def test_what_was_heard_is_never_forgotten_however_much_is_asked() -> None:
    county = fudian.open(COUNTY)
    rows = [{"time": "2023-01-01 01:00:00", "object": "branch", "object_id": "F05-K01", "kind": "trip"}]
    rows += [
        {"time": "2023-01-01 01:00:20", "object": "transformer", "object_id": name, "kind": "off"}
        for name in county.affected(open="F05-K01").transformers
    ]
    county.ingest(rows, "2023-01-01 01:01")
    before = county.incidents("en")["incidents"]
    assert before[0]["object_id"] == "F05-K01"
    network, swept = county.network, county.n_1(wait_s=0.0)
    for number in range(10_000):
        county.memory.recall(number, lambda: None)
    assert county.incidents("en")["incidents"] == before
    assert county.network is network
    assert len(county.n_1(wait_s=0.0).sections) >= len(swept.sections)


def steps_of(memory: Memory, asks: Any, taken: list[int], hold: threading.Event | None = None) -> int:
    """Ask a question of many steps as somebody who waits for as long as ``asks`` says."""
    asking.set(asks)

    def compute() -> int:
        for at in range(200):
            step(text("checks of plans"), at, 200)
            taken.append(at)
            if hold is not None and at == 0:
                hold.set()
            time.sleep(0.005)
        return len(taken)

    return memory.recall("long", compute)


def test_what_nobody_waits_for_any_more_ends_at_its_next_step() -> None:
    memory, left, begun, taken = Memory(), threading.Event(), threading.Event(), list[int]()
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(copy_context().run, steps_of, memory, lambda: not left.is_set(), taken, begun)
        assert begun.wait(5)
        left.set()
        with pytest.raises(NobodyWaitsError):
            asked.result(5)
    assert 0 < len(taken) < 200
    again: list[int] = []
    assert copy_context().run(steps_of, memory, lambda: True, again) == 200, "whoever asks later has it computed"


def test_one_who_leaves_takes_nothing_from_another_who_waits() -> None:
    memory, left, begun, taken = Memory(), threading.Event(), threading.Event(), list[int]()
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(copy_context().run, steps_of, memory, lambda: not left.is_set(), taken, begun)
        assert begun.wait(5)
        second = pool.submit(copy_context().run, steps_of, memory, lambda: True, taken)
        time.sleep(0.05)
        left.set()
        assert (first.result(10), second.result(10)) == (200, 200)
    assert len(taken) == 200, "computed once"


def test_work_in_the_background_tells_how_far_it_is_and_can_be_stopped() -> None:
    go = threading.Event()

    def work(tell: Any) -> int:
        for at in range(1, 100):
            tell(at)
            go.wait(0.05)
        return 100

    sweep = Sweep(work, "test", 0)
    time.sleep(0.12)
    assert 0 < sweep.result() < 100
    sweep.stop()
    stopped_at = sweep.result()
    time.sleep(0.12)
    assert sweep.result() == stopped_at < 100
    go.set()
    assert Sweep(work, "test", 0).result(None) == 100
