"""CIM/E (E language, DL/T 1232), the text form in which Chinese dispatch systems exchange network models.

A file is a row of blocks ``<Class::Instance>`` … ``</Class::Instance>``. In a block, ``@`` heads a table whose rows
begin with ``#``; ``@@`` heads one object with an attribute in each row (单列式), ``@#`` several objects side by side
(多列式). Blanks part the fields, ``'…'`` holds a field with blanks together, ``//`` begins a comment. Some exports write
``@@`` over a plain table: more than three headings tell it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType

from network.problems import Problem, WorkspaceError
from network.readers.gathering import Gathering, Progress, legs, number, require_files
from network.tables.decoding import UnreadableError, decode
from network.tables.table_form import Table
from network.tables.workspace import Workspace
from network.texts import Text, text

CLASSES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "station": ("Substation", "厂站", "变电站"),
        "busbar": ("BusbarSection", "Bus", "母线", "母线段"),
        "breaker": ("Breaker", "断路器", "开关"),
        "recloser": ("Recloser", "重合器"),
        "switch": ("LoadBreakSwitch", "Switch", "负荷开关"),
        "disconnector": ("Disconnector", "隔离开关", "刀闸"),
        "fuse": ("Fuse", "熔断器"),
        "line": ("ACLineSegment", "交流线段", "线段"),
        "whole_line": ("ACLine", "交流线路", "线路"),
        "line_end": ("ACLineDot", "ACLineEnd", "交流线端点", "线路端点"),
        "transformer": ("PowerTransformer", "Transformer", "主变", "变压器"),
        "winding": ("TransformerWinding", "TransformerEnd", "变压器绕组", "绕组"),
        "load": ("Load", "EnergyConsumer", "负荷", "配变"),
        "source": ("EnergySource", "Unit", "SynchronousMachine", "ExternalNetworkInjection", "电源", "机组"),
        "feeder": ("Feeder", "馈线"),
    }
)
"""Classes of the exports by what they become; any case."""

COLUMNS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "id": ("mRID", "id", "标识", "编号", "原标识", "rdfID"),
        "name": ("name", "名称", "中文名称", "中文原名", "pathName"),
        "node": ("I_node", "I_nd", "nd", "node", "节点号", "节点", "首端节点", "物理连接节点", "母线节点号"),
        "to_node": ("J_node", "J_nd", "末端节点", "对侧节点"),
        "third_node": ("K_node", "K_nd", "中压节点"),
        "status": ("status", "point", "状态", "遥信值", "位置"),
        "normal_status": ("normalStatus", "常态", "正常状态"),
        "off": ("I_off", "首端断开"),
        "to_off": ("J_off", "末端断开"),
        "length": ("length", "长度", "线路长度"),
        "r": ("r", "电阻", "正序电阻"),
        "x": ("x", "电抗", "正序电抗"),
        "rating": ("ratedCurrent", "Ih", "Imax", "额定电流", "允许载流量"),
        "power": ("P", "有功", "有功量测"),
        "capacity": ("ratedMVA", "S", "额定容量", "额定功率"),
        "station": ("Substation", "St", "厂站", "所属厂站", "所属厂站标识", "厂站标识"),
        "feeder": ("Feeder", "馈线", "所属馈线", "所属馈线标识"),
        "line": ("ACLineSegment", "ACLine", "交流线段标识", "所属线路标识"),
        "transformer": ("PowerTransformer", "变压器", "变压器标识"),
    }
)
"""Columns of the exports by what they say, in any case; the first that holds a value counts.

