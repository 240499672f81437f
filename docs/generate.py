"""Write the reference pages from their one source: the schema, the settings and the command line."""

from __future__ import annotations

import ast
import inspect
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from docs.api_page import api_page
from docs.http_page import http_page
from docs.settings_page import settings_page
from fudian.cli.app import app
from fudian.cli.spoken import spoken
from fudian.crew_questions import CrewQuestions
from fudian.desk_questions import DeskQuestions
from fudian.dispatch_questions import DispatchQuestions
from fudian.field_questions import FieldQuestions
from fudian.live import LiveQuestions
from fudian.message_questions import MessageQuestions
from fudian.planning_questions import PlanningQuestions
from fudian.public_questions import PublicQuestions
from fudian.reliability_questions import ReliabilityQuestions
from fudian.repair_questions import RepairQuestions
from fudian.report_questions import ReportQuestions
from fudian.steering_questions import SteeringQuestions
from network import translate
from network.tables.schema import TABLES
from network.tables.table_form import Table

FOLDER = Path(__file__).parent
PROJECT = FOLDER.parent


def pages() -> Mapping[str, str]:
    """Return the text of each generated page by file name."""
    return {
        "tables.md": tables_page(),
        "settings.md": settings_page(),
        "commands.md": commands_page(),
        "questions.md": questions_page(),
        "api.md": api_page(),
        "http.md": http_page(),
        "zh/tables.md": tables_page(in_chinese),
        "zh/settings.md": settings_page(in_chinese),
        "zh/commands.md": commands_page("zh", in_chinese),
        "zh/questions.md": questions_page(in_chinese),
    }


def in_chinese(sentence: str) -> str:
    """Return a sentence as the catalogue has it."""
    return translate(sentence, "zh") if sentence else ""


def tables_page(say: Callable[[str], str] = str) -> str:
    """Describe every table of a workspace.

    Args:
        say: translates a sentence.
    """
    intro = say(
        "A folder with tables `<name>.parquet`, `.csv`, `.xlsx`, `.xls`, `.xlsb`, `.ods`, `.txt` or "
        "`.json` (first found, each also as `.gz`), and an optional `fudian.toml`. Headers in English or Chinese, in any order; "
        "`*` is required. Ids are text, times are local. Other headers, words, files and ways of writing times: "
        "[Tables as clerks write them](clerks.md)."
    )
    return f"# {say('Tables of a workspace')}\n\n{intro}\n" + "".join(_table(table, say) for table in TABLES.values())


def _table(table: Table, say: Callable[[str], str]) -> str:
    row = say("A row is {what}.").replace("{what}", say(table.meaning))
    lines = [f"\n## `{table.name}` {table.chinese}\n\n{row}\n\n"]
    lines.append(f"| {say('Column')} | 中文 | {say('Kind')} | {say('Meaning')} |\n|---|---|---|---|\n")
    for column in table.columns:
        star = "*" if column.required else ""
        accepted = "、".join((column.chinese, *column.aliases))
        kind = (
            say("numeric" if column.kind == "number" else column.kind)
            if column.codes is None
            else f"{say('one of')} " + ", ".join(column.codes)
        )
        default = "" if column.default is None else f" ({say('default')}: {str(column.default).lower()})"
        lines.append(f"| `{column.name}`{star} | {accepted} | {kind} | {say(column.meaning)}{default} |\n")
    if table.duration is not None:
        accepted = "、".join((table.duration.chinese, *table.duration.aliases))
        instead = say("In place of `end` a file may give `{name}` ({accepted}): {meaning}.")
        told = {"name": table.duration.name, "accepted": accepted, "meaning": say(table.duration.meaning)}
        lines.append(f"\n{instead.format(**told)}\n")
    return "".join(lines)


def commands_page(language: str = "en", say: Callable[[str], str] = str) -> str:
    """Describe every command with its options.

    Args:
        language: of the help, ``zh`` or ``en``.
        say: translates a sentence of the page itself.
    """
    group = spoken(app, language)
    sentences = (
        say("Every command but `serve`, `demo`, `backup` and `restore-backup` takes `--json`: one JSON object alone."),
        say(
            "Exit status 0: done; 1: the data has errors that prevent the answer; 2: wrong usage, or a package was replaced. "
            "`fudian --version` prints the version."
        ),
        say(
            "Texts and pages speak the language of the environment variable `FUDIAN_LANG` (`zh` or `en`), or else the system's. "
            "`?lang=` of a page counts before it; routes answer in English where no `?lang=` says otherwise. "
            "A language that is not known is noted on the page, and beside routes and exports in the header `X-Fudian-Note`."
        ),
    )
    lines = [f"# {say('Commands')}\n\n", "\n\n".join(sentences), "\n"]
    for name, command in commands_of(group):
        lines.append(f"\n## `fudian {name}`\n\n{command.help}\n\n")
        for parameter in command.params:
            words = " / ".join(f"`{word}`" for word in parameter.opts)
            lines.append(f"- {words}: {getattr(parameter, 'help', None) or ''}\n")
    return "".join(lines)


