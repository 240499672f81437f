"""The floors of the house: who may import whom."""

import ast
from importlib import import_module
from pathlib import Path
from types import ModuleType

import networkx as nx
import pytest

PROJECT = Path(__file__).parent.parent
FLOORS = ("network", "reliability", "repair", "fudian", "dashboard", "fudian/cli")
"""From the ground up: a room may import from the floors below it."""

MAY_IMPORT = {floor: set(FLOORS[:number]) for number, floor in enumerate(FLOORS)} | {"data_samples": {"network"}}
MAY_IMPORT["fudian/cli"].add("data_samples")
ROOMS = set(MAY_IMPORT)


def files(room: str) -> list[Path]:
    own = sorted((PROJECT / room).rglob("*.py"))
    return [path for path in own if room_of(module_of(path)) == room]


def module_of(path: Path) -> str:
    parts = path.relative_to(PROJECT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def room_of(module: str) -> str:
    first, _, rest = module.partition(".")
    return "fudian/cli" if first == "fudian" and rest.split(".")[0] == "cli" else first


def imported(path: Path) -> dict[str, int]:
    """Return every module a file imports, anywhere in it (lazy and type-only imports too), with a line that does."""
    found = {}
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name: node.lineno for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno} imports relatively"
            found |= {owner(f"{node.module}.{alias.name}"): node.lineno for alias in node.names}
    return found


def owner(name: str) -> str:
    """Return the module that a dotted name stands in: itself if it is one."""
    parts = PROJECT.joinpath(*name.split("."))
    return name if parts.is_dir() or parts.with_suffix(".py").exists() else name.rpartition(".")[0]


def imports_of_house() -> dict[str, set[str]]:
    """Return which modules of the house each module of the house imports."""
    paths = {module_of(path): path for room in ROOMS for path in files(room)}
    return {module: {name for name in imported(path) if name in paths} for module, path in paths.items()}


def circles(arrows: dict[str, set[str]]) -> list[list[str]]:
    graph = nx.DiGraph((tail, head) for tail, heads in arrows.items() for head in heads)
    return [sorted(circle) for circle in nx.strongly_connected_components(graph) if len(circle) > 1]


@pytest.mark.parametrize("room", sorted(ROOMS))
def test_no_import_climbs_a_floor(room: str) -> None:
    wrong = [
        f"{path.relative_to(PROJECT)}:{line} imports {module}"
        for path in files(room)
        for module, line in imported(path).items()
        if (other := room_of(module)) in ROOMS and other != room and other not in MAY_IMPORT[room]
    ]
    assert files(room)
    assert not wrong, wrong


def test_no_modules_import_each_other_in_a_circle() -> None:
    assert circles(imports_of_house()) == []


@pytest.mark.parametrize("room", ["network", "reliability", "repair", "fudian", "dashboard", "data_samples"])
def test_the_rooms_of_a_folder_stand_above_each_other(room: str) -> None:
    """A subfolder is one room, a file on the floor of its folder another; what the folder shows to others stands above all."""

    def place(module: str) -> str:
        parts = module.split(".")
        return ".".join(parts[:2])

    arrows: dict[str, set[str]] = {}
    for module, others in imports_of_house().items():
        if module.split(".")[0] == room:
            own = {place(other) for other in others if other.split(".")[0] == room and other != room}
            arrows.setdefault(place(module), set()).update(own - {place(module)})
    assert circles(arrows) == []


def test_no_public_name_hides_a_module() -> None:
    for room in sorted(ROOMS):
        package = import_module(room.replace("/", "."))
        for name in getattr(package, "__all__", ()):
            path = PROJECT / room / name
            is_module = path.is_dir() or path.with_suffix(".py").exists()
            assert not is_module or isinstance(getattr(package, name), ModuleType), f"{room}.{name}"


def test_networkx_is_never_on_a_hot_path() -> None:
    users = {str(path.relative_to(PROJECT)) for room in ROOMS for path in files(room) if "networkx" in imported(path)}
    assert users <= {"network/model.py"}


def test_every_public_name_is_documented() -> None:
    bare = []
    for room in ROOMS:
        for path in files(room):
            tree = ast.parse(path.read_text("utf-8"))
            if ast.get_docstring(tree) is None:
                bare.append(str(path.relative_to(PROJECT)))
            for node in tree.body:
                if not isinstance(node, ast.FunctionDef | ast.ClassDef) or node.name.startswith("_"):
                    continue
                if ast.get_docstring(node) is None:
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
