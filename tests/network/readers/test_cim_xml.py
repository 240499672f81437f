"""CIM in RDF/XML: small models of each profile, ids of every form, and files that are none."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from network import WorkspaceError, build_network
from network.readers.cim_xml import read_cim_xml

HEAD = """<?xml version="1.0" encoding="UTF-8"?>
<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns:cim="http://iec.ch/TC57/2013/CIM-schema-cim16#">
"""


def rdf(elements: dict[str, dict[str, str]], attribute: str = "ID") -> str:
    """Write objects as RDF/XML: ``{"Breaker b1": {"Switch.normalOpen": "true", "Terminal.ConductingEquipment": "#b1"}}``."""
    lines = []
    for name, values in elements.items():
        kind, identity = name.split()
        inside = "".join(
            f'<cim:{key} rdf:resource="{value}"/>' if value.startswith("#_") else f"<cim:{key}>{value}</cim:{key}>"
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
    assert set(said) == {"loose", "old", "LinearShuntCompensator", "trunk"}  # a feeder that was made without a breaker
    assert net.feeders.select("feeder_id", "station_id").rows() == [("trunk", "s1")]
    assert said["loose"].severity == "error"


@pytest.mark.parametrize("content", ["not xml", "<a/>", rdf({"Substation s1": {}})])
def test_what_is_not_a_model_is_a_clear_error(content: str, tmp_path: Path) -> None:
    path = tmp_path / "eq.xml"
    path.write_text(content)
    with pytest.raises(WorkspaceError, match=r"eq\.xml"):
        read_cim_xml([path], lambda _: None)


def written(elements: dict[str, dict[str, str]], mark: str, reference: str) -> str:
    """Write objects with ids and references in other forms than ``_1001`` and ``#_1001``."""
    attribute = "ID" if not mark.startswith(("#", "urn")) else "about"
    return rdf(elements).replace('rdf:ID="_', f'rdf:{attribute}="{mark}').replace('"#_', f'"{reference}')


FORMS = [
    ("", "#"),
    ("_", "#"),
    ("", "#_"),
    ("_", "#_"),
    ("#", "#_"),
    ("#_", "#"),
    ("urn:uuid:", "#_"),
    ("_", "urn:uuid:"),
    ("", ""),
]
"""Ids as exports write them, and references to them: some leave away the underscore, some the mark."""


@pytest.mark.parametrize(("mark", "reference"), FORMS)
def test_ids_of_every_form(mark: str, reference: str, tmp_path: Path) -> None:
    numbers = {name: str(1000 + at) for at, name in enumerate(name.split()[1] for name in EQUIPMENT)}
    content = written(EQUIPMENT, mark, reference)
    for name in sorted(numbers, key=len, reverse=True):
        for before, after in ((mark, '"'), (reference, '"')):
            content = content.replace(f'"{before}{name}{after}', f'"{before}{numbers[name]}{after}')
    (tmp_path / "eq.xml").write_text(content, "utf-8")
    net = build_network(read_cim_xml([tmp_path / "eq.xml"], lambda _: None))
    assert set(net.energise().below(numbers["d1"]).transformers) == {numbers["mill"], numbers["shop"]}
    assert net.customers.height == 2
    assert net.sources["station_id"].to_list() == [numbers["s1"]]


def test_an_underscore_may_tell_two_objects_apart(tmp_path: Path) -> None:
    model = rdf(EQUIPMENT).replace("</rdf:RDF>", '<cim:Breaker rdf:ID="d1"/></rdf:RDF>')
    (tmp_path / "eq.xml").write_text(model, "utf-8")
    net = build_network(read_cim_xml([tmp_path / "eq.xml"], lambda _: None))
    assert dict(net.branches.select("branch_id", "kind").rows())["_d1"] == "disconnector"
    assert any(problem.object_id == "d1" and problem.severity == "error" for problem in net.workspace.problems)


