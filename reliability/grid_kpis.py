"""Grid-structure KPIs that are counts and sums along the path: ties, supply radius, sections (field reference 8)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import polars as pl
from pydantic import Field

from network import Network, Supply
from network.tables.code_words import SECTIONALISING_KINDS
from network.tables.settings import Settings

LONG_FEEDER_KM = 15.0
"""A supply radius beyond this makes a feeder long (Gong'an's plan)."""

STANDARD_STRUCTURES = ("三分段三联络", "三分段单联络", "单环网", "双环网")
"""Forms of connection that count as standard: the first two for overhead lines, the others for cables."""


class GridSettings(Settings):
    """What the plans leave open about the grid."""

    subject = "grid"

    long_feeders_base: int | None = Field(
        None, ge=0, examples=[12], description="number of feeders with a radius over 15 km in the base year of the plan"
    )


def feeder_kpis(net: Network) -> pl.DataFrame:
    """Return the structure of every feeder in the normal state.

    Returns:
        ``feeder_id``, ``name``, ``public``, ``station_id``, ``ties`` (normally open branches to another feeder),
        ``tied_feeders``, ``tied_stations`` (other substations), ``radius_km`` (longest path from the head of the feeder to a
        transformer; null where a line on the way has no length, or no transformer is fed), ``sections`` (parts between
        sectionalising devices), ``transformers``, ``structure``.
    """
    supply = net.energise()
    of_node = supply.node_feeder
    stations = _stations(net, supply)
    feeders = _feeders(net).join(stations, on="feeder_id", how="left").with_columns(
        station_id=pl.coalesce("station_id", "station_of_source")
    )  # fmt: skip
    ties = _ties(net, of_node, feeders)
    radius = _radii(net, supply, of_node)
    sections = _sections(net, supply, of_node)
    joined = feeders.drop("station_of_source")
    for part in (ties, radius, sections):
        joined = joined.join(part, on="feeder_id", how="left", maintain_order="left")
    return joined.with_columns(
        pl.col("ties", "tied_feeders", "tied_stations", "transformers").fill_null(0), pl.col("sections").fill_null(1)
    )


def grid_kpis(net: Network) -> dict[str, Any]:
    """Return the KPIs of the public feeders, in per cent unless their name says otherwise; ``None`` where not computable.

    ``tie_rate``, ``station_tie_rate`` (to another substation), ``standard_structure_rate``, ``long_feeders`` (count),
    ``long_feeder_reduction`` (against ``long_feeders_base`` in the settings), ``radius_km`` (the longest), ``feeders`` (count),
    ``tied`` and ``standard`` (of them, with a tie and with a standard structure),
    ``feeders_without_tie`` (ids), ``radius_unknown`` (ids).
    """
    rules = GridSettings.of(net.workspace.settings)
    feeders = feeder_kpis(net).filter(pl.col("public"))
    long = feeders.filter(pl.col("radius_km") > LONG_FEEDER_KM).height
    unknown = feeders.filter(pl.col("radius_km").is_null() & (pl.col("transformers") > 0))["feeder_id"].to_list()
    base = rules.long_feeders_base
    return {
        "feeders": feeders.height,
        "tied": feeders.filter(pl.col("ties") > 0).height,
        "standard": feeders.filter(pl.col("structure").is_in(STANDARD_STRUCTURES)).height,
        "tie_rate": _rate(feeders, pl.col("ties") > 0),
        "station_tie_rate": _rate(feeders, pl.col("tied_stations") > 0),
        "standard_structure_rate": None
        if feeders["structure"].null_count()
        else _rate(feeders, pl.col("structure").is_in(STANDARD_STRUCTURES)),
        "long_feeders": None if unknown else long,
        "long_feeders_base": base,
        "long_feeder_reduction": 100 * (base - long) / base if base and not unknown else None,
        "radius_km": None if unknown else feeders["radius_km"].max(),
        "feeders_without_tie": feeders.filter(pl.col("ties") == 0)["feeder_id"].to_list(),
        "radius_unknown": unknown,
    }


def public_feeders(net: Network) -> pl.DataFrame:
    """Return ``feeder_id`` of the public feeders: those of the table, and those that only labels of branches name."""
    return _feeders(net).filter(pl.col("public")).select("feeder_id")


def _rate(feeders: pl.DataFrame, condition: pl.Expr) -> float | None:
    return 100 * feeders.filter(condition).height / feeders.height if feeders.height else None


def _feeders(net: Network) -> pl.DataFrame:
    """Return the feeders of the table, and those that only labels of branches name."""
    listed = net.feeders.select("feeder_id", "name", "public", "station_id", "structure")
    labels = net.branches.select(pl.col("feeder_id").drop_nulls().unique(maintain_order=True))
    more = labels.join(listed, on="feeder_id", how="anti").with_columns(public=pl.lit(value=True))
    return pl.concat([listed, more], how="diagonal").sort("feeder_id")


def _stations(net: Network, supply: Supply) -> pl.DataFrame:
    """Return the substation of the source that feeds each feeder."""
    source = supply.node_at[supply.source_above[supply.place_of[:-1]]]
    station_of_node: Mapping[int, str | None] = dict(
        zip(net.source_node.tolist(), net.sources["station_id"], strict=True)
    )
    station = pl.Series([station_of_node.get(node) for node in source.tolist()], dtype=pl.String)
    return (
        pl.DataFrame({"feeder_id": supply.node_feeder, "station_of_source": station})
        .drop_nulls("feeder_id")
        .unique("feeder_id", maintain_order=True)
    )


def _ties(net: Network, of_node: pl.Series, feeders: pl.DataFrame) -> pl.DataFrame:
    """Count the normally open branches from each feeder to another, the feeders and other substations behind them."""
    ends = pl.DataFrame(
        {"one": of_node.gather(net.from_node), "other": of_node.gather(net.to_node), "open": net.normally_open}
    ).filter(pl.col("open") & (pl.col("one") != pl.col("other")))
    both = pl.concat([ends.select(feeder_id="one", tied="other"), ends.select(feeder_id="other", tied="one")])
    station = feeders.select("feeder_id", "station_id")
    known = both.join(station, on="feeder_id", how="left").join(
        station.rename({"feeder_id": "tied", "station_id": "tied_station"}), on="tied", how="left"
    )
    elsewhere = pl.col("tied_station").filter(pl.col("tied_station") != pl.col("station_id"))
    return known.group_by("feeder_id").agg(
        ties=pl.len().cast(pl.Int64), tied_feeders=pl.col("tied").n_unique().cast(pl.Int64),
        tied_stations=elsewhere.n_unique().cast(pl.Int64),
    )  # fmt: skip


def _radii(net: Network, supply: Supply, of_node: pl.Series) -> pl.DataFrame:
    """Return the longest path inside each feeder to a transformer; null where a line on the way has no length."""
    is_line = net.branches["kind"].is_in(["line", "cable"]).to_numpy()
    of_feeder = net.branches["feeder_id"].is_not_null().to_numpy()
    length = net.branches["length_km"].cast(pl.Float64).to_numpy(writable=True)
    unknown = np.isnan(length)
    length[(unknown & ~is_line) | (~unknown & ~of_feeder)] = 0.0
    at_transformer = net.transformer_node[net.transformer_node >= 0]
    radius = supply.along_path(length)[at_transformer]
    return (
        pl.DataFrame({"feeder_id": of_node.gather(at_transformer), "km": radius})
        .drop_nulls("feeder_id")
        .group_by("feeder_id")
        .agg(
            radius_km=pl.when(pl.col("km").is_not_nan().all()).then(pl.col("km").max()),
            transformers=pl.len().cast(pl.Int64),
        )
    )


def _sections(net: Network, supply: Supply, of_node: pl.Series) -> pl.DataFrame:
    """Count the parts of each feeder between its closed sectionalising devices; the head opens the first."""
    device = net.branches["kind"].is_in(SECTIONALISING_KINDS).to_numpy() & ~supply.is_open
    return (
        pl.DataFrame({"feeder_id": of_node.gather(net.to_node[device])})
        .drop_nulls("feeder_id")
        .group_by("feeder_id")
        .agg(sections=pl.len().cast(pl.Int64).clip(lower_bound=1))
    )
