"""Large tables: AG Grid in the page up to ten thousand rows, fetched in blocks beyond."""

from __future__ import annotations

import json
from typing import Any

import dash_ag_grid as dag
import polars as pl

from network import translate
from network.tables.writing import header

IN_PAGE = 10_000
"""Rows that are sent with the page; more are fetched as they are scrolled to."""

_CHINESE = {
    "noRowsToShow": "没有记录",
    "loadingOoo": "加载中…",
    "filterOoo": "筛选…",
    "equals": "等于",
    "notEqual": "不等于",
    "contains": "包含",
    "notContains": "不包含",
    "startsWith": "开头是",
    "endsWith": "结尾是",
    "blank": "空",
    "notBlank": "非空",
    "lessThan": "小于",
    "greaterThan": "大于",
    "lessThanOrEqual": "不大于",
    "greaterThanOrEqual": "不小于",
    "inRange": "介于",
    "andCondition": "且",
    "orCondition": "或",
    "applyFilter": "应用",
    "resetFilter": "重置",
    "clearFilter": "清除",
    "cancelFilter": "取消",
}


_LOOK = {
    "fontFamily": "inherit",
    "fontSize": 13,
    "headerFontSize": 13,
    "headerFontWeight": 400,
    "headerTextColor": "#5a6772",
    "foregroundColor": "#1d2730",
    "backgroundColor": "#ffffff",
    "headerBackgroundColor": "#ffffff",
    "borderColor": "#eceff1",
    "wrapperBorder": False,
    "headerRowBorder": True,
    "columnBorder": False,
    "cellHorizontalPadding": 8,
    "rowHoverColor": "#f6f8f9",
    "wrapperBorderRadius": 0,
    "accentColor": "#3d6b8e",
}
_THEME = {"function": f"themeQuartz.withParams({json.dumps(_LOOK)})"}
_WIDTHS = {
    "outage": 82,
    "user": 84,
    "users": 76,
    "since": 150,
    "until": 150,
    "nature": 104,
    "cause": 88,
    "customer_hours": 76,
    "severity": 70,
    "row": 64,
    "column": 110,
    "value": 110,
    "customer_id": 92,
    "name": 84,
    "phone": 120,
    "transformer_id": 92,
    "important": 82,
    "sensitive": 82,
    "dual_supply": 76,
    "sure": 84,
    "plan_id": 92,
    "job_id": 92,
    "start": 130,
    "end": 130,
    "place": 92,
    "unit": 104,
    "status": 76,
    "live_line_item": 104,
    "outage_h": 104,
    "users_avoided": 104,
    "reduced_ch": 104,
    "method": 124,
}
"""Widths in pixels; every other column takes what is left."""

_NARROWEST = 0.74
"""Of its width, to which a column gives way on a narrow screen; beyond that the table is scrolled."""

_FORMS = {"sure": ".1%"}
"""How numbers are shown that are no plain ones."""


def grid(
    identity: dict[str, str], frame: pl.DataFrame, language: str, height: str, searchable: bool = True
) -> dag.AgGrid:
    """Return a grid of a table for people.

    Args:
        identity: id of the component.
        frame: one column per thing shown.
        language: of headers and of the grid's own words.
        height: CSS height.
        searchable: whether there is a line of filters under the headers.
    """
    many = frame.height > IN_PAGE
    columns = [_column(name, kind, language, searchable and not many) for name, kind in frame.schema.items()]
    options: dict[str, Any] = {
        "rowHeight": 29,
        "headerHeight": 32,
        "floatingFiltersHeight": 34,
        "enableCellTextSelection": True,
        "tooltipShowDelay": 400,
        "suppressDragLeaveHidesColumns": True,
        "suppressContentVisibilityAuto": True,  # else a picture or a print of the whole page may find the table blank
        "theme": _THEME,
    }
    if language == "zh":
        options["localeText"] = _CHINESE
    if many:
        return dag.AgGrid(
            id=identity,
            columnDefs=columns,
            rowModelType="infinite",
            style={"height": height},
            dashGridOptions=options | {"cacheBlockSize": 200, "maxBlocksInCache": 20},
        )
    return dag.AgGrid(
        id=identity,
        columnDefs=columns,
        rowData=frame.to_dicts(),
        style={"height": height},
        dashGridOptions=options,
        columnSize=None if searchable else "responsiveSizeToFit",
    )


def block(frame: pl.DataFrame, request: dict[str, Any]) -> dict[str, Any]:
    """Return the rows that a scrolling grid asks for, in the order it asks for."""
    for each in reversed(request.get("sortModel") or []):
        if each.get("colId") in frame.columns:
            frame = frame.sort(
                each["colId"], descending=each.get("sort") == "desc", nulls_last=True, maintain_order=True
            )
    start, end = int(request.get("startRow", 0)), int(request.get("endRow", 200))
    return {"rowData": frame[start:end].to_dicts(), "rowCount": frame.height}


def _column(name: str, kind: pl.DataType, language: str, searchable: bool) -> dict[str, Any]:
    """Return how a column is shown: numbers at the right with separators, a dash for what is missing."""
    column: dict[str, Any] = {
        "field": name,
        "headerName": header(name, language) if language == "zh" else name.replace("_", " "),
        "sortable": True,
        "resizable": True,
        "tooltipField": name,
        "filter": searchable,
        "floatingFilter": searchable,
        "suppressHeaderMenuButton": True,
        "suppressHeaderFilterButton": True,
        "suppressFloatingFilterButton": True,
        "cellDataType": False,
    }
    width = _WIDTHS.get(name)
    column |= {"flex": 1, "minWidth": 120} if width is None else {"width": width, "minWidth": round(width * _NARROWEST)}
    if kind.is_float() or kind.is_integer():
        form = _FORMS.get(name, ",.2f" if kind.is_float() else ",")
        column |= {
            "type": "rightAligned",
            "valueFormatter": {"function": f"params.value == null ? '—' : d3.format('{form}')(params.value)"},
        }
    elif kind == pl.Boolean:
        column["valueFormatter"] = {"function": f"params.value ? '{translate('yes', language)}' : ''"}
    else:
        column["valueFormatter"] = {"function": "params.value == null ? '—' : params.value"}
    return column
