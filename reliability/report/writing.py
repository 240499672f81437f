"""A report as a file: PDF by Typst, DOCX, or a workbook whose sums are live formulas."""

from __future__ import annotations

import json
import re
import tempfile
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from importlib import import_module
from io import BytesIO
from pathlib import Path
from typing import Any

from network import FudianError, MissingExtraError, text
from network.tables.aside import file_aside
from reliability.report.content import Column, Report, Section, shown

TEMPLATE = Path(__file__).with_name("report.typ")
PDF_STANDARD = "a-2b"
A4 = 9
"""Paper of a sheet, as workbooks number it."""

FONT = "Noto Sans CJK SC"
DOCX_CHART_CM = 14.0
DOCX_WIDTH_CM = 17.0
CM_A_LETTER = 0.175
"""Width of a letter in a table."""

CM_A_CELL = 0.45
"""Room beside the words of a cell."""

NARROWEST_CM = 1.3
"""No column of words is made narrower."""

WIDEST = 40
"""Letters after which words of a table go on in the next line."""


def write_report(report: Report, path: Path) -> None:
    """Write a report.

    Args:
        report: what it says.
        path: a file that ends in ``.pdf``, ``.docx`` or ``.xlsx``.

    Raises:
        FudianError: the file has another ending, or cannot be written.
        MissingExtraError: what writes it is not installed.
    """
    writer = WRITERS.get(path.suffix.lower())
    if writer is None:
        raise FudianError(
            text("A report is not written to {name}.", name=path.name),
            text("Use a name that ends in .pdf, .docx or .xlsx."),
        )
    with file_aside(path) as aside:
        writer(report, aside)


def _extra(module: str) -> Any:
    try:
        return import_module(module)
    except ImportError as missing:
        raise MissingExtraError(module, "report") from missing


def svg(section: Section) -> str:
    """Return the drawing of a section as SVG.

    Raises:
        MissingExtraError: what draws it is not installed.
    """
    drawn: str = _extra("vl_convert").vegalite_to_svg(dict(section.chart or {}))
    return drawn


def write_pdf(report: Report, path: Path) -> None:
    """Write a report as PDF/A-2b; fonts are those of the system, nothing is fetched."""
    typst = _extra("typst")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        sections = []
        for section in report.sections:
            told = _as_text(section)
            if section.chart is not None and section.rows:
                told["chart"] = f"{section.name}.svg"
                (folder / told["chart"]).write_text(svg(section), "utf-8")
            sections.append(told)
        day = str(report.basis.get("known_until", "2000-01-01"))[
            :10
        ]  # PDF/A wants a date; the same report is the same file
        told_of = {
            "title": report.title,
            "subtitle": report.subtitle,
            "language": report.language,
            "day": [int(part) for part in day.split("-")],
            "sections": sections,
        }
        (folder / "report.json").write_text(json.dumps(told_of, ensure_ascii=False), "utf-8")
        (folder / "report.typ").write_text(TEMPLATE.read_text("utf-8"), "utf-8")
        typst.compile(folder / "report.typ", output=folder / "report.pdf", root=folder, pdf_standards=PDF_STANDARD)
        path.write_bytes((folder / "report.pdf").read_bytes())


def _as_text(section: Section) -> dict[str, Any]:
    columns = section.columns
    rows = [[column.shown(row) for column in columns] for row in section.rows]
    numeric = [section.is_numeric(column) for column in columns]
    return {
        "title": section.title,
        "says": list(section.says),
        "headers": [column.title for column in columns],
        "numeric": numeric,
        "rows": rows,
        "total": _totals(section),
        "chart": None,
    }


def _totals(section: Section) -> list[str] | None:
    if not section.has_total:
        return None
    return [
        "Σ" if at == 0 else shown(section.total(column), column.digits) if column.total else ""
        for at, column in enumerate(section.columns)
    ]


