"""What is there is documented: the reference pages equal their source, and the README's commands exist."""

import ast
import doctest
import importlib
import inspect
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer.main
import yaml
from typer.core import TyperArgument

from docs.api_page import PACKAGES, members, public_names
from docs.generate import FOLDER, QUESTIONS, asked_by_commands, asked_by_routes, commands_of, pages
from docs.http_page import description
from docs.settings_page import GENERAL, toml_of
from fudian.cli.app import app
from fudian.settings import RESTS_ON, SETTINGS
from network.tables.schema import TABLES
from network.tables.settings import GENERAL_SETTINGS, Settings
from network.tables.words import words_of
from reliability.settings import ReliabilitySettings
from repair.settings import CrewSettings, InferenceSettings, PlannedSettings

PROJECT = Path(__file__).parent.parent


@pytest.mark.parametrize("page", pages())
def test_a_reference_page_equals_its_source(page: str) -> None:
    assert (FOLDER / page).read_text("utf-8") == pages()[page], "run: python -m docs.generate"


# What is public -------------------------------------------------------------------------------------------------------


def test_packages_show_public_names_alone() -> None:
    for package in PACKAGES:
        room = importlib.import_module(package)
        assert dir(room) == sorted(room.__all__)
        assert all(hasattr(room, name) for name in room.__all__)


def functions() -> Iterator[tuple[str, Any]]:
    """Give every public function, method and property by its name."""
    for name, found in public_names():
        if inspect.isfunction(found):
            yield name, found
        elif inspect.isclass(found) and not issubclass(found, Settings):
            for member, what in members(found):
                inner = getattr(what, "__func__", None) or getattr(what, "fget", None) or getattr(what, "func", what)
                yield f"{name}.{member}", inner


def test_everything_public_is_documented() -> None:
    found = dict(functions())
    assert len(found) > 200
    assert not {name for name, what in found.items() if not inspect.getdoc(what)}
    assert not {name for name, what in public_names() if not inspect.getdoc(what)}


def test_parameters_that_a_docstring_lists_are_those_there_are() -> None:
    for name, what in functions():
        listed = (inspect.getdoc(what) or "").partition("\nArgs:\n")[2].partition("\n\n")[0]
        documented = set(re.findall(r"^    (\w+): ", listed, re.MULTILINE))
        parameters = set(inspect.signature(what).parameters) - {"self", "cls"}
        assert not documented or documented == parameters, name


def test_public_signatures_say_their_types() -> None:
    bare = re.compile(r"^Any( \| None)?$")
    for name, what in functions():
        signature = inspect.signature(what)
        stated = [parameter.annotation for parameter in signature.parameters.values()]
        if not isinstance(what, type):
            stated.append(signature.return_annotation)
        assert not any(bare.match(str(each)) for each in stated), name
        missing = [each.name for each in signature.parameters.values() if each.annotation is each.empty]
        assert set(missing) <= {"self", "cls"}, name


def test_every_route_is_described_with_its_parameters_and_the_form_of_its_answer() -> None:
    told = description()
    routes = {(verb, path): route for path, verbs in told["paths"].items() for verb, route in verbs.items()}
    assert len(routes) > 40
    for name, route in routes.items():
        assert route["description"], name
        for parameter in route.get("parameters", ()):
            assert parameter.get("description"), (name, parameter["name"])
        content = route["responses"]["200"].get("content", {})
        schema = content.get("application/json", {}).get("schema", {})
        assert "$ref" in schema or "application/json" not in content, name


def test_every_column_command_and_option_says_what_it_is() -> None:
    for table in TABLES.values():
        assert table.meaning
        assert all(column.meaning for column in table.columns), table.name
    for name, command in commands_of(typer.main.get_command(app)):
        assert command.help, name
        for parameter in command.params:
            assert isinstance(parameter, TyperArgument) or parameter.help, (name, parameter.name)


