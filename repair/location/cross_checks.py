"""The matrix method and 0-1 programming beside the answer: two classic ways from flags to sections (field reference 7.2–7.4).

Both know flags only, on a radial feeder, and name a section by the sensor that heads it. They stand beside :func:`repair.locate`
as a check: where flags are complete and right, all three agree.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product

import numpy as np

from network import Supply
from repair.location.evidence import lower_place
from repair.location.feeders import Feeders

EXTRA_FAULT = 0.5
"""Cost of one more fault, beside one for each flag that is contradicted (ω)."""


@dataclass(frozen=True)
class Programming:
    """The cheapest explanations of 0-1 programming.

    Attributes:
        solutions: each a set of faulted sections, by the sensors that head them; more than one where they are equally cheap.
        cost: contradicted flags, and 0.5 for each fault.
    """

    solutions: tuple[frozenset[str], ...]
    cost: float


def matrix_method(supply: Supply, flags: Mapping[str, bool | None]) -> frozenset[str]:
    """Return the sections that the matrix method names: flagged, and no sensor next beyond them is.

    Args:
        supply: supply before the fault.
        flags: of each sensor, by branch id; one that is not heard counts as not flagged: the method knows no other.

    Raises:
        UnknownIdError: a branch is not in the network.
    """
    beyond = next_beyond(supply, tuple(flags))
    return frozenset(
        name for name, further in beyond.items() if name and flags[name] and not any(flags[each] for each in further)
    )


def zero_one_programming(
    supply: Supply, flags: Mapping[str, bool | None], most: int = 64, extra_fault: float = EXTRA_FAULT
) -> Programming:
    """Return the sets of faulted sections that contradict the fewest flags, exactly, from the far ends to the source.

    Args:
        supply: supply before the fault.
        flags: of each sensor, by branch id; ``None`` is not heard and contradicts nothing.
        most: no more equal solutions than these are kept.
        extra_fault: cost of each fault beside that of a contradicted flag.

    Raises:
        UnknownIdError: a branch is not in the network.
    """
    beyond = next_beyond(supply, tuple(flags))
    best: dict[str, tuple[Programming, Programming]] = {}
    for name in reversed([each for each in beyond if each]):
        wrong_if = [0.0 if flags[name] is None else float(bool(flags[name]) != shows) for shows in (False, True)]
        below = [best[each] for each in beyond[name]]
        quiet = _together([child[0] for child in below], most)
        loose = _together([_cheaper(child, most) for child in below], most)
        own = Programming(tuple(solution | {name} for solution in loose.solutions), loose.cost + extra_fault)
        some = [own]
        for i, child in enumerate(below):
            rest = [child[1] if i == j else _cheaper(other, most) for j, other in enumerate(below)]
            some.append(_together(rest, most))
        shown = _cheaper(some, most)
        best[name] = (
            Programming(quiet.solutions, quiet.cost + wrong_if[0]),
            Programming(shown.solutions, shown.cost + wrong_if[1]),
        )
    return _together([_cheaper(best[name], most) for name in beyond[""]], most)


def next_beyond(supply: Supply, sensors: tuple[str, ...]) -> dict[str, list[str]]:
    """Return the sensors next beyond each one, source side first; those that have none before them stand under ``""``."""
    branch = supply.network.branch_index(sensors)
    place = lower_place(supply, branch)
    live = [int(i) for i in np.argsort(place, kind="stable") if place[i] >= 0]
    beyond: dict[str, list[str]] = {"": [], **{sensors[i]: [] for i in live}}
    if not live:
        return beyond
    feeders = Feeders.of(supply, np.unique(supply.source_above[place[live]]))
    here = feeders.place(place[live])
    marked = np.zeros(len(feeders.end), dtype=np.bool_)
    marked[here] = True
    name_at = {int(at): sensors[i] for at, i in zip(here, live, strict=True)}
    for at, above in zip(here, feeders.nearest_above(marked)[feeders.parent[here]], strict=True):
        beyond[name_at.get(int(above), "")].append(name_at[int(at)])
    return beyond


def _cheaper(choices: tuple[Programming, ...] | list[Programming], most: int) -> Programming:
    """Return the cheaper of several, with the solutions of all that are equally cheap."""
    cost = min(choice.cost for choice in choices)
    equal = dict.fromkeys(found for choice in choices if choice.cost <= cost + 1e-9 for found in choice.solutions)
    return Programming(tuple(equal)[:most], cost)


def _together(parts: list[Programming], most: int) -> Programming:
    """Return what independent parts give together."""
    solutions: tuple[frozenset[str], ...] = (frozenset(),)
    for part in parts:
        joined = dict.fromkeys(one | other for one, other in product(solutions, part.solutions))
        solutions = tuple(joined)[:most]
    return Programming(solutions, sum(part.cost for part in parts))