def write_docx(report: Report, path: Path) -> None:
    """Write a report as a document of Word."""
    docx = _extra("docx")
    document = docx.Document()
    east_asian = _extra("docx.oxml.ns").qn("w:eastAsia")
    centimetres, sheet = _extra("docx.shared").Cm, document.sections[0]
    sheet.page_width, sheet.page_height = centimetres(21.0), centimetres(29.7)
    sheet.left_margin = sheet.right_margin = centimetres((21.0 - DOCX_WIDTH_CM) / 2)
    sheet.top_margin = sheet.bottom_margin = centimetres(2.0)
    for style in ("Normal", "Heading 1", "Heading 2", "Title"):
        font = document.styles[style]
        font.font.name = FONT
        fonts = font.element.get_or_add_rPr().get_or_add_rFonts()
        for name in [
            name for name in fonts.attrib if name.endswith("Theme")
        ]:  # a theme's font comes before a named one
            del fonts.attrib[name]
        fonts.set(east_asian, FONT)
    document.add_heading(report.title, 0)
    document.add_paragraph(report.subtitle)
    for section in report.sections:
        document.add_heading(section.title, 1)
        for sentence in section.says:
            document.add_paragraph(sentence).paragraph_format.space_after = _extra("docx.shared").Pt(4)
        if section.chart is not None and section.rows:
            drawn: bytes = _extra("vl_convert").vegalite_to_png(dict(section.chart), scale=2)
            document.add_picture(BytesIO(drawn), width=_extra("docx.shared").Cm(DOCX_CHART_CM))
        if section.rows:
            _docx_table(document, _as_text(section))
    document.save(str(path))


def _docx_table(document: Any, told: Mapping[str, Any]) -> None:
    """Add a table whose columns are as wide as their words want, figures to the right, the header on every page."""
    shared, oxml = _extra("docx.shared"), _extra("docx.oxml")
    right = _extra("docx.enum.text").WD_ALIGN_PARAGRAPH.RIGHT
    lines = [told["headers"], *told["rows"], *([told["total"]] if told["total"] else [])]
    table = document.add_table(rows=len(lines), cols=len(told["headers"]), style="Light List Accent 1")
    table.autofit = False
    widths = _column_widths(lines, told["numeric"])
    for column, width in zip(table.columns, widths, strict=True):
        column.width = shared.Cm(width)
    for number, (row, line) in enumerate(zip(table.rows, lines, strict=True)):
        row._tr.get_or_add_trPr().append(oxml.OxmlElement("w:tblHeader" if number == 0 else "w:cantSplit"))
        for cell, words, width, is_number in zip(row.cells, line, widths, told["numeric"], strict=True):
            cell.width = shared.Cm(width)
            paragraph = cell.paragraphs[0]
            run = paragraph.add_run(words)
            run.font.size = shared.Pt(8.5)
            if number > len(told["rows"]):
                run.bold = True
            if is_number:
                paragraph.alignment = right


def _column_widths(lines: Sequence[Sequence[str]], numeric: Sequence[bool]) -> list[float]:
    """Return the widths of a table's columns in cm: a number is never broken; where all is too wide, words are."""

    def wanted(words: str) -> float:
        return min(_width(words), WIDEST) * CM_A_LETTER + CM_A_CELL

    widths = [max(wanted(line[at]) for line in lines) for at in range(len(numeric))]
    of_numbers = [
        max(wanted(line[at]) for line in lines[1:]) if is_number else 0.0 for at, is_number in enumerate(numeric)
    ]
    too_much = sum(widths) - DOCX_WIDTH_CM
    can_give = [width - max(least, NARROWEST_CM) for width, least in zip(widths, of_numbers, strict=True)]
    given = min(max(too_much, 0.0) / (sum(each for each in can_give if each > 0) or 1.0), 1.0)
    return [width - max(each, 0.0) * given for width, each in zip(widths, can_give, strict=True)]


def _width(words: str) -> int:
    """Return how wide words are, in letters; a Chinese character is as wide as two."""
    return sum(2 if unicodedata.east_asian_width(word) in "WF" else 1 for word in words)


