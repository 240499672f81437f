"""OpenDSS circuits, compiled by OpenDSS itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from network.problems import MissingExtraError, WorkspaceError
from network.readers.gathering import Ends, Gathering, Progress, legs, number, require_files, the_one
from network.tables.workspace import Workspace
from network.texts import text

_KM: Mapping[int, float] = MappingProxyType(
    {1: 1.609344, 2: 0.3048, 3: 1.0, 4: 0.001, 5: 0.0003048, 6: 0.0000254, 7: 0.00001, 8: 0.000001}
)
"""Kilometres in one unit of length: mile, thousand feet, km, m, foot, inch, cm, mm; 0 is no unit."""

_BRANCHES = ("line", "transformer", "autotrans", "reactor", "capacitor")
_DEVICES: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "Reclosers": ("recloser", "recloser"),
        "Relays": ("relay", "breaker"),
        "Fuses": ("fuse", "fuse"),
        "SwtControls": ("swtcontrol", "switch"),
    }
)
"""Interface of each class of device: its OpenDSS class and the kind of branch."""

_NOT_SUPPLY = ("regcontrol", "capcontrol", "energymeter", "monitor", "sensor", *(name for name, _ in _DEVICES.values()))
"""Elements that neither carry nor take power."""

_OPEN, _CLOSED = 1, 2


def read_opendss(sources: Sequence[Path], progress: Progress) -> Workspace:
    """Compile a master ``.dss`` file and read the circuit as it stands at the end of it.

    Ids are OpenDSS's own names (``Line.l115``, ``Load.s1a``); nodes are buses, so phases are not told apart. A device
    (fuse, recloser, relay, switch control) on a line that is no switch itself stands in series with it; its normal state
    counts, not the one that a solution left it in.

    Raises:
        MissingExtraError: opendssdirect is not installed.
        FudianError: there is no such file.
        WorkspaceError: OpenDSS refuses the file.
    """
    master = the_one(sources)
    require_files([master])
    try:
        import opendssdirect
    except ImportError as missing:
        raise MissingExtraError("opendssdirect.py", "opendss") from missing
    progress(master.name)
    engine = opendssdirect.NewContext()
    engine.Basic.AllowForms(False)
    engine.Basic.AllowEditor(False)
    engine.Basic.AllowChangeDir(False)
    try:
        engine.Text.Command("clear")
        engine.Text.Command(f'redirect "{master.resolve()}"')
        engine.Text.Command("makebuslist")
        return _Circuit(engine, master.name).workspace()
    except opendssdirect.DSSException as reason:
        raise WorkspaceError(
            text("OpenDSS cannot read {path}: {reason}", path=str(master), reason=" ".join(str(reason).split())),
            (),
            text("Correct the line that OpenDSS names; no solve is needed here."),
        ) from reason


@dataclass(frozen=True)
class _Device:
    """A device that opens an element: where it stands, and whether it is open in the normal state, where it says so."""

    name: str
    kind: str
    terminal: int
    is_open: bool | None


class _Circuit:
    """Walks the elements of a compiled circuit."""

    def __init__(self, engine: Any, name: str) -> None:
        self.engine = engine
        self.element = engine.CktElement
        self.found = Gathering(name)
        self.ends = Ends()
        self.devices = self._devices()
        self.without_unit: list[str] = []

    def workspace(self) -> Workspace:
        """Return everything that was found."""
        loads: list[str] = []
        for name in self.engine.Circuit.AllElementNames():
            kind = name.split(".")[0].lower()
            if kind in _NOT_SUPPLY:
                continue
            self.engine.Circuit.SetActiveElement(name)
            if not self.element.Enabled():
                self.found.out_of_service({"load": "transformers", "vsource": "sources"}.get(kind, "branches"), name)
            elif kind == "vsource":
                self.found.add("sources", node=_bus(self.element.BusNames()[0]), name=name)
            elif kind == "load":
                loads.append(name)
            elif kind in _BRANCHES:
                self._branch(name, kind)
            else:
                self.found.unread(kind)
        self._loads(loads)
        self._coordinates()
        self._mention_lengths()
        return self.found.workspace()

    def _devices(self) -> dict[str, list[_Device]]:
        """Return the devices of each controlled element."""
        devices: dict[str, list[_Device]] = {}
        for interface, (kind_in_dss, kind) in _DEVICES.items():
            each = getattr(self.engine, interface)
            for _ in _all(each):
                controlled = each.SwitchedObj() or (each.MonitoredObj() if hasattr(each, "MonitoredObj") else "")
                devices.setdefault(controlled.lower(), []).append(
                    _Device(
                        f"{kind_in_dss}.{each.Name()}",
                        kind,
                        max(each.SwitchedTerm(), 1),
                        _open_normally(each.NormalState()),
                    )
                )
        return devices

    def _branch(self, name: str, kind: str) -> None:
        buses = [_bus(bus) for bus in self.element.BusNames()]
        if len(set(buses)) < 2:
            self.found.unread(kind)  # to ground, as a capacitor bank
            return
        row: dict[str, Any] = {"kind": "bus", "rating_a": number(self.element.NormalAmps())}
        if kind == "line":
            row |= self._line(name)
        devices = self.devices.get(name.lower(), [])
        states = [device.is_open for device in devices if device.is_open is not None]
        if row["kind"] == "switch" and devices:
            row |= {"kind": devices[0].kind, "normally_open": any(states) if states else self._is_open(name)}
            devices = []
        else:  # a device that has tripped while the file was solved leaves its line open
            row["normally_open"] = self._is_open(name) and not states
        for device in devices:
            before, after = self.ends.insert((name, device.terminal), buses[device.terminal - 1], device.name)
            self.found.add(
                "branches",
                branch_id=device.name,
                from_node=before,
                to_node=after,
                kind=device.kind,
                normally_open=bool(device.is_open),
            )
        nodes = [self.ends.at((name, terminal), bus) for terminal, bus in enumerate(buses, start=1)]
        for branch_id, from_node, to_node in legs(nodes, name):
            self.found.add("branches", branch_id=branch_id, from_node=from_node, to_node=to_node, name=name, **row)

    def _line(self, name: str) -> dict[str, Any]:
        lines = self.engine.Lines
        lines.Name(name.split(".", 1)[1])
        length, unit = lines.Length(), int(lines.Units())
        is_switch = bool(lines.IsSwitch())
        if unit not in _KM and not is_switch:
            self.without_unit.append(name)
        return {
            "kind": "switch" if is_switch else "line",
            "length_km": length * _KM[unit] if unit in _KM else None,
            "r_ohm": number(lines.R1(), length),
            "x_ohm": number(lines.X1(), length),
        }

    def _is_open(self, name: str) -> bool:
        """Return whether every phase of one terminal is open; name the element where only some are."""
        phases = range(1, self.element.NumPhases() + 1)
        for terminal in range(1, self.element.NumTerminals() + 1):
            opened = [bool(self.element.IsOpen(terminal, phase)) for phase in phases]
            if all(opened):
                return True
            if any(opened):
                self.found.mention(
                    "branches",
                    name,
                    text("Only some of its phases are open; it was taken as closed"),
                    text("Mark it as normally open if nobody beyond it has supply."),
                    column="normally_open",
                )
        return False

    def _loads(self, names: Sequence[str]) -> None:
        loads, given = self.engine.Loads, {}
        for name in names:
            loads.Name(name.split(".", 1)[1])
            given[name] = int(loads.NumCust())
        counts_known = any(count != 1 for count in given.values())  # 1 is also what stands where nobody gave a count
        for name in names:
            self.engine.Circuit.SetActiveElement(name)
            loads.Name(name.split(".", 1)[1])
            self.found.add(
                "transformers",
                transformer_id=name,
                node=_bus(self.element.BusNames()[0]),
                name=name,
                load_kw=loads.kW(),
            )
            if counts_known:
                self.found.customers(name, given[name])

    def _coordinates(self) -> None:
        for bus in self.engine.Circuit.AllBusNames():
            self.engine.Circuit.SetActiveBus(bus)
            if self.engine.Bus.Coorddefined():
                self.found.place(bus, self.engine.Bus.X(), self.engine.Bus.Y())

    def _mention_lengths(self) -> None:
        if self.without_unit:
            self.found.mention(
                "branches",
                self.without_unit[0],
                text("{count} lines have a length without a unit; it was left blank", count=len(self.without_unit)),
                text("Give the property units of the lines."),
                column="length_km",
            )


def _all(interface: Any) -> Iterator[int]:
    """Make each element of a class the active one in turn."""
    position = interface.First()
    while position > 0:
        yield position
        position = interface.Next()


def _bus(name: str) -> str:
    """Return the bus of ``632.1.2.3``."""
    return name.split(".", maxsplit=1)[0].lower()


def _open_normally(state: Any) -> bool | None:
    """Understand a normal state: a number for the device, or a word for each phase; ``None`` where none is set."""
    if isinstance(state, list | tuple):
        return all(str(each).lower() == "open" for each in state) if state else None
    return {_OPEN: True, _CLOSED: False}.get(int(state))
