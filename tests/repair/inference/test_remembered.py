"""What is remembered of signals is the set of them, however they come and whether they are packed."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from network import Network
from repair.inference.coupled import CoupledUsers
from repair.inference.devices import Devices
from repair.inference.feeder_tree import FeederTree
from repair.inference.remembered import Remembered, packed, unpacked
from repair.inference.spots import Spots
from repair.inference.words import OFF, ON, READ, Rows
from repair.settings import InferenceSettings

SUPPLY = Network.from_text(
    "=S1 -A- a1 -L1- a2; TA1(2) @ a1; TA2(1) @ a2; =S2 -B- b1 -L2- b2; TB1(2) @ b1; TB2(1) @ b2;"
    " =S3 -C- c1 /X/ x1; TC1(3) @ c1; TX(1) @ x1"
).energise()
DEVICES = Devices(SUPPLY.network)
TREE = FeederTree(SUPPLY)
RULES = InferenceSettings()
COUNT = DEVICES.branches_from + SUPPLY.network.branches.height
PIECE = Spots(TREE, DEVICES).of(np.arange(COUNT))[0]

signals = st.tuples(st.integers(0, COUNT - 1), st.integers(0, 600_000), st.sampled_from([READ, OFF, ON]))
batches = st.lists(st.lists(signals, min_size=1, max_size=12), min_size=1, max_size=8)


def remembered(most_open: int) -> Remembered:
    return Remembered(TREE, DEVICES, CoupledUsers(TREE, DEVICES, RULES), RULES, most_open)


def told(rows: Rows) -> list[tuple[int, int]]:
    return list(zip(rows.device.tolist(), rows.word.tolist(), strict=True))


@given(batches, st.sampled_from([0, 5, 1_000]), st.integers(0, 600_000))
def test_signals_are_a_set_by_piece(
    given_batches: list[list[tuple[int, int, int]]], most_open: int, limit: int
) -> None:
    """The oracle: a set of all signals, filtered and sorted each time."""
    found, every = remembered(most_open), set[tuple[int, int]]()
    for batch in given_batches:
        new = [(device, 8 * time + kind) for device, time, kind in batch]
        found.waiting.append(Rows(*(np.array(column, dtype=np.int64) for column in zip(*new, strict=True))))
        firsts, again = found.join()
        assert firsts == {
            int(piece): min(word >> 3 for device, word in new if PIECE[device] == piece)
            for piece in {PIECE[device] for device, _ in new}
            if piece >= 0
        }
        assert len(again.device) == len(new) - len(set(new) - every)
        every |= set(new)
        for piece in range(-1, len(TREE.first)):
            mine = sorted(each for each in every if PIECE[each[0]] == piece)
            rows, of = found.known(np.array([piece]))
            assert (told(rows), of.tolist()) == (mine, [piece] * len(mine))
            power = [each for each in mine if each[1] & 7 in {ON, READ}]
            assert told(found.signs_of_power(piece)) == power
    every_device = np.arange(COUNT)
    assert found.power_between(every_device, limit, 600_001) == any(
        word & 7 in {ON, READ} and word >> 3 > limit for _, word in every
    )
    dead = [each for each in every if PIECE[each[0]] < 0]
    assert told(found.of_none(every_device)) == sorted(dead)
    found.forget(np.full(len(TREE.first) + 1, limit))
    left, _ = found.known(np.arange(-1, len(TREE.first)))
    assert sorted(told(left)) == sorted(each for each in every if each[1] >> 3 >= limit)


def test_what_was_not_heard_of_lately_takes_little_room() -> None:
    found = remembered(2_000)
    devices = np.arange(DEVICES.customers_from, DEVICES.branches_from)
    for minute in range(2_000):
        word = np.full(len(devices), 8 * 60_000 * minute + (OFF if minute % 2 else ON))
        found.waiting.append(Rows(devices, word))
        found.join()
    open_, packed_ = found.size
    assert open_ <= 2_000
    assert packed_ < 2 * 2_000 * len(devices)


@given(st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 10**15)), max_size=50))
def test_what_is_packed_is_the_same_once_it_is_unpacked(rows: list[tuple[int, int]]) -> None:
    part = np.array(rows, dtype=np.int64).reshape(-1, 2).T
    assert (unpacked(packed(part)) == part).all()
