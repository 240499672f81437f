"""Connections that are held up: who is too slow to ask or to take the answer is dropped, and headers have an end."""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEADERS_WITHIN_S = 10.0
"""In which the headers of a request must have come, from the connection or from the first byte on."""

TAKES_EVERY_S = 30.0
"""In which a client must have taken some of what waits for it."""

TAKES_BYTES = 32 << 10
"""How much it must have taken by then, where more waits."""

MOST_HEADER_BYTES = 32 << 10
"""Of all headers of a request with its address."""

MOST_CONNECTIONS = 2_000
"""At a time; further ones are answered 503."""


class BoundedProtocol(HttpToolsProtocol):
    """HTTP as uvicorn speaks it, with an end to patience."""

    _asking: asyncio.TimerHandle | None = None
    _taking: asyncio.TimerHandle | None = None
    _header_bytes = 0

    def connection_made(self, transport: Any) -> None:
        """Begin to wait for a request."""
        super().connection_made(transport)
        self._wait_for_headers()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no longer."""
        self._stop_waiting()
        self._taken()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take what comes, as long as headers stay within bounds."""
        if self._asking is not None:
            self._header_bytes += len(data)
            if self._header_bytes > MOST_HEADER_BYTES and not self._has_whole_headers(data):
                self._refuse_headers()
                return
        super().data_received(data)

    def _has_whole_headers(self, data: bytes) -> bool:
        """Tell whether the headers end within bounds, so that the rest is a body."""
        end = data.find(b"\r\n\r\n")
        return end >= 0 and self._header_bytes - len(data) + end <= MOST_HEADER_BYTES

    def on_message_begin(self) -> None:
        """Wait for the headers of the next request."""
        super().on_message_begin()
        if self._asking is None:
            self._wait_for_headers()

    def on_headers_complete(self) -> None:
        """Take the request."""
        self._stop_waiting()
        super().on_headers_complete()

    def pause_writing(self) -> None:
        """Wait for the client to take what is sent."""
        super().pause_writing()
        if self._taking is None:
            self._look_again()

    def resume_writing(self) -> None:
        """Go on sending."""
        self._taken()
        super().resume_writing()

    def _look_again(self) -> None:
        self._taking = self.loop.call_later(TAKES_EVERY_S, self._judge_taking, self.transport.get_write_buffer_size())

    def _judge_taking(self, before: int) -> None:
        """Drop a client that takes next to nothing, so that answers do not pile up for it."""
        if before - self.transport.get_write_buffer_size() < TAKES_BYTES:
            self.transport.abort()
        else:
            self._look_again()

    def _wait_for_headers(self) -> None:
        self._header_bytes = 0
        self._asking = self.loop.call_later(HEADERS_WITHIN_S, self.transport.abort)

    def _stop_waiting(self) -> None:
        if self._asking is not None:
            self._asking.cancel()
            self._asking = None

    def _taken(self) -> None:
        if self._taking is not None:
            self._taking.cancel()
            self._taking = None

    def _refuse_headers(self) -> None:
        said = b"The address and the headers of a request are too long."
        self.transport.write(
            b"HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-type: text/plain; charset=utf-8\r\n"
            b"content-length: " + str(len(said)).encode() + b"\r\nconnection: close\r\n\r\n" + said
        )
        self.transport.close()
