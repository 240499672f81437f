"""What is done with a broken input: it is read as its kind, and ends in a result or a named problem."""

from __future__ import annotations

import importlib.util
import io
import json
import multiprocessing
import resource
import shutil
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from random import Random
from typing import Any

from fudian.cli.terminal import json_of
from network import FudianError, build_network, read_workspace
from network.readers.cim_e import read_cim_e
from network.readers.cim_xml import read_cim_xml
from network.readers.opendss import read_opendss
from network.readers.opendss_script import read_script
from network.readers.pandapower import read_pandapower
from network.tables.workspace import Workspace
from repair import Inference
from tests.fuzz import seeds
from tests.fuzz.mutations import broken

MEMORY = 2 << 30
"""Bytes that one input may take beyond what the program takes anyhow."""

HAS_OPENDSS = importlib.util.find_spec("opendssdirect") is not None
HAS_PANDAPOWER = importlib.util.find_spec("pandapower") is not None


@dataclass
class Kind:
    """One kind of input: its seeds, how often it is tried, and what reads it."""

    seeds: list[tuple[str, bytes]] = field(default_factory=list)
    share: int = 1


def kinds(whole: Workspace, wanted: str = "") -> dict[str, Kind]:
    """Return the kinds of input by name, those whose name begins as wanted."""
    found: dict[str, Kind] = {}
    for name, (_, content) in seeds.tables(whole).items():
        found.setdefault("tables " + name.split(".", 1)[1], Kind(share=3)).seeds.append((name, content))
    for name, (form, content) in seeds.networks(HAS_OPENDSS, HAS_PANDAPOWER).items():
        found.setdefault(form, Kind(share=3 if form == "opendss" else 6)).seeds.append((name, content))
    rows = [{name: str(value) for name, value in row.items()} for row in whole.tables["signals"].head(12).to_dicts()]
    found["signals as rows"] = Kind([("rows", json.dumps(rows, ensure_ascii=False).encode())], 6)
    return {name: kind for name, kind in found.items() if name.startswith(wanted)}


class Reader:
    """Reads broken inputs in a folder of its own."""

    def __init__(self, folder: Path, whole: Workspace) -> None:
        self.folder = folder
        self.whole = whole
        self.supply = build_network(whole).energise()
        for left in folder.iterdir():  # by an input at which the process broke off
            shutil.rmtree(left) if left.is_dir() else left.unlink()
        for place in ("table", "settings"):
            (folder / place).mkdir()
        (folder / "settings" / "sources.csv").write_text("node\nS\n")  # apart: the inputs have such names too

    def read(self, kind: str, name: str, content: bytes) -> str:
        """Return ``result`` or ``refused``; anything else is raised."""
        path = self.folder / name
        try:
            path.write_bytes(content)
            self._of(kind)(path)
        except FudianError as error:
            if not str(error):
                raise RuntimeError("an error without a word") from error
            json_of({"problems": [each.as_dict("zh") for each in getattr(error, "problems", ())]})
            return "refused"
        finally:
            path.unlink(missing_ok=True)
        return "result"

    def _of(self, kind: str) -> Callable[[Path], None]:
        if kind.startswith("tables"):
            return self._table
        return {
            "cim-xml": self._cim_xml, "cim-e": self._cim_e, "opendss": self._opendss, "opendss script": self._script,
            "pandapower": self._pandapower, "settings": self._settings, "signals as rows": self._rows,
        }[kind]  # fmt: skip

    def _table(self, path: Path) -> None:
        table, *_, form = path.name.replace(".csv.gz", ".csv_gz").split(".")
        given = path.rename(self.folder / "table" / f"{table}.{form.replace('_', '.')}")
        try:
            self._told(self.whole.with_file(table, given))
        finally:
            given.unlink(missing_ok=True)

    def _told(self, read: Workspace, net: bool = False) -> None:
        """Make sure that all that is wrong can be told, as one JSON object and as lines."""
        told = build_network(read).check("zh") if net else read.check("zh")
        json.loads(json_of(told).decode("utf-8"))
        for problem in read.problems[:50]:
            problem.line("en").encode("utf-8", errors="backslashreplace")

    def _cim_xml(self, path: Path) -> None:
        self._told(read_cim_xml([path], lambda _: None), net=True)

    def _cim_e(self, path: Path) -> None:
        self._told(read_cim_e([path], lambda _: None), net=True)

    def _opendss(self, path: Path) -> None:
        self._told(read_opendss([path], lambda _: None), net=True)

    def _script(self, path: Path) -> None:
        read_script(path)

    def _pandapower(self, path: Path) -> None:
        self._told(read_pandapower([path], lambda _: None), net=True)

    def _settings(self, path: Path) -> None:
        given = path.rename(self.folder / "settings" / path.name)
        try:
            self._told(read_workspace(given.parent))
        finally:
            given.unlink(missing_ok=True)

    def _rows(self, path: Path) -> None:
        try:
            rows = json.loads(path.read_bytes())
        except (ValueError, RecursionError):
            return  # the door of the interface refuses what is no JSON
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            return
        read, problems = self.whole.read("signals", rows)
        inference = Inference(self.supply, self.whole.tables)
        inference.reject(problems)
        inference.take(read)
        json.loads(json_of(inference.as_dict("zh")).decode("utf-8"))


def work(to: Connection, seed: int, folder: str, first: int, last: int, step: int, wanted: str) -> None:
    """Read inputs ``first``, ``first + step`` … before ``last``, and tell of each when it begins and how it ended."""
    sys.stderr = io.StringIO()
    multiprocessing.set_forkserver_preload(["network.readers.opendss", *(["opendssdirect"] if HAS_OPENDSS else [])])
    whole = seeds.county()
    reader, found = Reader(Path(folder), whole), kinds(whole, wanted)
    names = [name for name, kind in sorted(found.items()) for _ in range(kind.share)]
    everything = [content for kind in found.values() for _, content in kind.seeds]
    _, most = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (_size() + MEMORY, most))
    for number in range(first, last, step):
        kind, name, content = chosen(number, seed, names, found, everything)
        to.send(("begun", number, kind))
        begun = time.process_time()
        try:
            ended: Any = reader.read(kind, name, content)
        except BaseException as error:  # noqa: BLE001  # also a panic of compiled code is what is looked for
            ended = f"{type(error).__name__}: {error}"[:300]
        to.send(("ended", number, kind, ended, time.process_time() - begun))
    to.send(("done", resource.getrusage(resource.RUSAGE_SELF).ru_maxrss))


def chosen(
    number: int, seed: int, names: list[str], found: dict[str, Kind], everything: list[bytes]
) -> tuple[str, str, bytes]:
    """Return the kind, the file name and the content of one input; the same number gives the same input."""
    random = Random(f"{seed} {number}")
    kind = names[number % len(names)]
    name, content = random.choice(found[kind].seeds)
    return kind, name, broken(content, everything, random)


def _size() -> int:
    return int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
