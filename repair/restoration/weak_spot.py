"""One weak spot, and what would lift it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from network import Text

LINE, TRANSFORMER, NODE, FEEDER = "branch", "transformer", "node", "feeder"
OVERLOADED, HEAVY, LOW, HIGH, LONG = "overloaded", "heavy", "low_voltage", "high_voltage", "long_radius"
MEASURED, FLOW = "measured", "flow"
MOVE, CAPACITOR, CONDUCTOR, LARGER, TAP, NEW_TIE, NEARER, REACTIVE, CURTAIL = (
    "move_load", "capacitor", "conductor", "larger_transformer", "tap", "new_tie", "nearer_transformer", "reactive_power",
    "curtail",
)  # fmt: skip


@dataclass(frozen=True)
class Lift:
    """One way to lift a weak spot.

    Attributes:
        by: ``move_load``, ``capacitor``, ``conductor``, ``larger_transformer``, ``tap``, ``new_tie``, ``nearer_transformer``,
            ``reactive_power`` (that generation takes) or ``curtail`` (what it gives).
        amount: how much of it, in ``unit``; ``None`` where that is not known.
        unit: ``A``, ``kvar``, ``kVA``, ``kW`` or ``%``.
        said: all of it in a sentence.
        open, close: devices to be operated, where load is moved.
    """

    by: str
    amount: float | None
    unit: str | None
    said: Text
    open: str | None = None
    close: str | None = None

    def as_dict(self, language: str = "en") -> dict[str, Any]:
        """Return every field, for JSON."""
        return vars(self) | {"said": self.said.in_language(language)}


@dataclass(frozen=True)
class WeakSpot:
    """One weak spot.

    Attributes:
        kind: ``overloaded``, ``heavy``, ``low_voltage``, ``high_voltage`` or ``long_radius``.
        object: ``branch``, ``transformer``, ``node`` or ``feeder``.
        object_id: the one of which it is worst.
        feeder_id: its feeder; ``None`` where no label leads there.
        value: load over rating, voltage over nominal, or km.
        limit: from where on it is a weak spot, in the same unit.
        objects: all that hang together, by id.
        transformers: users of medium voltage behind it.
        customers: customers behind it; ``None`` without a table of customers.
        time_share: share of the time, as far as it is known, in which it is one.
        user_hours_per_day: users behind it times hours of a day: customers, or without a table of customers transformers.
        basis: ``measured`` or ``flow``.
        typical: the same as ``value`` at the typical load, or on average where it was measured; ``None`` for a radius.
        lifts: what would lift it, the simplest first.
    """

    kind: str
    object: str
    object_id: str
    feeder_id: str | None
    value: float
    limit: float
    objects: tuple[str, ...]
    transformers: int
    customers: int | None
    time_share: float
    user_hours_per_day: float
    basis: str
    typical: float | None
    lifts: tuple[Lift, ...] = ()

    def as_dict(self, language: str = "en") -> dict[str, Any]:
        """Return every field, for JSON."""
        return vars(self) | {"objects": list(self.objects), "lifts": [lift.as_dict(language) for lift in self.lifts]}
