"""A file of signals played again into a running desk, in the time in which they were heard or faster."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Any

import polars as pl

from network import FudianError, text

if TYPE_CHECKING:
    from urllib.error import HTTPError

MOST_AT_ONCE = 5_000
"""Signals in one message."""

_TICK_S = 1.0


def speed_of(given: str) -> float | None:
    """Return how many times faster than in life: a number above zero; nothing for ``max``, which is without waiting.

    Raises:
        FudianError: it is neither.
    """
    if given == "max":
        return None
    try:
        speed = float(given)
    except ValueError:
        speed = 0.0
    if not 0 < speed < float("inf"):
        raise FudianError(
            text("There is no speed {speed!r}.", speed=given),
            text("Use max, or a number such as 60: an hour in a minute."),
        )
    return speed


def parts(signals: pl.DataFrame, speed: float | None) -> Iterator[tuple[float, pl.DataFrame]]:
    """Return what is sent one after the other: seconds after the beginning, and signals in order of time.

    Args:
        signals: the table ``signals`` of a workspace.
        speed: times faster than in life; without one, nothing waits.
    """
    ordered = signals.select("time", "object", "object_id", "kind", "value").sort("time", maintain_order=True)
    if speed is None:
        yield from ((0.0, ordered.slice(start, MOST_AT_ONCE)) for start in range(0, ordered.height, MOST_AT_ONCE))
        return
    tick_us = max(1, round(_TICK_S * speed * 1e6))
    first = ordered["time"].min()
    numbered = ordered.with_columns(number=(pl.col("time") - first).dt.total_microseconds() // tick_us)
    for (number,), part in numbered.group_by("number", maintain_order=True):
        due = (float(number) + 1) * _TICK_S
        yield from (
            (due, part.drop("number").slice(start, MOST_AT_ONCE)) for start in range(0, part.height, MOST_AT_ONCE)
        )


def play(
    signals: pl.DataFrame, url: str, speed: float | None, told: Callable[[int], None] = lambda _: None
) -> dict[str, Any]:
    """Send signals to a running desk, and return its last answer.

    Args:
        signals: the table ``signals`` of a workspace.
        url: address of the desk, such as ``http://127.0.0.1:8050``.
        speed: times faster than in life; without one, nothing waits.
        told: told how many signals were sent, after each message.

    Raises:
        FudianError: the desk cannot be reached, or refuses.
    """
    begun = time.monotonic()
    answer: dict[str, Any] = {}
    for due_s, part in parts(signals, speed):
        time.sleep(max(0.0, begun + due_s - time.monotonic()))
        newest = part["time"].max()
        answer = _post(url, part, newest if isinstance(newest, datetime) else None)
        told(part.height)
    return answer


def _post(url: str, part: pl.DataFrame, now: datetime | None) -> dict[str, Any]:
    import urllib.error
    import urllib.parse
    import urllib.request

    address = urllib.parse.urlsplit(url)
    if address.scheme not in {"http", "https"} or not address.netloc:
        raise FudianError(
            text("{url} is not the address of a desk.", url=url), text("Write it like http://127.0.0.1:8050.")
        )
    query = "?" + urllib.parse.urlencode({"now": now.isoformat()}) if now else ""
    rows = part.with_columns(pl.col("time").dt.to_string("iso")).to_dicts()
    request = urllib.request.Request(  # noqa: S310 (the scheme is one of two)
        f"{url.rstrip('/')}/api/v1/signals{query}", json.dumps(rows).encode(), {"Content-Type": "application/json"}
    )
    try:
        with urllib.request.urlopen(request, timeout=60) as response:  # noqa: S310
            answer: dict[str, Any] = json.load(response)
            return answer
    except urllib.error.HTTPError as refused:
        raise FudianError(
            text("The desk at {url} refused the signals: {reason}.", url=url, reason=_reason(refused)),
            text("Check that it serves the same network, and the address."),
        ) from refused
    except (OSError, ValueError) as error:
        raise FudianError(
            text("The desk at {url} cannot be reached: {reason}.", url=url, reason=getattr(error, "reason", error)),
            text("Start it with fudian serve, and name its address with --to."),
        ) from error


def _reason(refused: HTTPError) -> str:
    try:
        return str(json.load(refused)["error"])
    except (OSError, ValueError, KeyError, TypeError):
        return f"{refused.code} {refused.reason}"
