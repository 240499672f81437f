"""Write the reference pages from their one source: the schema, the settings and the command line."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

import typer.main
from pydantic import BaseModel

from fudian.cli.app import app
from network.tables.conventions import ReadingSettings
from network.tables.schema import TABLES, Table
from reliability.grid_kpis import GridSettings
from reliability.settings import ReliabilitySettings
from repair.settings import InferenceSettings, LocationSettings, PlannedSettings, RestorationSettings

FOLDER = Path(__file__).parent


def pages() -> Mapping[str, str]:
    """Return the text of each generated page by file name."""
    return {"tables.md": tables_page(), "settings.md": settings_page(), "commands.md": commands_page()}


def tables_page() -> str:
    """Describe every table of a workspace."""
    intro = (
        "# Tables of a workspace\n\nA folder with tables `<name>.parquet`, `.csv`, `.xlsx`, `.xls`, `.xlsb`, `.ods`, `.txt` or "
        "`.json` (first found, each also as `.gz`), and an optional `fudian.toml`. Headers in English or Chinese, in any order; "
        "`*` is required. Ids are text, times are local. Other headers, words, files and ways of writing times: "
        "[Tables as clerks write them](clerks.md).\n"
    )
    return intro + "".join(_table(table) for table in TABLES.values())


def _table(table: Table) -> str:
    lines = [f"\n## `{table.name}` {table.chinese}\n\nA row is {table.meaning}.\n\n"]
    lines.append("| Column | 中文 | Kind | Meaning |\n|---|---|---|---|\n")
    for column in table.columns:
        star = "*" if column.required else ""
        accepted = "、".join((column.chinese, *column.aliases))
        kind = column.kind if column.codes is None else "one of " + ", ".join(column.codes)
        default = "" if column.default is None else f" (default: {str(column.default).lower()})"
        lines.append(f"| `{column.name}`{star} | {accepted} | {kind} | {column.meaning}{default} |\n")
    if table.duration is not None:
        accepted = "、".join((table.duration.chinese, *table.duration.aliases))
        lines.append(
            f"\nIn place of `end` a file may give `{table.duration.name}` ({accepted}): {table.duration.meaning}.\n"
        )
    return "".join(lines)


def settings_page() -> str:
    """Describe every setting of ``fudian.toml``."""
    intro = (
        "# Settings\n\nIn `fudian.toml` of the workspace. What differs from its default is shown beside the figures.\n"
    )
    return (
        intro
        + _settings("reading", ReadingSettings)
        + _settings("reliability", ReliabilitySettings)
        + _settings("location", LocationSettings)
        + _settings("inference", InferenceSettings)
        + _settings("restoration", RestorationSettings)
        + _settings("planned", PlannedSettings)
        + _settings("grid", GridSettings)
    )


def _settings(name: str, model: type[BaseModel]) -> str:
    rows = "".join(
        f"| `{setting}` | `{field.default}` | {field.description} |\n" for setting, field in model.model_fields.items()
    )
    return f"\n## `[{name}]`\n\n| Setting | Default | Meaning |\n|---|---|---|\n{rows}"


def commands_page() -> str:
    """Describe every command with its options."""
    group = typer.main.get_command(app)
    lines = [
        "# Commands\n\nEvery command but `serve` and `demo` takes `--json`: one JSON object on standard output, nothing else. "
    ]
    lines.append(
        "Exit status 0: done; 1: the data has errors that prevent the answer; 2: wrong usage, or a package was replaced. "
        "`fudian --version` prints the version.\n\n"
        "Texts and pages speak the language of the environment variable `FUDIAN_LANG` (`zh` or `en`), or else the system's. "
        "`?lang=` of a page counts before it; routes answer in English where no `?lang=` says otherwise. "
        "A language that is not known is noted on the page, and beside routes and exports in the header `X-Fudian-Note`.\n"
    )
    for name, command in group.commands.items():  # type: ignore[attr-defined]
        lines.append(f"\n## `fudian {name}`\n\n{command.help}\n\n")
        for parameter in command.params:
            words = " / ".join(f"`{word}`" for word in parameter.opts)
            lines.append(f"- {words}: {getattr(parameter, 'help', None) or ''}\n")
    return "".join(lines)


if __name__ == "__main__":
    for file, content in pages().items():
        (FOLDER / file).write_text(content, "utf-8")
        sys.stdout.write(f"{file}\n")
