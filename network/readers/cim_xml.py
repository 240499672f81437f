"""CIM in RDF/XML: the distribution profile (CIM100) and CGMES (CIM16, CIM17), parsed by triplets."""

from __future__ import annotations

import zipfile
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeAlias

from network.problems import MissingExtraError, WorkspaceError
from network.readers.gathering import Gathering, Progress, legs, number, require_files
from network.tables.workspace import Workspace
from network.texts import text

Element: TypeAlias = "dict[str, str]"
"""Attributes and references of one object by their CIM names; ``Type`` is its class."""

BRANCH_KINDS: Mapping[str, str] = MappingProxyType(
    {
        "ACLineSegment": "line",
        "SeriesCompensator": "line",
        "EquivalentBranch": "line",
        "Breaker": "breaker",
        "DisconnectingCircuitBreaker": "breaker",
        "Recloser": "recloser",
        "LoadBreakSwitch": "switch",
        "Sectionaliser": "switch",
        "Switch": "switch",
        "Jumper": "switch",
        "Cut": "switch",
        "Disconnector": "disconnector",
        "Fuse": "fuse",
    }
)
"""Kind of branch by class of an element with two terminals."""

_LOADS = ("EnergyConsumer", "ConformLoad", "NonConformLoad", "StationSupply")
_SOURCES = ("EnergySource", "ExternalNetworkInjection")
_NODES = ("BusbarSection", "Junction", "Connector")
_DEGREES = ("4326", "WGS84", "CRS84", "4490")
"""Marks of a coordinate system in degrees; 4490 is CGCS2000."""
_HIGHEST_KV = 1200.0
"""No nominal voltage is higher, so a larger number is in volts."""


def read_cim_xml(sources: Sequence[Path], progress: Progress) -> Workspace:
    """Read one model from its ``.xml`` or ``.zip`` files together (EQ, SSH, TP … or one file with all).

    Ids are mRIDs, names stand in ``name``. Volts or kilovolts, and with them W or MW, metres or kilometres, are told by the
    highest nominal voltage.

    Raises:
        MissingExtraError: triplets is not installed.
        FudianError: there is no such file.
        WorkspaceError: a file is not CIM in RDF/XML.
    """
    require_files(sources)
    try:
        import triplets
        from lxml.etree import LxmlError
    except ImportError as missing:
        raise MissingExtraError("triplets", "cim") from missing
    objects: defaultdict[str, Element] = defaultdict(dict)
    for path in sources:
        progress(path.name)
        try:
            read = triplets.parse([str(path)], engine="python_lxml_pandas")
        except (OSError, LxmlError, zipfile.BadZipFile, ValueError, KeyError, AttributeError) as reason:
            raise _not_cim(path, str(reason)) from reason
        for identity, key, value in zip(read["ID"], read["KEY"], read["VALUE"], strict=True):
            objects[identity][key] = value
    model = _Model(objects, ", ".join(path.name for path in sources))
    if not model.terminals:
        raise _not_cim(sources[0], text("it has no Terminal"))
    return model.workspace()


def _not_cim(path: Path, reason: object) -> WorkspaceError:
    return WorkspaceError(
        text("{path} cannot be read as CIM in RDF/XML: {reason}.", path=str(path), reason=reason),
        (),
        text("Export the equipment profile; several files of one model are read together."),
    )


