"""The IEEE feeders as CIM-XML against the same feeders in OpenDSS, and small models for what they do not hold."""

from __future__ import annotations

import zipfile
from functools import cache
from pathlib import Path

import opendssdirect  # noqa: F401 (absent: the whole module is left out)
import pytest

from network import Network, WorkspaceError, build_network
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
        lost = {plain(names[each]) for each in ours.below(in_cim[name]).transformers}
        assert lost - ONLY_IN_CIM[feeder] == {plain(each) for each in theirs.below(in_dss[name]).transformers}, name


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


HEAD = """<?xml version="1.0" encoding="UTF-8"?>
<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns:cim="http://iec.ch/TC57/2013/CIM-schema-cim16#">
"""


def rdf(elements: dict[str, dict[str, str]], attribute: str = "ID") -> str:
    """Write objects as RDF/XML: ``{"Breaker b1": {"Switch.normalOpen": "true", "Terminal.ConductingEquipment": "#b1"}}``."""
    lines = []
    for name, values in elements.items():
        kind, identity = name.split()
        inside = "".join(
            f'<cim:{key} rdf:resource="{value}"/>' if value.startswith("#") else f"<cim:{key}>{value}</cim:{key}>"
            for key, value in values.items()
        )
        mark = "_" if attribute == "ID" else "#_"
        lines.append(f'<cim:{kind} rdf:{attribute}="{mark}{identity}">{inside}</cim:{kind}>')
    return HEAD + "\n".join(lines) + "\n</rdf:RDF>\n"


def terminals(equipment: str, *nodes: str) -> dict[str, dict[str, str]]:
    return {
        f"Terminal {equipment}.t{number}": {
            "Terminal.ConductingEquipment": f"#_{equipment}",
            "ACDCTerminal.sequenceNumber": str(number),
            "Terminal.ConnectivityNode": f"#_{node}",
        }
        for number, node in enumerate(nodes, start=1)
    }


EQUIPMENT = {
    "BaseVoltage v10": {"BaseVoltage.nominalVoltage": "10"},
    "Substation s1": {"IdentifiedObject.name": "城关变"},
    "VoltageLevel l1": {"VoltageLevel.Substation": "#_s1"},
    "ExternalNetworkInjection grid": {"IdentifiedObject.name": "grid", "Equipment.EquipmentContainer": "#_l1"},
    "ACLineSegment trunk": {"Conductor.length": "2.5", "ACLineSegment.r": "0.7", "PowerSystemResource.Location": "#_where"},
    "ACLineSegment loose": {"IdentifiedObject.name": "loose"},
    "ACLineSegment old": {"Equipment.normallyInService": "false"},
    "Disconnector d1": {"Switch.normalOpen": "false"},
    "Breaker tie": {"Switch.normalOpen": "true"},
    "PowerTransformer t3": {},
    "EnergyConsumer mill": {"EnergyConsumer.p": "0.25"},
    "ConformLoad shop": {"IdentifiedObject.name": "shop"},
    "UsagePoint 0012": {"UsagePoint.Equipments": "#_shop", "IdentifiedObject.name": "Li"},
    "UsagePoint 0013": {"UsagePoint.Equipments": "#_shop"},
    "LinearShuntCompensator cap": {},
    "CoordinateSystem cs": {"CoordinateSystem.crsUrn": "urn:ogc:def:crs:EPSG::4326"},
    "Location where": {},
    **{
        f"PositionPoint p{n}": {
            "PositionPoint.sequenceNumber": str(n),
            "PositionPoint.xPosition": f"113.{n}",
            "PositionPoint.yPosition": f"34.{n}",
            "PositionPoint.Location": "#_where",
        }
        for n in (1, 2)
    },
    **{
        f"PowerTransformerEnd e{n}": {
            "PowerTransformerEnd.PowerTransformer": "#_t3",
            "TransformerEnd.endNumber": str(n),
            "TransformerEnd.Terminal": f"#_t3.t{n}",
        }
        for n in (1, 2, 3)
    },
    **terminals("grid", "S"), **terminals("trunk", "S", "A"), **terminals("old", "A", "Z"), **terminals("d1", "A", "B"),
    **terminals("tie", "B", "S"), **terminals("t3", "B", "C", "D"), **terminals("mill", "C"), **terminals("shop", "D"),
    **terminals("cap", "B"), **terminals("loose", "A"),
}  # fmt: skip


def test_a_model_in_kilovolts_from_several_files(tmp_path: Path) -> None:
    (tmp_path / "eq.xml").write_text(rdf(EQUIPMENT))
    state = rdf({"EnergyConsumer mill": {"EnergyConsumer.p": "0.4"}, "Breaker tie": {"Switch.open": "false"}}, "about")
    with zipfile.ZipFile(tmp_path / "ssh.zip", "w") as archive:
        archive.writestr("ssh.xml", state)
    net = build_network(read_cim_xml([tmp_path / "eq.xml", tmp_path / "ssh.zip"], lambda _: None))
    supply = net.energise()

    assert net.sources.select("node", "name", "station_id").rows() == [("S", "grid", "s1")]
    rows = {row["branch_id"]: row for row in net.branches.iter_rows(named=True)}
    assert {name: row["kind"] for name, row in rows.items()} == {
        "trunk": "line", "d1": "disconnector", "tie": "breaker", "t3.1": "bus", "t3.2": "bus", "t3.3": "bus",
    }  # fmt: skip
    assert (rows["trunk"]["length_km"], rows["trunk"]["r_ohm"]) == (2.5, 0.7)
    assert rows["tie"]["normally_open"]
    assert net.transformers.select("transformer_id", "load_kw").rows() == [("mill", 400.0), ("shop", None)]
    assert net.customers.select("customer_id", "name").rows() == [("0012", "Li"), ("0013", None)]
    assert set(net.customers["transformer_id"]) == {"shop"}
    assert set(supply.below("d1").transformers) == {"mill", "shop"}
    assert supply.below("t3.3").transformers == ["shop"]
    assert net.workspace.tables["nodes"].select("node", "lon", "lat").rows() == [("S", 113.1, 34.1), ("A", 113.2, 34.2)]
    said = {problem.object_id or problem.value: problem for problem in net.workspace.problems}
    assert set(said) == {"loose", "old", "LinearShuntCompensator"}
    assert said["loose"].severity == "error"


@pytest.mark.parametrize("content", ["not xml", "<a/>", rdf({"Substation s1": {}})])
def test_what_is_not_a_model_is_a_clear_error(content: str, tmp_path: Path) -> None:
    path = tmp_path / "eq.xml"
    path.write_text(content)
    with pytest.raises(WorkspaceError, match=r"eq\.xml"):
        read_cim_xml([path], lambda _: None)
