"""Changes of the desk over a socket, so that pages show them at once: behind the same gate as everything."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from typing import Any

from fastapi import APIRouter, WebSocket, WebSocketDisconnect

from fudian.desk import Desk

BEATS_EVERY_S = 5.0
"""How often a socket says that it lives; a page that hears nothing for longer says that it is stale."""

GATHERED_S = 0.1
"""Changes within so short a time are told together."""


def live_router(desk: Desk) -> APIRouter:
    """Return the socket ``/api/v1/changes``.

    Each message is an object: ``now`` and ``changes``, the incidents that changed with the moment, in milliseconds since 1970,
    and ``refusing``, whether the store cannot be written now. The first message tells what changed lately. What a page sends
    shows that it is there; the gate looks at it again by that.
    """
    routes = APIRouter(prefix="/api/v1")

    @routes.websocket("/changes")
    async def watch(socket: WebSocket) -> None:
        await socket.accept()
        loop = asyncio.get_running_loop()
        waiting: asyncio.Queue[dict[str, int]] = asyncio.Queue()

        def told(changed: dict[str, int]) -> None:
            with suppress(RuntimeError):  # the server is being stopped
                loop.call_soon_threadsafe(waiting.put_nowait, changed)

        listening = asyncio.create_task(_until_left(socket))
        try:
            await socket.send_json(_message(desk, desk.changes.watch(told)))
            while not listening.done():
                await socket.send_json(_message(desk, await _gathered(waiting, listening)))
        except (WebSocketDisconnect, RuntimeError):
            pass  # the page was left
        finally:
            desk.changes.leave(told)
            listening.cancel()

    return routes


async def _until_left(socket: WebSocket) -> None:
    with suppress(WebSocketDisconnect, RuntimeError):
        while True:
            await socket.receive_text()


async def _gathered(waiting: asyncio.Queue[dict[str, int]], listening: asyncio.Task[None]) -> dict[str, int]:
    """Return what changes until the next beat, soon after the first change."""
    getting = asyncio.create_task(waiting.get())
    await asyncio.wait({getting, listening}, timeout=BEATS_EVERY_S, return_when=asyncio.FIRST_COMPLETED)
    if not getting.done():
        getting.cancel()
        return {}
    found = getting.result()
    await asyncio.sleep(GATHERED_S)
    while not waiting.empty():
        found |= waiting.get_nowait()
    return found


def _message(desk: Desk, changed: dict[str, int]) -> dict[str, Any]:
    return {"now": int(time.time() * 1000), "changes": changed, "refusing": desk.is_refusing}