def write_xlsx(report: Report, path: Path) -> None:
    """Write a report as a workbook, one sheet a section; every sum and every ratio of a row is a formula."""
    import xlsxwriter

    with xlsxwriter.Workbook(path, {"strings_to_formulas": False, "strings_to_urls": False}) as book:
        bold = book.add_format({"bold": True})
        for number, section in enumerate(report.sections, start=1):
            sheet = book.add_worksheet(sheet_name(number, section))
            sheet.set_landscape()
            sheet.set_paper(A4)
            sheet.fit_to_pages(1, 0)
            sheet.write_string(0, 0, section.title, bold)
            sheet.write_string(1, 0, f"{report.title} · {report.subtitle}")
            line = 2
            for sentence in section.says:
                sheet.write_string(line, 0, sentence)
                line += 1
            if section.rows:
                _sheet_table(book, sheet, section, line + 1)


def sheet_name(number: int, section: Section) -> str:
    """Return the name of the sheet of a section: its number and its title, as far as a workbook takes it.

    Args:
        number: of the section, from 1.
        section: of the report.
    """
    return re.sub(r"[\[\]:*?/\\]", " ", f"{number} {section.title}")[:31].rstrip(" '")


def _sheet_table(book: Any, sheet: Any, section: Section, head: int) -> None:
    bold = book.add_format({"bold": True, "bottom": 1, "indent": 1})
    bold_right = book.add_format({"bold": True, "bottom": 1, "align": "right"})
    words = book.add_format({"text_wrap": True, "align": "left", "valign": "top", "indent": 1})
    places = {column.name: at for at, column in enumerate(section.columns)}

    def pattern(digits: int) -> str:
        return "#,##0" + ("." + "0" * digits if digits else "")

    @cache
    def form_of(pattern: str) -> Any:
        return book.add_format({"num_format": pattern, "valign": "top"})

    def forms(column: Column, row: Mapping[str, Any]) -> Any:
        return form_of("0%" if column.is_share else pattern(column.digits_of(row)))

    for at, column in enumerate(section.columns):
        sheet.write_string(head, at, column.title, bold_right if section.is_numeric(column) else bold)
        for number, row in enumerate(section.rows, start=head + 1):
            value, form = row.get(column.name), forms(column, row)
            if column.formula is not None and value is not None:
                sheet.write_formula(number, at, _formula(column, places, number), form, value)
            else:
                _cell(sheet, number, at, value, form, words)
        last = head + len(section.rows)
        if section.has_total and column.total:
            total = section.total(column)
            if column.formula is not None:
                formula = _formula(column, places, last + 1)
            else:
                letter = _letter(at)
                formula = f"=SUM({letter}{head + 2}:{letter}{last + 1})"
            form = book.add_format({"bold": True, "top": 1, "num_format": pattern(column.digits)})
            sheet.write_formula(last + 1, at, formula, form, total or 0)
        elif section.has_total:
            form = book.add_format({"bold": True, "top": 1, "indent": 1})
            sheet.write_string(last + 1, at, "Σ" if at == 0 else "", form)
        widest = max(_width(column.shown(row)) for row in (*section.rows, {column.name: column.title}))
        sheet.set_column(at, at, min(widest, WIDEST) + 4)


def _letter(column: int) -> str:
    return chr(ord("A") + column)


def _formula(column: Column, places: Mapping[str, int], row: int) -> str:
    """Return the formula of a ratio in a row; a denominator of zero gives a blank."""
    cells = {name: f"{_letter(at)}{row + 1}" for name, at in places.items()}
    filled = (column.formula or "").format(**cells)
    below = filled.partition("/")[2]
    return f'=IF({below}=0,"",{filled})' if below else f"={filled}"


def _cell(sheet: Any, row: int, column: int, value: Any, form: Any, words: Any) -> None:
    if value is None:
        sheet.write_blank(row, column, None)
    elif isinstance(value, bool) or not isinstance(value, int | float):
        sheet.write_string(row, column, shown(value, 2), words)
    else:
        sheet.write_number(row, column, value, form)


WRITERS: Mapping[str, Callable[[Report, Path], None]] = {".pdf": write_pdf, ".docx": write_docx, ".xlsx": write_xlsx}
"""What writes each kind of file."""
