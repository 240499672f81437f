"""The tables of a workspace: one source for reading, checking and documenting them.

Names, meanings and required columns are those of docs/tables.md; Chinese headers and codes follow the utilities'
own exports (alias table of the field reference, 9.3).
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from network.tables.network_tables import NETWORK_TABLES
from network.tables.record_tables import RECORD_TABLES
from network.tables.table_form import ROW, Column, Table
from network.tables.work_tables import WORK_TABLES

__all__ = ["ROW", "TABLES", "Column", "Table"]

TABLES: Mapping[str, Table] = MappingProxyType(
    {table.name: table for table in (*NETWORK_TABLES, *RECORD_TABLES, *WORK_TABLES)}
)
"""Every table of a workspace by name."""
