"""Where answers are computed: threads beside the event loop, so that whoever asks for something small is answered at once.

The event loop only takes requests and sends what is ready. Callbacks of pages, routes and exports are computed, written as
JSON included, by the threads here. Few compute at a time; one that only waits for what another computes makes room.
"""

from __future__ import annotations

import asyncio
import inspect
import os
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import copy_context
from functools import wraps
from threading import Condition, Event
from typing import Any, TypeVar

import orjson
from dash import Dash
from dash.backends._fastapi import FastAPIDashServer
from fastapi import APIRouter, Request, Response
from fastapi.encoders import jsonable_encoder

from fudian.memory import waiting
from network.steps import NobodyWaitsError, asking

Result = TypeVar("Result")

THREADS = 64
"""How many requests may be under way at a time, most of them waiting; the others queue."""

AT_A_TIME = max(2, min(4, os.cpu_count() or 2))
"""How many of them compute at a time."""

MAKES_WAY_S = 0.2
"""How long work that nobody waits for rests at most before its next step while answers are computed."""

LOOK_EVERY_S = 0.5
"""How often it is looked whether someone still waits for an answer."""

CLIENT_LEFT = 499
"""Status of an answer that nobody waited for."""


class Permits:
    """How many threads may compute: each takes one, and gives it away while it waits for another's answer."""

    def __init__(self, count: int) -> None:
        self._count = self._free = count
        self._changed = Condition()

    @contextmanager
    def computing(self) -> Iterator[None]:
        """Compute within; waits until there is room."""
        with self._changed:
            self._changed.wait_for(lambda: self._free > 0)
            self._free -= 1
        try:
            yield
        finally:
            self._give()

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """Wait for another within; goes on at once afterwards, since others may wait for what this thread holds."""
        self._give()
        try:
            yield
        finally:
            with self._changed:
                self._free -= 1

    def make_way(self) -> None:
        """Return as soon as nobody computes, and soon in any case."""
        with self._changed:
            self._changed.wait_for(lambda: self._free >= self._count, MAKES_WAY_S)

    def _give(self) -> None:
        with self._changed:
            self._free += 1
            self._changed.notify_all()


class Pool:
    """Threads that compute answers, and the requests that wait for them."""

    def __init__(self, threads: int = THREADS, at_a_time: int = AT_A_TIME) -> None:
        self._threads = ThreadPoolExecutor(threads, "answers")
        self.permits = Permits(at_a_time)
        self.make_way = self.permits.make_way

    async def answer(self, request: Request, compute: Callable[[], Result]) -> Result:
        """Return what a thread computes, in the context of the caller.

        Args:
            request: who asks; where they leave before a thread has begun, it never begins, and else it ends at its next step.
            compute: gives the answer.

        Raises:
            NobodyWaitsError: they have left.
        """
        left = Event()
        job: Future[Result] = self._threads.submit(copy_context().run, self._compute, compute, left)
        told = asyncio.wrap_future(job)
        while not (await asyncio.wait({told}, timeout=LOOK_EVERY_S))[0]:
            if not left.is_set() and await request.is_disconnected():
                left.set()
                if job.cancel():
                    raise NobodyWaitsError
        return told.result()

    def _compute(self, compute: Callable[[], Result], left: Event) -> Result:
        waiting.set(self.permits.waiting)
        asking.set(lambda: not left.is_set())
        with self.permits.computing():
            return compute()

    def close(self) -> None:
        """Begin nothing more."""
        self._threads.shutdown(wait=False, cancel_futures=True)


class PooledRouter(APIRouter):
    """A router whose plain functions are computed in the pool, their JSON included."""

    def __init__(self, pool: Pool, **more: Any) -> None:
        super().__init__(**more)
        self._pool = pool

    def add_api_route(self, path: str, endpoint: Callable[..., Any], **more: Any) -> None:
        """Add a route; see FastAPI."""
        super().add_api_route(path, self._in_pool(endpoint), **more)

    def _in_pool(self, endpoint: Callable[..., Any]) -> Callable[..., Any]:
        signature = inspect.signature(endpoint, eval_str=True)
        asked_by = next((name for name, each in signature.parameters.items() if each.annotation is Request), None)
        who = asked_by or "asked_by"
        own = inspect.Parameter(who, inspect.Parameter.KEYWORD_ONLY, annotation=Request)
        known = list(signature.parameters.values())

        @wraps(endpoint)
        async def answered(**given: Any) -> Response:
            request: Request = given[who] if asked_by else given.pop(who)
            try:
                return await self._pool.answer(request, lambda: written(endpoint(**given)))
            except NobodyWaitsError:
                return Response(status_code=CLIENT_LEFT)

        answered.__signature__ = signature.replace(parameters=known if asked_by else [*known, own])  # type: ignore[attr-defined]
        return answered


def written(answer: Any) -> Response:
    """Return an answer as a response, written as JSON unless it is one already."""
    if isinstance(answer, Response):
        return answer
    options = orjson.OPT_NON_STR_KEYS | orjson.OPT_SERIALIZE_NUMPY
    return Response(orjson.dumps(answer, jsonable_encoder, options), media_type="application/json")


class PooledServer(FastAPIDashServer):
    """Dash's server whose callbacks are computed in the pool: their arguments, their answer and its JSON."""

    pool: Pool

    def serve_callback(self, dash_app: Dash) -> Callable[..., Any]:
        """Return the route of all callbacks."""
        dispatch = super().serve_callback(dash_app)

        async def in_pool(request: Request) -> Response:
            try:
                answer: Response = await self.pool.answer(request, lambda: asyncio.run(dispatch(request)))
            except NobodyWaitsError:
                return Response(status_code=CLIENT_LEFT)
            return answer

        return in_pool
