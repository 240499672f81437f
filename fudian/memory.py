"""Answers that were computed once: kept for whoever asks the same again, whichever thread asks."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from concurrent.futures import Future
from contextlib import AbstractContextManager, nullcontext
from contextvars import ContextVar
from threading import Lock
from typing import Any, TypeVar

import polars as pl
from cachetools import LRUCache

Answer = TypeVar("Answer")

KEPT_BYTES = 256 << 20
"""How much is kept; what was asked for longest ago is forgotten first."""

waiting: ContextVar[Callable[[], AbstractContextManager[None]]] = ContextVar("waiting", default=nullcontext)
"""Entered by a thread for as long as it waits for an answer that another computes."""

SMALL_BYTES = 64 << 10
"""What an answer counts for besides the tables in it."""


class Memory:
    """Answers by key, each computed by one thread while others that ask for it wait.

    An answer that fails is told to all who waited for it, and is computed again when asked for again. An answer that is larger
    than all that is kept is given and not kept.
    """

    def __init__(self, most_bytes: float = KEPT_BYTES) -> None:
        """Keep so much; ``math.inf`` forgets nothing."""
        self._answers: LRUCache[Hashable, Future[Any]] = LRUCache(most_bytes, getsizeof=_bytes_of)
        self._lock = Lock()

    def recall(self, key: Hashable, compute: Callable[[], Answer]) -> Answer:
        """Return the answer under a key, computed if nobody has asked for it yet.

        Args:
            key: names the question; equal keys are one question.
            compute: gives the answer; it must not ask for the same key.
        """
        with self._lock:
            answer: Future[Answer] | None = self._answers.get(key)
            is_mine = answer is None
            if answer is None:
                self._answers[key] = answer = Future()
        if is_mine:
            try:
                answer.set_result(compute())
            except BaseException as failure:
                self._weigh(key, answer, keep=False)
                answer.set_exception(failure)
                raise
            self._weigh(key, answer, keep=True)
        if not answer.done():
            with waiting.get()():
                return answer.result()
        return answer.result()

    def _weigh(self, key: Hashable, answer: Future[Any], keep: bool) -> None:
        """Count an answer for what it is now that it is known, unless it was forgotten meanwhile."""
        with self._lock:
            if self._answers.get(key) is not answer:
                return
            del self._answers[key]
            if keep and _bytes_of(answer) <= self._answers.maxsize:
                self._answers[key] = answer

    def forget(self, kind: Hashable) -> None:
        """Forget every answer whose key is a tuple that begins with ``kind``."""
        with self._lock:
            for key in [key for key in self._answers if isinstance(key, tuple) and key[:1] == (kind,)]:
                del self._answers[key]


def _bytes_of(answer: Future[Any]) -> int:
    """Return what an answer counts for once it is known: what it says itself as ``size_bytes``, else its tables."""
    result = answer.result() if answer.done() else None
    own = getattr(result, "size_bytes", None)
    if isinstance(own, int):
        return SMALL_BYTES + own
    tables = (result, getattr(result, "rows", None), getattr(result, "frame", None))
    return SMALL_BYTES + sum(int(table.estimated_size()) for table in tables if isinstance(table, pl.DataFrame))
