"""What is kept by its key: computed once, within its room, anew after a pickle."""

import pickle
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from hypothesis import given
from hypothesis import strategies as st

from network.kept import Kept


@given(st.lists(st.integers(0, 9), max_size=60), st.integers(0, 30))
def test_a_value_is_that_of_its_key_and_the_room_is_never_exceeded(asked: list[int], most: int) -> None:
    kept: Kept[list[int]] = Kept(most, len)
    for key in asked:
        assert kept.recall(key, partial([key].__mul__, key)) == [key] * key
        assert kept._known.currsize <= most


def test_a_value_is_computed_once_while_there_is_room_for_it() -> None:
    kept: Kept[str] = Kept(4, len)
    first = kept.recall("a", lambda: "abc")
    assert kept.recall("a", lambda: "other") is first
    kept.recall("b", lambda: "de")  # no room for both: the one asked for longest ago goes
    assert kept.recall("a", lambda: "other") == "other"


def test_a_value_that_is_too_large_is_given_and_not_kept() -> None:
    kept: Kept[str] = Kept(4, len)
    assert kept.recall("a", lambda: "abcde") == "abcde"
    assert kept.recall("a", lambda: "f") == "f"


def test_many_threads_may_ask_at_once() -> None:
    kept: Kept[list[int]] = Kept(50, len)
    with ThreadPoolExecutor(8) as threads:
        told = list(threads.map(lambda at: kept.recall(at % 17, lambda: [at % 17] * 5), range(4000)))
    assert told == [[at % 17] * 5 for at in range(4000)]


def test_a_copy_through_a_pickle_begins_with_nothing() -> None:
    kept: Kept[str] = Kept(4, len)
    kept.recall("a", lambda: "abc")
    again: Kept[str] = pickle.loads(pickle.dumps(kept))
    assert again.recall("a", lambda: "f") == "f"
