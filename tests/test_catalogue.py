"""Every text of the code stands in the Chinese catalogue, with the same named places, and nothing else does."""

from __future__ import annotations

import ast
import os
import shutil
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from string import Formatter
from typing import Any

import pytest
import typer
from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po

from docs.generate import commands_page, questions_page, tables_page
from docs.settings_page import settings_page
from fudian.cli.app import app
from fudian.cli.spoken import HELP_WORDS, spoken
from network import texts, translate
from network.tables.schema import TABLES
from network.texts import COMPILING

ROOT = Path(__file__).parent.parent
CATALOGUE = ROOT / "network" / "locale" / "zh_CN" / "LC_MESSAGES" / "fudian.po"
FOLDERS = ("network", "reliability", "repair", "fudian", "dashboard")

TEXT_PLACES = {
    "text": (0,),
    "translate": (0,),
    "Text": (0,),
    "compose": (0,),
    "_rows": (4, 5),
    "working": (0,),
    "tell": (0,),
    "said_in": (0,),
    "UnknownIdError": (0,),
    "wrong": (2,),
    "say": (0,),
}
"""Functions whose arguments at these places are texts."""

TEXT_CONSTANTS = {
    "NOT_COUNTED",
    "NOT_COMPARED",
    "FINDINGS",
    "CODE_WORDS",
    "METRIC_NAMES",
    "_PAGE_NAMES",
    "_TAB_NAMES",
    "_STATES",
    "_BASIS_NAMES",
    "SENTENCES",
    "ROLE_NAMES",
    "_REASON_NAMES",
    "_PART_NAMES",
    "LEVER_NAMES",
    "STAGE_NAMES",
    "ACTION_NAMES",
    "MOVE_NAMES",
    "CAUSE_NAMES",
    "MESSAGE_STATE_NAMES",
    "MESSAGE_KIND_NAMES",
    "NOTICE_NAMES",
    "STATE_NAMES",
    "SKILL_NAMES",
    "TOLD_BY_NAMES",
    "FIGURE_NAMES",
    "_MEANING_NAMES",
    "SECTION_TITLES",
    "CREW_WORDS",
    "CLOCK_NAMES",
    "WHY_NAMES",
    "DISPATCH_FIGURE_NAMES",
    "SHOWN_STAGES",
    "USAGE_SENTENCES",
}
"""Module constants whose values are texts."""


def sources() -> list[Path]:
    return [*(path for folder in FOLDERS for path in sorted((ROOT / folder).rglob("*.py")))]


