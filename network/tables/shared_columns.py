"""Columns that several tables have."""

from __future__ import annotations

from network.tables.code_words import PLANNING_CLASSES, REGION_CLASSES
from network.tables.table_form import code_column, text_column

UNIT = text_column(
    "unit", "供电单位", "unit that operates it", "所属供电所", "运维单位", "所属区局", "所属地市", "所属单位", "供电所",
    "管理单位", "责任单位", "depot", "operating unit", "business unit", "department",
)  # fmt: skip
REGION = code_column("region_class", "地区特征", "region class", REGION_CLASSES, "地区类别", "地区分类", "region")
PLANNING = code_column("planning_class", "规划特征", "planning class of the supply area", PLANNING_CLASSES, "供电区域")
