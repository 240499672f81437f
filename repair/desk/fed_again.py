"""Who has power again by what was operated since an incident began 转供复电, before any meter tells.

The state of the switches is traced from the start of the first incident that is open: the head of each opens when it began, then
each operation is played. Whom an operation gives supply again is back from then on, for as long as the trace feeds it. A word of
darkness of a later time goes before the trace: the transformer stays off with its incident, unless the word belongs to another
incident that began since. An incident does not end by that alone; reports or a person end it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import groupby
from typing import Any

import numpy as np

from network import Jumper, Supply
from network.model import Network
from network.switching_replay import Zones
from repair.affected import affected_by_transformers, sure_of_customers
from repair.desk.incidents import ALONE, FedAgain, Told
from repair.desk.operations import Operation
from repair.inference.outage import InferredOutage

GIVES = frozenset({"close", "join", "jumper"})
"""Operations that can give supply."""


@dataclass(frozen=True)
class Head:
    """The branches at which an outage parts its users from supply.

    Attributes:
        start: when they opened.
        end: when nobody was off by it any more; ``None`` while somebody is.
        branches: their ids.
    """

    start: datetime
    end: datetime | None
    branches: tuple[str, ...]


@dataclass(frozen=True)
class Given:
    """When operations gave supply to a transformer that had none.

    Attributes:
        times: the moments, in order.
        taken: when an operation took it last; ``None`` where none did.
        is_fed: whether it has supply at the end.
    """

    times: tuple[datetime, ...]
    taken: datetime | None
    is_fed: bool


def after_operations(
    told: Told,
    state_at: Callable[[datetime], Supply],
    operations: Sequence[Operation],
    last_dark: Mapping[str, datetime],
    sure_now: Callable[[], Mapping[str, float]],
    serving: Callable[[], Supply],
) -> Told:
    """Return what was told with those counted back whom operations have fed again since.

    Args:
        told: what signals told.
        state_at: gives the supply in the state of the switches of a moment.
        operations: those that hold, in order of time.
        last_dark: when each transformer last reported to be off, or did not answer a reading.
        sure_now: gives how probable it is that each transformer is off in the state that holds now.
        serving: gives the supply of who is in service, whose customers are counted.
    """
    lines = [each for each in told.outages if each.level not in ALONE and each.state != "overturned"]
    begun = min((each.start for each in lines), default=datetime.max)
    later = [each for each in operations if each.at > begun]
    if not any(each.action in GIVES for each in later):
        return told
    heads = [Head(each.start, each.restored_at, (each.object_id, *each.ends)) for each in lines]
    found = given(state_at(begun), heads, later)
    back = {each.id: _back(each, told.outages, found, last_dark) for each in lines}
    if not any(back.values()):
        return told
    supply = serving()
    fed = {name: _by_moment(each, supply) for name, each in back.items() if each}
    off = {each.id: frozenset(each.dark_ids).intersection(back.get(each.id, ())) for each in told.outages}
    now = sure_now()
    sure = {**told.sure}
    for transformer in frozenset().union(*off.values()):
        sure.pop(transformer, None)
        sure |= {transformer: now[transformer]} if transformer in now else {}
    outages = tuple(_without(each, off[each.id], supply, sure) if off[each.id] else each for each in told.outages)
    return replace(told, outages=outages, sure=sure, fed_again=fed)


def given(state: Supply, heads: Sequence[Head], operations: Sequence[Operation]) -> dict[str, Given]:
    """Return when operations gave supply to transformers that had none.

    Args:
        state: the state of the switches before any of it.
        heads: where outages part users from supply; what is operated at the moment at which one begins was operated before.
        operations: what is operated after that state, in order of time.
    """
    net, moves = _moves(state, heads, operations)
    is_open = {branch: bool(net.normally_open[branch]) for _, _, branch, _ in moves}
    zones = Zones(net, np.unique([branch for _, _, branch, _ in moves]))
    for branch in range(state.network.branches.height, net.branches.height):
        zones.open(branch)  # a jumper joins once it is in place
    times: dict[int, list[datetime]] = {}
    taken: dict[int, datetime] = {}
    for at, together in groupby(moves, key=lambda move: move[0]):
        was_fed: dict[int, bool] = {}
        by_outage: set[int] = set()
        for _, what, branch, opens in together:
            if what == _OPERATED:
                is_open[branch] = opens
            elif what == _ENDS and is_open[branch]:
                continue
            changed = zones.open(branch) if opens else zones.close(branch)
            was_fed = dict.fromkeys(changed, opens) | was_fed
            by_outage.update(changed if what != _OPERATED else ())
        for zone in was_fed.keys() - by_outage:
            if was_fed[zone] and not zones.is_live(zone):
                taken[zone] = at
            elif zones.is_live(zone) and not was_fed[zone]:
                times.setdefault(zone, []).append(at)
    return _transformers(net, zones, times, taken)


_OPERATED, _BEGINS, _ENDS = range(3)
"""What moves a branch, in the order in which it does at one moment."""


def _moves(
    state: Supply, heads: Sequence[Head], operations: Sequence[Operation]
) -> tuple[Network, list[tuple[datetime, int, int, bool]]]:
    """Return a network that is normally in a state, and what moves its branches: when, why, which, and whether it opens."""
    net, number_of = _with_jumpers(state, operations)
    moves = [(each.at, _OPERATED, number_of(each), each.action not in GIVES) for each in operations]
    for head in heads:
        for branch in net.known_branches(head.branches)[0].tolist():
            moves.append((head.start, _BEGINS, branch, True))
            moves += [] if head.end is None else [(head.end, _ENDS, branch, False)]
    return net, sorted(moves, key=lambda move: move[:2])


def _with_jumpers(state: Supply, operations: Sequence[Operation]) -> tuple[Network, Callable[[Operation], int]]:
    """Return a network that is normally in a state and has each jumper of some operations, and what tells its branches."""
    own: Any = state.network
    jumpers = [each for each in operations if each.action == "jumper"]
    settled = replace(own, branches=own.branches.with_columns(normally_open=np.asarray(state.is_open)))
    joined = settled.joined(
        [Jumper(f"{each.branch_id} {each.number}", str(each.from_node), str(each.to_node)) for each in jumpers]
    )
    place = {each.number: own.branches.height + at for at, each in enumerate(jumpers)}
    last: dict[str, int] = {}

    def number_of(operation: Operation) -> int:
        if operation.action == "jumper":
            last[operation.branch_id] = place[operation.number]
        found = last.get(operation.branch_id)
        return int(own.branch_index([operation.branch_id])[0]) if found is None else found

    return joined, number_of


def _transformers(
    net: Network, zones: Zones, times: Mapping[int, list[datetime]], taken: Mapping[int, datetime]
) -> dict[str, Given]:
    """Return what was given to transformers; one with two supplies is given what either of them is."""
    zone_of = np.append(zones.zone_of, -1)
    supplies = np.stack([zone_of[net.transformer_node], zone_of[net.transformer_second_node]])
    rows = np.flatnonzero(np.isin(supplies, list(times)).any(axis=0))
    found: dict[str, Given] = {}
    for transformer, own in zip(
        net.transformers["transformer_id"].gather(rows), supplies[:, rows].T.tolist(), strict=True
    ):
        at = sorted({moment for zone in own for moment in times.get(zone, ())})
        lost = max((taken[zone] for zone in own if zone in taken), default=None)
        found[transformer] = Given(tuple(at), lost, any(zone >= 0 and zones.is_live(zone) for zone in own))
    return found


def _back(
    outage: InferredOutage,
    outages: Sequence[InferredOutage],
    found: Mapping[str, Given],
    last_dark: Mapping[str, datetime],
) -> dict[str, datetime]:
    """Return since when transformers of an outage are, or were first, back by what was operated.

    Of one that is off as far as reports tell: where it is fed and was not dark since, or where what took its supply since is
    another outage that holds it.
    """
    back: dict[str, datetime] = {}
    dark = frozenset(outage.dark_ids) if outage.is_open else frozenset()
    for transformer in outage.transformer_ids:
        known = found.get(transformer)
        for at in known.times if known else ():
            if at <= outage.start or (outage.restored_at is not None and at > outage.restored_at):
                continue
            if transformer not in dark or _holds(transformer, known, outage, outages, last_dark, at):  # type: ignore[arg-type]
                back[transformer] = at
                break
    return back


def _holds(
    transformer: str,
    known: Given,
    outage: InferredOutage,
    outages: Sequence[InferredOutage],
    last_dark: Mapping[str, datetime],
    at: datetime,
) -> bool:
    """Tell whether what an operation gave a transformer at a moment, reports of which say that it is off, is believed."""
    if known.taken is not None and known.taken >= at:
        return False
    is_silent = last_dark.get(transformer, at) <= at
    return (known.is_fed and is_silent) or _is_of_another(transformer, outage, outages, at)


def _is_of_another(
    transformer: str, outage: InferredOutage, outages: Sequence[InferredOutage], since: datetime
) -> bool:
    """Tell whether another outage that began since a moment took the supply of a transformer."""
    return any(
        each.start >= since and each.id != outage.id and transformer in each.transformer_ids
        for each in outages
        if each.state != "overturned"
    )


def _by_moment(back: Mapping[str, datetime], supply: Supply) -> tuple[FedAgain, ...]:
    found = []
    for at in sorted(set(back.values())):
        ids = tuple(transformer for transformer, moment in back.items() if moment == at)
        found.append(FedAgain(at, ids, affected_by_transformers(supply, ids).customer_count))
    return tuple(found)


def _without(
    outage: InferredOutage, back: Collection[str], supply: Supply, sure: Mapping[str, float]
) -> InferredOutage:
    """Return an outage by which some of its transformers are off no more."""
    dark = tuple(each for each in outage.dark_ids if each not in back)
    off = affected_by_transformers(supply, dark)
    probability = np.zeros(supply.network.transformers.height)
    probability[supply.network.transformer_index(list(dark))] = [sure.get(each, 0.0) for each in dark]
    return replace(
        outage,
        dark_ids=dark,
        dark=len(dark),
        back=outage.back + len(back),
        customers_off=off.customer_count,
        expected_customers=float(sure_of_customers(off.hit, probability).sum()),
        next_read=None if outage.next_read in back else outage.next_read,
    )