DISPATCH = {
    "BaseVoltage 112871": {"BaseVoltage.nominalVoltage": "115.000000", "BaseVoltage.name": "110kV"},
    "BaseVoltage 112872": {"BaseVoltage.nominalVoltage": "10.500000", "BaseVoltage.name": "10.5kV"},
    "Substation 113997": {"Naming.name": "八一变电站"},
    "VoltageLevel 113152": {"VoltageLevel.MemberOf_Substation": "#_113997", "VoltageLevel.BaseVoltage": "#_112871"},
    "VoltageLevel 113153": {"VoltageLevel.MemberOf_Substation": "#_113997", "VoltageLevel.BaseVoltage": "#_112872"},
    "Bay 114278": {"Bay.MemberOf_VoltageLevel": "#_113153", "Naming.name": "912间隔"},
    "SynchronousMachine 115686": {"Equipment.MemberOf_EquipmentContainer": "#_113152", "Naming.name": "系统等值机"},
    "PowerTransformer 117093": {"Naming.name": "#1主变"},
    "Breaker 114560": {
        "Equipment.MemberOf_EquipmentContainer": "#_114278", "Naming.name": "912开关", "Switch.normalOpen": "false",
    },
    "ACLineSegment 116530": {
        "Naming.name": "10kV北门线", "Conductor.length": "3.2", "Conductor.r": "0.94", "Conductor.x": "1.2",
        "Conductor.ratedA": "400.000000", "ConductingEquipment.BaseVoltage": "#_112872",
    },
    "EnergyConsumer 115967": {"Naming.name": "北门负荷", "EnergyConsumer.pfixed": "1.5"},
    "GroundDisconnector 115123": {"Switch.normalOpen": "true"},
    **{
        f"TransformerWinding 11737{n}": {
            "TransformerWinding.MemberOf_PowerTransformer": "#_117093", "Naming.name": f"#1主变{name}",
            "ConductingEquipment.BaseVoltage": f"#_11287{n}",
            "TransformerWinding.windingType": f"http://iec.ch/TC57/2003/CIM-schema-cim10#WindingType.{name}",
        }
        for n, name in ((1, "primary"), (2, "secondary"))
    },
    **terminals("115686", "4000"), **terminals("117371", "4000"), **terminals("117372", "4001"),
    **terminals("114560", "4001", "4002"), **terminals("116530", "4002", "4003"), **terminals("115967", "4003"),
    **terminals("115123", "4002"),
}  # fmt: skip
"""A station as a Chinese dispatch system exports it in the CIM of 2003: windings are equipment, ids are bare numbers."""


@pytest.mark.parametrize(
    ("encoding", "named"), [("utf-8", "UTF-8"), ("gbk", "GBK"), ("gbk", "UTF-8"), ("gb18030", "GB2312")]
)
def test_a_station_in_the_cim_of_2003(encoding: str, named: str, tmp_path: Path) -> None:
    content = written(DISPATCH, "", "#").replace('encoding="UTF-8"', f'encoding="{named}"')
    (tmp_path / "八一变.xml").write_bytes(content.encode(encoding))
    net = build_network(read_cim_xml([tmp_path / "八一变.xml"], lambda _: None))
    rows = {row["branch_id"]: row for row in net.branches.iter_rows(named=True)}
    assert (rows["117093"]["from_node"], rows["117093"]["to_node"], rows["117093"]["name"]) == (
        "4000",
        "4001",
        "#1主变",
    )
    line = rows["116530"]
    assert [line[name] for name in ("name", "length_km", "r_ohm", "x_ohm", "rating_a")] == [
        "10kV北门线",
        3.2,
        0.94,
        1.2,
        400.0,
    ]
    assert net.energise().below("117093").transformers == ["115967"]
    assert net.transformers.select("name", "load_kw").rows() == [("北门负荷", 1500.0)]
    assert net.feeders.select("feeder_id", "name", "station_id", "voltage_kv").rows() == [
        ("114560", "912开关", "113997", 10.5)
    ]
    assert net.branches.filter(net.branches["feeder_id"] == "114560")["branch_id"].to_list() == ["116530", "114560"]
    said = [problem for problem in net.workspace.problems if problem.value == "GroundDisconnector"]
    assert [problem.severity for problem in said] == ["warning"]
    machine = next(problem for problem in net.workspace.problems if problem.object_id == "115686")
    assert "系统等值机 (115686)" in machine.line()


def test_a_transformer_behind_which_the_model_ends_is_who_is_fed(tmp_path: Path) -> None:
    """Exports of a GIS have no loads: a transformer of the district is the last that stands there."""
    model = {name: values for name, values in DISPATCH.items() if "115967" not in name}
    model |= {
        "PowerTransformer 200": {"Naming.name": "北门1号公变"},
        "TransformerWinding 201": {"TransformerWinding.MemberOf_PowerTransformer": "#_200", "TransformerWinding.ratedMVA": "0.4"},
        "TransformerWinding 202": {"TransformerWinding.MemberOf_PowerTransformer": "#_200"},
        **terminals("201", "4003"), **terminals("202", "4099"),
    }  # fmt: skip
    (tmp_path / "gis.xml").write_text(written(model, "", "#"), "utf-8")
    net = build_network(read_cim_xml([tmp_path / "gis.xml"], lambda _: None))
    assert net.transformers.select("transformer_id", "node", "name", "capacity_kva").rows() == [
        ("200", "4003", "北门1号公变", 400.0)
    ]
    assert net.energise().below("116530").transformers == ["200"]


