"""Work that takes its time in a thread of its own: what is done so far can be asked for, and it can be stopped."""

from __future__ import annotations

import atexit
import threading
from collections.abc import Callable
from typing import Generic, TypeVar

from fudian.memory import waiting
from network.steps import NobodyWaitsError, asking

Result = TypeVar("Result")

_TELL_EVERY_S = 0.2


class Sweep(Generic[Result]):
    """Work in a thread of its own, from its making on until it is over, is stopped, or the program ends."""

    def __init__(
        self,
        work: Callable[[Callable[[Result], None]], Result],
        name: str,
        first: Result | None = None,
        make_way: Callable[[], object] = lambda: None,
    ) -> None:
        """Begin.

        Args:
            work: returns all of the result; tells what is done so far after each step.
            name: of the thread.
            first: what is done before the first step; without it a first step is always waited for.
            make_way: called at each step; returns when it may go on.
        """
        self._done = first
        self._make_way = make_way
        self._failure: Exception | None = None
        self._begun, self._over, self._stopped = threading.Event(), threading.Event(), threading.Event()
        if first is not None:
            self._begun.set()
        self._thread = threading.Thread(target=self._run, args=(work,), name=name, daemon=True)
        self._thread.start()
        atexit.register(self.stop)

    @property
    def is_over(self) -> bool:
        """Whether nothing more comes of it."""
        return self._over.is_set()

    def stop(self) -> None:
        """End the work after the step that is being done; solvers must not be left running when the program ends."""
        self._stopped.set()
        self._thread.join()

    def result(self, wait_s: float | None = 0.0, progress: Callable[[Result], object] | None = None) -> Result:
        """Return what is done after waiting at most this long for the end.

        Args:
            wait_s: how long; ``None`` waits until it is over.
            progress: called with what is done every moment while it waits without end.

        Raises:
            Exception: what stopped it.
        """
        with waiting.get()():
            while wait_s is None and not self._over.wait(_TELL_EVERY_S):
                if progress is not None and self._done is not None:
                    progress(self._done)
            self._over.wait(wait_s)
            self._begun.wait()
        if self._done is None or self._failure is not None:
            raise self._failure or RuntimeError("the work ended without a word")
        return self._done

    def _run(self, work: Callable[[Callable[[Result], None]], Result]) -> None:
        asking.set(self._goes_on)
        try:
            self._tell(work(self._tell))
        except Exception as failure:  # noqa: BLE001  # told to whoever asks
            self._failure = failure
        except NobodyWaitsError:
            pass  # what was done so far stands
        self._over.set()
        self._begun.set()
        atexit.unregister(self.stop)

    def _tell(self, done: Result) -> None:
        self._done = done
        self._begun.set()
        if not self._goes_on():
            raise NobodyWaitsError

    def _goes_on(self) -> bool:
        if not self._stopped.is_set():
            self._make_way()
        return not self._stopped.is_set()
