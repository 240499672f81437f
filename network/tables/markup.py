"""Tables in HTML, and the XML form of a workbook (2003), as sheets: systems export both under the name ``.xls``."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import lxml.etree
import lxml.html

from network.problems import Problem
from network.tables.decoding import Decoded, UnreadableError
from network.tables.headers import find_header
from network.tables.limits import Room, look_at_width
from network.tables.selection import Candidate, choose_sheets
from network.tables.sheets import Grid, Merged, Sheet, Wanted, first_line, no_header, sheet_of_records
from network.texts import text

_XML_SPACE = "{urn:schemas-microsoft-com:office:spreadsheet}"
_MOST_SKIPPED = 1_048_576


def read_xml_workbook(decoded: Decoded, wanted: Wanted) -> tuple[list[Sheet], list[Problem]]:
    """Read the XML form of a workbook (2003), which some systems export as ``.xls``."""
    content = re.sub(rb"^\s*<\?xml[^>]*\?>", b"", decoded.data)
    parser = lxml.etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=True)
    try:
        root = lxml.etree.fromstring(content, parser)
    except lxml.etree.LxmlError as reason:
        raise UnreadableError(
            text("This workbook cannot be opened"),
            text(
                "It may be damaged or protected by a password: save it again as .xlsx. ({reason})",
                reason=first_line(reason),
            ),
            encoding=decoded.encoding,
        ) from reason
    room = Room()
    return _chosen_grids([_xml_grid(each, room) for each in root.iter(f"{_XML_SPACE}Table")], decoded, wanted)


def _xml_grid(sheet: lxml.etree._Element, room: Room) -> Grid:
    """Return the cells of one sheet of an XML workbook; skipped rows and cells are blank."""
    grid: list[list[str]] = []
    merged: list[Merged] = []
    for line in sheet.iterchildren(f"{_XML_SPACE}Row"):
        _leave_rows(grid, _number_or(line.get(f"{_XML_SPACE}Index"), 0) - 1 - len(grid), room)
        row: list[str] = []
        for cell in line.iterchildren(f"{_XML_SPACE}Cell"):
            _leave_cells(row, _number_or(cell.get(f"{_XML_SPACE}Index"), 0) - 1 - len(row))
            if down := _number_or(cell.get(f"{_XML_SPACE}MergeDown"), 0):
                merged.append(Merged(len(row), len(grid) + 1, len(grid) + 1 + down))
            row.append("".join("".join(data.itertext()) for data in cell.iterchildren(f"{_XML_SPACE}Data")))
            _leave_cells(row, _number_or(cell.get(f"{_XML_SPACE}MergeAcross"), 0))
        room.take(len(row) + 1)
        grid.append(row)
    room.take(max(map(len, grid), default=0) * len(grid) - sum(map(len, grid)))
    parent = sheet.getparent()
    return Grid(_even(grid), merged, None if parent is None else parent.get(f"{_XML_SPACE}Name"))


def _leave_rows(grid: list[list[str]], count: int, room: Room) -> None:
    """Leave rows blank."""
    room.take(max(count, 0))
    grid.extend([] for _ in range(count))


def _leave_cells(row: list[str], count: int) -> None:
    """Leave cells of a row blank."""
    look_at_width(len(row) + count)
    row.extend("" for _ in range(count))


def _even(rows: Sequence[list[str]]) -> list[list[str]]:
    width = max(map(len, rows), default=0)
    return [row + [""] * (width - len(row)) for row in rows]


def _chosen_grids(grids: Sequence[Grid], decoded: Decoded, wanted: Wanted) -> tuple[list[Sheet], list[Problem]]:
    """Return the grids that hold the table; those without a name, such as the tables of a page, are passed over in silence."""
    by_name = {grid.name or str(number): grid for number, grid in enumerate(grids, start=1)}
    candidates = [
        Candidate(name, find_header(grid.cells, wanted.names), empty=not any(map(any, grid.cells)))
        for name, grid in by_name.items()
    ]
    chosen, problems = choose_sheets(candidates, wanted.table, wanted.file)
    if not chosen:
        raise no_header(next((grid.cells for grid in grids if grid.cells), []), wanted.table, decoded.encoding)
    sheets = [
        sheet_of_records(by_name[each.name].cells, each.header, decoded, by_name[each.name])
        for each in chosen
        if each.header is not None
    ]
    return sheets, [problem for problem in problems if problem.sheet is None or by_name[problem.sheet].name is not None]


def read_html(decoded: Decoded, wanted: Wanted) -> tuple[list[Sheet], list[Problem]]:
    """Read the tables of a page that hold what is wanted.

    Raises:
        UnreadableError: none does.
    """
    try:
        page = lxml.html.document_fromstring(
            decoded.data, parser=lxml.html.HTMLParser(encoding="utf-8", huge_tree=True)
        )
    except lxml.etree.LxmlError as reason:
        raise no_header([], wanted.table, decoded.encoding) from reason
    room = Room()
    return _chosen_grids([_grid(each, room) for each in page.iter("table")], decoded, wanted)


def _grid(element: lxml.html.HtmlElement, room: Room) -> Grid:
    """Return the cells of an HTML table without those of a table inside it; a cell that spans shows its text in the first."""
    grid: list[list[str]] = []
    merged: list[Merged] = []
    hanging: dict[int, int] = {}
    for line in _own_rows(element):
        row: list[str] = []
        for cell in line.iterchildren("td", "th"):
            _pass_over(row, hanging)
            across, down = _number_or(cell.get("colspan"), 1), _number_or(cell.get("rowspan"), 1)
            if down > 1:
                merged.append(Merged(len(row), len(grid) + 1, len(grid) + down))
            look_at_width(len(row) + across)
            if down > 1:
                hanging.update(dict.fromkeys(range(len(row), len(row) + across), down - 1))
            row.append(_text_of(cell))
            _leave_cells(row, across - 1)
        _pass_over(row, hanging)
        room.take(len(row) + 1)
        grid.append(row)
    return Grid(grid, merged)


def _own_rows(table: lxml.html.HtmlElement) -> Iterator[lxml.html.HtmlElement]:
    """Give the rows of a table, but not those of a table inside one of its cells."""
    for child in table.iterchildren("tr", "thead", "tbody", "tfoot"):
        if child.tag == "tr":
            yield child
        else:
            yield from child.iterchildren("tr")


def _text_of(cell: lxml.html.HtmlElement) -> str:
    """Return the text of a cell; that of a table inside it belongs to that table."""
    inner = next(cell.iter("table"), None)
    said = "".join(cell.itertext()) if inner is None else cell.text or ""
    return said.replace("\xa0", " ").strip()


def _pass_over(row: list[str], hanging: dict[int, int]) -> None:
    """Leave the columns blank into which a cell of an upper row hangs."""
    while hanging.get(len(row)):
        hanging[len(row)] -= 1
        row.append("")


def _number_or(raw: str | None, otherwise: int) -> int:
    """Return a number of cells or rows as HTML and XML give it, bounded against nonsense."""
    return min(int(raw), _MOST_SKIPPED) if raw and raw.isdecimal() and int(raw) else otherwise
