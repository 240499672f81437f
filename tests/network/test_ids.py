"""Places of ids are those that a dictionary gives, whatever the hashes do."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from network import ids
from network.ids import Places, perhaps_repeated

TEXTS = st.sampled_from(["a", "b", "c", "N1", "N2", "节点一", "", "a much longer id than twelve bytes", "ﾊ"])
COLUMNS = st.lists(TEXTS | st.none(), max_size=30)


def column(values: list[str | None]) -> pl.Series:
    return pl.Series("id", values, dtype=pl.String)


def first_places(wanted: list[str | None], known: list[str | None]) -> list[int]:
    first: dict[str | None, int] = {}
    for place, each in enumerate(known):
        if each is not None:
            first.setdefault(each, place)
    return [first.get(each, -1) for each in wanted]


@given(COLUMNS, st.lists(TEXTS, max_size=30))
def test_places_are_those_of_a_dictionary(wanted: list[str | None], known: list[str]) -> None:
    places = Places(column([*known]))
    assert places.of(column(wanted)).tolist() == first_places(wanted, [*known])
    assert places.first.tolist() == first_places([*known], [*known])


@given(COLUMNS, COLUMNS)
def test_a_blank_is_nowhere(wanted: list[str | None], known: list[str | None]) -> None:
    assert Places(column(known)).of(column(wanted)).tolist() == first_places(wanted, known)


@pytest.mark.parametrize("rounds", [1, 2, 8])
def test_long_columns_and_ids_without_a_slot(rounds: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """After one round thousands of ids have no slot of their own; they are found all the same."""
    monkeypatch.setattr(ids, "_FACTORS", ids._FACTORS[:rounds])
    known: list[str | None] = [f"N{place * 7919 % 30_011}" for place in range(60_000)]
    wanted: list[str | None] = [None if place % 1000 == 0 else f"N{place % 40_000}" for place in range(300_000)]
    places = Places(pl.concat([column(known[:10]), column(known[10:])], rechunk=False))
    assert (places._left.size > 0) is (rounds < 8)
    assert places.of(column(wanted)).tolist() == first_places(wanted, known)
    assert places.first.tolist() == first_places(known, known)


@given(COLUMNS)
def test_repeated_ids_are_among_those_that_perhaps_repeat(values: list[str | None]) -> None:
    repeated = [place for place, each in enumerate(values) if values.count(each) > 1]
    found = perhaps_repeated(column(values)).to_list()
    assert found == sorted(set(found) | set(repeated))
    assert bool(found) is bool(repeated)
