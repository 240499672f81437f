"""What a figure covers: the period, the level, the breakdown, and until when it is known."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from network import FudianError, text
from reliability.period import Period

MED = ("include", "exclude")
SOURCES = ("records", "switching")


@dataclass(frozen=True)
class Query:
    """What a figure covers.

    Attributes:
        period: the statistical period.
        by: columns by which it is broken down.
        level: ``mv`` (transformers) or ``lv`` (customers).
        med: whether major event days are in (``include``) or out (``exclude``).
        as_of: nothing later is known; the end of the period by default.
        where: only rows with these values, such as ``{"region_class": "town"}``.
        source: what the interruptions come from: the outage ``records``, or the replay of the ``switching`` log.
        over: whether the period is over although nothing in it is known after ``as_of``, where that moment is not stated but
            only the latest that the records name.
    """

    period: Period
    by: tuple[str, ...] = ()
    level: str = "mv"
    med: str = "include"
    as_of: datetime | None = None
    where: Mapping[str, str] = field(default_factory=dict, hash=False)
    source: str = "records"
    over: bool = False

    def __post_init__(self) -> None:
        if self.source not in SOURCES:
            raise FudianError(
                text("Interruptions do not come from {source!r}.", source=self.source),
                text("Use records or switching."),
            )
        if self.med not in MED:
            raise FudianError(
                text("There is no treatment {med!r} of major event days.", med=self.med),
                text("Use include or exclude."),
            )
        if self.as_of is not None and self.as_of <= self.period.start and not self.over:
            raise FudianError(
                text(
                    "Nothing is known after {as_of}, and the period begins at {start}.",
                    as_of=self.as_of,
                    start=self.period.start,
                ),
                text("Choose an earlier period or a later as-of time."),
            )

    @property
    def is_over(self) -> bool:
        """Whether nothing more is to come in the period."""
        return self.over or self.as_of is None or self.as_of >= self.period.end

    @property
    def known(self) -> Query:
        """The query of the part of the period that is known: nothing is said about days to come."""
        if self.is_over or self.as_of is None:
            return self
        return replace(self, period=replace(self.period, end=self.as_of))
