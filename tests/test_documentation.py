"""What is there is documented: the reference pages equal their source, and the README's commands exist."""

import importlib
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer.main

from docs.generate import FOLDER, pages
from fudian.cli.app import app

PROJECT = Path(__file__).parent.parent


@pytest.mark.parametrize("page", ["tables.md", "settings.md", "commands.md", "questions.md"])
def test_a_reference_page_equals_its_source(page: str) -> None:
    assert (FOLDER / page).read_text("utf-8") == pages()[page], "run: python -m docs.generate"


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
            found = importlib.import_module(".".join(parts[:length]))
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
