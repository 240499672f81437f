"""What the reports of one transformer and its meters say together (field reference 6.3, explanations 4 to 6).

A transformer is dark when its terminal says so, or when enough of its meters do, and none of its meters has power. Otherwise
its dark meters and callers stand for themselves.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from network.arrays import Indices, Mask, among
from network.representation import Shown
from repair.inference.devices import EVER, Devices
from repair.inference.episodes import episodes
from repair.inference.spells import CALL, ON, READ, UNANSWERED, Rows, Spells
from repair.settings import InferenceSettings


@dataclass(frozen=True, eq=False, repr=False)
class Clusters(Shown):
    """Spells of one transformer (or of one customer who hangs on none alone) within one window; all of shape (clusters,).

    Attributes:
        key: the transformer; for a customer alone the number of its device.
        start: first report, in ms.
        end: when the last of its devices was back, in ms.
        is_dark: the transformer is off as a whole.
        denied_by: a meter that had power although the terminal said off, -1 where there is none.
        terminal: whether its terminal reported off.
        meters, callers, customers: how many distinct customers reported off, called, or did either.
        agreeing: whether one customer both reported off and called, or a device that did either let readings go unanswered.
        only_customer: number of its customer's device, where there is just one; else of one of them, -1 without any.
    """

    key: Indices
    start: Indices
    end: Indices
    is_dark: Mask
    denied_by: Indices
    terminal: Mask
    meters: Indices
    callers: Indices
    customers: Indices
    agreeing: Mask
    only_customer: Indices

    def at(self, which: Mask | Indices) -> Clusters:
        """Return some of them."""
        return Clusters(*(column[which] for column in vars(self).values()))


@dataclass(frozen=True, eq=False, repr=False)
class Power(Shown):
    """Signs of power of terminals and meters, by time within each key; all of shape (signs,).

    Attributes:
        key: the transformer that each speaks for.
        device: number of the device.
        time: in ms.
    """

    key: Indices
    device: Indices
    time: Indices


def key_of(devices: Devices, device: Indices) -> Indices:
    """Return the transformer that each terminal or meter speaks for; the number of the device where it speaks for none."""
    key = device.copy()
    meters = np.flatnonzero(device >= devices.customers_from)
    transformer = devices.meter_transformer[device[meters] - devices.customers_from]
    key[meters] = np.where(transformer >= 0, transformer, device[meters])
    return key


def signs_of_power(rows: Rows, devices: Devices) -> Power:
    """Return when terminals, and meters that speak for a transformer, were read or came on."""
    kind = rows.kind
    told = np.flatnonzero(((kind == READ) | (kind == ON)) & (rows.device < devices.branches_from))
    key = key_of(devices, rows.device[told])
    speaks = key < devices.customers_from
    told, key = told[speaks], key[speaks]
    time = rows.time[told]
    order = np.lexsort((time, key))
    return Power(key[order], rows.device[told][order], time[order])


def clusters_of(spells: Spells, rows: Rows, power: Power, devices: Devices, rules: InferenceSettings) -> Clusters:
    """Judge the spells of terminals and meters, transformer by transformer and window by window."""
    window = window_ms(rules)
    key = key_of(devices, spells.device)
    order = np.lexsort((spells.start, key))
    spells, key = spells.at(order), key[order]
    number = episodes(key, spells.start, window)
    first = np.flatnonzero(np.diff(number, prepend=-1))
    count = len(first)
    cluster_key, start = key[first], spells.start[first]

    by_device = np.lexsort((spells.device, number))
    own, of = spells.at(by_device), number[by_device]
    opens = np.ones(len(of), dtype=np.bool_)
    opens[1:] = (of[1:] != of[:-1]) | (own.device[1:] != own.device[:-1])
    member = np.cumsum(opens) - 1
    device, cluster = own.device[opens], of[opens]
    off = np.bincount(member, own.offs, len(device)) > 0
    called = np.bincount(member, own.calls, len(device)) > 0
    silent = np.bincount(member, own.unanswered, len(device)) >= rules.unanswered_reads
    is_meter = device >= devices.customers_from

    def tally(which: Mask) -> Indices:
        return np.bincount(cluster[which], minlength=count)

    meters = tally(is_meter & off)
    terminal = tally(~is_meter & off) > 0
    end = np.maximum.reduceat(spells.end, first) if count else start
    denied_by = _denied_by(cluster_key, start, cluster, device, power, window, devices)
    needed = rules.meters_needed(_heard(cluster_key, start + window, rows, devices))
    speaks = cluster_key < devices.customers_from
    only = np.full(count, -1, dtype=np.int64)
    only[cluster[is_meter][::-1]] = device[is_meter][::-1]
    return Clusters(
        cluster_key,
        start,
        end,
        speaks & (terminal | (meters >= needed)) & (denied_by < 0),
        denied_by,
        terminal,
        meters,
        tally(is_meter & called),
        tally(is_meter),
        tally((is_meter & off & called) | silent) > 0,
        only,
    )


def window_ms(rules: InferenceSettings) -> int:
    """Return the window in ms."""
    return round(rules.window_min * 60_000)


def _denied_by(
    key: Indices, start: Indices, cluster: Indices, device: Indices, power: Power, window: int, devices: Devices
) -> Indices:
    """Return a meter of each cluster's transformer that had power within its window and reported nothing dark, or -1."""
    found = np.full(len(key), -1, dtype=np.int64)
    meters = np.flatnonzero(power.device >= devices.customers_from)
    if not len(meters) or not len(key):
        return found
    latest = last_before(key, start, power.key[meters], power.time[meters])
    inside = latest >= 0
    meters, latest = meters[inside], latest[inside]
    inside = power.time[meters] <= start[latest] + window
    meters, latest = meters[inside], latest[inside]
    most = int(max(device.max(initial=0), power.device.max(initial=0))) + 1
    dark = among(latest * most + power.device[meters], cluster * most + device)
    found[latest[~dark]] = power.device[meters[~dark]]
    return found


