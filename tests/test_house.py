"""The floors of the house: who may import whom."""

import ast
from pathlib import Path

import pytest

PROJECT = Path(__file__).parent.parent
MAY_IMPORT = {
    "network": set(),
    "reliability": {"network"},
    "repair": {"network", "reliability"},
    "data_samples": {"network"},
    "fudian": {"network", "reliability", "repair"},
    "dashboard": {"network", "reliability", "repair", "fudian"},
    "fudian/cli": {"network", "reliability", "repair", "fudian", "dashboard", "data_samples"},
}
ROOMS = set(MAY_IMPORT)


def files(room: str) -> list[Path]:
    return [PROJECT / "fudian.py"] if room == "fudian" else sorted((PROJECT / room).rglob("*.py"))


def imported(path: Path) -> dict[str, int]:
    """Return every module a file imports, anywhere in it, with a line that does."""
    found = {}
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name: node.lineno for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno} imports relatively"
            found[node.module or ""] = node.lineno
    return found


@pytest.mark.parametrize("room", sorted(ROOMS))
def test_no_import_climbs_a_floor(room: str) -> None:
    wrong = [
        f"{path.relative_to(PROJECT)}:{line} imports {module}"
        for path in files(room)
        for module, line in imported(path).items()
        if (other := module.split(".")[0]) in ROOMS and other != room and other not in MAY_IMPORT[room]
    ]
    assert not wrong, wrong


def test_networkx_is_never_on_a_hot_path() -> None:
    users = {str(path.relative_to(PROJECT)) for room in ROOMS for path in files(room) if "networkx" in imported(path)}
    assert users <= {"network/topology.py"}


def test_every_public_name_is_documented() -> None:
    bare = []
    for room in ROOMS:
        for path in files(room):
            tree = ast.parse(path.read_text("utf-8"))
            if ast.get_docstring(tree) is None:
                bare.append(str(path.relative_to(PROJECT)))
            for node in ast.walk(tree):
                public = isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_")
                if public and ast.get_docstring(node) is None and node in tree.body:  # type: ignore[union-attr]
                    bare.append(f"{path.relative_to(PROJECT)}:{node.lineno} {node.name}")
    assert not bare, bare


def test_no_file_tells_of_one_machine() -> None:
    words = ("/" + "work/", "/" + "root/", "/" + "home/", "/" + "tmp/")
    said = [
        f"{path.relative_to(PROJECT)}: {word}"
        for room in ROOMS
        for path in files(room)
        for word in words
        if word in path.read_text("utf-8")
    ]
    assert not said, said
