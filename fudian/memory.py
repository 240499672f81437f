"""Answers that were computed once: kept for whoever asks the same again, whichever thread asks."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from concurrent.futures import Future
from threading import Lock
from typing import Any, TypeVar

from cachetools import LRUCache

Answer = TypeVar("Answer")

REMEMBERED = 500
"""Answers kept; those asked for longest ago are forgotten first."""


class Memory:
    """Answers by key, each computed by one thread while others that ask for it wait.

    An answer that fails is told to all who waited for it, and is computed again when asked for again.
    """

    def __init__(self, size: int = REMEMBERED) -> None:
        self._answers: LRUCache[Hashable, Future[Any]] = LRUCache(size)
        self._lock = Lock()

    def recall(self, key: Hashable, compute: Callable[[], Answer]) -> Answer:
        """Return the answer under a key, computed if nobody has asked for it yet.

        Args:
            key: names the question; equal keys are one question.
            compute: gives the answer; it must not ask for the same key.
        """
        with self._lock:
            kept: Future[Answer] | None = self._answers.get(key)
            answer = kept if kept is not None else Future()
            self._answers[key] = answer
        if kept is None:
            try:
                answer.set_result(compute())
            except BaseException as failure:
                with self._lock:
                    if self._answers.get(key) is answer:
                        del self._answers[key]
                answer.set_exception(failure)
                raise
        return answer.result()

    def forget(self, kind: Hashable) -> None:
        """Forget every answer whose key is a tuple that begins with ``kind``."""
        with self._lock:
            for key in [key for key in self._answers if isinstance(key, tuple) and key[:1] == (kind,)]:
                del self._answers[key]