def last_before(key: Indices, start: Indices, asked_key: Indices, asked: Indices) -> Indices:
    """Return, for each key and moment asked, the last item of that key that begins before it, or -1; items come by both."""
    kinds, rank = np.unique(key, return_inverse=True)
    rank_asked = np.minimum(np.searchsorted(kinds, asked_key), len(kinds) - 1)
    base = min(start.min(), asked.min()) if len(asked) else 0
    span = max(start.max(), asked.max(initial=0)) - base + 1
    place = np.searchsorted(rank * span + (start - base), rank_asked * span + (asked - base)) - 1
    same = (place >= 0) & (key[place] == asked_key)
    return np.where(same, place, -1)


def _heard(key: Indices, until: Indices, rows: Rows, devices: Devices) -> Indices:
    """Return how many meters of each cluster's transformer were heard, other than by a call, until a moment."""
    told = np.flatnonzero((rows.device >= devices.customers_from) & (rows.device < devices.branches_from))
    told = told[(rows.kind[told] != CALL) & (rows.kind[told] != UNANSWERED)]
    first = np.ones(len(told), dtype=np.bool_)
    first[1:] = rows.device[told][1:] != rows.device[told][:-1]
    told = told[first]
    of, time = key_of(devices, rows.device[told]), rows.time[told]
    order = np.lexsort((time, of))
    of, time = of[order], time[order]
    if not len(of) or not len(key):
        return np.zeros(len(key), dtype=np.int64)
    last = last_before(of, time, key, until + 1)
    first_of_key = np.searchsorted(of, key)
    return np.where(last >= 0, last - first_of_key + 1, 0)


def still_open(end: Indices) -> Mask:
    """Return which ends have not been heard of."""
    return end >= EVER
