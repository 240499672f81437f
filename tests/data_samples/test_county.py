"""The sample county is whole, plausible, the same every time, and holds the cases that the project needs."""

from __future__ import annotations

import json
import math
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import networkx as nx
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from data_samples.generator.county import COUNTY, generate, make_county, write_county
from network.tables.code_words import NATURES
from network.tables.schema import TABLES

AS_OF = datetime(2023, 1, 1)
Tables = dict[str, pl.DataFrame]


@pytest.fixture(scope="module")
def county() -> Tables:
    return make_county()


@pytest.fixture(scope="module")
def graph(county: Tables) -> nx.MultiGraph:
    graph = nx.MultiGraph()
    closed = county["branches"].filter(~pl.col("normally_open"))
    for branch_id, one, other in closed.select("branch_id", "from_node", "to_node").iter_rows():
        graph.add_edge(one, other, key=branch_id)
    return graph


def live_nodes(graph: nx.MultiGraph, county: Tables, opened: str | None = None) -> set[str]:
    """Nodes that a source reaches, with one branch open."""
    closed = nx.subgraph_view(graph, filter_edge=lambda _, __, branch_id: branch_id != opened)
    return set().union(*(nx.node_connected_component(closed, source) for source in county["sources"]["node"]))


def files_below(folder: Path) -> list[Path]:
    """Return the files of a workspace, without what a server keeps beside them in ``.fudian``."""
    found = (path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
    return sorted(path for path in found if path.parts[0] != ".fudian")


def test_counts(county: Tables) -> None:
    rows = {name: table.height for name, table in county.items()}
    assert rows["customers"] == 20_000
    assert rows["transformers"] == 400
    assert rows["feeders"] == 14
    assert county["sources"]["station_id"].n_unique() == 2
    assert all(rows.values())


def test_tables_and_columns_are_those_of_the_schema(county: Tables) -> None:
    for name, table in county.items():
        assert set(table.columns) <= set(TABLES[name].names)
        for column in TABLES[name].columns:
            if column.required:
                assert table[column.name].null_count() == 0, (name, column.name)
            if column.codes and column.name in table.columns:
                assert set(table[column.name].drop_nulls()) <= set(column.codes), (name, column.name)


def test_ids_are_unique_and_resolve(county: Tables) -> None:
    for name, table in county.items():
        definition = TABLES[name]
        if definition.key:
            assert not table.select(definition.key).is_duplicated().any(), name
        for column in definition.columns:
            if column.refers_to and column.name in table.columns:
                target, key = column.refers_to.split(".")
                assert set(table[column.name].drop_nulls()) <= set(county[target][key]), (name, column.name)


def test_signals_name_known_objects(county: Tables) -> None:
    for kind, table in (("branch", "branches"), ("transformer", "transformers"), ("customer", "customers")):
        named = county["signals"].filter(pl.col("object") == kind)["object_id"]
        assert set(named) <= set(county[table][f"{kind}_id"])


def test_each_outage_names_one_thing(county: Tables) -> None:
    things = ["branch_id", "feeder_id", "transformer_id", "customer_id"]
    named = county["outages"].select(pl.sum_horizontal(pl.col(things).is_not_null().cast(pl.Int64)))
    assert named.to_series().unique().to_list() == [1]


def test_every_node_lies_on_the_map(county: Tables, graph: nx.MultiGraph) -> None:
    placed = county["nodes"]
    assert set(graph.nodes) == set(placed["node"])
    assert placed["lon"].is_between(114.8, 115.7).all()
    assert placed["lat"].is_between(32.8, 33.4).all()


def test_every_transformer_is_live_in_the_normal_state(county: Tables, graph: nx.MultiGraph) -> None:
    live = live_nodes(graph, county)
    assert set(county["transformers"]["node"]) <= live
    assert set(county["transformers"]["second_node"].drop_nulls()) <= live


def test_the_only_loop_is_the_pair_of_parallel_cables(county: Tables, graph: nx.MultiGraph) -> None:
    assert not nx.is_forest(graph)
    simple = nx.Graph(graph)
    assert nx.is_forest(simple)
    assert graph.number_of_edges() - simple.number_of_edges() == 1
    assert county["branches"].filter(pl.col("name").str.contains("并列电缆")).height == 1
    components = list(nx.connected_components(graph))
    assert all(len(part & set(county["sources"]["node"])) == 1 for part in components)


def test_ties_join_feeders_and_two_feeders_have_none(county: Tables) -> None:
    ties = county["branches"].filter(pl.col("normally_open"))
    feeder_of = {row["node"]: row["node"].split("-")[0] for row in county["nodes"].iter_rows(named=True)}
    station_of = dict(county["feeders"].select("feeder_id", "station_id").iter_rows())
    pairs = [(feeder_of[one], feeder_of[other]) for one, other in ties.select("from_node", "to_node").iter_rows()]
    assert all(one != other for one, other in pairs)
    assert any(station_of[one] != station_of[other] for one, other in pairs)
    assert set(station_of) - {feeder for pair in pairs for feeder in pair} == {"F08", "F14"}


def test_a_rural_feeder_is_longer_than_fifteen_km(county: Tables, graph: nx.MultiGraph) -> None:
    length = dict(county["branches"].select("branch_id", "length_km").iter_rows())
    for one, other, key in graph.edges(keys=True):
        graph.edges[one, other, key]["length_km"] = length[key]
    radius_km = {}
    for source in county["sources"]["node"]:
        distances = nx.single_source_dijkstra_path_length(graph, source, weight="length_km")
        for node, feeder in county["transformers"].select("node", "feeder_id").iter_rows():
            radius_km[feeder] = max(radius_km.get(feeder, 0.0), distances.get(node, 0.0))
    assert [feeder for feeder, radius in radius_km.items() if radius > 15] == ["F08"]
    assert max(radius_km.values()) < 20


def test_all_classes_natures_and_devices_occur(county: Tables) -> None:
    transformers = county["transformers"]
    assert set(transformers["region_class"]) == {"city_centre", "urban", "town", "rural"}
    assert set(transformers["planning_class"]) == {"A", "B", "C", "D"}
    assert set(county["outages"]["nature"]) == set(NATURES)
    assert set(county["outages"]["exclusion"].drop_nulls()) == {"arrears", "own_fault"}
    kinds = {"line", "cable", "breaker", "recloser", "switch", "disconnector", "fuse"}
    assert set(county["branches"]["kind"]) == kinds
    assert set(county["sensors"]["kind"]) == {"ftu", "indicator"}
    assert county["transformers"]["unit"].n_unique() == 6


def test_dual_supply_comes_from_another_feeder(county: Tables) -> None:
    dual = county["transformers"].filter(pl.col("second_node").is_not_null())
    assert dual.height >= 8
    assert (dual["second_node"].str.split("-").list.first() != dual["feeder_id"]).all()
    customers = county["customers"].filter(pl.col("second_transformer_id").is_not_null())
    assert customers.height >= 10
    first = customers["transformer_id"].str.split("-").list.first()
    assert (first != customers["second_transformer_id"].str.split("-").list.first()).all()


def test_outages_of_branches_are_cleared_by_protection_or_opened_by_a_device(county: Tables) -> None:
    kinds = dict(county["branches"].select("branch_id", "kind").iter_rows())
    faults = county["outages"].filter(pl.col("nature") == "F-INT", pl.col("branch_id").is_not_null())
    assert {kinds[branch_id] for branch_id in faults["branch_id"]} == {"breaker", "recloser", "fuse"}
    planned = county["outages"].filter(pl.col("nature").str.starts_with("P-PLAN"), pl.col("branch_id").is_not_null())
    assert not {kinds[branch_id] for branch_id in planned["branch_id"]} & {"line", "cable"}


def test_durations_and_the_odd_cases(county: Tables) -> None:
    outages = county["outages"]
    lasted = outages.drop_nulls("end").with_columns(lasted=pl.col("end") - pl.col("start"))
    assert (lasted["lasted"] > timedelta(0)).all()
    assert (lasted["lasted"] < timedelta(days=30)).all()
    assert lasted.filter(pl.col("lasted") <= timedelta(minutes=3)).height >= 5
    still_open = outages.filter(pl.col("end").is_null())
    assert still_open.height == 1
    assert still_open["start"][0].date() == date(2022, 12, 31)
    over_new_year = lasted.filter(
        pl.col("start").dt.year() < pl.col("end").dt.year(), pl.col("branch_id").is_not_null()
    )
    assert over_new_year.height >= 2
    assert lasted.filter(pl.col("start").dt.month() < pl.col("end").dt.month()).height >= 1
    assert outages["start"].is_between(datetime(2020, 1, 1), AS_OF, closed="left").all()
    assert outages.filter(pl.col("external")).height >= 10


def test_some_records_overlap(county: Tables, graph: nx.MultiGraph) -> None:
    outages = county["outages"].drop_nulls("end")
    second = outages.filter(pl.col("cause") == "台区报修").rename({"transformer_id": "who"})
    assert second.height >= 8
    overlapping = 0
    for record in second.iter_rows(named=True):
        around = outages.filter(
            pl.col("start") < record["end"], pl.col("end") > record["start"], pl.col("branch_id").is_not_null()
        )
        node = county["transformers"].row(by_predicate=pl.col("transformer_id") == record["who"], named=True)["node"]
        overlapping += any(node not in live_nodes(graph, county, branch_id) for branch_id in around["branch_id"])
    assert overlapping >= 8


def test_stages_bring_back_a_part_of_what_was_off(county: Tables, graph: nx.MultiGraph) -> None:
    stages = county["stages"].join(county["outages"], on="outage_id", suffix="_outage")
    assert (stages["restored_at"] > stages["start"]).all()
    assert (stages["restored_at"] < stages["end"].fill_null(AS_OF)).all()
    node_of = dict(county["transformers"].select("transformer_id", "node").iter_rows())
    far_end = dict(county["branches"].select("branch_id", "to_node").iter_rows())
    live = {branch: live_nodes(graph, county, branch) for branch in stages["branch_id_outage"].unique()}
    assert stages["branch_id"].count() >= 5
    for row in stages.iter_rows(named=True):
        node = far_end[row["branch_id"]] if row["branch_id"] else node_of[row["transformer_id"]]
        assert node not in live[row["branch_id_outage"]]


def test_transformer_outages_fall_within_service(county: Tables) -> None:
    served = county["transformers"].select("transformer_id", "in_service", "retired")
    outages = county["outages"].join(served, on="transformer_id")
    assert (outages["start"] >= outages["in_service"]).all()
    assert (outages["end"] < outages["retired"].fill_null(datetime(2100, 1, 1))).all()


def test_three_storm_days_stand_out_and_the_last_is_a_major_event_day(interruptions: pl.DataFrame) -> None:
    days = interruptions.group_by(day=pl.col("start").dt.date()).agg(pl.col("hours").sum()).sort("hours")
    assert set(days["day"].tail(3)) == {date(2020, 7, 11), date(2021, 8, 22), date(2022, 6, 26)}
    history = days.filter(pl.col("day") < date(2022, 1, 1))["hours"].log().to_numpy()
    threshold = math.exp(history.mean() + 2.5 * history.std(ddof=1))
    assert days.filter(pl.col("day") == date(2022, 6, 26))["hours"][0] > threshold


def test_rural_users_wait_longest_and_years_improve(county: Tables, interruptions: pl.DataFrame) -> None:
    users = county["transformers"].group_by("region_class").len()
    by_class = interruptions.group_by("region_class").agg(pl.col("hours").sum()).join(users, on="region_class")
    order = by_class.sort(pl.col("hours") / pl.col("len"))["region_class"].to_list()
    assert order == ["city_centre", "urban", "town", "rural"]
    by_year = interruptions.group_by(year=pl.col("start").dt.year()).agg(pl.col("hours").sum() / 400).sort("year")
    assert by_year["hours"].is_sorted(descending=True)
    assert by_year["hours"].is_between(4.5, 10).all()


def interrupted(graph: nx.MultiGraph, county: Tables, outage: dict[str, Any]) -> dict[str, datetime]:
    """Transformers that one outage record puts off, with the time when each came back."""
    transformers = county["transformers"]
    if outage["branch_id"]:
        live = live_nodes(graph, county, outage["branch_id"])
        off = ~pl.col("node").is_in(live) & ~pl.col("second_node").is_in(live).fill_null(value=False)
    elif outage["feeder_id"]:
        off = (pl.col("feeder_id") == outage["feeder_id"]) & pl.col("second_node").is_null()
    else:
        off = pl.col("transformer_id") == outage["transformer_id"]
    back = dict.fromkeys(transformers.filter(off)["transformer_id"], outage["end"] or AS_OF)
    for stage in county["stages"].filter(pl.col("outage_id") == outage["outage_id"]).iter_rows(named=True):
        part = {stage["transformer_id"]}
        if stage["branch_id"]:
            live = live_nodes(graph, county, stage["branch_id"])
            part = set(transformers.filter(~pl.col("node").is_in(live))["transformer_id"])
        back |= dict.fromkeys(part & set(back), stage["restored_at"])
    return back


@pytest.fixture(scope="module")
def interruptions(county: Tables, graph: nx.MultiGraph) -> pl.DataFrame:
    """Transformer, region class, start, hours: overlaps are left in, which changes little."""
    counted = county["outages"].filter(pl.col("customer_id").is_null(), pl.col("exclusion").is_null())
    rows = [
        (transformer_id, outage["start"], (end - outage["start"]).total_seconds() / 3600)
        for outage in counted.iter_rows(named=True)
        for transformer_id, end in interrupted(graph, county, outage).items()
    ]
    frame = pl.DataFrame(rows, schema=["transformer_id", "start", "hours"], orient="row")
    return frame.join(county["transformers"].select("transformer_id", "region_class"), on="transformer_id")


def test_live_ratio_rises(county: Tables) -> None:
    planned = (
        county["outages"]
        .filter(pl.col("nature").str.contains("P-PLAN|P-TEMP"), pl.col("customer_id").is_null())["start"]
        .dt.year()
    )
    live = county["live_jobs"]["start"].dt.year()
    ratios = [(live == year).sum() / ((live == year).sum() + (planned == year).sum()) for year in (2020, 2021, 2022)]
    assert ratios == pytest.approx([0.75, 0.86, 0.93], abs=0.01)
    assert set(county["live_jobs"]["item"].drop_nulls()) == set(range(1, 34))
    assert county["live_jobs"]["connection"].sum() > 50


def test_plans_look_ahead_and_two_can_be_merged(county: Tables) -> None:
    future = county["plans"].filter(pl.col("start") >= AS_OF)
    assert future.height >= 10
    assert (future["applied_at"] < AS_OF).all()
    assert (future["notified_at"].drop_nulls() < AS_OF).all()
    assert future["branch_id"].is_duplicated().any()
    assert future["connection"].any()
    assert future["live_line_item"].drop_nulls().is_between(1, 33).all()


def test_orders_run_in_order(county: Tables) -> None:
    times = county["orders"].select("accept_time", "dispatch_time", "accepted_time", "arrive_time", "restore_time")
    for earlier, later in zip(times.columns, times.columns[1:], strict=False):
        pair = times.drop_nulls([earlier, later])
        assert (pair[earlier] <= pair[later]).all()
    assert county["orders"]["restore_time"].null_count() == 1


def test_incidents_show_what_they_promise(county: Tables) -> None:
    truth = json.loads((COUNTY / "signals" / "truth.json").read_text(encoding="utf-8"))
    incidents = {name: pl.read_csv(COUNTY / "signals" / name) for name in truth}
    assert len(incidents) == 6
    assert set(filter(None, truth.values())) <= set(
        county["branches"].filter(pl.col("failures_per_km_yr") > 0)["branch_id"]
    )
    sections = {"incident-2.csv": ("F02-K02", []), "incident-3.csv": ("F01-K04", [1.0])}
    for name, (device, values) in sections.items():
        flags = incidents[name].filter(pl.col("kind") == "fault_current")
        reported = flags.filter(pl.col("object_id") == device)["value"].to_list()
        assert device in set(county["sensors"]["branch_id"])
        assert reported == values, name
    assert "reclose" in set(incidents["incident-4.csv"]["kind"])
    assert "off" not in set(incidents["incident-4.csv"]["kind"])
    assert set(incidents["incident-5.csv"]["kind"]) == {"off", "read", "call"}
    assert incidents["incident-6.csv"].filter(pl.col("kind") == "off").height == 1
    assert sum(table.height for table in incidents.values()) == county["signals"].height


def test_same_seed_same_tables_and_another_seed_others(county: Tables) -> None:
    again = make_county()
    assert list(again) == list(county)
    for name, table in county.items():
        assert_frame_equal(again[name], table)
    assert not make_county(seed=1)["outages"].equals(county["outages"])


def test_the_committed_county_is_what_the_generator_writes(tmp_path: Path) -> None:
    generate(20_000, tmp_path)
    assert files_below(tmp_path) == files_below(COUNTY)
    for path in files_below(tmp_path):
        if path.suffix == ".xlsx":
            assert_frame_equal(pl.read_excel(tmp_path / path), pl.read_excel(COUNTY / path))
        else:
            assert (tmp_path / path).read_bytes() == (COUNTY / path).read_bytes(), path
    assert sum((COUNTY / path).stat().st_size for path in files_below(COUNTY)) < 3_000_000


def test_exports_hold_chinese_headers_and_words() -> None:
    customers = (COUNTY / "customers.csv").read_bytes()
    assert customers.decode("gb18030").startswith("用户编号,台区编号,")
    with pytest.raises(UnicodeDecodeError):
        customers.decode("utf-8")
    outages = (COUNTY / "outages.csv").read_bytes().decode("utf-8")
    assert outages.startswith("\ufeff停电编号,停电开始时间,")
    assert "内部故障停电" in outages


def test_large_counties_are_parquet_and_keep_their_proportions(tmp_path: Path) -> None:
    tables = make_county(customers=120_000)
    assert tables["feeders"].height == 6 * 14
    assert tables["transformers"].height == 2_400
    assert tables["customers"].height == 120_000
    write_county(tables, tmp_path, as_exported=False)
    assert {path.suffix for path in tmp_path.iterdir()} == {".parquet", ".toml"}
    assert_frame_equal(pl.read_parquet(tmp_path / "customers.parquet"), tables["customers"])


@pytest.mark.parametrize("customers", [1_000, 7_500, 45_000])
def test_other_sizes_hold_together(customers: int) -> None:
    tables = make_county(customers)
    assert tables["customers"].height == customers
    assert set(tables["customers"]["transformer_id"]) == set(tables["transformers"]["transformer_id"])
    assert not tables["branches"]["branch_id"].is_duplicated().any()


def test_too_few_customers_are_refused() -> None:
    with pytest.raises(ValueError, match="at least 1000 customers, not 10"):
        make_county(10)


def test_progress_is_told(tmp_path: Path) -> None:
    told: list[str] = []
    generate(1_000, tmp_path, progress=told.append)
    assert "1000 customers" in told
