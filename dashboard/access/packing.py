"""Bodies that are packed, unpacked with a bound."""

from __future__ import annotations

import zlib

from network import FudianError, text

MOST_BYTES = 64 << 20
"""Of a body once it is unpacked."""


def unpacked(body: bytes, encoding: str) -> bytes:
    """Return a body as it was before it was packed.

    Raises:
        FudianError: it is packed in a way that is not read, broken, or too large.
    """
    if encoding in {"", "identity"}:
        content = body
    elif encoding in {"gzip", "deflate"}:
        unpacking = zlib.decompressobj(zlib.MAX_WBITS | 32)
        try:
            content = unpacking.decompress(body, MOST_BYTES + 1)
        except zlib.error as error:
            raise _broken() from error
        if not unpacking.eof and len(content) <= MOST_BYTES:
            raise _broken()
    else:
        raise FudianError(
            text("A body packed as {encoding} is not read.", encoding=encoding),
            text("Pack it with gzip, or not at all."),
        )
    if len(content) > MOST_BYTES:
        raise FudianError(
            text("The body is larger than {size} MB.", size=MOST_BYTES >> 20), text("Send it in several parts.")
        )
    return content


def _broken() -> FudianError:
    return FudianError(text("The packed body is broken."), text("Pack it again, and send it again."))