Lengths in km, r and x in ohm, currents in A, P in MW, capacity in MVA.
"""

_KIND = {alias.lower(): kind for kind, aliases in CLASSES.items() for alias in aliases}
_ALIASES = {column: tuple(alias.lower() for alias in aliases) for column, aliases in COLUMNS.items()}
_SWITCHES = ("breaker", "recloser", "switch", "disconnector", "fuse")
_WITHOUT_PLACE = ("basevoltage", "voltagelevel", "bay", "controlarea", "tapchangertype", "company", "region")
"""Classes that only describe others."""
_TABLE = Table("cim-e", "CIM/E", "a block of a CIM/E file", ())
_TAG = re.compile(r"<\s*(/?)\s*([^\s:<>]+)(?:::?([^\s<>]*))?([^<>]*)>")
_FIELD = re.compile(r"'([^']*)'|\"([^\"]*)\"|([^\s'\"]\S*)")
_BLANK = frozenset({"", "null", "-", "--", "none"})


@dataclass(frozen=True)
class Element:
    """One object of a block: what its class becomes, where it stands, and its values by column in lower case."""

    kind: str
    file: str
    line: int
    values: Mapping[str, str]

    def get(self, column: str) -> str | None:
        """Return the value of a column of :data:`COLUMNS`, ``None`` where it is blank."""
        given = (self.values.get(alias, "") for alias in _ALIASES[column])
        return next((value for value in given if value.lower() not in _BLANK), None)


@dataclass
class _Block:
    """A block while it is read."""

    name: str
    line: int
    form: str = ""
    columns: list[str] = field(default_factory=list)
    rows: list[tuple[int, dict[str, str]]] = field(default_factory=list)


def read_cim_e(sources: Sequence[Path], progress: Progress, idle_is_open: bool = False) -> Workspace:
    """Read one model from its CIM/E files together, in UTF-8 or GBK.

    A status of 1 is closed, 0 open. What is not in the expected form is left out and named with file, line and value.

    Args:
        sources: the files.
        progress: told the name of each.
        idle_is_open: of no effect, since the form has no equipment out of service: a line open at an end is normally open.

    Raises:
        FudianError: there is no such file.
        WorkspaceError: no file holds a block.
    """
    require_files(sources)
    found = Gathering(None, idle_is_open)
    elements: list[Element] = []
    for path in sources:
        progress(path.name)
        elements += _elements(path, found)
    if not elements:
        raise WorkspaceError(
            text("{path} holds no block of CIM/E with an object in it.", path=", ".join(map(str, sources))),
            found.problems,
            text("A block reads <Breaker::name>, @ with the columns, # with each row, </Breaker::name>."),
        )
    return _Model(elements, found).workspace()


# Text to elements -----------------------------------------------------------------------------------------------------


def _elements(path: Path, found: Gathering) -> Iterator[Element]:
    """Give the objects of a file; what breaks the form is named and the rest goes on."""
    try:
        decoded = decode(path.read_bytes(), _TABLE, path.name)
    except UnreadableError as reason:
        raise WorkspaceError(
            text("{path} cannot be read: {reason}.", path=str(path), reason=reason.message), ()
        ) from reason
    except OSError as reason:
        raise WorkspaceError(
            text("{path} cannot be read: {reason}.", path=str(path), reason=reason.strerror or str(reason)), ()
        ) from reason
    found.problems += decoded.problems
    for block in _Lines(path.name, found).blocks(decoded.data.decode().split("\n")):
        kind = _KIND.get(block.name.lower())
        if kind is None:
            if block.name.lower() not in _WITHOUT_PLACE:
                found.unread(block.name, len(block.rows))
            continue
        for line, row in block.rows:
            yield Element(kind, path.name, line, {name.lower(): value for name, value in row.items()})


class _Lines:
    """Reads the lines of one file."""

    def __init__(self, file: str, found: Gathering) -> None:
        self.file = file
        self.found = found

    def _wrong(self, line: int, value: str, message: Text, hint: Text, table: str = "cim-e") -> None:
        self.found.problems.append(Problem("error", table, message, hint, self.file, line, value=value[:200]))

    def blocks(self, lines: Sequence[str]) -> Iterator[_Block]:
        """Give each block when it ends; one without its end tag ends where the next begins."""
        block: _Block | None = None
        for row, given in enumerate(lines, start=1):
            line = given.strip()
            if not line or line.startswith(("//", "<!", "/@", "%", "$", ":")):
                continue
            tag = _TAG.fullmatch(line)
            if tag and tag[1]:
                if block is None or block.name.lower() != tag[2].lower():
                    self._wrong(
                        row,
                        line,
                        text("This end tag closes no block"),
                        text("Give every block its begin and end tag."),
                    )
                elif block is not None:
                    yield block
                    block = None
                continue
            if tag:
                if block is not None:
                    self._unclosed(block)
                    yield block
                block = _Block(tag[2], row)
            elif block is None:
                self._wrong(
                    row,
                    line,
                    text("This line stands outside every block"),
                    text("Give every block its begin and end tag."),
                )
            else:
                self._line(block, row, line)
        if block is not None:
            self._unclosed(block)
            yield block

    def _unclosed(self, block: _Block) -> None:
        self.found.mention(
            "cim-e",
            None,
            text("The block {block} has no end tag; it was read up to the next one", block=block.name),
            text("The file may have been cut off: export it again."),
            file=self.file,
            row=block.line,
            value=block.name,
        )

    def _line(self, block: _Block, row: int, line: str) -> None:
        mark = re.match(r"@@|@#|@|#", line)
        if mark is None:
            self._wrong(
                row, line, text("A line of a block begins with @, # or //"), text("Correct the line."), block.name
            )
            return
        fields = self._fields(block, row, line, line[mark.end() :].split("//", 1)[0] if mark[0] != "#" else line[1:])
        if fields is None:
            return
        if mark[0] != "#":
            block.form = "@" if mark[0] == "@@" and len(fields) > 3 else mark[0]
            block.columns = fields
        elif not block.form:
            self._wrong(
                row,
                line,
                text("A row stands before the columns"),
                text("Put the line with @ above the rows."),
                block.name,
            )
        else:
            self._row(block, row, line, fields)

    def _fields(self, block: _Block, row: int, line: str, rest: str) -> list[str] | None:
        """Part a line at blanks; a field in quotes stays whole."""
        if rest.count("'") % 2:
            self._wrong(row, line, text("A quote is not closed"), text("Close it on the same line."), block.name)
            return None
        return [match[match.lastindex or 0] for match in _FIELD.finditer(rest)]

    def _row(self, block: _Block, row: int, line: str, fields: list[str]) -> None:
        if block.form == "@":
            if len(fields) != len(block.columns):
                self._wrong(
                    row,
                    line,
                    text("The row does not have as many fields as there are columns"),
                    text("Put quotes around a field with blanks, and NULL where there is none."),
                    block.name,
                )
                return
            block.rows.append((row, dict(zip(block.columns, fields, strict=True))))
            return
        skip = 1 if block.form == "@#" or len(block.columns) == 3 else 0
        values = fields[skip + 1 :]
        if not values or (block.form == "@@" and len(values) != 1):
            self._wrong(
                row,
                line,
                text("The row does not give an attribute and its value"),
                text("Put quotes around a field with blanks."),
                block.name,
            )
            return
        name = fields[skip]
        if block.form == "@@":
            if not block.rows or name in block.rows[-1][1]:
                block.rows.append((row, {}))
            block.rows[-1][1][name] = values[0]
            return
        block.rows = block.rows or [(row, {}) for _ in values]
        if len(values) != len(block.rows):
            self._wrong(
                row,
                line,
                text("The row does not have a value for every object"),
                text("Write NULL where there is none."),
                block.name,
            )
            return
        for (_, each), value in zip(block.rows, values, strict=True):
            each[name] = value


# Elements to tables ---------------------------------------------------------------------------------------------------


class _Model:
    """The objects of all files, and what they become."""

    def __init__(self, elements: Sequence[Element], found: Gathering) -> None:
        self.found = found
        self.of: dict[str, list[Element]] = {kind: [] for kind in CLASSES}
        for element in elements:
            self.of[element.kind].append(element)

    def workspace(self) -> Workspace:
        """Return everything that was found."""
        for kind in _SWITCHES:
            for element in self.of[kind]:
                self._switch(element, kind)
        self._lines()
        self._transformers()
        for element in self.of["load"]:
            self._load(element)
        for element in self.of["source"]:
            if (node := self._needed(element, "node", "sources")) is not None:
                station = element.get("station")
                self.found.add("sources", node=node, name=element.get("name"), station_id=station)
        for element in self.of["feeder"]:
            if (identity := self._needed(element, "id", "feeders")) is not None:
                self.found.add(
                    "feeders", feeder_id=identity, name=element.get("name"), station_id=element.get("station")
                )
        return self.found.workspace()

    def _needed(self, element: Element, column: str, table: str) -> str | None:
        """Return a value that an element cannot do without; name the element that lacks it."""
        value = element.get(column)
        if value is None:
            self.found.leave_out(
                table,
                self._id(element) or "?",
                text("It has no {column}; it was left out", column=column),
                text("Expected is one of the columns {names}.", names=", ".join(COLUMNS[column])),
                element.get("name"),
                file=element.file,
                row=element.line,
                column=column,
            )
        return value

    def _id(self, element: Element) -> str | None:
        return element.get("id") or element.get("name")

    def _branch(self, element: Element, nodes: Sequence[str | None], kind: str, is_open: bool = False) -> None:
        identity = self._needed(element, "id", "branches") if self._id(element) is None else self._id(element)
        if identity is None:
            return
        known = [node for node in nodes if node is not None]
        if len(set(known)) < 2:
            self._needed(replace(element, values={"id": identity}), "to_node" if known else "node", "branches")
            return
        for branch_id, from_node, to_node in legs(known, identity):
            self.found.add(
                "branches",
                branch_id=branch_id,
                from_node=from_node,
                to_node=to_node,
                kind=kind,
                normally_open=is_open,
                name=element.get("name"),
                feeder_id=element.get("feeder"),
                length_km=self._number(element, "length", "length_km"),
                rating_a=self._number(element, "rating", "rating_a"),
                r_ohm=self._number(element, "r", "r_ohm"),
                x_ohm=self._number(element, "x", "x_ohm"),
            )

    def _number(self, element: Element, column: str, name: str, factor: float = 1.0) -> float | None:
        given = element.get(column)
        value = number(given, factor)
        if given is not None and value is None:
            self.found.mention(
                "transformers" if element.kind == "load" else "branches",
                self._id(element),
                text("This is not a number; it was left blank"),
                text("Correct the value."),
                element.get("name"),
                file=element.file,
                row=element.line,
                column=name,
                value=given,
            )
        return value

    def _switch(self, element: Element, kind: str) -> None:
        status = element.get("normal_status") or element.get("status")
        if status not in {"0", "1"}:
            self.found.mention(
                "branches",
                self._id(element),
                text("The status is neither 1 (closed) nor 0 (open); it was taken as closed"),
                text("Give the status of the switch."),
                element.get("name"),
                file=element.file,
                row=element.line,
                column="normally_open",
                value=status,
            )
        self._branch(element, [element.get("node"), element.get("to_node")], kind, status == "0")

    def _lines(self) -> None:
        """Add the line sections; their nodes stand in the section, or at its ends in a block of their own."""
        ends: dict[str, list[str | None]] = {}
        for element in self.of["line_end"]:
            if (line := self._needed(element, "line", "branches")) is not None:
                ends.setdefault(line, []).append(element.get("node"))
        whole = [
            element for element in self.of["whole_line"] if element.get("node")
        ]  # the others only name their sections
        for element in (*self.of["line"], *whole):
            nodes = [element.get("node"), element.get("to_node")]
            is_open = "1" in {element.get("off"), element.get("to_off")}
            self._branch(element, nodes if any(nodes) else ends.get(element.get("id") or "", []), "line", is_open)

    def _transformers(self) -> None:
        """Add the transformers; their nodes stand in the transformer, or in its windings."""
        windings: dict[str, list[str | None]] = {}
        for element in self.of["winding"]:
            if (owner := self._needed(element, "transformer", "branches")) is not None:
                windings.setdefault(owner, []).append(element.get("node"))
        for element in self.of["transformer"]:
            nodes = [element.get(column) for column in ("node", "third_node", "to_node")]
            is_open = nodes[1] is None and "1" in {element.get("off"), element.get("to_off")}
            self._branch(element, windings.get(element.get("id") or "", nodes), "bus", is_open)

    def _load(self, element: Element) -> None:
        identity, node = self._needed(element, "id", "transformers"), self._needed(element, "node", "transformers")
        if identity is None or node is None:
            return
        self.found.add(
            "transformers",
            transformer_id=identity,
            node=node,
            name=element.get("name"),
            feeder_id=element.get("feeder"),
            load_kw=self._number(element, "power", "load_kw", 1000),
            capacity_kva=self._number(element, "capacity", "capacity_kva", 1000),
        )
