"""All signals that were heard: the newest as a table, those before them packed, so that memory hardly grows with traffic."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from io import BytesIO

import polars as pl

from network.arrays import Mask
from network.representation import Shown

AT_ONCE = 50_000
"""Signals that are packed together; up to so many lie open, besides the last ones that were packed."""

MOST_PARTS = 64
"""Batches of signals that lie apart in memory, until they are joined."""

NOT_NEEDED = ("event_id", "row")
"""Columns that tell signals apart while they are kept in a store; nothing is judged by them."""


@dataclass(frozen=True, eq=False, repr=False)
class Packed(Shown):
    """Some signals as compressed Parquet, in the order in which they came.

    Attributes:
        data: the file.
        first, last: of their times.
        count: of signals.
    """

    data: bytes
    first: datetime
    last: datetime
    count: int

    @classmethod
    def of(cls, rows: pl.DataFrame) -> Packed:
        """Pack rows; there is at least one."""
        packed = BytesIO()
        rows.write_parquet(packed, compression="zstd", statistics=False)
        first, last = rows["time"].min(), rows["time"].max()
        return cls(packed.getvalue(), first, last, rows.height)  # type: ignore[arg-type]

    @property
    def rows(self) -> pl.DataFrame:
        """The signals."""
        return pl.read_parquet(BytesIO(self.data))


@dataclass(frozen=True, eq=False, repr=False)
class Heard(Shown):
    """Signals in the order in which they came; never changed, so that whoever holds it sees one moment.

    Attributes:
        recent: the newest.
        packed: those before them.
        opened: the last of those that were packed, which are asked for often.
    """

    recent: pl.DataFrame
    packed: tuple[Packed, ...] = ()
    opened: pl.DataFrame | None = field(default=None)

    @classmethod
    def of(cls, rows: pl.DataFrame) -> Heard:
        """Return signals that were all heard at once."""
        return cls(_lean(rows))

    def and_then(self, rows: pl.DataFrame) -> Heard:
        """Return these signals and some more."""
        together = pl.concat([self.recent, _lean(rows).select(self.recent.columns)])
        if together.height >= AT_ONCE:
            together = together.rechunk()
            return Heard(together.clear(), (*self.packed, Packed.of(together)), together)
        return Heard(together.rechunk() if together.n_chunks() >= MOST_PARTS else together, self.packed, self.opened)

    def since(self, moment: datetime) -> pl.DataFrame:
        """Return those that speak of a moment or a later one."""
        later = pl.col("time") >= moment
        parts = [self._rows(number).filter(later) for number, part in enumerate(self.packed) if part.last >= moment]
        return pl.concat([*parts, self.recent.filter(later)]) if parts else self.recent.filter(later)

    def _rows(self, number: int) -> pl.DataFrame:
        is_opened = number == len(self.packed) - 1 and self.opened is not None
        return self.opened if is_opened else self.packed[number].rows  # type: ignore[return-value]

    @property
    def all(self) -> pl.DataFrame:
        """All of them."""
        return pl.concat([*(self._rows(number) for number in range(len(self.packed))), self.recent])

    def newest_until(self, moment: datetime) -> datetime | None:
        """Return the time of the last signal until a moment; ``None`` where there is none."""
        known = [part.last for part in self.packed if part.last <= moment]
        across = [number for number, part in enumerate(self.packed) if part.first <= moment < part.last]
        times = [*(self._rows(number)["time"] for number in across), self.recent["time"]]
        known += [found for time in times if isinstance(found := time.filter(time <= moment).max(), datetime)]
        return max(known, default=None)

    def only(self, needed: Callable[[pl.DataFrame], Mask], before: datetime) -> Heard:
        """Return those that are needed still; what is not before a moment is.

        Args:
            needed: tells it of some signals.
            before: the moment.
        """
        kept: list[Packed] = []
        for number, part in enumerate(self.packed):
            if part.first >= before:
                kept.append(part)
                continue
            rows = self._rows(number)
            left = rows.filter(pl.Series(needed(rows), dtype=pl.Boolean))
            kept += [part] if left.height == rows.height else [Packed.of(left)] if left.height else []
        is_same = bool(kept) and bool(self.packed) and kept[-1] is self.packed[-1]
        recent = self.recent.filter(pl.Series(needed(self.recent), dtype=pl.Boolean))
        return Heard(recent, tuple(kept), self.opened if is_same else None)


def _lean(rows: pl.DataFrame) -> pl.DataFrame:
    """Return signals without what nobody asks for once they are kept."""
    blank = [pl.lit(None, dtype=rows.schema[name]).alias(name) for name in NOT_NEEDED if name in rows.columns]
    return rows.with_columns(blank)
