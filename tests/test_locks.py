"""The lists of exact versions answer what ``pyproject.toml`` asks for, and each version can be held against its hashes."""

from __future__ import annotations

import re
import tomllib
from collections import defaultdict
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

PROJECT = Path(__file__).parent.parent
ASKED = tomllib.loads((PROJECT / "pyproject.toml").read_text("utf-8"))
EXTRAS, GROUPS = ASKED["project"]["optional-dependencies"], ASKED["dependency-groups"]
ENVIRONMENTS = {
    "run": [],
    "test": [*GROUPS["test"], *GROUPS["lint"], *GROUPS["docs"]],
    "interop": [*EXTRAS["pandapower"], *EXTRAS["opendss"], *EXTRAS["spark"], *GROUPS["interop"]],
}


def text_of(environment: str) -> str:
    return (PROJECT / "locks" / f"{environment}.txt").read_text("utf-8")


def locked(environment: str) -> dict[str, list[str]]:
    """Return the versions by name; there are several where newer Pythons take newer ones."""
    found = defaultdict(list)
    for name, version in re.findall(r"^([\w.-]+)(?:\[[\w,]+\])?==(\S+)", text_of(environment), re.MULTILINE):
        found[canonicalize_name(name)].append(version)
    return found


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_every_requirement_is_locked_within_its_bounds(environment: str) -> None:
    versions = locked(environment)
    for line in [*ASKED["project"]["dependencies"], *GROUPS["build"], *ENVIRONMENTS[environment]]:
        asked = Requirement(line)
        found = versions[canonicalize_name(asked.name)]
        assert found, f"{asked.name} is not in locks/{environment}.txt: make locks"
        assert all(asked.specifier.contains(version) for version in found), f"{line}: locked at {found}: make locks"


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_every_version_has_its_hashes_and_no_list_names_an_address(environment: str) -> None:
    entries = re.split(r"\n(?=\S)", text_of(environment).strip())
    assert len(entries) > 50
    assert all(re.search(r"--hash=sha256:[0-9a-f]{64}", entry) for entry in entries)
    assert "://" not in text_of(environment)


def test_what_builds_the_package_is_what_the_environments_have() -> None:
    assert GROUPS["build"] == ASKED["build-system"]["requires"]