def test_terminals_may_stand_with_the_equipment_and_the_node(tmp_path: Path) -> None:
    model = EQUIPMENT | {f"Terminal d1.t{number}": {"ACDCTerminal.sequenceNumber": str(number)} for number in (1, 2)}
    content = rdf(model).replace(
        "</rdf:RDF>",
        '<cim:Disconnector rdf:about="#_d1"><cim:ConductingEquipment.Terminals rdf:resource="#_d1.t1"/>'
        '<cim:ConductingEquipment.Terminals rdf:resource="#_d1.t2"/></cim:Disconnector>'
        '<cim:ConnectivityNode rdf:ID="_A"><cim:ConnectivityNode.Terminals rdf:resource="#_d1.t1"/></cim:ConnectivityNode>'
        '<cim:ConnectivityNode rdf:ID="_B"><cim:ConnectivityNode.Terminals rdf:resource="#_d1.t2"/></cim:ConnectivityNode>'
        "</rdf:RDF>",
    )
    (tmp_path / "eq.xml").write_text(content)
    net = build_network(read_cim_xml([tmp_path / "eq.xml"], lambda _: None))
    assert set(net.energise().below("d1").transformers) == {"mill", "shop"}


@pytest.mark.parametrize(
    ("voltages", "line", "km"),
    [
        ({"480": None}, {"Conductor.length": "38.1"}, 0.0381),
        ({"480": None, "208": None}, {"Conductor.length": "38.1"}, 0.0381),
        ({"400": None}, {"Conductor.length": "38.1", "ACLineSegment.r": "0.012"}, 0.0381),
        ({"220": None}, {"Conductor.length": "38.1", "ACLineSegment.r": "3.0", "ACLineSegment.x": "12"}, 38.1),
        ({"220": "220kV"}, {"Conductor.length": "38.1"}, 38.1),
        ({"220": "220V"}, {"Conductor.length": "38.1"}, 0.0381),
        ({"115": "110kV"}, {"Conductor.length": "38.1"}, 38.1),
        ({"12470": None, "480": None}, {"Conductor.length": "38.1"}, 0.0381),
        ({"12.47": None, "0.48": None}, {"Conductor.length": "2.5"}, 2.5),
        ({"10": None}, {"Conductor.length": "2.5"}, 2.5),
        ({"10.5": None}, {"Conductor.length": "2500", "ACLineSegment.x": "0.9"}, 2.5),
        ({"500": None, "220": None}, {"Conductor.length": "38.1"}, 38.1),
        ({}, {"Conductor.length": "38.1"}, 0.0381),
    ],
)
def test_volts_and_metres_against_kilovolts_and_kilometres(
    voltages: dict[str, str | None], line: dict[str, str], km: float, tmp_path: Path
) -> None:
    model = {
        f"BaseVoltage v{value}": {"BaseVoltage.nominalVoltage": value} | ({"IdentifiedObject.name": name} if name else {})
        for value, name in voltages.items()
    } | {
        "EnergySource grid": {}, "ACLineSegment l": line, "EnergyConsumer shop": {}, **terminals("grid", "S"),
        **terminals("l", "S", "A"), **terminals("shop", "A"),
    }  # fmt: skip
    (tmp_path / "eq.xml").write_text(rdf(model))
    read = read_cim_xml([tmp_path / "eq.xml"], lambda _: None)
    assert read.tables["branches"]["length_km"].to_list() == [pytest.approx(km)]


def test_units_that_nothing_tells_are_named(tmp_path: Path) -> None:
    model = {
        "BaseVoltage v": {"BaseVoltage.nominalVoltage": "220"}, "EnergySource grid": {},
        "ACLineSegment l": {"Conductor.length": "30"},
        "EnergyConsumer shop": {}, **terminals("grid", "S"), **terminals("l", "S", "A"), **terminals("shop", "A"),
    }  # fmt: skip
    (tmp_path / "eq.xml").write_text(rdf(model))
    read = read_cim_xml([tmp_path / "eq.xml"], lambda _: None)
    assert any("units are not certain" in str(problem.message) for problem in read.warnings)


def test_customers_beyond_belief_are_left_out_and_named(tmp_path: Path) -> None:
    model = EQUIPMENT | {"EnergyConsumer mill": {"EnergyConsumer.customerCount": "30000000"}, "ConformLoad shop": {}}
    (tmp_path / "eq.xml").write_text(rdf(model))
    read = read_cim_xml([tmp_path / "eq.xml"], lambda _: None)
    assert read.tables["customers"].height == 2  # those of the shop, who have points of usage
    wrong = next(problem for problem in read.errors if problem.table == "customers")
    assert (wrong.object_id, wrong.value) == ("mill", "30000000")


def test_equipment_that_may_carry_supply_is_an_error(tmp_path: Path) -> None:
    model = EQUIPMENT | {"PhaseShifter odd": {"IdentifiedObject.name": "odd one"}, **terminals("odd", "B", "Q")}
    (tmp_path / "eq.xml").write_text(rdf(model))
    read = read_cim_xml([tmp_path / "eq.xml"], lambda _: None)
    assert any("odd one (odd)" in problem.line() and "PhaseShifter" in problem.line() for problem in read.errors)
