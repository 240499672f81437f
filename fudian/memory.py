"""Answers that were computed once: kept for whoever asks the same again, whichever thread asks."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from concurrent.futures import Future
from contextlib import AbstractContextManager, nullcontext
from contextvars import ContextVar
from threading import Lock
from typing import Any, TypeVar, cast

import polars as pl
from cachetools import LRUCache

from network.steps import NobodyWaitsError, asking

Answer = TypeVar("Answer")

KEPT_BYTES = 256 << 20
"""How much is kept; what was asked for longest ago is forgotten first."""

waiting: ContextVar[Callable[[], AbstractContextManager[None]]] = ContextVar("waiting", default=nullcontext)
"""Entered by a thread for as long as it waits for an answer that another computes."""

SMALL_BYTES = 64 << 10
"""What an answer counts for besides the tables in it."""

MOMENTS_KEPT = 8
"""Answers to one question at different moments, states of the switches or sets of signals, where each signal asks anew."""

PLACES_KEPT = 64
"""Answers to one question at different places and such moments."""


class _Asked(Future[Any]):
    """An answer, and who waits for it."""

    def __init__(self) -> None:
        super().__init__()
        self.askers: list[Callable[[], bool]] = []

    def is_wanted(self) -> bool:
        """Return whether anybody who asked for it still waits."""
        return any(waits() for waits in tuple(self.askers))


class Memory:
    """Answers by key, each computed by one thread while others that ask for it wait.

    What is being computed ends at its next step once none of them waits any more (:func:`network.steps.step`). An answer that
    fails is told to all who waited for it, and is computed again when asked for again. An answer that is larger than all that is
    kept is given and not kept.
    """

    def __init__(self, most_bytes: float = KEPT_BYTES) -> None:
        """Keep so much; ``math.inf`` forgets nothing."""
        self._answers: LRUCache[Hashable, _Asked] = LRUCache(most_bytes, getsizeof=_bytes_of)
        self._lock = Lock()

    def recall(self, key: Hashable, compute: Callable[[], Answer], newest: int | None = None) -> Answer:
        """Return the answer under a key, computed if nobody has asked for it yet.

        Args:
            key: names the question; equal keys are one question.
            compute: gives the answer; it must not ask for the same key.
            newest: of answers whose keys are tuples with the same first item only so many are kept, those computed last; for
                questions that each signal asks anew.
        """
        while True:
            with self._lock:
                answer = self._answers.get(key)
                is_mine = answer is None
                if answer is None:
                    self._answers[key] = answer = _Asked()
                if not answer.done():
                    answer.askers.append(asking.get())
            if is_mine:
                return self._computed(key, answer, compute, newest)
            try:
                if answer.done():
                    return cast("Answer", answer.result())
                with waiting.get()():
                    return cast("Answer", answer.result())
            except NobodyWaitsError:  # whoever computed it has just left
                if not asking.get()():
                    raise

    def _computed(self, key: Hashable, answer: _Asked, compute: Callable[[], Answer], newest: int | None) -> Answer:
        """Compute an answer for all who ask for it."""
        token = asking.set(answer.is_wanted)
        try:
            found = compute()
        except BaseException as failure:
            self._weigh(key, answer, keep=False, newest=newest)
            answer.set_exception(failure)
            raise
        finally:
            asking.reset(token)
        answer.set_result(found)
        answer.askers.clear()
        self._weigh(key, answer, keep=True, newest=newest)
        return found

    def _weigh(self, key: Hashable, answer: _Asked, keep: bool, newest: int | None) -> None:
        """Count an answer for what it is now that it is known, unless it was forgotten meanwhile; forget what is too many."""
        with self._lock:
            if self._answers.get(key) is not answer:
                return
            del self._answers[key]
            if keep and _bytes_of(answer) <= self._answers.maxsize:
                self._answers[key] = answer
            if newest is not None and isinstance(key, tuple):
                for old in self._of_kind(key[0])[:-newest]:
                    del self._answers[old]

    def forget(self, kind: Hashable) -> None:
        """Forget every answer whose key is a tuple that begins with ``kind``."""
        with self._lock:
            for key in self._of_kind(kind):
                del self._answers[key]

    def _of_kind(self, kind: Hashable) -> list[Hashable]:
        """Return the keys that are tuples and begin with ``kind``, those computed first before others."""
        return [key for key in self._answers if isinstance(key, tuple) and key[:1] == (kind,)]


def _bytes_of(answer: _Asked) -> int:
    """Return what an answer counts for once it is known: what it says itself as ``size_bytes``, else its tables."""
    result = answer.result() if answer.done() else None
    own = getattr(result, "size_bytes", None)
    if isinstance(own, int):
        return SMALL_BYTES + own
    tables = (result, getattr(result, "rows", None), getattr(result, "frame", None))
    return SMALL_BYTES + sum(int(table.estimated_size()) for table in tables if isinstance(table, pl.DataFrame))
