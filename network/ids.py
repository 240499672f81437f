"""Ids as places: where each id of one column stands in another, and which ids may occur twice.

Texts are slow to compare and hashes are quick, so a hash only proposes and the text decides: every answer is exact,
whatever the hashes do. The work goes in slices that fit a processor's cache, on every core.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import polars as pl

from network.arrays import Indices, Mask

_SLICE = 1 << 18
_FACTORS = tuple(pow(0x9E3779B97F4A7C15, power, 1 << 64) for power in range(1, 9))
"""What a hash is multiplied by in each round: ids that share a slot in one round part in the next."""
_ROOM = 4
"""Slots for each id in a round, at least."""

_Places: TypeAlias = npt.NDArray[np.uint32]


class Places:
    """Where each id of a column stands.

    Attributes:
        first: for each id of the column, the place of the first that is equal to it, shape (m,).
    """

    first: Indices

    def __init__(self, known: pl.Series) -> None:
        """Give every distinct id a slot.

        Args:
            known: ids, shape (m,), as text.
        """
        self._known = known.rechunk()
        self.first = np.arange(len(known))
        self._rounds: list[_Slots] = []
        hashes = self._known.hash().to_numpy()
        left = np.arange(len(known), dtype=np.uint32)
        for factor in _FACTORS:
            if not len(left):
                break
            slots = _Slots(np.zeros(1 << (_ROOM * len(left)).bit_length(), dtype=np.uint32), np.uint64(factor))
            self._rounds.append(slots)
            slot = slots.of(hashes)
            slots.place[slot[::-1]] = left[::-1]
            holder = slots.place[slot]
            shadowed = np.flatnonzero(holder != left)
            left, holder, hashes = left[shadowed], holder[shadowed], hashes[shadowed]
            same = self._is_at(holder, self._known.gather(pl.Series(left)))
            self.first[left[same]] = holder[same]
            left, hashes = left[~same], hashes[~same]
        self._left = left
        if len(left):
            self.first[left] = self._find_left(self._known.gather(pl.Series(left)), self.first[left])

    def of(self, wanted: pl.Series) -> Indices:
        """Return where each id stands first, -1 where it is blank or not there.

        Args:
            wanted: ids, shape (n,), as text.

        Returns:
            Places in the column, shape (n,).
        """
        found = np.full(len(wanted), -1, dtype=np.int64)
        if self._known.is_empty() or wanted.null_count() == len(wanted):
            return found

        def look_up(start: int) -> None:
            ids = wanted.slice(start, _SLICE)
            hashes = ids.hash().to_numpy()
            rows: slice | Indices = slice(start, start + len(ids))
            for slots in self._rounds:
                proposed = slots.place.take(slots.of(hashes), mode="wrap")
                same = self._is_at(proposed, ids)
                found[rows] = np.where(same, proposed.astype(np.int64), -1)
                other = np.flatnonzero(~same)
                if not len(other):
                    return
                ids, hashes = ids.gather(other), hashes[other]
                rows = other + start if isinstance(rows, slice) else rows[other]
            if len(self._left):
                found[rows] = self._find_left(ids, found[rows])

        _in_slices(look_up, len(wanted))
        if wanted.null_count():
            found[wanted.is_null().to_numpy()] = -1
        return found

    def _is_at(self, place: _Places, ids: pl.Series) -> Mask:
        return self._known.gather(pl.Series(place)).eq_missing(ids).to_numpy()

    def _find_left(self, wanted: pl.Series, otherwise: Indices) -> Indices:
        """Find ids among the few that have no slot, because all rounds gave theirs to others."""
        left = pl.DataFrame({"id": self._known.gather(pl.Series(self._left)), "place": self._left.astype(np.int64)})
        first = left.unique("id", keep="first", maintain_order=True)
        joined = pl.DataFrame({"id": wanted}).join(first, on="id", how="left", maintain_order="left")
        return joined["place"].fill_null(pl.Series(otherwise)).to_numpy()


@dataclass(frozen=True)
class _Slots:
    """The place of one id in each slot; the first bits of a multiple of its hash choose the slot of an id."""

    place: _Places
    factor: np.uint64

    def of(self, hashes: npt.NDArray[np.uint64]) -> Indices:
        return ((hashes * self.factor) >> np.uint64(65 - len(self.place).bit_length())).view(np.int64)


def perhaps_repeated(ids: pl.Series) -> pl.Series:
    """Return the places of all ids that occur more than once, and perhaps of a few that do not; in order.

    Args:
        ids: ids, shape (n,), as text.
    """
    hashes = ids.hash()
    ordered = np.sort(hashes.to_numpy())
    twice = ordered[1:][ordered[1:] == ordered[:-1]]
    return hashes.is_in(pl.Series(twice).unique().implode()).arg_true() if len(twice) else pl.Series(dtype=pl.UInt32)


def _in_slices(work: Callable[[int], None], length: int) -> None:
    """Do ``work(start)`` for the start of every slice of a length, on every core."""
    starts = range(0, length, _SLICE)
    if len(starts) < 2:
        for start in starts:
            work(start)
        return
    with ThreadPoolExecutor(pl.thread_pool_size()) as pool:
        for _ in pool.map(work, starts):
            pass


def each_of(given: str | Iterable[str]) -> tuple[str, ...]:
    """Return one id, or several, as a tuple; a single id is never taken for its letters."""
    return (given,) if isinstance(given, str) else tuple(given)
