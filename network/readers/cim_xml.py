"""CIM in RDF/XML: the distribution profile (CIM100), CGMES (CIM16, CIM17), and the CIM of 2003 (CIM10) of dispatch systems."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from types import MappingProxyType

from network.readers.cim_units import Evidence, Units, units_of
from network.readers.gathering import Gathering, Progress, legs, number, require_files
from network.readers.rdf import CimObject, not_cim, read_rdf
from network.tables.workspace import Workspace
from network.texts import text

BRANCH_KINDS: Mapping[str, str] = MappingProxyType(
    {
        "ACLineSegment": "line",
        "DCLineSegment": "line",
        "SeriesCompensator": "line",
        "EquivalentBranch": "line",
        "Breaker": "breaker",
        "ProtectedSwitch": "breaker",
        "DisconnectingCircuitBreaker": "breaker",
        "Recloser": "recloser",
        "LoadBreakSwitch": "switch",
        "Sectionaliser": "switch",
        "Switch": "switch",
        "CompositeSwitch": "switch",
        "Jumper": "switch",
        "Cut": "switch",
        "Disconnector": "disconnector",
        "Fuse": "fuse",
    }
)
"""Kind of branch by class of an element with two terminals."""

_LOADS = (
    "EnergyConsumer", "ConformLoad", "NonConformLoad", "StationSupply", "CustomerLoad", "InductionMotorLoad", "EquivalentLoad",
    "Load",
)  # fmt: skip
_SOURCES = ("EnergySource", "ExternalNetworkInjection", "EquivalentSource")
_MACHINES = ("SynchronousMachine",)
"""Where supply comes from in a model that names no source: dispatch systems model the grid above as a machine."""
_NODES = ("BusbarSection", "Junction", "Connector")
_WINDINGS = ("TransformerTankEnd", "PowerTransformerEnd", "TransformerWinding")

_NAME = (
    "IdentifiedObject.name",
    "Naming.name",
    "IdentifiedObject.aliasName",
    "Naming.aliasName",
    "IdentifiedObject.localName",
)
_CONTAINER = ("Equipment.EquipmentContainer", "Equipment.MemberOf_EquipmentContainer")
_ABOVE = (
    "Bay.VoltageLevel", "Bay.MemberOf_VoltageLevel", "VoltageLevel.Substation", "VoltageLevel.MemberOf_Substation",
    "Bay.Substation", "Bay.MemberOf_Substation", "Feeder.NormalEnergizingSubstation",
)  # fmt: skip
"""What contains a container: a bay, a voltage level or a feeder."""
_BASE_VOLTAGE = (
    "ConductingEquipment.BaseVoltage", "PowerSystemResource.BaseVoltage", "TransformerEnd.BaseVoltage",
    "TransformerWinding.BaseVoltage", "VoltageLevel.BaseVoltage",
)  # fmt: skip
_TRANSFORMER = (
    "TransformerTankEnd.TransformerTank", "PowerTransformerEnd.PowerTransformer", "TransformerWinding.MemberOf_PowerTransformer",
    "TransformerWinding.PowerTransformer",
)  # fmt: skip
_CAPACITY_MVA = ("PowerTransformer.ratedCapacity", "TransformerWinding.ratedMVA")
_RATED_A = (
    "Switch.ratedCurrent", "Switch.ampRating", "Breaker.ampRating", "Fuse.ampRating", "Breaker.ratedCurrent", "Conductor.ratedA",
    "ACLineSegment.ratedCurrent", "Conductor.ratedCurrent",
)  # fmt: skip
_IS_OPEN = ("Switch.normalOpen", "Switch.normallyOpen", "Breaker.normalOpen", "Disconnector.normalOpen", "Switch.open")
_LENGTH = ("Conductor.length", "ACLineSegment.length")
_POWER = (
    "EnergyConsumer.p",
    "EnergyConsumer.pfixed",
    "EnergyConsumer.pfixedMW",
    "EnergyConsumer.pnomMW",
    "EnergyConsumer.pnom",
)

_DEGREES = ("4326", "WGS84", "CRS84", "4490")
"""Marks of a coordinate system in degrees; 4490 is CGCS2000."""
_TRUE, _FALSE = ("true", "1"), ("false", "0")


def read_cim_xml(sources: Sequence[Path], progress: Progress, idle_is_open: bool = False) -> Workspace:
    """Read one model from its ``.xml`` or ``.zip`` files together (EQ, SSH, TP … or one file with all).

    Ids are those of the file without a leading underscore, names stand in ``name``. Volts or kilovolts, metres or kilometres are
    told as :mod:`network.readers.cim_units` describes.

    Args:
        sources: the files.
        progress: told the name of each file.
        idle_is_open: take branches out of service as normally open instead of leaving them out.

    Raises:
        FudianError: there is no such file.
        WorkspaceError: a file is not CIM in RDF/XML.
    """
    require_files(sources)
    for path in sources:
        progress(path.name)
    found = Gathering(", ".join(path.name for path in sources), idle_is_open)
    model = _Model(read_rdf(sources), found)
    if not model.terminals:
        raise not_cim(sources[0], text("it has no Terminal"))
    return model.workspace()


class _Model:
    """The objects of a model by id, and what they become."""

    def __init__(self, objects: Mapping[str, CimObject], found: Gathering) -> None:
        self.objects = objects
        self.found = found
        self.by_class: defaultdict[str, list[str]] = defaultdict(list)
        for identity, element in objects.items():
            self.by_class[element.kind].append(identity)
        self.node_of_terminal = self._nodes_by_terminal()
        self.terminals = self._by_equipment()

    def _nodes_by_terminal(self) -> Mapping[str, str]:
        """Return the node of each terminal, which stands with the terminal or with the node."""
        nodes: dict[str, str] = {}
        for kind in ("TopologicalNode", "ConnectivityNode"):
            for identity in self.by_class[kind]:
                nodes |= dict.fromkeys(self.objects[identity].all(f"{kind}.Terminals", f"{kind}.Terminal"), identity)
        for identity in self.by_class["Terminal"]:
            named = self.objects[identity].get("Terminal.ConnectivityNode", "Terminal.TopologicalNode")
            if named:
                nodes[identity] = named
        return nodes

    def _by_equipment(self) -> dict[str, list[str]]:
        """Return the terminals of each equipment in order of their numbers, which stand with the terminal or the equipment."""
        terminals: defaultdict[str, dict[str, None]] = defaultdict(dict)
        for identity in self.by_class["Terminal"]:
            if owner := self.objects[identity].get("Terminal.ConductingEquipment"):
                terminals[owner][identity] = None
        for owner, element in self.objects.items():
            for identity in element.all("ConductingEquipment.Terminals"):
                if identity in self.objects:
                    terminals[owner].setdefault(identity)
        return {owner: sorted(each, key=self._sequence) for owner, each in terminals.items()}

    def _sequence(self, terminal: str) -> float:
        return number(self.objects[terminal].get("ACDCTerminal.sequenceNumber", "Terminal.sequenceNumber")) or 0.0

    @cached_property
    def units(self) -> Units:
        """The units of the file."""
        bases = (self.objects[each] for each in self.by_class["BaseVoltage"])
        voltages = [
            (value, base.get("BaseVoltage.name", *_NAME))
            for base in bases
            if (value := number(base.get("BaseVoltage.nominalVoltage")))
        ]
        sources = (self.objects[each] for kind in _SOURCES for each in self.by_class[kind])
        voltages += [
            (value, None) for source in sources if (value := number(source.get(f"{source.kind}.nominalVoltage")))
        ]
        loads = [self._number(each, *_POWER) for kind in _LOADS for each in self.by_class[kind]]
        lines = self.by_class["ACLineSegment"]
        lengths = [self._number(line, *_LENGTH) for line in lines]
        impedances = [max(self._own_ohm(line, part) or 0.0 for part in ("r", "x")) for line in lines]
        per_length = [
            max(self._number(each, f"PerLengthSequenceImpedance.{part}") or 0.0 for part in ("r", "x"))
            for each in self.by_class["PerLengthSequenceImpedance"]
        ]
        return units_of(
            Evidence(
                voltages,
                [load for load in loads if load is not None],
                [length for length in lengths if length is not None],
                [(ohm, length) for ohm, length in zip(impedances, lengths, strict=True) if length],
                per_length,
                bool(self.by_class["TransformerWinding"])
                or any("Naming.name" in each.values for each in self.objects.values()),
            )
        )

    def workspace(self) -> Workspace:
        """Return everything that was found."""
        self._feeders()
        self._sources()
        for kind, branch_kind in BRANCH_KINDS.items():
            for identity in self.by_class[kind]:
                self._branch(identity, branch_kind)
        self._transformers()
        customers = self._usage_points()
        for kind in _LOADS:
            for identity in self._in_service(kind, "transformers"):
                self._load(identity, customers)
        self._coordinates()
        self._unread()
        self._mention_units()
        return self.found.workspace()

    def _mention_units(self) -> None:
        if not self.units.is_certain:
            self.found.mention(
                "branches",
                None,
                text("The units are not certain: taken as {units}", units="V, m" if self.units.in_volts else "kV, km"),
                text("Name the base voltages with their unit, such as 10kV, if lengths and loads look wrong."),
                column="length_km",
            )

    # Looking up ---------------------------------------------------------------------------------------------------

    def _name(self, identity: str) -> str | None:
        return self.objects[identity].get(*_NAME)

    def _number(self, identity: str, *names: str) -> float | None:
        return number(self.objects[identity].get(*names))

    def _is_in_service(self, identity: str) -> bool:
        states = self.objects[identity].all("Equipment.normallyInService", "Equipment.inService")
        return not any(state.lower() in _FALSE for state in states)

    def _in_service(self, kind: str, table: str) -> Iterator[str]:
        """Give the objects of a class that are in service; the others are named."""
        for identity in self.by_class[kind]:
            if self._is_in_service(identity):
                yield identity
            else:
                self.found.out_of_service(table, identity, self._name(identity))

    def _nodes_of(self, identity: str) -> list[str]:
        nodes = (self.node_of_terminal.get(terminal) for terminal in self.terminals.get(identity, []))
        return [node for node in nodes if node is not None]

    def _node_of(self, identity: str, table: str) -> str | None:
        """Return the only node of an element; name the element that has none."""
        nodes = self._nodes_of(identity)
        if not nodes:
            self._without_nodes(identity, table, 1, 0)
            return None
        self.found.voltage(nodes[0], self._kilovolts(identity))
        return nodes[0]

    def _without_nodes(self, identity: str, table: str, wanted: int, given: int) -> None:
        self.found.leave_out(
            table,
            identity,
            text("It has {given} connected terminals, not {wanted}; it was left out", given=given, wanted=wanted),
            text("Export the terminals with their ConnectivityNode, or the topology profile with it."),
            self._name(identity),
            value=self._name(identity),
        )

    def _containers(self, identity: str) -> Iterator[str]:
        """Give what contains an equipment, from the nearest outwards."""
        place = self.objects[identity].get(*_CONTAINER)
        for _ in range(5):
            if place is None or place not in self.objects:
                return
            yield place
            place = self.objects[place].get(*_ABOVE)

    def _within(self, identity: str, kind: str) -> str | None:
        """Return the container of a class that an equipment stands in, through bay, voltage level or feeder."""
        return next(
            (container for container in self._containers(identity) if self.objects[container].kind == kind), None
        )

    def _feeder(self, identity: str) -> str | None:
        return self._within(identity, "Feeder")

    def _kilovolts(self, identity: str) -> float | None:
        """Return the nominal voltage of an equipment: its own, or that of its voltage level."""
        for each in (identity, *self._containers(identity)):
            base = self.objects[each].get(*_BASE_VOLTAGE)
            if base is not None and base in self.objects:
                return number(self.objects[base].get("BaseVoltage.nominalVoltage"), self.units.kv)
        return None

    # Elements -----------------------------------------------------------------------------------------------------

    def _feeders(self) -> None:
        for identity in self.by_class["Feeder"]:
            station = self.objects[identity].get("Feeder.NormalEnergizingSubstation")
            self.found.add("feeders", feeder_id=identity, name=self._name(identity), station_id=station)

    def _sources(self) -> None:
        """Add the sources, or else the machines, of which a model of the grid above makes its sources."""
        kinds = _SOURCES if any(self.by_class[kind] for kind in _SOURCES) else _MACHINES
        for kind in kinds:
            for identity in self._in_service(kind, "sources"):
                if (node := self._node_of(identity, "sources")) is None:
                    continue
                station = self._within(identity, "Substation")
                self.found.add("sources", node=node, name=self._name(identity), station_id=station)
                if kind in _MACHINES:
                    self.found.mention(
                        "sources",
                        identity,
                        text("The model names no source; this machine was taken as one"),
                        text("Delete the source if it is a generator of a user, and add where the grid feeds in."),
                        self._name(identity),
                    )

    def _branch(self, identity: str, kind: str) -> None:
        is_idle = not self._is_in_service(identity)
        nodes = self._nodes_of(identity)
        if is_idle and (len(nodes) != 2 or not self.found.keeps_idle(identity, self._name(identity))):
            if len(nodes) != 2:
                self.found.out_of_service("branches", identity, self._name(identity))
            return
        if len(nodes) != 2:
            self._without_nodes(identity, "branches", 2, len(nodes))
            return
        element = self.objects[identity]
        for node in nodes:
            self.found.voltage(node, self._kilovolts(identity))
        is_open = (element.get(*_IS_OPEN) or "false").lower() in _TRUE
        self.found.add(
            "branches",
            branch_id=identity,
            from_node=nodes[0],
            to_node=nodes[1],
            kind="switch" if is_idle and kind == "line" else kind,
            normally_open=is_open or is_idle or self._is_disconnected(identity),
            name=self._name(identity),
            feeder_id=self._feeder(identity),
            length_km=number(element.get(*_LENGTH), self.units.km),
            rating_a=self._rating(identity),
            r_ohm=self._ohm(identity, "r"),
            x_ohm=self._ohm(identity, "x"),
        )

    def _own_ohm(self, identity: str, part: str) -> float | None:
        return self._number(identity, f"ACLineSegment.{part}", f"Conductor.{part}", f"SeriesCompensator.{part}")

    def _ohm(self, identity: str, part: str) -> float | None:
        """Return the resistance ``r`` or reactance ``x`` of a line: its own, or its length times that of one unit of length."""
        own = self._own_ohm(identity, part)
        per_length = self.objects.get(self.objects[identity].get("ACLineSegment.PerLengthImpedance") or "")
        if own is not None or per_length is None:
            return own
        length = self._number(identity, *_LENGTH)
        return number(per_length.get(f"PerLengthSequenceImpedance.{part}"), length or 0.0)

    def _is_disconnected(self, identity: str) -> bool:
        states = (self.objects[terminal].get("ACDCTerminal.connected") for terminal in self.terminals[identity])
        return any(state is not None and state.lower() in _FALSE for state in states)

    def _rating(self, identity: str) -> float | None:
        """Return the rated current, or the lowest limit of the terminals and the equipment; a rating of 0 says nothing."""
        rated = self._number(identity, *_RATED_A)
        if rated:
            return rated
        sets = {self.objects[each].get("ACDCTerminal.OperationalLimitSet") or "" for each in self.terminals[identity]}
        limits = [
            limit for each in sets | {identity} | set(self.terminals[identity]) for limit in self._limits.get(each, [])
        ]
        return min(limits, default=None)

    @cached_property
    def _limits(self) -> Mapping[str, Sequence[float]]:
        """Current limits in A by the set, the terminal or the equipment that they belong to."""
        limits: defaultdict[str, list[float]] = defaultdict(list)
        for identity in self.by_class["CurrentLimit"]:
            value = self._number(identity, "CurrentLimit.value", "CurrentLimit.normalValue")
            owner = self.objects[identity].get("OperationalLimit.OperationalLimitSet") or ""
            of_set = self.objects.get(owner, CimObject())
            owners = (owner, *of_set.all("OperationalLimitSet.Terminal", "OperationalLimitSet.Equipment"))
            for each in owners:
                if value is not None and each:
                    limits[each].append(value)
        return limits

    # Transformers -------------------------------------------------------------------------------------------------

    def _transformers(self) -> None:
        """Add a branch for each tank, or for the transformer where it has no tanks: single-phase units stand in parallel."""
        windings: defaultdict[str, list[str]] = defaultdict(list)
        for kind in _WINDINGS:
            for identity in self.by_class[kind]:
                windings[self.objects[identity].get(*_TRANSFORMER) or ""].append(identity)
        for owner, element in self.objects.items():  # the CIM of 2003 may name them from the other side only
            for identity in element.all("PowerTransformer.Contains_TransformerWindings"):
                if identity in self.objects and identity not in windings[owner]:
                    windings[owner].append(identity)
        tanks: defaultdict[str, list[str]] = defaultdict(list)
        for identity in self.by_class["TransformerTank"]:
            tanks[self.objects[identity].get("TransformerTank.PowerTransformer") or ""].append(identity)
        for identity in self._in_service("PowerTransformer", "branches"):
            for unit in tanks.get(identity, [identity]):
                self._transformer(identity, unit, sorted(windings[unit], key=self._end_number))

    def _end_number(self, winding: str) -> float:
        """Return the number of a winding; the CIM of 2003 says primary, secondary, tertiary instead."""
        element = self.objects[winding]
        given = number(element.get("TransformerEnd.endNumber"))
        said = (element.get("TransformerWinding.windingType") or "").rpartition(".")[2]
        return given if given is not None else {"primary": 1.0, "secondary": 2.0, "tertiary": 3.0}.get(said, 0.0)

    def _transformer(self, identity: str, unit: str, windings: Sequence[str]) -> None:
        """Add one unit: a branch from winding to winding, or who is fed there, where a model without loads ends behind it."""
        nodes = []
        for winding in windings:
            terminal = self.objects[winding].get("TransformerEnd.Terminal")
            at = [node] if terminal and (node := self.node_of_terminal.get(terminal)) else self._nodes_of(winding)
            for each in at:
                self.found.voltage(each, self._kilovolts(winding))
            nodes += at
        nodes = list(dict.fromkeys(nodes or self._nodes_of(unit) or self._nodes_of(identity)))
        name = self._name(unit) or self._name(identity)
        ends_here = len(nodes) == 1 or (len(nodes) == 2 and not self._leads_on(nodes[1], {*windings, unit, identity}))
        if ends_here and not self._has_loads:
            self._user(unit, nodes[0], name, self._feeder(identity), [identity, *windings])
        elif len(nodes) < 2:
            self._without_nodes(unit, "branches", 2, len(nodes))
        else:
            for branch_id, from_node, to_node in legs(nodes, unit):
                self.found.add(
                    "branches",
                    branch_id=branch_id,
                    from_node=from_node,
                    to_node=to_node,
                    kind="bus",
                    name=name,
                    feeder_id=self._feeder(identity),
                )

    def _user(self, unit: str, node: str, name: str | None, feeder: str | None, of: Iterable[str]) -> None:
        """Add a transformer behind which the model ends: it is who is fed there."""
        capacities = [
            mva for each in of if (mva := self._number(each, *_CAPACITY_MVA)) is not None and mva > 0
        ]  # the CIM of 2003 alone has them in MVA
        self.found.add(
            "transformers",
            transformer_id=unit,
            node=node,
            name=name,
            feeder_id=feeder,
            capacity_kva=1000 * max(capacities) if capacities else None,
        )

    @cached_property
    def _has_loads(self) -> bool:
        return any(self.by_class[kind] for kind in _LOADS)

    @cached_property
    def _equipment_at(self) -> Mapping[str, set[str]]:
        """The equipment at each node, without busbars."""
        at: defaultdict[str, set[str]] = defaultdict(set)
        for owner, terminals in self.terminals.items():
            if self.objects.get(owner, CimObject()).kind not in _NODES:
                for terminal in terminals:
                    if node := self.node_of_terminal.get(terminal):
                        at[node].add(owner)
        return at

    def _leads_on(self, node: str, own: set[str]) -> bool:
        """Return whether anything but a transformer itself stands at a node."""
        return bool(self._equipment_at.get(node, set()) - own)

    # Users --------------------------------------------------------------------------------------------------------

    def _usage_points(self) -> Mapping[str, Sequence[str]]:
        """Return the usage points of each equipment."""
        points: defaultdict[str, list[str]] = defaultdict(list)
        for identity in self.by_class["UsagePoint"]:
            for equipment in self.objects[identity].all("UsagePoint.Equipments"):
                points[equipment].append(identity)
        return points

    def _load(self, identity: str, customers: Mapping[str, Sequence[str]]) -> None:
        node = self._node_of(identity, "transformers")
        if node is None:
            return
        element, name = self.objects[identity], self._name(identity)
        self.found.add(
            "transformers",
            transformer_id=identity,
            node=node,
            name=name,
            feeder_id=self._feeder(identity),
            load_kw=number(element.get(*_POWER), self.units.kw),
        )
        for each in customers.get(identity, []):
            self.found.add("customers", customer_id=each, transformer_id=identity, name=self._name(each))
        if identity not in customers:
            self.found.customers(identity, self._number(identity, "EnergyConsumer.customerCount") or 0.0, name)

    def _coordinates(self) -> None:
        """Give each node the point of an element's location that belongs to its terminal: the first, or the last."""
        systems = [
            self.objects[each].get("CoordinateSystem.crsUrn") or "" for each in self.by_class["CoordinateSystem"]
        ]
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
            sequence, lon, lat = (
                self._number(identity, f"PositionPoint.{key}") for key in ("sequenceNumber", "xPosition", "yPosition")
            )
            if lon is not None and lat is not None:
                location = self.objects[identity].get("PositionPoint.Location") or ""
                points[location].append((sequence or 0.0, lon, lat))
        for equipment, terminals in self.terminals.items():
            location = self.objects.get(equipment, CimObject()).get("PowerSystemResource.Location") or ""
            along = sorted(points.get(location, []))
            for position, terminal in enumerate(terminals):
                node = self.node_of_terminal.get(terminal)
                if node is not None and along:
                    self.found.place(node, *along[-1 if position else 0][1:])

    def _unread(self) -> None:
        """Count the equipment with terminals that no table has a place for; name what may carry supply."""
        read = {*BRANCH_KINDS, *_LOADS, *_SOURCES, *_NODES, *_WINDINGS, "PowerTransformer", "TransformerTank"}
        if not any(self.by_class[kind] for kind in _SOURCES):
            read |= {*_MACHINES}
        for equipment in self.terminals:
            element = self.objects.get(equipment, CimObject())
            if element.kind in read:
                continue
            if len(set(self._nodes_of(equipment))) < 2:
                self.found.unread(element.kind or "?")
            else:
                self.found.leave_out(
                    "branches",
                    equipment,
                    text(
                        "Elements of kind {kind} are not read, and supply may pass through it", kind=element.kind or "?"
                    ),
                    text("Export it as a switch or a line: whoever hangs behind it seems to be dead."),
                    element.get(*_NAME),
                    value=element.kind or None,
                )
