"""The live-line ratio month by month: one ledger for the whole run of months, cut at their ends."""

from __future__ import annotations

import polars as pl

from reliability.curve import ledgers_of_parts
from reliability.live_line import LiveRatio, live_ratio
from reliability.period import Period
from reliability.statistics import Statistics


def live_ratio_by_month(statistics: Statistics, period: Period) -> list[tuple[str, LiveRatio]]:
    """Return the live-line ratio of each calendar month of a period, without the users of the month.

    The numerators and denominators are those of :meth:`Statistics.live_ratio` of the same month.
    """
    query = statistics.query(period)
    planned = statistics.ledger(query).filter(pl.col("nature").str.starts_with("P-"))
    months = query.known.period.months()
    ledgers = ledgers_of_parts(planned, months, statistics.settings.crossing)
    return [
        (
            label,
            live_ratio(
                statistics.live_jobs,
                ledgers[label],
                statistics.connected_with_outage,
                month,
                None,
                statistics.knows_live_jobs,
            ),
        )
        for label, month in months
    ]
