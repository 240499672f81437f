"""Wrong passwords: counted by name and by peer, so that guessing ends soon and nobody is locked out by a stranger."""

from __future__ import annotations

import ipaddress
from datetime import datetime, timedelta

from sqlalchemy import delete, select, update
from sqlalchemy.dialects import postgresql, sqlite

from dashboard.access.sessions import hash_of
from fudian.store import Store
from fudian.store.access_tables import REFUSALS
from fudian.store.tables import utc_now

WINDOW = timedelta(minutes=15)
"""For which failures are remembered, and for which whoever had too many of them waits."""

MOST_BY_NAME_AND_PEER = 5
MOST_BY_PEER = 25
MOST_BY_NAME = 100
"""Failures within the window after which no password is tried: of one name from one peer, of one peer, of one name from anywhere.

The last is high, since whoever knows a name could otherwise keep its owner out."""


class Failures:
    """The wrong passwords of a store."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def begin(self, name: str, peer: str, now: datetime | None = None) -> int:
        """Count a try before it is judged, or say for how many seconds none is judged; 0 if this one may be.

        Many tries at once are no way around, since each is counted first; :meth:`forget` takes back one that was right.
        """
        at = now or utc_now()
        most = _limits(name, peer)
        asked = select(REFUSALS).where(REFUSALS.c.source.in_(list(most)), REFUSALS.c.until > at)
        with self._store.writing() as connection:
            connection.execute(delete(REFUSALS).where(REFUSALS.c.until <= at))
            rows = connection.execute(asked).mappings().all()
            waits = [row["until"] - at for row in rows if row["failures"] >= most[row["source"]]]
            if waits:
                return int(max(waits).total_seconds()) + 1
            dialect = sqlite if connection.dialect.name == "sqlite" else postgresql
            for source in most:
                row = {"source": source, "failures": 1, "first_at": at, "until": at + WINDOW}
                more = {"failures": REFUSALS.c.failures + 1, "until": at + WINDOW}
                counted = dialect.insert(REFUSALS).values(row)
                connection.execute(counted.on_conflict_do_update(index_elements=["source"], set_=more))
        return 0

    def forget(self, name: str, peer: str) -> None:
        """Forget the failures of a name from a peer, since its owner has come."""
        with self._store.writing() as connection:
            connection.execute(delete(REFUSALS).where(REFUSALS.c.source == _both(name, peer)))
            others = [source for source in _limits(name, peer) if source != _both(name, peer)]
            connection.execute(
                update(REFUSALS).where(REFUSALS.c.source.in_(others)).values(failures=REFUSALS.c.failures - 1)
            )


def _limits(name: str, peer: str) -> dict[str, int]:
    net = _net_of(peer)
    return {
        _both(name, peer): MOST_BY_NAME_AND_PEER,
        f"peer {net}"[:100]: MOST_BY_PEER,
        f"name {_short(name)}": MOST_BY_NAME,
    }


def _both(name: str, peer: str) -> str:
    return f"both {_short(name)} {_net_of(peer)}"[:100]


def _short(name: str) -> str:
    """Return a name in a form that is short whatever was typed, and is no password typed in the wrong place."""
    return hash_of(name.strip().casefold())[:32]


def _net_of(peer: str) -> str:
    """Return what one person may hold of addresses: an IPv4 address, or 64 bits of IPv6."""
    try:
        address = ipaddress.ip_address(peer)
    except ValueError:
        return peer[:45]
    if address.version == 4:
        return str(address)
    mapped = address.ipv4_mapped
    return str(mapped) if mapped else str(ipaddress.ip_network((address, 64), strict=False))
