"""Until when the data of a workspace is known."""

from __future__ import annotations

from datetime import date, datetime

import polars as pl

from network.tables.workspace import Workspace


def stated_as_of(workspace: Workspace) -> datetime | None:
    """Return ``as_of`` of ``fudian.toml``, or ``None``."""
    setting = workspace.settings.get("as_of")
    reading = workspace.reading
    if isinstance(setting, datetime):
        return reading.read(setting)
    if isinstance(setting, date):
        return reading.from_wall(datetime(setting.year, setting.month, setting.day))
    return None


def known_until(workspace: Workspace) -> datetime:
    """Return the as-of time: ``as_of`` in ``fudian.toml``, else the latest moment that a record or signal names.

    Without either, the present moment.
    """
    stated = stated_as_of(workspace)
    if stated is not None:
        return stated
    moments = [
        workspace.tables[table][column].max()
        for table, column in (("outages", "start"), ("outages", "end"), ("signals", "time"), ("switching", "time"))
    ]
    latest = pl.Series(moments, dtype=pl.Datetime("us")).max()
    return latest if isinstance(latest, datetime) else datetime.now()
