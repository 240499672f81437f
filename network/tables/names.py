"""Names of feeders, branches and transformers in place of their ids: which one answers to a name as somebody wrote it.

A voltage level before a name says no more than the name where the other spelling has none: 10kV城东线 is 城东线, and never
35kV城东线. Forms of the same sign are one: Ⅰ and I, full-width letters, blanks. Other signs are other names: 城东1线 may be
another line than 城东I线.
"""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

_LEVEL = r"(?i)^(\d+(?:\.\d+)?)(?:\(\d+(?:\.\d+)?\))?(?:kv|千伏)(.+)$"


@dataclass(frozen=True)
class Named:
    """Which ids answer to names.

    Attributes:
        one: the id that answers alone, by the name as it is written.
        several: the ids that answer, where they are several.
    """

    one: dict[str, str]
    several: dict[str, list[str]]


def answering(asked: pl.Series, called: pl.DataFrame) -> Named:
    """Return which ids answer to each of some names.

    Args:
        asked: the names as they are written.
        called: ``name`` and ``id`` of everything that may be meant, and ``kv``, its voltage, or null.
    """
    words = _spelled(asked.drop_nulls().unique(maintain_order=True).to_frame("name").with_columns(kv=None))
    known = _spelled(called.drop_nulls("name"))
    level = pl.col("kv").is_null() | pl.col("kv_known").is_null() | (pl.col("kv") == pl.col("kv_known"))
    met = words.join(known, on="plain", suffix="_known", maintain_order="left_right").filter(level)
    is_as_written = pl.col("name").str.strip_chars() == pl.col("name_known").str.strip_chars()
    far = pl.when(is_as_written).then(0).when(pl.col("kv").eq_missing(pl.col("kv_known"))).then(1).otherwise(2)
    met = met.with_columns(far=far).filter(pl.col("far") == pl.col("far").min().over("name"))
    found = met.group_by("name", maintain_order=True).agg(pl.col("id").unique(maintain_order=True)).rows()
    return Named(
        {name: ids[0] for name, ids in found if len(ids) == 1}, {name: ids for name, ids in found if len(ids) > 1}
    )


def _spelled(names: pl.DataFrame) -> pl.DataFrame:
    """Add ``plain``, a name without its level and in one form of each sign; a level that it says goes before a given one."""
    whole = pl.col("name").str.normalize("NFKC").str.replace_all(r"\s", "")
    said = whole.str.extract(_LEVEL, 1).cast(pl.Float64)
    return names.with_columns(
        plain=pl.coalesce(whole.str.extract(_LEVEL, 2), whole), kv=pl.coalesce(said, pl.col("kv").cast(pl.Float64))
    )
