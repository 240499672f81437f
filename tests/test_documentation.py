"""What is there is documented: the reference pages equal their source, and the README's commands exist."""

import re
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
