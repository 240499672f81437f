"""The shape of the house in figures: files in each room, imports between rooms, circles, and the way of five questions.

    python -m benchmarks.house [FOLDER]

FOLDER is another checkout, whose imports are counted instead; questions are asked of this one.
"""

import ast
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType
from typing import Any

import networkx as nx

PROJECT = Path(__file__).parents[1]
ROOMS = ("network", "reliability", "repair", "fudian", "dashboard", "data_samples")


def modules(project: Path) -> dict[str, Path]:
    """Return the modules of the house by name."""
    paths = [path for room in ROOMS for path in (project / room).rglob("*.py")]
    paths += [project / "fudian.py"] if (project / "fudian.py").exists() else []
    named = {path: path.relative_to(project).with_suffix("").parts for path in paths}
    return {".".join(parts[:-1] if parts[-1] == "__init__" else parts): path for path, parts in named.items()}


def room_of(module: str, known: set[str]) -> str:
    """Return the folder that a module stands in, or the package itself for those on its floor."""
    parts = module.split(".")
    return ".".join(parts[:2]) if len(parts) > 2 or any(each.startswith(f"{module}.") for each in known) else parts[0]


def imports(project: Path) -> dict[str, set[str]]:
    """Return which modules each module imports, lazily or for types only too."""
    known = modules(project)
    arrows: dict[str, set[str]] = {}
    for module, path in known.items():
        found: set[str] = set()
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Import):
                found |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                for alias in node.names:
                    whole = f"{node.module}.{alias.name}"
                    found.add(whole if whole in known else node.module)
        arrows[module] = {name for name in found if name in known and name != module}
    return arrows


def tell_structure(project: Path) -> None:
    arrows = imports(project)
    known = set(arrows)
    files = Counter(room_of(module, known) for module in known)
    print(
        f"files: {sum(files.values())}; by room: "
        + ", ".join(f"{room} {count}" for room, count in sorted(files.items()))
    )
    between = Counter(
        (room_of(tail, known), room_of(head, known))
        for tail, heads in arrows.items()
        for head in heads
        if room_of(tail, known) != room_of(head, known)
    )
    print(
        f"imports: {sum(map(len, arrows.values()))} in all, {sum(between.values())} between {len(between)} pairs of rooms"
    )
    graph = nx.DiGraph((tail, head) for tail, heads in arrows.items() for head in heads)
    circles = [sorted(component) for component in nx.strongly_connected_components(graph) if len(component) > 1]
    print(f"circles: {len(circles)} {circles or ''}")


def questions() -> dict[str, Callable[[], Any]]:
    """Return five questions, asked as the command line asks them."""
    import contextlib
    import io

    from data_samples.generator.county import COUNTY
    from fudian.cli.app import main

    def command(*words: str) -> Callable[[], None]:
        def ask() -> None:
            with contextlib.suppress(SystemExit), contextlib.redirect_stdout(io.StringIO()):
                main([words[0], str(COUNTY), *words[1:], "--json"])

        return ask

    return {
        "SAIDI of rural users": command("indices", "--by", "region_class"),
        "who is off when F03-K02 opens": command("affected", "--open", "F03-K02"),
        "where the fault is": command("locate", "--signals", str(COUNTY / "signals" / "incident-1.csv")),
        "the restoration plan": command("restore", "--fault", "F03-L05"),
        "the check of a plan": command("precheck", "--plan-id", "JH00153"),
    }


def rooms_on(frame: FrameType | None) -> Iterator[str]:
    """Give the rooms on a stack of calls, innermost first, as often as the way enters them."""
    last = None
    while frame is not None:
        path = frame.f_code.co_filename
        if path.startswith(str(PROJECT)):
            parts = Path(path).relative_to(PROJECT).parts
            room = "fudian.cli" if parts[:2] == ("fudian", "cli") else parts[0]
            is_told = room == "fudian.cli" and last is None  # a face that is told how far the work is
            if room in (*ROOMS, "fudian.cli") and room != last and not is_told:
                yield room
                last = room
        frame = frame.f_back


def way_of(ask: Callable[[], Any]) -> tuple[str, ...]:
    """Return the longest way through rooms that one question takes, looked at every millisecond."""
    seen: set[tuple[str, ...]] = set()
    asking, over = threading.get_ident(), threading.Event()

    def watch() -> None:
        while not over.wait(0.001):
            seen.add(tuple(rooms_on(sys._current_frames()[asking]))[::-1])

    watcher = threading.Thread(target=watch)
    watcher.start()
    ask()
    over.set()
    watcher.join()
    return max(seen, key=len, default=())


def main() -> None:
    other = Path(sys.argv[1]) if len(sys.argv) > 1 else None
    tell_structure(other or PROJECT)
    if other is None:
        for name, ask in questions().items():
            way = way_of(ask)
            print(f"{name}: {len(way)} rooms, {' → '.join(way)}{' (one twice)' if len(set(way)) < len(way) else ''}")


if __name__ == "__main__":
    main()
