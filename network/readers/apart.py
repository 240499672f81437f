"""Work of a foreign library in a process of its own: it may hang, crash or take all memory without harm to the rest."""

from __future__ import annotations

import multiprocessing
import os
import tempfile
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any, TypeVar

from network.problems import WorkspaceError
from network.texts import Text, text

Answer = TypeVar("Answer")

METHODS = multiprocessing.get_all_start_methods()
"""How a clean process can be started here: from a server that is kept for it, else anew each time."""


def apart(work: Callable[..., Answer], *arguments: object, library: str, seconds: float) -> Answer:
    """Return what ``work`` returns in a process of its own, whose folder is an empty one that is deleted afterwards.

    Args:
        work: a function of a module; its answer and its arguments have to be such as can be pickled.
        arguments: of the function.
        library: what works there, for errors.
        seconds: after so long it is stopped.

    Raises:
        WorkspaceError: the work raised it, was stopped, or broke off.
    """
    context: Any = multiprocessing.get_context("forkserver" if "forkserver" in METHODS else "spawn")
    ours, theirs = context.Pipe(duplex=False)
    with tempfile.TemporaryDirectory() as folder, ours:
        process = context.Process(target=_answer, args=(theirs, folder, work, arguments), daemon=True)
        process.start()
        theirs.close()
        try:
            if not ours.poll(seconds):
                raise _stopped(
                    text("{library} was not done after {seconds} s", library=library, seconds=f"{seconds:g}")
                )
            found, answer = ours.recv()
        except EOFError as reason:
            raise _stopped(text("{library} broke off", library=library)) from reason
        finally:
            process.kill()
            process.join()
    if not found:
        raise WorkspaceError(*answer)
    result: Answer = answer
    return result


def _stopped(reason: Text) -> WorkspaceError:
    return WorkspaceError(
        text("{reason}; nothing was read.", reason=reason), (), text("Try a smaller part of the source.")
    )


def _answer(to: Connection, folder: str, work: Callable[..., Any], arguments: tuple[object, ...]) -> None:
    """Run in the other process: do the work and send its answer, or the error that it raised."""
    os.chdir(folder)
    try:
        to.send((True, work(*arguments)))
    except WorkspaceError as error:
        to.send((False, (error.message, error.problems, error.hint)))
