"""Which right opens which path: one table, asked for every request and every socket."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from dashboard.access.roles import Right

READING = frozenset({"GET", "HEAD"})


@dataclass(frozen=True)
class Door:
    """What it takes to come to the paths of one kind.

    Attributes:
        path: pattern of the whole path.
        methods: for which it stands; ``WEBSOCKET`` is one.
        rights: all of them are needed; none for what anybody may see.
        is_list: who comes here is given a list of customers, which is written down.
        is_whole: rows of all units stand here, so that nobody comes who sees one unit.
    """

    path: re.Pattern[str]
    methods: frozenset[str]
    rights: frozenset[Right]
    is_list: bool = False
    is_whole: bool = False


def _door(path: str, methods: str, *rights: Right, is_list: bool = False, is_whole: bool = False) -> Door:
    return Door(re.compile(path), frozenset(methods.split()), frozenset(rights), is_list, is_whole)


_CUSTOMERS = (Right.SEE, Right.CUSTOMERS)

DOORS = (
    _door(r"/access/(sign-in|sign-out|style\.css|provider|provider/back)", "GET HEAD POST"),
    _door(r"/public/.*", "GET HEAD"),
    _door(r"/crew(/[a-z]+\.(js|css|json))?", "GET HEAD", Right.FIELD),
    _door(r"/api/v1/crew/jobs", "GET HEAD", Right.FIELD),
    _door(r"/api/v1/crew/reports", "POST", Right.FIELD),
    _door(r"/api/v1/photographs/[^/]+", "GET HEAD", Right.DECIDE),
    _door(r"/api/v1/looks", "GET HEAD", Right.LOOKS),
    _door(r"/api/v1/(affected|restore|precheck)", "GET HEAD", *_CUSTOMERS, is_list=True, is_whole=True),
    _door(r"/api/v1/incidents", "GET HEAD", *_CUSTOMERS, is_whole=True),
    _door(r"/api/v1/(affected|precheck)", "POST", Right.ASK, Right.CUSTOMERS, is_list=True, is_whole=True),
    _door(r"/api/v1/(locate|infer|durations)", "POST", Right.ASK, is_whole=True),
    _door(
        r"/api/v1/(ledger|frequent|audit|calendar|durations|avoidable|frequent-bands)",
        "GET HEAD",
        Right.SEE,
        is_whole=True,
    ),
    _door(r"/api/v1/report", "GET HEAD", Right.SEE, is_whole=True),
    _door(r"/api/v1/report/[^/]*", "GET HEAD", Right.SEE, Right.EXPORT, is_whole=True),
    _door(r"/api/v1/(signals|operations)", "POST", Right.SIGNALS),
    _door(r"/api/v1/incidents/[^/]+/sheet", "GET HEAD", Right.SEE),
    _door(r"/api/v1/plans/[^/]+/messages", "GET HEAD", *_CUSTOMERS, is_list=True, is_whole=True),
    _door(r"/api/v1/plans/[^/]+/announcement", "POST", Right.DECIDE),
    _door(r"/api/v1/incidents/[^/]+/messages", "GET HEAD", *_CUSTOMERS, is_list=True, is_whole=True),
    _door(r"/api/v1/incidents/[^/]+/record", "GET HEAD", *_CUSTOMERS),
    _door(r"/api/v1/incidents/[^/]+/decisions", "POST", Right.DECIDE),
    _door(r"/export/[^/]*/customers\.[^/]*", "GET HEAD", Right.EXPORT, Right.CUSTOMERS, is_list=True),
    _door(r"/export/planned/(plans|calendar)\..*", "GET HEAD", Right.EXPORT, is_whole=True),
    _door(r"/export/.*", "GET HEAD", Right.EXPORT),
    _door(r"/_dash-update-component", "POST", Right.SEE),
    _door(r"/_dash-ws-callback", "WEBSOCKET", Right.SEE),
    _door(r"/api/v1/changes", "WEBSOCKET", Right.SEE),
    _door(r"/.*", "GET HEAD", Right.SEE),
)
"""The first that fits counts; what fits none is closed to all: a new path that writes needs a door."""

_ROWS_OF_USERS = re.compile(r"/api/v1/(ledger|frequent)|/export/[^/]+/rows\..*")
"""Rows by user: where customers are the users, lists of customers."""


def door_of(method: str, path: str, query: Sequence[tuple[str, str]]) -> Door | None:
    """Return the door that a request comes to; ``None`` where nobody may come.

    Args:
        method: of HTTP, or ``WEBSOCKET``.
        path: of the address.
        query: parameters of the address, each as often as it stands there.
    """
    found = next((door for door in DOORS if method in door.methods and door.path.fullmatch(path)), None)
    if found is not None and _ROWS_OF_USERS.fullmatch(path) and names_customers(query):
        return Door(found.path, found.methods, found.rights | {Right.CUSTOMERS}, True, found.is_whole)
    return found


def names_customers(query: Sequence[tuple[str, str]]) -> bool:
    """Tell whether the rows that an address asks for may be those of single customers, whichever of its parameters counts."""
    return any(name == "customer" or (name == "level" and value.strip().lower() == "lv") for name, value in query)
