"""Rules between values: duplicates, order of times, references between tables.

Each rule looks at one table, leaves out the rows that cannot be used, and says why. What a table refers to is checked
first, so that a reference to a row that was left out is found as well.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

import polars as pl

from network.problems import Problem
from network.tables.checked import Checked
from network.tables.conventions import LOCAL_ZONE
from network.tables.own_rules import check_own_rules
from network.tables.parts import Parts
from network.tables.references import HANDLING, check_places, check_references
from network.tables.repeats import check_ids, check_repeats

_ORDER = (
    "feeders", "sources", "nodes", "branches", "transformers", "customers", "population", "outages", "stages",
    "switching", "signals", "load_profile",
    "measurements", "sensors", "incidents", "plans", "live_jobs", "bases", "crews", "shifts", "travel", "orders",
    "automation_terminals", "automation_actions", "automation_outages", "applications",
    "budget", "targets", "reliability_report", "area_map",
)  # fmt: skip


def check_tables(
    tables: Mapping[str, pl.DataFrame],
    files: Mapping[str, str] | None = None,
    present: Iterable[str] | None = None,
    only: Iterable[str] | None = None,
    now: datetime | None = None,
    zone: str = LOCAL_ZONE,
) -> tuple[dict[str, pl.DataFrame], tuple[Problem, ...]]:
    """Check tables against themselves and each other.

    Args:
        tables: the tables as read, every name of the schema, typed as the schema says.
        files: table to file name, to name the file in a problem.
        present: the tables that were given at all; the others are absent rather than empty. Default: those with rows.
        only: check these tables alone; the others are known to be good. Default: all.
        now: local time after which a start lies in the future. Default: the clock.
        zone: in which the times of the tables are written.

    Returns:
        The tables with the rows that can be used, and the problems in order of tables and rows.
    """
    checked = look_through(tables, files, present, only, now, zone=zone)
    return checked.tables, tuple(checked.problems)


def look_through(
    tables: Mapping[str, pl.DataFrame],
    files: Mapping[str, str] | None = None,
    present: Iterable[str] | None = None,
    only: Iterable[str] | None = None,
    now: datetime | None = None,
    parts: Parts | None = None,
    zone: str = LOCAL_ZONE,
) -> Checked:
    """Check tables as :func:`check_tables` does, and return all that was found out on the way."""
    given = (
        frozenset(present) if present is not None else frozenset(name for name, each in tables.items() if each.height)
    )
    now = now or datetime.now(ZoneInfo(LOCAL_ZONE)).replace(tzinfo=None)
    checked = Checked(dict(tables), tables, files or {}, given, now, parts or {}, zone)
    wanted = frozenset(_ORDER if only is None else only)
    for table in _ORDER:
        if table in wanted and checked.tables[table].height:
            start = len(checked.problems)
            check_repeats(checked, table)
            check_own_rules(checked, table)
            if HANDLING.get(table) == "leave_out":  # a row that is left out claims no id
                check_references(checked, table)
                check_places(checked, table)
                check_ids(checked, table)
            else:  # where rows stand is remembered, so all must be known that stay
                check_ids(checked, table)
                check_references(checked, table)
            checked.problems[start:] = sorted(checked.problems[start:], key=lambda problem: problem.row or 0)
    return checked


def tables_in_order() -> Sequence[str]:
    """Return the names of all tables, each after those it refers to."""
    return _ORDER
