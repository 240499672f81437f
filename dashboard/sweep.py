"""The N-1 test of a whole network beside the pages: it takes its time, and what is done so far can be asked for."""

from __future__ import annotations

import threading

from network import Supply
from repair.restoration.n_minus_1 import NMinus1, n_minus_1


class Sweep:
    """The test in a thread of its own, from its making on."""

    def __init__(self, supply: Supply) -> None:
        self._done: NMinus1 | None = None
        self._failure: Exception | None = None
        self._begun, self._over = threading.Event(), threading.Event()
        threading.Thread(target=self._run, args=(supply,), name="n-1", daemon=True).start()

    def result(self, wait_s: float = 0.0) -> NMinus1:
        """Return what is done after waiting at most this long for the end; a first section is always waited for.

        Raises:
            Exception: what stopped it.
        """
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

    def _tell(self, done: NMinus1) -> None:
        self._done = done
        self._begun.set()