def constants(node: ast.expr) -> Iterator[str]:
    """Give the string that an expression is, or each of those that it chooses from."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.IfExp):
        yield from constants(node.body)
        yield from constants(node.orelse)


def texts_of(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
            for place in TEXT_PLACES.get(name, ()):
                if place < len(node.args):
                    yield from constants(node.args[place])
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            named = {target.id for target in targets if isinstance(target, ast.Name)}
            if named & TEXT_CONSTANTS and isinstance(node.value, ast.Dict):
                for value in node.value.values:
                    yield from constants(value)


@cache
def trees() -> tuple[ast.AST, ...]:
    return tuple(ast.parse(path.read_text("utf-8")) for path in sources())


@cache
def code_texts() -> frozenset[str]:
    found = {text for tree in trees() for text in texts_of(tree) if text}
    return frozenset(found | documented_texts())


def documented_texts() -> set[str]:
    """What the reference pages and the help say: the meaning of each column, setting, question, command and option."""
    said: list[str] = []

    def say(sentence: str) -> str:
        said.append(sentence)
        return sentence

    tables_page(say)
    settings_page(say)
    questions_page(say)
    commands_page(say=say)
    program = spoken(app, "en")
    said.extend(HELP_WORDS.values())
    said.extend(each for each in (program.help, program.epilog) if each)
    for command in all_commands(program):
        own = command.get_help_option(typer.Context(command))
        said.extend(told.help for told in (command, *command.params, own) if getattr(told, "help", None))
    return {each for each in said if each}


def all_commands(group: Any) -> Iterator[Any]:
    """Give a command and all below it, groups too."""
    yield group
    for below in getattr(group, "commands", {}).values():
        yield from all_commands(below)


def all_strings() -> set[str]:
    """Every string and keyword of the code: codes and column names are translated where they are shown, by their value."""
    nodes = [node for tree in trees() for node in ast.walk(tree)]
    strings = {node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    keywords = {node.arg for node in nodes if isinstance(node, ast.keyword) and node.arg}
    return strings | keywords | {name for table in TABLES.values() for name in table.names}


@pytest.fixture(scope="module")
def catalogue() -> Catalog:
    with CATALOGUE.open("rb") as source:
        return read_po(source)


def pairs(catalogue: Catalog) -> list[tuple[str, str]]:
    """Return each text with its translation, or an empty one."""
    return [(str(message.id), str(message.string or "")) for message in catalogue if message.id]


def places(template: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(template) if name is not None}


def test_the_collector_finds_texts() -> None:
    assert "There is no {kind} {id!r} in the network." in code_texts()
    assert len(code_texts()) > 300


def test_every_text_is_translated(catalogue: Catalog) -> None:
    known = {message.id for message in catalogue if message.id and message.string}
    assert sorted(code_texts() - known) == []


def test_named_places_are_the_same(catalogue: Catalog) -> None:
    different = [one for one, other in pairs(catalogue) if places(one) != places(other)]
    assert different == []


def test_every_translation_can_be_filled(catalogue: Catalog) -> None:
    for _, translated in pairs(catalogue):
        for literal, _, form, _ in Formatter().parse(translated):
            assert literal is not None
            assert form is None or "{" not in form


def test_what_is_read_is_what_was_compiled_from_the_catalogue(catalogue: Catalog) -> None:
    different = [one for one, other in pairs(catalogue) if translate(one, "zh") != (other or one)]
    assert different == [], f"run: {COMPILING}"


@pytest.mark.parametrize("compiled", [None, "older", "newer"])
def test_a_catalogue_edited_since_it_was_compiled_says_so(
    compiled: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, target = tmp_path / "fudian.po", tmp_path / "fudian.mo"
    shutil.copy(CATALOGUE, source)
    os.utime(source, (1000, 1000))
    if compiled is not None:
        shutil.copy(texts.CATALOGUES["zh"], target)
        os.utime(target, (999, 999) if compiled == "older" else (1001, 1001))
    monkeypatch.setitem(texts.CATALOGUES, "zh", target)
    if compiled == "newer":
        assert texts.catalogue.__wrapped__("zh").gettext("yes") == "是"
        return
    with pytest.warns(UserWarning, match=COMPILING):
        found = texts.catalogue.__wrapped__("zh").gettext("yes")
    assert found == ("yes" if compiled is None else "是")


def test_an_installed_catalogue_has_nothing_to_be_older_than(tmp_path: Path) -> None:
    assert not texts.is_stale(tmp_path / "fudian.mo")


@pytest.mark.parametrize(
    ("named", "language"),
    [
        ("zh", "zh"),
        ("en", "en"),
        ("EN", "en"),
        ("zh-CN", "zh"),
        ("zh_CN.UTF-8", "zh"),
        ("zh-Hans-CN", "zh"),
        (" en_GB@euro ", "en"),
        ("Chinese (Simplified)_China.936", "zh"),
        ("English_United States", "en"),
        ("fr", None),
        ("", None),
        ("C", None),
        ("english2", None),
        ("zhuang", None),
        ("z" * 10_000, None),
    ],
)
def test_a_language_is_known_by_any_of_its_usual_names(named: str, language: str | None) -> None:
    assert texts.language_of(named) == language


def test_a_text_may_name_its_places_as_it_likes() -> None:
    filled = texts.Text("{language} {text}", {"language": "fr", "text": 1})
    assert (filled.in_language("zh"), str(filled)) == ("fr 1", "fr 1")


def test_nothing_is_stale(catalogue: Catalog) -> None:
    used = code_texts() | all_strings()
    assert sorted(message.id for message in catalogue if message.id and message.id not in used) == []
