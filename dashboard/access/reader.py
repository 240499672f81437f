"""Who asks: set by the gate for each request, and read where something depends on it."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass, field

from dashboard.access.roles import Right


@dataclass(frozen=True)
class Reader:
    """Who asks.

    Attributes:
        who: name of the account or of the token; ``local`` and ``open`` where nobody signs in.
        role: a role, ``token``, ``local`` or ``open``.
        rights: what they may do.
        unit: the one unit that they see; ``None`` for all.
        peer: address from which they ask.
        shown_name: as the page greets them; blank where nobody signed in.
        note: writes down that they were given a list of customers.
    """

    who: str
    role: str
    rights: frozenset[Right]
    unit: str | None = None
    peer: str = ""
    shown_name: str = ""
    note: Callable[[Reader, Look], None] | None = field(default=None, repr=False, compare=False)

    def may(self, right: Right) -> bool:
        """Tell whether they may do something."""
        return right in self.rights

    @property
    def is_masked(self) -> bool:
        """Whether names, phones and addresses are masked for them."""
        return Right.PERSONAL not in self.rights

    def sees(self, look: Look) -> None:
        """Write down, before it is given, that they are given a list of customers.

        Raises:
            PermissionError: they may see none, or nothing can be written down.
        """
        if not self.may(Right.CUSTOMERS) or self.note is None:
            msg = "no list of customers for this reader"
            raise PermissionError(msg)
        self.note(self, look)


@dataclass(frozen=True)
class Look:
    """One look at a list of customers.

    Attributes:
        listed: which list, such as ``dispatch`` or ``/api/v1/affected``.
        which: of which event or plan, as the address names it.
        form: ``page``, ``csv``, ``xlsx``, ``html`` or ``json``.
        customers: how many it holds, where that is known.
    """

    listed: str
    which: str
    form: str
    customers: int | None = None


NOBODY = Reader("", "", frozenset())
"""Who has not come through the gate: may do nothing."""

READER: ContextVar[Reader] = ContextVar("reader", default=NOBODY)


def reader() -> Reader:
    """Return who asks at present."""
    return READER.get()
