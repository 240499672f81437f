"""What a request may weigh, and that what is refused costs nothing."""

from __future__ import annotations

import json
import time
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard.access.edges import MOST_DEPTH, MOST_ITEMS, TooMuch, check_form
from fudian.store import Store
from tests.dashboard.access.conftest import ask_of, served_by

LOCATE = "/api/v1/locate"


def test_a_deeply_nested_body_is_refused_at_once(store: Store) -> None:
    ask = ask_of(served_by(store))
    for depth in (MOST_DEPTH + 1, 450, 900, 100_000):
        body = "[" * depth + "]" * depth
        began = time.perf_counter()
        answer = ask("POST", LOCATE, content=body, headers={"content-type": "application/json"})
        assert answer.status_code == 400
        assert str(MOST_DEPTH) in answer.json()["error"]
        assert time.perf_counter() - began < 1
    deepest = "[" * MOST_DEPTH + "]" * MOST_DEPTH
    assert ask("POST", LOCATE, content=deepest).json()["bytes"] == 2 * MOST_DEPTH


@pytest.mark.parametrize(
    ("path", "size", "status"),
    [
        (LOCATE, 8 << 20, 200),
        (LOCATE, (8 << 20) + 1, 413),
        ("/_dash-update-component", (2 << 20) + 1, 413),
        ("/access/sign-in", (16 << 10) + 1, 413),
    ],
)
def test_a_body_has_an_end(store: Store, path: str, size: int, status: int) -> None:
    ask = ask_of(served_by(store))
    assert ask("POST", path, content=b" " * size).status_code == status

    async def unstated() -> Any:
        for _ in range(0, size, 1 << 16):
            yield b" " * (1 << 16)
        yield b" "

    if status == 413:
        assert ask("POST", path, content=unstated()).status_code == 413


def test_a_body_is_taken_as_it_is(store: Store) -> None:
    ask = ask_of(served_by(store))
    packed = ask("POST", LOCATE, content=b"x", headers={"content-encoding": "gzip"})
    assert (packed.status_code, packed.json()["error"]) == (415, "A body is taken as it is, not compressed.")
    assert ask("GET", "/operations", content=b"x").status_code == 413
    assert ask("GET", "/operations?" + "&".join("a=1" for _ in range(101))).status_code == 400


def test_a_body_of_too_many_values_is_refused() -> None:
    check_form(b"[" + b"1," * (MOST_ITEMS - 2) + b"1]")
    with pytest.raises(TooMuch):
        check_form(b"[" + b"1," * MOST_ITEMS + b"1]")


@pytest.mark.parametrize(
    "part", [b'\\"', b'"\\', b'"', b"\\", b'"a', b"[]", b'{"', b'\\\\"', b'":"', b"[" * 32 + b"]" * 32]
)
def test_no_body_takes_long_to_look_through(part: bytes) -> None:
    body = part * ((8 << 20) // len(part))
    began = time.perf_counter()
    with suppress(TooMuch):
        check_form(body)
    assert time.perf_counter() - began < 5


JSON = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False) | st.text(alphabet='[]{}",\\ab'),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(alphabet='[]{}",\\ab'), inner, max_size=4),
    max_leaves=60,
)


def depth_of(value: Any) -> int:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else None
    return 0 if inner is None else 1 + max((depth_of(each) for each in inner), default=0)


@given(JSON, st.integers(0, 40))
def test_depth_is_what_a_reader_of_json_finds(value: Any, more: int) -> None:
    for _ in range(more):
        value = [value]
    is_too_deep = False
    try:
        check_form(json.dumps(value).encode())
    except TooMuch as refused:
        is_too_deep = refused.status == 400
    assert is_too_deep == (depth_of(value) > MOST_DEPTH)
