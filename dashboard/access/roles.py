"""Roles and rights: what each role may do, and what the scope of a token allows."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum


class Right(StrEnum):
    """One thing that a reader may do."""

    SEE = "see"
    """Pages, figures and the rows behind them."""
    EXPORT = "export"
    """Take rows along as files."""
    ASK = "ask"
    """Ask about rows that are sent along: signals, plans."""
    CUSTOMERS = "customers"
    """Lists of customers, personal data masked."""
    PERSONAL = "personal"
    """Names, phones and addresses of customers as they are."""
    SIGNALS = "signals"
    """Tell the desk what was heard."""
    DECIDE = "decide"
    """Work on incidents: acknowledge, set stages, close."""
    FIELD = "field"
    """Take jobs and report from the place."""
    LOOKS = "looks"
    """See who looked at which list of customers."""


_READS = frozenset({Right.SEE, Right.EXPORT, Right.ASK, Right.CUSTOMERS})

ROLES: Mapping[str, frozenset[Right]] = {
    "viewer": frozenset({Right.SEE}),
    "crew": frozenset({Right.SEE, Right.FIELD}),
    "operations": _READS,
    "dispatcher": _READS | {Right.PERSONAL, Right.SIGNALS, Right.DECIDE, Right.FIELD},
    "manager": _READS | {Right.LOOKS},
    "admin": _READS | {Right.LOOKS},
}
"""What each role may do. Only who must call customers needs to know them; who administers accounts does not."""

ROLE_NAMES: Mapping[str, str] = {
    "viewer": "Viewer",
    "crew": "Repair crew",
    "operations": "Operations staff",
    "dispatcher": "Dispatcher",
    "manager": "Manager",
    "admin": "Administrator",
    "local": "This machine",
    "open": "Guest",
}
"""Each role in words."""

LOCAL_RIGHTS = _READS | {Right.SIGNALS, Right.DECIDE, Right.FIELD, Right.LOOKS}
"""Of whoever sits at the machine that serves, where nobody signs in: all but personal data."""

OPEN_RIGHTS = _READS
"""Of anyone, where the server is open: nothing is written without a token."""

SCOPES: Mapping[str, frozenset[Right]] = {
    "read": frozenset({Right.SEE, Right.EXPORT}),
    "ask": frozenset({Right.ASK}),
    "customers": frozenset({Right.CUSTOMERS}),
    "personal": frozenset({Right.CUSTOMERS, Right.PERSONAL}),
    "signals": frozenset({Right.SIGNALS}),
    "decide": frozenset({Right.DECIDE}),
    "field": frozenset({Right.FIELD}),
}
"""What each scope of a token allows."""
