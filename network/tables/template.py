"""An empty workbook for one table, for a clerk to fill in: headers, kinds, an example, and lists to choose codes from."""

from __future__ import annotations

import io

from network.tables.schema import TABLES
from network.tables.table_form import Column
from network.texts import translate

_ROWS = 5000
"""Rows for which a list of codes opens."""

_FORMATS = {"id": "@", "text": "@", "code": "@", "boolean": "@", "integer": "0", "time": "yyyy-mm-dd hh:mm:ss"}
_EXAMPLES = {
    "start": "2022-07-20 08:05:00",
    "end": "2022-07-20 11:25:00",
    "from": "2022-01-01 00:00:00",
    "to": "2023-01-01 00:00:00",
}
_EXAMPLES_OF_KIND = {"number": "1.5", "integer": "12", "time": "2022-07-20 08:05:00"}


def template(table: str, language: str = "zh") -> bytes:
    """Return an empty workbook for a table.

    The first sheet has the headers, required ones with a star, and lists of codes to choose from. The second explains them: below
    each header its kind, an example and its codes; it is not read.

    Args:
        table: name of the table.
        language: ``zh`` or ``en``, of headers, words of codes and explanations.
    """
    from xlsxwriter import Workbook
    from xlsxwriter.utility import xl_col_to_name

    columns = TABLES[table].columns
    content = io.BytesIO()
    with Workbook(content, {"in_memory": True}) as book:
        bold = book.add_format({"bold": True, "bg_color": "#DDE8EE", "border": 1})
        sheet = book.add_worksheet(TABLES[table].chinese if language == "zh" else table)
        notes = book.add_worksheet("填表说明" if language == "zh" else "Notes")
        sheet.freeze_panes(1, 0)
        for index, column in enumerate(columns):
            head = header_of(column, language) + ("*" if column.required else "")
            width = max(12, 2 * len(head) if language == "zh" else len(head) + 4)
            codes = words_of_codes(column, language)
            for each in (sheet, notes):
                each.write_string(0, index, head, bold)
                form = _FORMATS.get(column.kind, "General") if each is sheet else "@"
                each.set_column(index, index, width, book.add_format({"num_format": form}))
            notes.write_column(1, index, [translate(column.kind, language), example_of(column, language), *codes])
            if codes:
                letters = xl_col_to_name(index, col_abs=True)
                source = f"='{notes.get_name()}'!{letters}$4:{letters}${len(codes) + 3}"
                sheet.data_validation(1, index, _ROWS, index, {"validate": "list", "source": source})
    return content.getvalue()


def header_of(column: Column, language: str) -> str:
    """Return the header of a column in a template, with its unit where it has one."""
    if language != "zh":
        return column.name
    return f"{column.chinese}（{column.unit}）" if column.unit else column.chinese


def words_of_codes(column: Column, language: str) -> list[str]:
    """Return what may be chosen in a column with codes: Chinese words, or the codes themselves."""
    if column.kind == "boolean":
        return ["是", "否"] if language == "zh" else ["yes", "no"]
    return [meanings[0] if language == "zh" and meanings else code for code, meanings in (column.codes or {}).items()]


def example_of(column: Column, language: str) -> str:
    """Return an example of a value, as a clerk would write it."""
    codes = words_of_codes(column, language)
    if codes:
        return codes[0]
    if column.name in _EXAMPLES:
        return _EXAMPLES[column.name]
    if column.kind in _EXAMPLES_OF_KIND:
        example = _EXAMPLES_OF_KIND[column.kind]
        too_small = column.minimum is not None and column.kind == "integer" and int(example) < column.minimum
        return f"{column.minimum:g}" if too_small else example
    return f"{column.name.split('_')[0][:1].upper()}001" if column.kind == "id" else "…"