def commands_of(group: Any, before: str = "") -> Iterator[tuple[str, Any]]:
    """Give every command with its whole name, those of groups too."""
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from commands_of(command, f"{before}{name} ")
        else:
            yield f"{before}{name}", command


def questions_page(say: Callable[[str], str] = str) -> str:
    """Set the methods of ``fudian.Utility`` beside the commands, routes and pages that ask them.

    Args:
        say: translates a sentence.
    """
    intro = say(
        "`fudian.open(folder)` gives one object; every question of the field is one method of it. Commands, routes and pages "
        "ask the same methods with the same defaults."
    )
    head = " | ".join(say(word) for word in ("Method", "Answers", "Command", "Route", "Page"))
    lines = [f"# {say('Questions')}\n\n{intro}\n\n| {head} |\n|---|---|---|---|---|\n"]
    asking = (asked_by_commands(), asked_by_routes(), asked_by_pages())
    for name, method in QUESTIONS.items():
        cells = [", ".join(f"`{face}`" for face, asked in faces.items() if name in asked) for faces in asking]
        lines.append(f"| `{name}` | {say(answered(method))} | {' | '.join(cells)} |\n")
    return "".join(lines)


def answered(method: Callable[..., Any]) -> str:
    """Return what a question answers: the first line of its description, with names of code as on a page."""
    return re.sub(r":\w+:`([^`]+)`|``([^`]+)``", r"`\1\2`", (inspect.getdoc(method) or "").splitlines()[0])


def _questions() -> dict[str, Callable[..., Any]]:
    rooms = (
        ReliabilityQuestions,
        SteeringQuestions,
        ReportQuestions,
        RepairQuestions,
        LiveQuestions,
        CrewQuestions,
        FieldQuestions,
        PublicQuestions,
        DispatchQuestions,
        MessageQuestions,
        DeskQuestions,
        PlanningQuestions,
    )
    return {
        name: method
        for room in rooms
        for name, method in vars(room).items()
        if inspect.isfunction(method) and not name.startswith("_")
    }


QUESTIONS: Mapping[str, Callable[..., Any]] = _questions()
"""The methods of :class:`fudian.Utility` that answer a question."""


def asked_by_commands() -> dict[str, set[str]]:
    """Return which methods each command asks."""
    found = {}
    for path in sorted((PROJECT / "fudian" / "cli").glob("*.py")):
        for function in _functions(path):
            for decorator in function.decorator_list:
                if isinstance(decorator, ast.Call) and ast.unparse(decorator.func) == "app.command":
                    named = [str(arg.value) for arg in decorator.args if isinstance(arg, ast.Constant)]
                    found[f"fudian {named[0] if named else function.name.strip('_')}"] = _asked(function)
    return found


def asked_by_routes() -> dict[str, set[str]]:
    """Return which methods each route of the HTTP interface asks; routes of the desk that take something in ask none."""
    found = {}
    folder = PROJECT / "dashboard"
    for path in (
        *sorted((folder / "routes").glob("*.py")),
        folder / "intake" / "work.py",
        folder / "field" / "routes.py",
    ):
        for function in _functions(path):
            for decorator in function.decorator_list:
                if isinstance(decorator, ast.Call) and ast.unparse(decorator.func).startswith("routes."):
                    verb = ast.unparse(decorator.func).split(".")[1].upper()
                    asked = _asked(function)
                    if asked or path.parent.name == "routes":
                        found[f"{verb} {ast.literal_eval(decorator.args[0])}"] = asked
    return found


def asked_by_pages() -> dict[str, set[str]]:
    """Return which methods each page asks, its drawer and its cards among it."""
    folder = PROJECT / "dashboard" / "pages"
    cards = {
        "work_card": "dispatch",
        "crew_card": "dispatch",
        "loop_card": "dispatch",
        "plan_card": "dispatch",
        "diagram_card": "dispatch",
        "location_part": "dispatch",
        "grid_card": "management",
        "operation_card": "management",
        "process_card": "management",
        "avoidable_card": "management",
        "frequent_card": "frequent",
        "durations_card": "planned",
    }
    found: dict[str, set[str]] = {}
    for path in sorted(folder.glob("[a-z]*.py")):
        found.setdefault(cards.get(path.stem, path.stem), set()).update(_asked(ast.parse(path.read_text("utf-8"))))
    found["drawer"] = _asked(ast.parse((PROJECT / "dashboard" / "rows.py").read_text("utf-8")))
    return found


def _functions(path: Path) -> Iterator[ast.FunctionDef]:
    yield from (node for node in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(node, ast.FunctionDef))


ASKED = frozenset({"utility", "served.utility", "desk.utility", "asked", "opened", "fudian.open"})
"""How faces name an object that they ask."""


def _asked(tree: ast.AST) -> set[str]:
    """Return the questions that are called on an object named ``utility``, or on what opens one."""
    return {
        node.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and node.attr in QUESTIONS
        and ast.unparse(node.value).split("(")[0] in ASKED
    }  # fmt: skip


if __name__ == "__main__":
    for file, content in pages().items():
        (FOLDER / file).write_text(content, "utf-8")
        sys.stdout.write(f"{file}\n")
