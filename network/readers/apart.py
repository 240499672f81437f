"""Work of a foreign library in a process of its own: it may hang, crash or take all memory without harm to the rest."""

from __future__ import annotations

import math
import multiprocessing
import os
import signal
import tempfile
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, TypeVar

from network.problems import WorkspaceError
from network.texts import Text, text

Answer = TypeVar("Answer")

try:
    import resource
except ImportError:  # Windows bounds no process so; the clock does
    resource = None  # type: ignore[assignment]

BY_THE_CLOCK = 1.5
"""How long it may wait by the clock, for each second of the processor that it may use."""

_USED_UP = getattr(signal, "SIGXCPU", 0)
_TO_END_S = 5.0
_LOOK_EVERY_S = 0.5

METHODS = multiprocessing.get_all_start_methods()
"""How a clean process can be started here: from a server that is kept for it, else anew each time."""


def apart(work: Callable[..., Answer], *arguments: object, library: str, seconds: float) -> Answer:
    """Return what ``work`` returns in a process of its own, whose folder is an empty one that is deleted afterwards.

    Args:
        work: a function of a module; its answer and its arguments have to be such as can be pickled.
        arguments: of the function.
        library: what works there, for errors.
        seconds: of the processor after which it is stopped; by the clock it is stopped after half as long again in which it
            did not work at all. Where the processor of another process cannot be read, the clock alone counts.

    Raises:
        WorkspaceError: the work raised it, was stopped, or broke off.
    """
    context: Any = multiprocessing.get_context("forkserver" if "forkserver" in METHODS else "spawn")
    ours, theirs = context.Pipe(duplex=False)
    with tempfile.TemporaryDirectory() as folder, ours:
        process = context.Process(target=_answer, args=(theirs, folder, seconds, work, arguments), daemon=True)
        process.start()
        theirs.close()
        late = text("{library} was not done after {seconds} s", library=library, seconds=f"{seconds:g}")
        try:
            if not _heard(ours, process.pid, BY_THE_CLOCK * seconds):
                raise _stopped(late)
            found, answer = ours.recv()
        except EOFError as reason:
            process.join(_TO_END_S)
            used_up = process.exitcode == -_USED_UP
            raise _stopped(late if used_up else text("{library} broke off", library=library)) from reason
        finally:
            process.kill()
            process.join()
    if not found:
        raise WorkspaceError(*answer)
    result: Answer = answer
    return result


def _heard(ours: Connection, process: int, seconds: float) -> bool:
    """Wait for an answer, or until a process has done nothing for some seconds; one that others keep waiting goes on."""
    worked, since = 0.0, time.monotonic()
    while not ours.poll(min(_LOOK_EVERY_S, seconds)):
        now = _worked(process)
        if now > worked:
            worked, since = now, time.monotonic()
        elif time.monotonic() - since >= seconds:
            return False
    return True


def _worked(process: int) -> float:
    """Return the time of the processor that a process has used, in ticks of the system; nothing where that cannot be read."""
    try:
        fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
        return float(fields[11]) + float(fields[12])
    except (OSError, IndexError, ValueError):
        return 0.0


def _stopped(reason: Text) -> WorkspaceError:
    return WorkspaceError(
        text("{reason}; nothing was read.", reason=reason), (), text("Try a smaller part of the source.")
    )


def _answer(
    to: Connection, folder: str, seconds: float, work: Callable[..., Any], arguments: tuple[object, ...]
) -> None:
    """Run in the other process: do the work and send its answer, or the error that it raised."""
    os.chdir(folder)
    if resource is not None:
        _, most = resource.getrlimit(resource.RLIMIT_CPU)
        resource.setrlimit(resource.RLIMIT_CPU, (math.ceil(time.process_time() + seconds), most))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    try:
        to.send((True, work(*arguments)))
    except WorkspaceError as error:
        to.send((False, (error.message, error.problems, error.hint)))
