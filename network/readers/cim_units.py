"""Units of a CIM model: volts, watts and metres as the profile for distribution has them, or kilovolts and kilometres.

No CIM file states its units. The names of the voltages tell them, or else their size, loads and lengths that one of the two
cannot have, and the impedance of lines, which for a length in metres is a thousand times smaller than for one in kilometres.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median

HIGHEST_KV = 1200.0
"""No nominal voltage is higher, so a larger number is in volts."""

LOWEST_V = 48.0
"""No network for supply has a lower nominal voltage, so a smaller number is in kilovolts."""

HIGHEST_LOAD_MW = 1000.0
"""No single load of a distribution network is larger, so a larger number is in watts."""

LONGEST_KM = 1000.0
"""No line is longer, so a larger number is in metres."""

OHM_PER_UNIT = 0.01
"""A line has from some hundredths to some ohms a kilometre; below this, its length is in metres."""

ONLY_IN_KV = frozenset({66, 69, 132, 138, 150, 154, 161, 225, 275, 287, 330, 345, 500, 525, 735, 750, 765, 800, 1000})
ONLY_IN_V = frozenset(
    {100, 120, 127, 190, 200, 208, 240, 250, 277, 347, 415, 433, 440, 460, 480, 550, 575, 600, 650, 660, 690}
)
"""Nominal voltages in use of transmission in kV, and of low voltage in V; those that occur as both are left out."""

_NAMED = re.compile(r"^\D*?(\d+(?:\.\d+)?)\s*(kv|v|千伏|伏)", re.IGNORECASE)


@dataclass(frozen=True)
class Evidence:
    """What a model says that its units follow from.

    Attributes:
        voltages: nominal voltages with the names they carry.
        loads: active powers of loads.
        lengths: lengths of lines.
        impedances: largest of r and x of a line with the length of it, both not zero.
        per_length: impedances for one unit of length.
        is_of_2003: whether the model is written in the CIM of 2003 (CIM10).
    """

    voltages: Sequence[tuple[float, str | None]]
    loads: Sequence[float] = ()
    lengths: Sequence[float] = ()
    impedances: Sequence[tuple[float, float]] = ()
    per_length: Sequence[float] = ()
    is_of_2003: bool = False


@dataclass(frozen=True)
class Units:
    """Units of a model.

    Attributes:
        in_volts: volts and watts, else kilovolts and megawatts.
        in_metres: metres, else kilometres.
        is_certain: whether the model tells them.
    """

    in_volts: bool
    in_metres: bool
    is_certain: bool = True

    @property
    def kv(self) -> float:
        """Kilovolts in one unit of the file."""
        return 0.001 if self.in_volts else 1.0

    @property
    def km(self) -> float:
        """Kilometres in one unit of the file."""
        return 0.001 if self.in_metres else 1.0

    @property
    def kw(self) -> float:
        """Kilowatts in one unit of the file."""
        return 0.001 if self.in_volts else 1000.0


def units_of(evidence: Evidence) -> Units:
    """Return the units that a model is written in.

    Where nothing tells them they are those of the profile: volts and metres, in the CIM of 2003 kilovolts and kilometres.
    """
    by_length = _by_length(evidence)
    verdicts = (_by_names(evidence), _by_size(evidence), by_length, _by_custom(evidence))
    told = next((verdict for verdict in verdicts if verdict is not None), None)
    in_volts = not evidence.is_of_2003 if told is None else told
    is_certain = told is not None or not any(value for value, _ in evidence.voltages)
    return Units(in_volts, in_volts if by_length is None else by_length, is_certain)


def _by_names(evidence: Evidence) -> bool | None:
    """Judge by a name such as ``10.5kV`` or ``380V`` beside its number."""
    for value, name in evidence.voltages:
        said = _NAMED.match(name or "")
        if said is None or value <= 0:
            continue
        volts = float(said[1]) * (1000 if said[2].lower() in {"kv", "千伏"} else 1)
        for in_volts in (True, False):
            if volts and 0.8 < value * (1 if in_volts else 1000) / volts < 1.25:  # 115 is the 110 kV of China
                return in_volts
    return None


def _by_size(evidence: Evidence) -> bool | None:
    voltages = [value for value, _ in evidence.voltages if value > 0]
    if any(value > HIGHEST_KV for value in voltages):
        return True
    if any(value < LOWEST_V for value in voltages):
        return False
    return True if any(abs(load) > HIGHEST_LOAD_MW for load in evidence.loads) else None


def _by_length(evidence: Evidence) -> bool | None:
    """Judge whether lengths are in metres by the impedance of lines, else by lengths that no line has in kilometres."""
    per_unit = [ohm / length for ohm, length in evidence.impedances if ohm > 0 and length > 0]
    per_unit += [ohm for ohm in evidence.per_length if ohm > 0]
    if per_unit:
        return median(per_unit) < OHM_PER_UNIT
    return True if any(length > LONGEST_KM for length in evidence.lengths) else None


def _by_custom(evidence: Evidence) -> bool | None:
    """Judge by voltages that are in use as kilovolts only, or as volts only."""
    return _either(ONLY_IN_V, ONLY_IN_KV, (round(value) for value, _ in evidence.voltages))


def _either(yes: frozenset[int], no: frozenset[int], values: Iterable[int]) -> bool | None:
    seen = set(values)
    return bool(seen & yes) if bool(seen & yes) != bool(seen & no) else None
