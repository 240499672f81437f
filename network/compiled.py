"""Loops over arrays, compiled to machine code when they are first used, and kept for the next time where that can be written."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

Loop = TypeVar("Loop", bound=Callable[..., Any])


def compiled(loop: Loop) -> Loop:
    """Compile a function of numbers and arrays of numpy.

    Other threads run while it does. What was compiled is kept beside the module, or in the cache of the user; where neither can
    be written, each process compiles it again.
    """
    return _compiled(loop)


def inlined(loop: Loop) -> Loop:
    """Compile a function that is called for every step of a loop: it becomes a part of what calls it.

    Both stand in one module: what is kept of a caller in another one would not change with this function.
    """
    return _compiled(loop, forceinline=True)


def _compiled(loop: Loop, *, forceinline: bool = False) -> Loop:
    import numba

    try:
        return cast("Loop", numba.njit(cache=True, nogil=True, error_model="numpy", forceinline=forceinline)(loop))
    except RuntimeError:  # no folder to keep it in
        return cast("Loop", numba.njit(nogil=True, error_model="numpy", forceinline=forceinline)(loop))