class _Model:
    """The objects of a model by id, and what they become."""

    def __init__(self, objects: Mapping[str, Element], name: str) -> None:
        self.objects = objects
        self.found = Gathering(name)
        self.by_class: defaultdict[str, list[str]] = defaultdict(list)
        for identity, element in objects.items():
            self.by_class[element.get("Type", "")].append(identity)
        self.terminals = self._by_equipment()

    def _by_equipment(self) -> dict[str, list[str]]:
        """Return the terminals of each equipment in order of their numbers."""
        terminals: defaultdict[str, list[str]] = defaultdict(list)
        for identity in self.by_class["Terminal"]:
            terminals[self.objects[identity].get("Terminal.ConductingEquipment", "")].append(identity)
        for each in terminals.values():
            each.sort(key=self._sequence)
        return dict(terminals)

    def _sequence(self, terminal: str) -> float:
        element = self.objects[terminal]
        given = element.get("ACDCTerminal.sequenceNumber", element.get("Terminal.sequenceNumber"))
        return number(given) or 0.0

    @cached_property
    def scale(self) -> tuple[float, float]:
        """Kilometres and kilowatts in one unit of the file."""
        elements = (self.objects[each] for kind in ("BaseVoltage", *_SOURCES) for each in self.by_class[kind])
        voltages = [number(element.get(f"{element['Type']}.nominalVoltage")) or 0.0 for element in elements]
        in_volts = not any(voltages) or max(voltages) > _HIGHEST_KV
        return (0.001, 0.001) if in_volts else (1.0, 1000.0)

    def workspace(self) -> Workspace:
        """Return everything that was found."""
        self._feeders()
        for kind in _SOURCES:
            for identity in self._in_service(kind, "sources"):
                if (node := self._node_of(identity, "sources")) is not None:
                    station = self._station(identity)
                    self.found.add("sources", node=node, name=self._name(identity), station_id=station)
        for kind, branch_kind in BRANCH_KINDS.items():
            for identity in self._in_service(kind, "branches"):
                self._branch(identity, branch_kind)
        self._transformers()
        customers = self._usage_points()
        for kind in _LOADS:
            for identity in self._in_service(kind, "transformers"):
                self._load(identity, customers)
        self._coordinates()
        self._unread()
        return self.found.workspace()

    # Looking up ---------------------------------------------------------------------------------------------------

    def _name(self, identity: str) -> str | None:
        return self.objects[identity].get("IdentifiedObject.name")

    def _in_service(self, kind: str, table: str) -> Iterable[str]:
        """Give the objects of a class that are in service; the others are named."""
        for identity in self.by_class[kind]:
            element = self.objects[identity]
            states = (element.get(f"Equipment.{key}", "true") for key in ("normallyInService", "inService"))
            if any(state.lower() == "false" for state in states):
                self.found.out_of_service(table, identity)
            else:
                yield identity

    def _node(self, terminal: str) -> str | None:
        element = self.objects.get(terminal, {})
        return element.get("Terminal.ConnectivityNode") or element.get("Terminal.TopologicalNode")

    def _nodes_of(self, identity: str) -> list[str]:
        nodes = (self._node(terminal) for terminal in self.terminals.get(identity, []))
        return [node for node in nodes if node is not None]

    def _node_of(self, identity: str, table: str) -> str | None:
        """Return the only node of an element; name the element that has none."""
        nodes = self._nodes_of(identity)
        if not nodes:
            self._without_nodes(identity, table, 1, 0)
        return nodes[0] if nodes else None

    def _without_nodes(self, identity: str, table: str, wanted: int, given: int) -> None:
        self.found.leave_out(
            table,
            identity,
            text("It has {given} connected terminals, not {wanted}; it was left out", given=given, wanted=wanted),
            text("Export the terminals with their ConnectivityNode, or the topology profile with it."),
            value=self._name(identity),
        )

    def _feeder(self, identity: str) -> str | None:
        container = self.objects[identity].get("Equipment.EquipmentContainer", "")
        return container if self.objects.get(container, {}).get("Type") == "Feeder" else None

    def _station(self, identity: str) -> str | None:
        """Return the substation that an element stands in, through bay, voltage level or feeder."""
        place: str | None = self.objects[identity].get("Equipment.EquipmentContainer")
        for _ in range(4):
            element = self.objects.get(place or "", {})
            if element.get("Type") == "Substation":
                return place
            place = (
                element.get("Bay.VoltageLevel")
                or element.get("VoltageLevel.Substation")
                or element.get("Feeder.NormalEnergizingSubstation")
            )
        return None

    # Elements -----------------------------------------------------------------------------------------------------

    def _feeders(self) -> None:
        for identity in self.by_class["Feeder"]:
            station = self.objects[identity].get("Feeder.NormalEnergizingSubstation")
            self.found.add("feeders", feeder_id=identity, name=self._name(identity), station_id=station)

    def _branch(self, identity: str, kind: str) -> None:
        nodes = self._nodes_of(identity)
        if len(nodes) != 2:
            self._without_nodes(identity, "branches", 2, len(nodes))
            return
        element = self.objects[identity]
        state = element.get("Switch.normalOpen", element.get("Switch.open", "false"))
        length = number(element.get("Conductor.length"))
        per_length = self.objects.get(element.get("ACLineSegment.PerLengthImpedance", ""), {})
        self.found.add(
            "branches",
            branch_id=identity,
            from_node=nodes[0],
            to_node=nodes[1],
            kind=kind,
            normally_open=state.lower() == "true" or self._is_disconnected(identity),
            name=self._name(identity),
            feeder_id=self._feeder(identity),
            length_km=number(length, self.scale[0]),
            rating_a=self._rating(identity),
            **{
                f"{each}_ohm": number(element.get(f"ACLineSegment.{each}"))
                if f"ACLineSegment.{each}" in element
                else number(per_length.get(f"PerLengthSequenceImpedance.{each}"), length or 0.0)
                for each in ("r", "x")
            },
        )

    def _is_disconnected(self, identity: str) -> bool:
        states = (self.objects[terminal].get("ACDCTerminal.connected", "true") for terminal in self.terminals[identity])
        return any(state.lower() == "false" for state in states)

    def _rating(self, identity: str) -> float | None:
        """Return the rated current, or the lowest limit of the terminals and the equipment."""
        rated = number(self.objects[identity].get("Switch.ratedCurrent"))
        if rated is not None:
            return rated
        sets = {self.objects[each].get("ACDCTerminal.OperationalLimitSet", "") for each in self.terminals[identity]}
        limits = [
            limit for each in sets | {identity} | set(self.terminals[identity]) for limit in self._limits.get(each, [])
        ]
        return min(limits, default=None)

    @cached_property
    def _limits(self) -> Mapping[str, Sequence[float]]:
        """Current limits in A by the set, the terminal or the equipment that they belong to."""
        limits: defaultdict[str, list[float]] = defaultdict(list)
        for identity in self.by_class["CurrentLimit"]:
            value = number(self.objects[identity].get("CurrentLimit.value"))
            owner = self.objects[identity].get("OperationalLimit.OperationalLimitSet", "")
            of_set = self.objects.get(owner, {})
            owners = (owner, *(of_set.get(f"OperationalLimitSet.{key}", "") for key in ("Terminal", "Equipment")))
            for each in owners:
                if value is not None and each:
                    limits[each].append(value)
        return limits

    def _transformers(self) -> None:
        """Add a branch for each tank, or for the transformer where it has no tanks: single-phase units stand in parallel."""
        ends: defaultdict[str, list[str]] = defaultdict(list)
        for kind, owner in (("TransformerTankEnd", "TransformerTank"), ("PowerTransformerEnd", "PowerTransformer")):
            for identity in self.by_class[kind]:
                ends[self.objects[identity].get(f"{kind}.{owner}", "")].append(identity)
        tanks: defaultdict[str, list[str]] = defaultdict(list)
        for identity in self.by_class["TransformerTank"]:
            tanks[self.objects[identity].get("TransformerTank.PowerTransformer", "")].append(identity)
        for identity in self._in_service("PowerTransformer", "branches"):
            for unit in tanks.get(identity, [identity]):
                of_unit = sorted(
                    ends[unit], key=lambda end: number(self.objects[end].get("TransformerEnd.endNumber")) or 0.0
                )
                terminals = [self.objects[end].get("TransformerEnd.Terminal", "") for end in of_unit]
                nodes = [node for terminal in terminals if (node := self._node(terminal)) is not None]
                nodes = nodes or self._nodes_of(identity)
                if len(set(nodes)) < 2:
                    self._without_nodes(unit, "branches", 2, len(set(nodes)))
                    continue
                for branch_id, from_node, to_node in legs(nodes, unit):
                    self.found.add(
                        "branches",
                        branch_id=branch_id,
                        from_node=from_node,
                        to_node=to_node,
                        kind="bus",
                        name=self._name(unit),
                        feeder_id=self._feeder(identity),
                    )

    def _usage_points(self) -> Mapping[str, Sequence[str]]:
        """Return the usage points of each equipment."""
        points: defaultdict[str, list[str]] = defaultdict(list)
        for identity in self.by_class["UsagePoint"]:
            points[self.objects[identity].get("UsagePoint.Equipments", "")].append(identity)
        return points

    def _load(self, identity: str, customers: Mapping[str, Sequence[str]]) -> None:
        node = self._node_of(identity, "transformers")
        if node is None:
            return
        element = self.objects[identity]
        power = number(element.get("EnergyConsumer.p", element.get("EnergyConsumer.pfixed")), self.scale[1])
        self.found.add(
            "transformers",
            transformer_id=identity,
            node=node,
            name=self._name(identity),
            feeder_id=self._feeder(identity),
            load_kw=power,
        )
        for each in customers.get(identity, []):
            self.found.add("customers", customer_id=each, transformer_id=identity, name=self._name(each))
        if identity not in customers:
            self.found.customers(identity, int(number(element.get("EnergyConsumer.customerCount")) or 0))

    def _coordinates(self) -> None:
        """Give each node the point of an element's location that belongs to its terminal: the first, or the last."""
        systems = [self.objects[each].get("CoordinateSystem.crsUrn", "") for each in self.by_class["CoordinateSystem"]]
        if not self.by_class["PositionPoint"]:
            return
        if not systems or not all(any(mark in system for mark in _DEGREES) for system in systems):
            self.found.mention(
                "nodes",
                None,
                text("The coordinate system is not known to be in degrees; the positions were not read"),
                text("Export them in WGS 84 (EPSG:4326), or add the table nodes."),
                value=", ".join(systems) or None,
            )
            return
        points: defaultdict[str, list[tuple[float, float, float]]] = defaultdict(list)
        for identity in self.by_class["PositionPoint"]:
            element = self.objects[identity]
            sequence, lon, lat = (
                number(element.get(f"PositionPoint.{key}")) for key in ("sequenceNumber", "xPosition", "yPosition")
            )
            if lon is not None and lat is not None:
                points[element.get("PositionPoint.Location", "")].append((sequence or 0.0, lon, lat))
        for equipment, terminals in self.terminals.items():
            along = sorted(points.get(self.objects.get(equipment, {}).get("PowerSystemResource.Location", ""), []))
            for position, terminal in enumerate(terminals):
                node = self._node(terminal)
                if node is not None and along:
                    self.found.place(node, *along[-1 if position else 0][1:])

    def _unread(self) -> None:
        """Count the equipment with terminals that no table has a place for."""
        read = {*BRANCH_KINDS, *_LOADS, *_SOURCES, *_NODES, "PowerTransformer"}
        for equipment in self.terminals:
            kind: Any = self.objects.get(equipment, {}).get("Type", "?")
            if kind not in read:
                self.found.unread(kind)
