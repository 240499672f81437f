"""What changed at the desk and when, for everybody who watches."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from time import time

REMEMBERED = 1_000
"""Incidents of which it is known when they changed."""

Watcher = Callable[[dict[str, int]], object]
"""Told of the incidents that changed, each with the moment in milliseconds since 1970."""


class Changes:
    """Tells watchers of changed incidents; safe for many threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._when: dict[str, int] = {}
        self._watchers: set[Watcher] = set()

    def tell(self, incidents: Iterable[str]) -> None:
        """Tell that incidents are new, or not as they were; blank ids stand for the state of the switches."""
        at = int(time() * 1000)
        changed = dict.fromkeys(incidents, at)
        if not changed:
            return
        with self._lock:
            for each in changed:
                self._when.pop(each, None)
            self._when |= changed
            for each in list(self._when)[: max(0, len(self._when) - REMEMBERED)]:
                del self._when[each]
            watchers = list(self._watchers)
        for watcher in watchers:
            watcher(changed)

    def watch(self, watcher: Watcher) -> dict[str, int]:
        """Have somebody told from now on, and return what changed lately."""
        with self._lock:
            self._watchers.add(watcher)
            return dict(self._when)

    def leave(self, watcher: Watcher) -> None:
        """Tell somebody no more."""
        with self._lock:
            self._watchers.discard(watcher)
