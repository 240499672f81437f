"""What the build does besides pyproject.toml: compiles the catalogue of texts, and makes links that hold on a package page."""

import re
import tomllib
from pathlib import Path

from setuptools import setup
from setuptools.command.build import build

PROJECT = Path(__file__).parent
HOME = tomllib.loads((PROJECT / "pyproject.toml").read_text("utf-8"))["project"]["urls"]["Repository"]


def package_page() -> str:
    """Return the README with every link to a file of the project as a link to its public home."""
    readme = (PROJECT / "README.md").read_text("utf-8")
    readme = re.sub(r"!\[([^]]*)\]\((?!https?:)([^)]+)\)", rf"![\1]({HOME}/raw/main/\2)", readme)
    return re.sub(r"\]\((?!https?:|#)([^)]+)\)", rf"]({HOME}/blob/main/\1)", readme)


# Also when installed editable: Babel is then in the environment of the build, and need not be in that of the user.
build.sub_commands.insert(0, ("compile_catalog", None))

setup(
    long_description=package_page(),
    long_description_content_type="text/markdown",
    options={"compile_catalog": {"domain": "fudian", "directory": "network/locale"}},
)
