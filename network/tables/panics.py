"""Panics of compiled readers: on some damaged files they give up in a way that is no Exception and speaks past Python."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

_STANDARD_ERROR = 2


@contextmanager
def panics_as(error: Exception) -> Iterator[None]:
    """Raise ``error`` where compiled code panics, without what it writes to standard error by itself meanwhile."""
    try:
        kept = os.dup(_STANDARD_ERROR)
    except OSError:  # the program was started without the stream
        kept = -1
    silence = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silence, _STANDARD_ERROR)
    os.close(silence)
    try:
        yield
    except BaseException as reason:
        if type(reason).__name__ == "PanicException":  # every extension brings a type of its own
            raise error from None
        raise
    finally:
        if kept >= 0:
            os.dup2(kept, _STANDARD_ERROR)
            os.close(kept)
