"""Accepted records of the desk as files of the workspace, where every question counts them like records from elsewhere."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from repair.desk.records import KEYS, accepted_rows, ever_told
from repair.desk.work import Work


def write_accepted(work: Work, folder: Path) -> None:
    """Write the records that people accepted into a workspace: ``outages_desk.json`` and so on; what holds no more is taken out.

    Rows that this desk never told of, such as those of an earlier store, stay.

    Args:
        work: the sheets.
        folder: of the workspace.

    Raises:
        OSError: a file cannot be read or written.
        ValueError: a file that stands there is no JSON.
    """
    own = ever_told(work)
    for name, rows in accepted_rows(work).items():
        path = folder / f"{name}_desk.json"
        there: list[dict[str, Any]] = json.loads(path.read_text("utf-8")) if path.is_file() else []
        wanted = [row for row in there if str(row.get(KEYS[name])) not in own] + rows
        if wanted == there:
            continue
        if not wanted:
            path.unlink()
            continue
        beside = folder / f".{path.name}"
        beside.write_text(json.dumps(wanted, ensure_ascii=False, indent=1), "utf-8")
        beside.replace(path)
