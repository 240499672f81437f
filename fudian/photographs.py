"""Photographs from the place of an incident: kept in the store with the event that brings them."""

from __future__ import annotations

import base64
import binascii
from uuid import uuid4

from sqlalchemy import Connection, insert, select

from fudian.ledger import Beside, DeskEvent
from fudian.store import Store
from fudian.store.photograph_tables import PHOTOGRAPHS
from fudian.store.tables import utc_now
from network import FudianError, text

MOST_BYTES = 3 << 20
"""Of one photograph."""

_BEGINS, _ENDS = b"\xff\xd8\xff", b"\xff\xd9"


def photograph_of(said: object) -> bytes:
    """Return a photograph as it was sent: JPEG in base64, with or without ``data:image/jpeg;base64,`` before it.

    Raises:
        FudianError: it is none, or too large.
    """
    words = str(said)
    try:
        image = base64.b64decode(words.partition("base64,")[2] if words.startswith("data:") else words, validate=True)
    except (binascii.Error, ValueError):
        image = b""
    if not image.startswith(_BEGINS) or _ENDS not in image[-64:]:
        raise FudianError(text("This is no photograph."), text("Send JPEG in base64."))
    if len(image) > MOST_BYTES:
        raise FudianError(
            text("A photograph has at most {most} bytes.", most=f"{MOST_BYTES:,}"), text("Send a smaller one.")
        )
    return image


def keeping(image: bytes) -> tuple[str, Beside]:
    """Return the id of a photograph, and what writes it with the event that brings it."""
    photo_id = uuid4().hex

    def write(connection: Connection, new: tuple[DeskEvent, ...]) -> None:
        event = new[-1]
        row = {
            "photo_id": photo_id,
            "event": event.number,
            "incident": event.incident,
            "received_at": utc_now(),
            "image": image,
        }
        connection.execute(insert(PHOTOGRAPHS).values(row))

    return photo_id, write


def photograph(store: Store, photo_id: str) -> bytes | None:
    """Return a photograph; ``None`` where there is none."""
    with store.reading() as connection:
        found: bytes | None = connection.execute(
            select(PHOTOGRAPHS.c.image).where(PHOTOGRAPHS.c.photo_id == photo_id)
        ).scalar_one_or_none()
    return found
