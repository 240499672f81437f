"""OpenDSS circuits, compiled by OpenDSS itself."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from network.problems import MissingExtraError, WorkspaceError
from network.readers.apart import apart
from network.readers.gathering import Ends, Gathering, Progress, legs, number, require_files, the_one
from network.readers.opendss_script import Script, read_script
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

_DEVICE_CLASSES = tuple(name for name, _ in _DEVICES.values())

_OPEN, _CLOSED = 1, 2

SECONDS = 6.0
"""Seconds of the processor for one circuit: the 9,500 nodes of the largest test feeder take two. Own limit."""

LINES_A_SECOND = 2000
"""For so many commands that define a circuit, OpenDSS may take a second more."""


def read_opendss(sources: Sequence[Path], progress: Progress, idle_is_open: bool = False) -> Workspace:
    """Compile a master ``.dss`` file and read the circuit as it stands at the end of it.

    Ids are OpenDSS's own names (``Line.l115``, ``Load.s1a``); nodes are buses, so phases are not told apart. A device
    (fuse, recloser, relay, switch control) on a line that is no switch itself stands in series with it; its normal state
    counts. Only commands that define the circuit are run (:mod:`network.readers.opendss_script`), nothing is solved.

    Args:
        sources: the master file.
        progress: told its name.
        idle_is_open: take branches out of service as normally open instead of leaving them out.

    Raises:
        MissingExtraError: opendssdirect is not installed.
        FudianError: there is no such file.
        WorkspaceError: OpenDSS refuses the file, or takes too long.
    """
    master = the_one(sources)
    require_files([master])
    if importlib.util.find_spec("opendssdirect") is None:
        raise MissingExtraError("opendssdirect.py", "opendss")
    progress(master.name)
    script = read_script(master)
    seconds = SECONDS + len(script.lines) / LINES_A_SECOND
    found = apart(_compiled, script, str(master), master.name, idle_is_open, library="OpenDSS", seconds=seconds)
    return found.workspace()


def _compiled(script: Script, path: str, name: str, idle_is_open: bool) -> Gathering:
    """Return the rows of the circuit that a script defines; run in a process of its own."""
    import opendssdirect

    engine = opendssdirect.NewContext()
    for allowed in (
        engine.Basic.AllowForms,
        engine.Basic.AllowEditor,
        engine.Basic.AllowChangeDir,
        engine.Basic.AllowDOScmd,
    ):
        allowed(False)
    command = ""
    try:
        for command in ("clear", *script.lines, "makebuslist"):
            engine.Text.Command(command)
        return _Circuit(engine, script, Gathering(name, idle_is_open)).gathered()
    except opendssdirect.DSSException as reason:
        raise WorkspaceError(
            text("OpenDSS cannot read {path}: {reason}", path=path, reason=" ".join(str(reason).split())),
            (),
            text("Correct this line; no solve is needed here: {line}", line=command[:200]),
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

    def __init__(self, engine: Any, script: Script, found: Gathering) -> None:
        self.engine = engine
        self.element = engine.CktElement
        self.script = script
        self.found = found
        self.ends = Ends()
        self.devices = self._devices()
        self.without_unit: list[str] = []

    def gathered(self) -> Gathering:
        """Return everything that was found."""
        loads: list[str] = []
        for name in self.engine.Circuit.AllElementNames():
            kind = name.split(".")[0].lower()
            if kind in _DEVICE_CLASSES:
                continue
            self.engine.Circuit.SetActiveElement(name)
            if not self.element.Enabled():
                self._idle(name, kind)
            elif kind == "vsource":
                self.found.add("sources", node=_bus(self.element.BusNames()[0]), name=name)
            elif kind == "load":
                loads.append(name)
            elif kind in _BRANCHES:
                self._branch(name, kind)
        for kind, count in self.script.elements.items():
            self.found.unread(kind, count)
        self._loads(loads)
        self._places()
        self._mention_lengths()
        self._mention_commands()
        return self.found

    def _idle(self, name: str, kind: str) -> None:
        if kind not in _BRANCHES:
            self.found.out_of_service({"load": "transformers", "vsource": "sources"}.get(kind, "branches"), name)
        elif self.found.keeps_idle(name):
            self._branch(name, kind, is_idle=True)

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

    def _branch(self, name: str, kind: str, is_idle: bool = False) -> None:
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
        if is_idle:
            row |= {"normally_open": True, "kind": "switch" if row["kind"] in {"line", "bus"} else row["kind"]}
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

    def _places(self) -> None:
        """Note the voltage of each bus, and its point where one is given."""
        for bus in self.engine.Circuit.AllBusNames():
            self.engine.Circuit.SetActiveBus(bus)
            self.found.voltage(bus, number(self.engine.Bus.kVBase(), 3**0.5))
            if bus in self.script.points:
                self.found.place(bus, *self.script.points[bus])
            elif self.engine.Bus.Coorddefined():
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

    def _mention_commands(self) -> None:
        passed_over = self.script.passed_over
        if passed_over:
            self.found.mention(
                "opendss",
                None,
                text(
                    "{count} commands define nothing of the circuit; they were not run", count=sum(passed_over.values())
                ),
                text("Nothing needs to be done."),
                value=", ".join(sorted(passed_over))[:200],
            )
        for file, row, line, message, hint in self.script.problems:
            self.found.leave_out("opendss", line, message, hint, file=file, row=row, value=line)


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
