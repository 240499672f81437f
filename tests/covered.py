"""Prints which share of the lines of each package the tests ran: make coverage."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

GOAL_PERCENT = 92


def by_package(files: dict[str, dict[str, dict[str, int]]]) -> dict[str, tuple[int, int]]:
    """Return lines that count and lines that ran of each package, and of all together."""
    lines: Counter[str] = Counter()
    ran: Counter[str] = Counter()
    for name, file in files.items():
        for part in (Path(name).parts[0], "all"):
            lines[part] += file["summary"]["num_statements"]
            ran[part] += file["summary"]["covered_lines"]
    return {part: (lines[part], ran[part]) for part in sorted(lines, key=lambda part: (part == "all", part))}


def main() -> None:
    """Print the table; end with 1 where the whole is below the goal."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "lines.json")
        subprocess.run([sys.executable, "-m", "coverage", "json", "-q", "-o", path], check=True)
        files = json.loads(path.read_text("utf-8"))["files"]
    found = by_package(files)
    for part, (lines, ran) in found.items():
        print(f"{part:12} {ran:6} of {lines:6} lines  {100 * ran / lines:5.1f} %")
    least = sorted(files.items(), key=lambda item: -item[1]["summary"]["missing_lines"])
    for name, file in least[:15]:
        print(f"{file['summary']['missing_lines']:6} lines did not run in {name}")
    lines, ran = found["all"]
    sys.exit(100 * ran < GOAL_PERCENT * lines)


if __name__ == "__main__":
    main()
