"""The IEEE feeders as CIM-XML against the same feeders in OpenDSS; small models stand in tests/network/readers."""

from __future__ import annotations

from functools import cache

import opendssdirect  # noqa: F401 (absent: the whole module is left out)
import pytest

from network import Network, build_network
from network.readers.cim_xml import read_cim_xml
from network.readers.opendss import read_opendss
from tests.interop.feeders import MASTERS, cases

FEEDERS = {"ieee13": "IEEE13.xml", "ieee123": "IEEE123_PV.xml"}

TIES = ("sw7", "sw8")
"""Closed in the OpenDSS form of IEEE 123 and absent or open in the CIM form, so opened in both before they are compared."""

ONLY_IN_CIM = {"ieee13": {"house"}, "ieee123": set[str]()}
"""Loads that the makers of the CIM form added: a house behind a transformer of its own."""


@cache
def by_cim(feeder: str) -> Network:
    return build_network(read_cim_xml([cases("cim") / FEEDERS[feeder]], lambda _: None))


@cache
def by_opendss(feeder: str) -> Network:
    return build_network(read_opendss([cases("dss") / MASTERS[feeder]], lambda _: None))


def plain(name: str) -> str:
    return name.split(".", 1)[-1].lower()


@pytest.mark.parametrize("feeder", FEEDERS)
def test_the_same_loads_as_in_opendss(feeder: str) -> None:
    ours = by_cim(feeder).transformers
    theirs = by_opendss(feeder).transformers
    in_cim = {plain(name): kw for name, kw in ours.select("name", "load_kw").iter_rows()}
    in_opendss = {plain(name): kw for name, kw in theirs.select("transformer_id", "load_kw").iter_rows()}
    assert len(in_cim) == ours.height
    assert set(in_cim) - set(in_opendss) == ONLY_IN_CIM[feeder]
    assert set(in_opendss) <= set(in_cim)
    assert {name: in_cim[name] for name in in_opendss} == pytest.approx(in_opendss)
    assert by_cim(feeder).customers.height == ours.height  # customerCount is 1 for each


@pytest.mark.parametrize(("feeder", "alike"), [("ieee13", 16), ("ieee123", 134)])
def test_a_branch_cuts_off_the_same_loads_as_in_opendss(feeder: str, alike: int) -> None:
    cim, dss = by_cim(feeder), by_opendss(feeder)
    names = dict(zip(cim.transformers["transformer_id"], cim.transformers["name"], strict=True))
    in_cim = dict(zip((plain(name) for name in cim.branches["name"]), cim.branches["branch_id"], strict=True))
    in_dss = {plain(branch): branch for branch in dss.branches["branch_id"]}
    ours = cim.energise().switched(open=[in_cim[tie] for tie in TIES if tie in in_cim and feeder == "ieee123"])
    theirs = dss.energise().switched(open=[in_dss[tie] for tie in TIES if tie in in_dss])
    assert len(set(in_cim) & set(in_dss)) == alike
    for name in set(in_cim) & set(in_dss):
        lost = {plain(names[transformer]) for transformer in ours.below(in_cim[name]).transformers}
        assert lost - ONLY_IN_CIM[feeder] == {
            plain(transformer) for transformer in theirs.below(in_dss[name]).transformers
        }, name


def test_kinds_lengths_and_ratings_of_ieee13() -> None:
    rows = {row["name"]: row for row in by_cim("ieee13").branches.iter_rows(named=True)}
    kinds = {
        name: rows[name]["kind"] for name in ("brkr1", "fuse1", "rec1", "sect1", "671692", "650632", "sub3", "reg1")
    }
    assert kinds == {
        "brkr1": "breaker", "fuse1": "fuse", "rec1": "recloser", "sect1": "switch", "671692": "switch", "650632": "line",
        "sub3": "bus", "reg1": "bus",
    }  # fmt: skip
    assert rows["650632"]["length_km"] == pytest.approx(0.6096)  # 2,000 ft
    assert rows["brkr1"]["rating_a"] == 400.0
    feeders = by_cim("ieee13").feeders
    assert feeders["name"].to_list() == ["ieee13nodeckt"]
    assert set(by_cim("ieee13").branches["feeder_id"]) == set(feeders["feeder_id"])
