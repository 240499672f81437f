"""Tables written for people: CSV and XLSX that spreadsheets open as they should."""

from __future__ import annotations

import io
from pathlib import Path

import polars as pl

from network.problems import FudianError
from network.tables.aside import file_aside
from network.tables.schema import TABLES
from network.texts import text, translate

_FORMULA = r"^([\s\x00-\x1f\u200b\u200e\u200f\ufeff]*[=+\-@＝＋－−﹣＠﹦﹢﹫\t\r\n])"
"""How a text begins that a spreadsheet may run: blanks and marks without width before such a sign hide it, and East Asian
spreadsheets take its full-width and small forms for it."""

_CHINESE = {column.name: column.chinese for table in reversed(list(TABLES.values())) for column in table.columns}


def for_people(frame: pl.DataFrame, language: str) -> pl.DataFrame:
    """Return the table with headers and yes/no in ``zh`` or ``en``, and no text that a spreadsheet would run as a formula."""
    texts = [name for name, kind in frame.schema.items() if kind == pl.String]
    flags = [name for name, kind in frame.schema.items() if kind == pl.Boolean]
    yes, no = translate("yes", language), translate("no", language)
    safe = frame.with_columns(
        *(pl.col(name).str.replace(_FORMULA, "'${1}") for name in texts),
        *(pl.when(pl.col(name)).then(pl.lit(yes)).when(~pl.col(name)).then(pl.lit(no)).alias(name) for name in flags),
    )
    return safe.rename({name: header(name, language) for name in frame.columns})


def header(column: str, language: str) -> str:
    """Return a column's header for people."""
    return _CHINESE.get(column, translate(column, language)) if language == "zh" else column


def workbook(frame: pl.DataFrame, title: str, language: str = "zh") -> bytes:
    """Return a table for people as an XLSX file, ready to print: A4 across, the header on every page, pages numbered.

    Args:
        frame: the table.
        title: printed above every page.
        language: ``zh`` or ``en``, for headers and for yes and no.
    """
    from xlsxwriter import Workbook

    content = io.BytesIO()
    with Workbook(content, {"in_memory": True}) as book:
        sheet = book.add_worksheet()
        for_people(frame, language).write_excel(book, sheet, autofit=True, freeze_panes=(1, 0))
        sheet.set_landscape()
        sheet.set_paper(9)
        sheet.fit_to_pages(1, 0)
        sheet.repeat_rows(0)
        sheet.set_header("&C" + title.replace("&", "&&")[:200])
        sheet.set_footer("&C&P / &N")
    return content.getvalue()


def write_table(frame: pl.DataFrame, path: Path, language: str = "zh") -> None:
    """Write a table for people as ``.csv`` (UTF-8 with BOM, which Excel reads as Chinese) or ``.xlsx``.

    Raises:
        FudianError: another ending, or the file cannot be written.
    """
    try:
        if path.suffix.lower() == ".csv":
            content = "﻿".encode() + for_people(frame, language).write_csv().encode()
        elif path.suffix.lower() == ".xlsx":
            content = workbook(frame, path.stem, language)
        else:
            raise FudianError(
                text("A table cannot be written as {path}.", path=path.name), text("End the name with .csv or .xlsx.")
            )
        with file_aside(path) as aside:
            aside.write_bytes(content)
    except OSError as error:
        raise FudianError(
            text("{path} cannot be written: {reason}.", path=path, reason=error.strerror or error),
            text("Choose another place, or close the program that holds the file."),
        ) from error
