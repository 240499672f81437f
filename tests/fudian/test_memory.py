"""One computation per question, whoever asks."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

import fudian
from data_samples.generator.county import COUNTY
from fudian.memory import Memory
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
    memory = Memory(100)

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
    memory = Memory(2)
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