@pytest.mark.parametrize("module", ["fudian", "fudian.utility", "network", "reliability"])
def test_examples_in_docstrings_are_true(module: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(PROJECT)
    outcome = doctest.testmod(importlib.import_module(module))
    assert outcome.attempted
    assert not outcome.failed


def test_all_examples_in_docstrings_are_tried() -> None:
    rooms = (path for room in PACKAGES for path in (PROJECT / room).rglob("*.py"))
    with_examples = {
        path.relative_to(PROJECT) for path in rooms if re.search(r"^\s+>>> ", path.read_text("utf-8"), re.M)
    }
    assert with_examples == {
        Path(path)
        for path in ("fudian/__init__.py", "fudian/utility.py", "network/__init__.py", "reliability/__init__.py")
    }


# Settings -------------------------------------------------------------------------------------------------------------


def test_every_subject_of_settings_is_registered() -> None:
    assert set(SETTINGS.values()) == set(Settings.__subclasses__())


def test_what_stands_outside_the_subjects_can_be_typed_as_it_stands() -> None:
    typed = tomllib.loads(GENERAL)
    assert set(typed) == set(GENERAL_SETTINGS)
    words, problems = words_of(typed)
    assert not problems
    assert (len(words.files), len(words.headers), len(words.codes)) == (1, 4, 2)


@pytest.mark.parametrize("subject", SETTINGS)
def test_settings_can_be_typed_as_they_stand(subject: str) -> None:
    """As written they are the defaults; with the examples of what is not set by default they are permitted too."""
    settings = SETTINGS[subject]
    written = toml_of(settings)
    assert settings.of(tomllib.loads(written)) == settings()
    by_example = re.sub(r"^# (\w+ = .*?)   # not set by default$", r"\1", written, flags=re.MULTILINE)
    assert set(tomllib.loads(by_example)[subject]) == set(settings.model_fields)
    settings.of(tomllib.loads(by_example))
    for name, example in re.findall(r"^# for example: (\w+) = (.*)$", written, re.MULTILINE):
        assert settings.of({subject: tomllib.loads(f"{name} = {example}")}).changed()


def test_every_question_that_a_face_asks_says_which_settings_it_rests_on() -> None:
    asked = set().union(*asked_by_commands().values(), *asked_by_routes().values())
    assert asked - {"write_report", "diff"} == set(RESTS_ON)  # a file; and a form of tables alone
    assert set(RESTS_ON) <= set(QUESTIONS)
    assert {subject for subjects in RESTS_ON.values() for subject in subjects} <= set(SETTINGS)


@pytest.mark.parametrize("readme", ["README.md", "README.zh-CN.md"])
def test_the_readme_speaks_of_what_exists(readme: str) -> None:
    text = (PROJECT / readme).read_text("utf-8")
    commands = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    named = set(re.findall(r"fudian ([a-z][a-z0-9-]*)", text))
    assert named <= set(commands), named - set(commands)
    for link in re.findall(r"\]\(([^)#]+)\)", text):
        assert (PROJECT / link).exists(), link


def references() -> Iterator[tuple[Path, str]]:
    """Give every name of the house that a docstring refers to."""
    for room in ("network", "reliability", "repair", "fudian", "dashboard", "data_samples"):
        for path in sorted((PROJECT / room).rglob("*.py")):
            for name in re.findall(r":(?:mod|func|class|meth|data|attr):`~?([A-Za-z_.0-9]+)`", path.read_text("utf-8")):
                if name.split(".")[0] == room or name.split(".")[0] in {"network", "reliability", "repair", "fudian"}:
                    yield path, name


def exists(name: str) -> bool:
    """Tell whether a dotted name is a module, or stands in one."""
    parts = name.split(".")
    for length in range(len(parts), 0, -1):
        try:
            found: object = importlib.import_module(".".join(parts[:length]))
        except ModuleNotFoundError:
            continue
        return all(
            hasattr(found := getattr(found, part, None), "__doc__") and found is not None for part in parts[length:]
        )
    return False


def test_what_docstrings_refer_to_exists() -> None:
    found = list(references())
    assert len(found) > 50
    for path, name in found:
        assert exists(name), f"{path.relative_to(PROJECT)} refers to {name}"


@pytest.mark.parametrize("page", sorted(FOLDER.glob("*.md")), ids=lambda page: page.stem)
def test_links_of_documents_lead_somewhere(page: Path) -> None:
    for link in re.findall(r"\]\(([^)#]+\.(?:md|png|svg))\)", page.read_text("utf-8")):
        assert link.startswith("http") or (page.parent / link).exists(), link


# The field reference ------------------------------------------------------------------------------------------------

ROOMS = ("network", "reliability", "repair", "fudian", "dashboard", "data_samples", "docs", "tests", "benchmarks")
REFERENCE = (FOLDER / "field_reference.md").read_text("utf-8")
OWNED = set(re.findall(r"^#{2,4} (R1\.\d+|\d+(?:\.\d+)?) ", REFERENCE, re.MULTILINE))
"""Rules and sections that have a heading in the field reference."""

ONE = r"(?:R1\.\d+|[1-9]\.\d)"
IN_BRACKETS = re.compile(rf"\(({ONE}(?:[,;] {ONE})*)\)")
BY_NAME = re.compile(r"field\s+reference,?\s+((?:\d+(?:\.\d+)?(?:, | and |–)?)+)", re.IGNORECASE)
RULE = re.compile(r"\bR1\.\d+\b")

ELSEWHERE = re.compile(
    r"\b(?:domain|design|contract|cases|ecosystem|style)\.md|\(Q\d+\)|\[S\d+\]|\bSEED \d|\b[Ii]ssue \d"
    r"|\bof the contract\b|\bcontract's\b"
)
"""Words by which a text would send its reader to a document that is not in the project."""


def sources() -> list[Path]:
    return [path for room in ROOMS for path in sorted((PROJECT / room).rglob("*.py"))]


def documents() -> list[Path]:
    """Give every document of the project, and the catalogue of texts."""
    found = [*PROJECT.glob("*.md"), *(path for room in ROOMS for path in (PROJECT / room).rglob("*.md"))]
    return [*sorted(found), PROJECT / "network/locale/zh_CN/LC_MESSAGES/fudian.po"]


def strings_of(path: Path) -> Iterator[str]:
    """Give the strings of a module, docstrings among them."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def sections_named_in(path: Path) -> set[str]:
    """Return the rules and sections of the field reference that a file refers to."""
    text = path.read_text("utf-8")
    found = set(RULE.findall(text))
    for numbers in BY_NAME.findall(text):
        found |= set(re.findall(r"\d+(?:\.\d+)?", numbers))
    for string in strings_of(path) if path.suffix == ".py" else ():
        for numbers in IN_BRACKETS.findall(string):
            found |= set(re.findall(ONE, numbers))
    return found


def test_the_field_reference_owns_every_rule_and_section_that_is_named() -> None:
    assert {f"R1.{number}" for number in range(1, 24)} <= OWNED
    named = {path: sections_named_in(path) for path in (*sources(), *documents()) if path != Path(__file__)}
    assert len(set().union(*named.values())) > 40
    missing = {str(path.relative_to(PROJECT)): found - OWNED for path, found in named.items() if found - OWNED}
    assert not missing


def test_a_reference_that_leads_nowhere_is_found(tmp_path: Path) -> None:
    page, module = tmp_path / "page.md", tmp_path / "module.py"
    page.write_text("as field reference 6.2 and 6.9 have it, R1.77", "utf-8")
    module.write_text('"""Told in time (5.2, 8.8); see field reference 7.2–7.4."""\nRATE = (3.5)\n', "utf-8")
    assert sections_named_in(page) - OWNED == {"6.9", "R1.77"}
    assert sections_named_in(module) == {"5.2", "8.8", "7.2", "7.4"}


def test_no_text_sends_its_reader_to_a_document_that_is_not_there() -> None:
    for path in (*sources(), *documents()):
        if path == Path(__file__):
            continue
        text = path.read_text("utf-8")
        assert not ELSEWHERE.search(text), f"{path.relative_to(PROJECT)}: {ELSEWHERE.search(text)}"
        names_own_pages = path.suffix == ".po" or path.stem in {"site", "test_site"}
        for name in () if names_own_pages else re.findall(r"[\w-][\w./-]*\.md\b", text):
            places = (PROJECT, path.parent, FOLDER)
            assert any((place / name).exists() for place in places), f"{path.relative_to(PROJECT)} names {name}"


def test_what_the_field_reference_names_is_in_the_code() -> None:
    code = "\n".join(path.read_text("utf-8") for path in sources() if path.parts[-2] != "tests")
    words = set(re.findall(r"[\w-]+", code))
    glossary = REFERENCE.partition("## 10 Glossary")[2]
    named = set(re.findall(r"`([a-z]{2,}(?:_[a-z0-9]+)+)`", REFERENCE)) | set(re.findall(r"`([\w-]+)`", glossary))
    assert len(named) > 100
    assert not named - words


def test_settings_that_a_rule_names_stand_in_its_section() -> None:
    """A setting whose description refers to a section is told there, by its name."""
    parts = re.split(r"^#{2,4} (R1\.\d+|\d+(?:\.\d+)?) ", REFERENCE, flags=re.MULTILINE)
    section = dict(zip(parts[1::2], parts[2::2], strict=True))
    described = [
        (name, numbers)
        for settings in (ReliabilitySettings, InferenceSettings, PlannedSettings, CrewSettings)
        for name, field in settings.model_fields.items()
        for numbers in IN_BRACKETS.findall(field.description or "")
    ]
    assert len(described) > 30
    for name, numbers in described:
        told = [number for number in re.findall(ONE, numbers) if re.search(rf"\b{name}\b", section[number])]
        assert told, f"{name}: none of {numbers} tells of it"


def test_defaults_that_the_field_reference_tells_are_those_of_the_settings() -> None:
    fields = {
        name: field.default
        for settings in (ReliabilitySettings, InferenceSettings, PlannedSettings, CrewSettings)
        for name, field in settings.model_fields.items()
    }
    told = re.findall(r"`?([a-z]+(?:_[a-z]+)+)`?(?: \(| = |, )(\d+(?:\.\d+)?)(?: min| \[|\)| \()", REFERENCE)
    stated = [(name, float(value)) for name, value in told if name in fields]
    assert len(stated) > 12
    for name, value in stated:
        assert fields[name] == value, name


def test_the_rules_page_holds_every_rule_and_its_proofs_exist() -> None:
    page = (FOLDER / "rules.md").read_text("utf-8")
    assert set(re.findall(r"^\| (R1\.\d+) ", page, re.MULTILINE)) == {name for name in OWNED if name.startswith("R1.")}
    for proof in re.findall(r"`([\w/]*test_\w+\.py)`", page):
        assert (PROJECT / proof if "/" in proof else PROJECT / "tests/reliability" / proof).exists(), proof


# For those who carry on -----------------------------------------------------------------------------------------------


def test_what_the_guide_for_contributors_names_is_there() -> None:
    """Files, targets of make and constants; the example names files of its own."""
    text = (PROJECT / "CONTRIBUTING.md").read_text("utf-8")
    paths = set(re.findall(r"`([\w.-]+(?:/[\w.-]+)+(?:\.\w+)?)/?`", text)) | set(
        re.findall(r"(?:tests|docs)/[\w/]+\.\w+", text)
    )
    assert len(paths) > 25
    made = {path for path in paths if not path.startswith((".venv", "my-county", "build/"))}
    assert not {path for path in made if not (PROJECT / path).exists()}
    targets = set(re.findall(r"^([a-z-]+):", (PROJECT / "Makefile").read_text("utf-8"), re.MULTILINE))
    assert set(re.findall(r"make ([a-z-]+)", text.replace("make is", ""))) <= targets
    code = "\n".join(path.read_text("utf-8") for path in sources())
    for name in re.findall(r"`(_?[A-Z][A-Z_]{3,})`", text):
        assert re.search(rf"^{name}\b", code, re.MULTILINE), name


def test_links_of_the_front_pages_lead_somewhere() -> None:
    for page in ("CONTRIBUTING.md", "CHANGELOG.md"):
        for link in re.findall(r"\]\(([^)#]+)\)", (PROJECT / page).read_text("utf-8")):
            assert link.startswith("https://") or (PROJECT / link).exists(), link


def test_the_changelog_tells_of_this_version_and_of_commands_that_exist() -> None:
    text = (PROJECT / "CHANGELOG.md").read_text("utf-8")
    version = tomllib.loads((PROJECT / "pyproject.toml").read_text("utf-8"))["project"]["version"]
    headings = re.findall(r"^## \[([^]]+)\]", text, re.MULTILINE)
    assert headings[:2] == ["Unreleased", version]
    assert set(headings) <= set(re.findall(r"^\[([^]]+)\]: https://", text, re.MULTILINE))
    commands = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    assert set(re.findall(r"`fudian ([a-z][a-z-]*)`", text)) <= set(commands)


def test_hooks_before_a_commit_are_those_of_the_gate_and_download_nothing() -> None:
    config = yaml.safe_load((PROJECT / ".pre-commit-config.yaml").read_text("utf-8"))
    assert [repo["repo"] for repo in config["repos"]] == ["local"]
    hooks = config["repos"][0]["hooks"]
    assert {hook["language"] for hook in hooks} == {"system"}
    lint = (
        (PROJECT / "Makefile")
        .read_text("utf-8")
        .partition("\nlint:")[2]
        .partition("\n\n")[0]
        .replace("$(BIN)", ".venv/bin")
    )
    ran = [line.strip().removesuffix(" .") for line in lint.splitlines()[1:]]
    assert [hook["entry"] for hook in hooks] == ran


def test_every_benchmark_stands_on_its_page_and_runs_by_the_commands_there() -> None:
    page = (FOLDER / "benchmarks.md").read_text("utf-8")
    programs = {path.name for path in (PROJECT / "benchmarks").glob("[a-z]*.py")}
    assert set(re.findall(r"`benchmarks/(\w+\.py)`", page)) == programs
    assert {f"{name}.py" for name in re.findall(r"-m benchmarks\.(\w+)", page)} <= programs
    runnable = {path.name for path in (PROJECT / "benchmarks").glob("*.py") if '"__main__"' in path.read_text("utf-8")}
    assert {f"{name}.py" for name in re.findall(r"-m benchmarks\.(\w+)", page)} == runnable


# Both languages -------------------------------------------------------------------------------------------------------

PAIRS = [
    (PROJECT / "README.md", PROJECT / "README.zh-CN.md"),
    *((FOLDER / page.name, page) for page in sorted((FOLDER / "zh").glob("*.md"))),
]
"""Each page with the one in Chinese."""


def parts_of(page: Path) -> tuple[list[str], list[str]]:
    """Return the levels of a page's headings, and its code without comments."""
    text = page.read_text("utf-8")
    blocks = re.findall(r"^```.*?^```$", text, re.MULTILINE | re.DOTALL)
    prose = re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)
    return (
        re.findall(r"^#+(?= )", prose, re.MULTILINE),
        [re.sub(r"\s+#.*$", "", block, flags=re.MULTILINE) for block in blocks],
    )


@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: pair[1].stem)
def test_a_page_in_chinese_has_the_headings_and_code_of_the_english_one(pair: tuple[Path, Path]) -> None:
    """A change of one reminds of the other."""
    assert pair[0].exists(), f"{pair[1].name} has no page in English"
    for english, chinese in zip(parts_of(pair[0]), parts_of(pair[1]), strict=True):
        assert chinese == english


def test_pages_that_users_read_stand_in_chinese() -> None:
    there = {page.name for _, page in PAIRS}
    assert {
        "README.zh-CN.md", "clerks.md", "rules.md", "planned_outages.md", "formats.md", "serving.md", "steering.md",
        "restoration.md", "inference.md", "desk.md", "questions.md",
    } <= there  # fmt: skip


@pytest.mark.parametrize("page", sorted((FOLDER / "zh").glob("*.md")), ids=lambda page: page.stem)
def test_links_of_pages_in_chinese_lead_somewhere(page: Path) -> None:
    for link in re.findall(r"\]\(([^)#]+\.(?:md|png|svg))\)", page.read_text("utf-8")):
        assert link.startswith("http") or (page.parent / link).exists(), link
        assert not (page.parent / Path(link).name).exists() or not link.startswith("../"), f"{link} stands in Chinese"
