"""Interruptions from a log of switching: what the replay of the operations took, user by user, to the second.

Nothing is estimated: a user is interrupted from the opening that took the last supply until the closing that brought one back
(R1.7), so the stages of an event need no table of their own.
"""

from __future__ import annotations

import re
from datetime import datetime

import narwhals as nw
import polars as pl

from network import Network, replay
from network.switching_replay import while_all_are_off
from network.tables.code_words import NATURES
from reliability.engines import shaped
from reliability.interruption_table import SCHEMA, where_it_hung, with_records
from reliability.natures import UNKNOWN
from reliability.population_table import population

_TIMES = {"off_from": "start", "off_to": "end"}
_NATURE_OF = {word.lower(): code for code, words in NATURES.items() for word in (code, *words)}
_NATURE = "(?i)(" + "|".join(re.escape(word) for word in sorted(_NATURE_OF, key=len, reverse=True)) + ")"


def interruptions_from_switching(
    net: Network, switching: pl.DataFrame, level: str = "mv", users: pl.DataFrame | None = None
) -> pl.DataFrame:
    """Return who was without power by a log of switching.

    Operations that belong together are one event with one ``outage_id`` (time and branch of its first opening): what the
    opening took, until the last part is back, and every later opening that takes a part of it again while another part is
    still off. So a step restoration is one interruption with several ends (R1.8). A user with two supplies is off while both
    are (1.1), by the event that took the last.

    The nature is that which the reason of the first opening names by a code or word of 1.3; a trip says neither whether the
    fault was internal nor what tripped it, so without such a word the nature is ``unknown``: it counts in the figures of all
    natures and in no group. What was without supply before the log begins is no interruption of the log;
    ``net.energise().dead()`` lists it.

    Args:
        net: the network; the log begins in its normal state.
        switching: the table ``switching`` of a workspace (``time``, ``branch_id``, ``action``, ``reason``).
        level: ``mv`` (transformers) or ``lv`` (customers).
        users: the population of that level, where it is at hand already.

    Returns:
        The table of :func:`reliability.interruptions`; ``end`` is null while it lasts, ``cause`` is the reason in the log.

    Raises:
        UnknownIdError: the log operates a branch that the network does not have.
    """
    everyone = population(net, level) if users is None else users
    played = replay(net, switching)
    zones = _with_events(played.off)
    off = _blamed(played.supplies().drop("transformer_id"), "transformer", zones, "zone")
    hung = where_it_hung(off.rename(_TIMES), net.transformers).rename({new: old for old, new in _TIMES.items()})
    users_by_row = everyone.with_row_index("user")
    if level == "lv":
        supplies = [
            users_by_row.select("user", transformer_id=column) for column in ("transformer_id", "second_transformer_id")
        ]
        parts = pl.concat(supplies).drop_nulls("transformer_id").unique(maintain_order=True)
        rows, key = _blamed(parts, "user", hung, "transformer_id"), "user"
    else:
        rows, key = hung, "transformer_id"
    rows = (
        rows.filter(pl.col("off_from").is_not_null())
        .rename(_TIMES)
        .join(users_by_row, on=key, how="inner", maintain_order="left")
    )
    found = shaped(nw.from_native(rows), {**SCHEMA, "moved": pl.Boolean, "continues": pl.Boolean})
    result: pl.DataFrame = with_records(found, nw.from_native(_records(zones, switching))).to_native()
    return result


def _with_events(off: pl.DataFrame) -> pl.DataFrame:
    """Add ``outage_id`` to the times that zones were without supply; null for what was off before the log."""
    opening = pl.format("{}-{}", pl.col("off_from").dt.strftime("%Y%m%dT%H%M%S%.f"), "branch_id")
    off = off.with_columns(opening=opening).sort("off_from", maintain_order=True, nulls_last=False)
    forever = datetime.max
    event_of: dict[str, str] = {}
    back: dict[str, datetime] = {}
    last_event: dict[int, str] = {}
    taken = off.filter(pl.col("opening").is_not_null()).group_by("opening", maintain_order=True)
    spells = taken.agg(
        "zone", pl.col("off_from").first(), off_to=pl.col("off_to").max(), open=pl.col("off_to").is_null().any()
    )
    for name, zones, since, until, is_open in spells.iter_rows():
        running = (last_event[zone] for zone in zones if zone in last_event)
        event = min((each for each in running if back[each] > since), default=name)
        event_of[name] = event
        back[event] = max(back.get(event, since), forever if is_open else until)
        last_event.update(dict.fromkeys(zones, event))
    names = pl.Series(list(event_of), dtype=pl.String), pl.Series(list(event_of.values()), dtype=pl.String)
    events = pl.DataFrame({"opening": names[0], "outage_id": names[1]})
    return off.join(events, on="opening", how="left", maintain_order="left")


def _blamed(parts: pl.DataFrame, who: str, off: pl.DataFrame, part: str) -> pl.DataFrame:
    """Return when all parts of each one were off, by the event that took the last: ``who, off_from, off_to, outage_id``."""
    together = while_all_are_off(parts, who, off, part)
    takers = (
        parts.join(off.select(part, "off_from", "outage_id"), on=part)
        .drop(part)
        .unique([who, "off_from"], keep="first", maintain_order=True)
    )
    return together.join(takers, on=[who, "off_from"], how="left", nulls_equal=True, maintain_order="left")


def _records(zones: pl.DataFrame, switching: pl.DataFrame) -> pl.DataFrame:
    """Return what the log says of each event: ``outage_id, start, nature, external, cause, exclusion``."""
    reason = pl.col("reason") if "reason" in switching.columns else pl.lit(None, dtype=pl.String)
    openings = (
        switching.filter(action="open")
        .select("branch_id", off_from="time", cause=reason.cast(pl.String))
        .unique(["branch_id", "off_from"], keep="last", maintain_order=True)
    )
    word = pl.col("cause").str.extract(_NATURE).str.to_lowercase()
    return (
        zones.filter(pl.col("opening").is_not_null() & (pl.col("opening") == pl.col("outage_id")))
        .unique("outage_id", keep="first", maintain_order=True)
        .join(openings, on=["branch_id", "off_from"], how="left", maintain_order="left")
        .select(
            "outage_id", "cause",
            start="off_from",
            nature=word.replace_strict(_NATURE_OF, default=UNKNOWN, return_dtype=pl.String),
            external=pl.lit(None, dtype=pl.Boolean),
            exclusion=pl.lit(None, dtype=pl.String),
        )
    )  # fmt: skip
