"""What was computed lately, kept by its key until there is no room for it."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from threading import Lock
from typing import Any, Generic, TypeVar

from cachetools import LRUCache

Value = TypeVar("Value")


class Kept(Generic[Value]):
    """Values that depend on nothing but their keys, those asked for last; many threads may ask at once.

    A value that would take all the room is given and not kept. A copy through a pickle begins with nothing.
    """

    def __init__(self, most: int, size_of: Callable[[Value], int]) -> None:
        """Keep values whose sizes add up to so much."""
        self._of = most, size_of
        self._known: LRUCache[Hashable, Value] = LRUCache(most, size_of)
        self._lock = Lock()

    def __reduce__(self) -> tuple[type[Kept[Value]], tuple[Any, ...]]:
        return Kept, self._of

    def recall(self, key: Hashable, compute: Callable[[], Value]) -> Value:
        """Return the value of a key, computed where it is not kept."""
        with self._lock:
            known = self._known.get(key)
        if known is not None:
            return known
        value, (most, size_of) = compute(), self._of
        if size_of(value) <= most:
            with self._lock:
                self._known[key] = value
        return value
