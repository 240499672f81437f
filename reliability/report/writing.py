"""A report as a file: PDF by Typst, DOCX, or a workbook whose sums are live formulas."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Mapping
from functools import cache
from importlib import import_module
from io import BytesIO
from pathlib import Path
from typing import Any

import xlsxwriter

from network import FudianError, MissingExtraError, text
from network.tables.aside import file_aside
from reliability.report.content import Column, Report, Section, shown

TEMPLATE = Path(__file__).with_name("report.typ")
PDF_STANDARD = "a-2b"
DOCX_CHART_CM = 14.0


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
    numeric = [any(isinstance(row.get(column.name), int | float) for row in section.rows) for column in columns]
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
    for style in ("Normal", "Heading 1", "Heading 2", "Title"):
        font = document.styles[style]
        font.font.name = "Noto Sans CJK SC"
        font.element.get_or_add_rPr().get_or_add_rFonts().set(east_asian, "Noto Sans CJK SC")
    document.add_heading(report.title, 0)
    document.add_paragraph(report.subtitle)
    for section in report.sections:
        document.add_heading(section.title, 1)
        for sentence in section.says:
            document.add_paragraph(sentence)
        if section.chart is not None and section.rows:
            drawn: bytes = _extra("vl_convert").vegalite_to_png(dict(section.chart), scale=2)
            document.add_picture(BytesIO(drawn), width=_extra("docx.shared").Cm(DOCX_CHART_CM))
        if section.rows:
            _docx_table(document, _as_text(section))
    document.save(str(path))


def _docx_table(document: Any, told: Mapping[str, Any]) -> None:
    lines = [told["headers"], *told["rows"], *([told["total"]] if told["total"] else [])]
    table = document.add_table(rows=len(lines), cols=len(told["headers"]), style="Light List Accent 1")
    for cells, line in zip(table.rows, lines, strict=True):
        for cell, words in zip(cells.cells, line, strict=True):
            cell.text = words


def write_xlsx(report: Report, path: Path) -> None:
    """Write a report as a workbook, one sheet a section; every sum and every ratio of a row is a formula."""
    with xlsxwriter.Workbook(path, {"strings_to_formulas": False, "strings_to_urls": False}) as book:
        bold = book.add_format({"bold": True})
        for number, section in enumerate(report.sections, start=1):
            sheet = book.add_worksheet(f"{number} {section.name}"[:31])
            sheet.write_string(0, 0, section.title, bold)
            line = 1
            for sentence in section.says:
                sheet.write_string(line, 0, sentence)
                line += 1
            if section.rows:
                _sheet_table(book, sheet, section, line + 1)


def _sheet_table(book: Any, sheet: Any, section: Section, head: int) -> None:
    bold = book.add_format({"bold": True, "bottom": 1})
    places = {column.name: at for at, column in enumerate(section.columns)}

    @cache
    def form_of(pattern: str) -> Any:
        return book.add_format({"num_format": pattern})

    def forms(column: Column, row: Mapping[str, Any]) -> Any:
        digits = column.digits_of(row)
        return form_of("0%" if column.is_share else "#,##0" + ("." + "0" * digits if digits else ""))

    for at, column in enumerate(section.columns):
        sheet.write_string(head, at, column.title, bold)
        for number, row in enumerate(section.rows, start=head + 1):
            value, form = row.get(column.name), forms(column, row)
            if column.formula is not None and value is not None:
                sheet.write_formula(number, at, _formula(column, places, number), form, value)
            else:
                _cell(sheet, number, at, value, form)
        last = head + len(section.rows)
        if section.has_total and column.total:
            total = section.total(column)
            if column.formula is not None:
                formula = _formula(column, places, last + 1)
            else:
                letter = _letter(at)
                formula = f"=SUM({letter}{head + 2}:{letter}{last + 1})"
            sheet.write_formula(
                last + 1, at, formula, book.add_format({"bold": True, "top": 1, "num_format": "#,##0.00"}), total or 0
            )
        sheet.set_column(at, at, 14)


def _letter(column: int) -> str:
    return chr(ord("A") + column)


def _formula(column: Column, places: Mapping[str, int], row: int) -> str:
    """Return the formula of a ratio in a row; a denominator of zero gives a blank."""
    cells = {name: f"{_letter(at)}{row + 1}" for name, at in places.items()}
    filled = (column.formula or "").format(**cells)
    below = filled.partition("/")[2]
    return f'=IF({below}=0,"",{filled})' if below else f"={filled}"


def _cell(sheet: Any, row: int, column: int, value: Any, form: Any) -> None:
    if value is None:
        sheet.write_blank(row, column, None)
    elif isinstance(value, bool) or not isinstance(value, int | float):
        sheet.write_string(row, column, shown(value, 2))
    else:
        sheet.write_number(row, column, value, form)


WRITERS: Mapping[str, Callable[[Report, Path], None]] = {".pdf": write_pdf, ".docx": write_docx, ".xlsx": write_xlsx}
"""What writes each kind of file."""
