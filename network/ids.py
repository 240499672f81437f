"""Ids as places: where each id of one column stands in another, and which ids may occur twice.

Texts are slow to compare and hashes are quick, so a hash only proposes and the text decides: every answer is exact,
whatever the hashes do. The work goes in slices that fit a processor's cache, on every core.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import polars as pl

from network.arrays import Indices

_SLICE = 1 << 17
_SHIFTS = (0, 21, 42)
"""By how many bits a hash is shifted in each round: ids that share a slot in one round part in the next."""
_ROOM = 4
"""Slots for each id in a round, at least."""

_Places: TypeAlias = npt.NDArray[np.uint32]
_Hashes: TypeAlias = npt.NDArray[np.uint64]


@dataclass(frozen=True)
class _Slots:
    """The place of one id in each slot; a slot is chosen by some bits of the hash of an id."""

    place: _Places
    shift: int

    def of(self, hashes: _Hashes) -> Indices:
        return ((hashes >> np.uint64(self.shift)) & np.uint64(len(self.place) - 1)).astype(np.int64)

    def propose(self, hashes: _Hashes) -> _Places:
        return self.place.take(self.of(hashes), mode="clip")


def places(wanted: pl.Series, known: pl.Series) -> Indices:
    """Return where each id stands.

    Args:
        wanted: ids, shape (n,), as text.
        known: ids, shape (m,), as text.

    Returns:
        The first place in ``known`` of each wanted id, -1 where it is blank or not there; shape (n,).
    """
    found = np.full(len(wanted), -1, dtype=np.int64)
    if known.is_empty() or wanted.null_count() == len(wanted):
        return found
    known = known.rechunk()
    rounds, unplaced = _rounds(known)

    def look_up(start: int) -> None:
        ids = wanted.slice(start, _SLICE)
        hashes = ids.hash().to_numpy()
        missing = np.arange(start, start + len(ids))
        for slots in rounds:
            proposed = slots.propose(hashes)
            right = _same(known, proposed, ids)
            found[missing[right]] = proposed[right]
            left = np.flatnonzero(~right)
            if not len(left):
                return
            ids, hashes, missing = ids.gather(left), hashes[left], missing[left]
        if len(unplaced):
            found[missing] = _joined(ids, known.gather(pl.Series(unplaced)), unplaced)

    in_slices(look_up, len(wanted), _SLICE)
    return found


def _rounds(known: pl.Series) -> tuple[list[_Slots], _Places]:
    """Give every id a slot in some round; return the rounds, and those ids that got none."""
    hashes = known.hash().to_numpy()
    unplaced = np.arange(len(known), dtype=np.uint32)
    rounds: list[_Slots] = []
    for shift in _SHIFTS:
        if not len(unplaced):
            break
        slots = _Slots(np.zeros(1 << (_ROOM * len(unplaced) - 1).bit_length(), dtype=np.uint32), shift)
        slot = slots.of(hashes)
        slots.place[slot[::-1]] = unplaced[::-1]
        rounds.append(slots)
        taken_by = slots.place[slot]
        shadowed = np.flatnonzero(taken_by != unplaced)
        other = ~_same(known, taken_by[shadowed], known.gather(pl.Series(unplaced[shadowed])))
        unplaced, hashes = unplaced[shadowed][other], hashes[shadowed][other]
    return rounds, unplaced


def _same(known: pl.Series, at: _Places, ids: pl.Series) -> npt.NDArray[np.bool_]:
    return (known.gather(pl.Series(at)) == ids).fill_null(value=False).to_numpy()


def _joined(wanted: pl.Series, known: pl.Series, place: _Places) -> Indices:
    table = pl.DataFrame({"id": known, "place": pl.Series(place, dtype=pl.Int64)})
    first = table.unique("id", keep="first", maintain_order=True)
    joined = pl.DataFrame({"id": wanted}).join(first, on="id", how="left", maintain_order="left")
    return joined["place"].fill_null(-1).to_numpy()


def perhaps_repeated(ids: pl.Series) -> pl.Series:
    """Return the places of all ids that occur more than once, and perhaps of a few that do not; in order.

    Args:
        ids: ids, shape (n,), as text.
    """
    hashes = ids.hash()
    ordered = np.sort(hashes.to_numpy())
    twice = ordered[1:][ordered[1:] == ordered[:-1]]
    return hashes.is_in(pl.Series(twice).unique().implode()).arg_true() if len(twice) else pl.Series(dtype=pl.UInt32)


def in_slices(work: Callable[[int], None], length: int, size: int) -> None:
    """Do ``work(start)`` for the start of every slice of a length, on every core."""
    starts = range(0, length, size)
    if len(starts) < 2:
        for start in starts:
            work(start)
        return
    with ThreadPoolExecutor(pl.thread_pool_size()) as pool:
        for _ in pool.map(work, starts):
            pass
