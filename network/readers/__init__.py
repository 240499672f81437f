"""Readers of other forms of network data: each turns its source into a :class:`~network.tables.workspace.Workspace`.

A reader walks the elements of its source and gathers rows of the tables; the workspace then checks them by the
same rules as tables from files. An element that has no place in the tables is named among the problems. What becomes of
each element stands in ``docs/formats.md``.
"""
