"""The N-1 test of a whole network in a thread of its own: it takes its time, and what is done so far can be asked for."""

from __future__ import annotations

import atexit
import threading
from collections.abc import Callable

from network import Supply
from repair.restoration.n_minus_1 import NMinus1, n_minus_1

_TELL_EVERY_S = 0.2


class _StoppedError(Exception):
    """The program ends before the test does."""


class Sweep:
    """The test in a thread of its own, from its making on until it is over or the program ends."""

    def __init__(self, supply: Supply) -> None:
        self._done: NMinus1 | None = None
        self._failure: Exception | None = None
        self._begun, self._over, self._stopped = threading.Event(), threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._run, args=(supply,), name="n-1", daemon=True)
        self._thread.start()
        atexit.register(self.stop)

    def stop(self) -> None:
        """End the test after the section that is being tried; solvers must not be left running when the program ends."""
        self._stopped.set()
        self._thread.join()

    def result(self, wait_s: float | None = 0.0, progress: Callable[[NMinus1], object] | None = None) -> NMinus1:
        """Return what is done after waiting at most this long for the end; a first section is always waited for.

        Args:
            wait_s: how long; ``None`` waits until it is over.
            progress: called with what is done every moment while it waits without end.

        Raises:
            Exception: what stopped it.
        """
        while wait_s is None and not self._over.wait(_TELL_EVERY_S):
            if progress is not None and self._done is not None:
                progress(self._done)
        self._over.wait(wait_s)
        self._begun.wait()
        if self._done is None or self._failure is not None:
            raise self._failure or RuntimeError("the N-1 test ended without a word")
        return self._done

    def _run(self, supply: Supply) -> None:
        try:
            self._tell(n_minus_1(supply, progress=self._tell))
        except Exception as failure:  # noqa: BLE001  # told to whoever asks
            self._failure = failure
        self._over.set()
        self._begun.set()
        atexit.unregister(self.stop)

    def _tell(self, done: NMinus1) -> None:
        self._done = done
        self._begun.set()
        if self._stopped.is_set():
            raise _StoppedError
