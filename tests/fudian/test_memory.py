"""One computation per question, whoever asks."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import polars as pl
import pytest

import fudian
from data_samples.generator.county import COUNTY
from fudian.memory import SMALL_BYTES, Memory
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


def test_four_threads_asking_for_the_prechecks_get_one_answer() -> None:
    county = fudian.open(COUNTY)
    with ThreadPoolExecutor(4) as pool:
        answers: list[Any] = list(pool.map(lambda _: county.precheck(), range(4)))
    assert all(each is answers[0] for each in answers)
    assert all(isinstance(each, PlanCheck) for each in answers[0].checks)


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
    county.hear(rows, "2023-01-01 01:01")
    before = county.incidents("en")["incidents"]
    assert before[0]["object_id"] == "F05-K01"
    network, swept = county.network, county.n_1(wait_s=0.0)
    for number in range(10_000):
        county.memory.recall(number, lambda: None)
    assert county.incidents("en")["incidents"] == before
    assert county.network is network
    assert len(county.n_1(wait_s=0.0).sections) >= len(swept.sections)
