"""The package as it is built: what it carries, that it runs away from its sources, what it says when others write over it."""

from __future__ import annotations

import email
import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import time
import tomllib
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import httpx
import pytest

import fudian
from data_samples.generator.county import COUNTY
from fudian.rooms import ROOMS
from tests.page_text import page_text

PROJECT = Path(__file__).parent.parent
DECLARED = tomllib.loads((PROJECT / "pyproject.toml").read_text("utf-8"))["project"]
HOME = DECLARED["urls"]["Repository"]
NOT_SOURCES = shutil.ignore_patterns(".git", ".venv*", "__pycache__", "*.egg-info", "build", "dist", "*.mo", ".*_cache")


@dataclass(frozen=True)
class Said:
    status: int
    out: str
    err: str


@dataclass(frozen=True)
class Environment:
    """A virtual environment into which the wheel is installed, far from the sources."""

    folder: Path

    @property
    def python(self) -> Path:
        return self.folder / "bin" / "python"

    @property
    def packages(self) -> Path:
        return Path(self.folder, "lib", f"python{sys.version_info.major}.{sys.version_info.minor}", "site-packages")

    def pip(self, *arguments: str | Path) -> None:
        command = [sys.executable, "-m", "pip", "--python", self.python, "-q", *arguments]
        subprocess.run(command, check=True, capture_output=True, cwd=self.folder)

    def variables(self, **variables: str) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if name not in {"PYTHONPATH", "LANG", "LC_ALL"}}
        return kept | {"FUDIAN_LANG": "en", "BROWSER": "true", "PYTHONUTF8": "1", "COLUMNS": "500"} | variables

    def run(self, *arguments: str | Path, **variables: str) -> Said:
        done = subprocess.run(
            [self.folder / "bin" / "fudian", *arguments],
            capture_output=True,
            text=True,
            encoding="utf-8",
            cwd=self.folder,
            env=self.variables(**variables),
            timeout=120,
            check=False,
        )
        assert "Traceback" not in done.stderr
        return Said(done.returncode, done.stdout, done.stderr)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with sdist and wheel, the wheel made of the sdist."""
    folder = tmp_path_factory.mktemp("built")
    source = shutil.copytree(PROJECT, folder / "source", ignore=NOT_SOURCES)
    command: list[str | Path] = [sys.executable, "-m", "build", "--no-isolation", "--outdir", folder, source]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=folder)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "error:" not in done.stdout + done.stderr
    return folder


@pytest.fixture(scope="module")
def wheel(built: Path) -> Path:
    (found,) = built.glob("*.whl")
    return found


def install(wheel: Path, folder: Path) -> Environment:
    """Install the wheel into an empty environment that finds what Fudian asks for where these tests do, but not Fudian there.

    A path file adds the folder of the packages without following the path files in it, one of which leads to the checkout.
    """
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    environment = Environment(folder)
    lent = {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}
    (environment.packages / "lent.pth").write_text("\n".join(lent), "utf-8")
    environment.pip("install", "--no-deps", "--no-index", wheel)
    return environment


def copied(pristine: Environment, folder: Path) -> Environment:
    """Return another environment with the same in it, as installing the wheel there would leave it."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    environment = Environment(folder)
    shutil.copytree(pristine.packages, environment.packages, dirs_exist_ok=True)
    command = environment.folder / "bin" / "fudian"
    shutil.copy(pristine.folder / "bin" / "fudian", command)
    command.write_text(command.read_text("utf-8").replace(str(pristine.folder), str(folder)), "utf-8")
    return environment


@pytest.fixture(scope="module")
def pristine(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """What nobody has run yet; tests take copies."""
    return install(wheel, tmp_path_factory.mktemp("pristine"))


@pytest.fixture(scope="module")
def installed(pristine: Environment, tmp_path_factory: pytest.TempPathFactory) -> Environment:
    return copied(pristine, tmp_path_factory.mktemp("installed"))


def sources(room: str) -> set[str]:
    """Return every file of a package in the checkout as it should be installed."""
    return {
        str(path.relative_to(PROJECT).with_suffix(".mo" if path.suffix == ".po" else path.suffix))
        for path in (PROJECT / room).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts and not path.name.startswith(".")
        if not any(part.endswith(".fudian") for part in path.parts)  # what a server keeps beside a workspace
    }


# What it carries ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("room", ROOMS)
def test_the_wheel_carries_every_file_of_a_package(wheel: Path, room: str) -> None:
    carried = {name for name in zipfile.ZipFile(wheel).namelist() if name.startswith(f"{room}/")}
    assert carried == sources(room)


def test_the_wheel_holds_no_other_package(wheel: Path) -> None:
    assert {name.split("/")[0] for name in zipfile.ZipFile(wheel).namelist()} == {
        *ROOMS,
        f"fudian-{DECLARED['version']}.dist-info",
    }


def test_the_source_archive_can_be_tested_and_built(built: Path) -> None:
    (archive,) = built.glob("*.tar.gz")
    with tarfile.open(archive) as file:
        names = {name.partition("/")[2] for name in file.getnames()}
    assert {"setup.py", "Makefile", "LICENSE", "tests/conftest.py", "docs/generate.py"} <= names
    assert {"CONTRIBUTING.md", "CHANGELOG.md", ".pre-commit-config.yaml", "docs/field_reference.md"} <= names
    assert "network/locale/zh_CN/LC_MESSAGES/fudian.po" in names
    assert not {name for name in names if name.endswith(".mo")}


def test_links_of_the_package_page_lead_to_files_of_the_project(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as file:
        metadata = email.message_from_bytes(file.read(f"fudian-{DECLARED['version']}.dist-info/METADATA"))
    page = str(metadata.get_payload())
    links = re.findall(r"\]\(([^)#]+)\)", page)
    assert len(links) > 10
    for link in links:
        ours = re.fullmatch(rf"{re.escape(HOME)}/(?:blob|raw)/main/(.+)", link)
        assert ours, link
        assert (PROJECT / ours[1]).exists(), link
    assert metadata.get_all("Project-URL")
    assert not [asked for asked in metadata.get_all("Requires-Dist") or [] if "babel" in asked.lower()]


# That it runs ---------------------------------------------------------------------------------------------------------


def test_the_version_stands_in_one_place(installed: Environment) -> None:
    assert installed.run("--version") == Said(0, f"fudian {DECLARED['version']}\n", "")
    assert fudian.__version__ == version("fudian") == DECLARED["version"]


def test_what_is_imported_is_what_was_installed_and_not_babel(installed: Environment) -> None:
    asked = "import sys, fudian.cli.app, dashboard.app, data_samples.generator.county as c;"
    asked += "print('babel' in sys.modules, c.COUNTY, *(sys.modules[r].__path__[0] for r in sys.argv[1:]), sep='|')"
    done = subprocess.run(
        [installed.python, "-c", asked, *ROOMS],
        capture_output=True,
        text=True,
        check=True,
        cwd=installed.folder,
        env=installed.variables(),
    )
    with_babel, county, *rooms = done.stdout.strip().split("|")
    assert with_babel == "False"
    assert Path(county) == installed.packages / "data_samples" / "county"
    assert [Path(room) for room in rooms] == [installed.packages / room for room in ROOMS]


def test_it_checks_the_sample_county(installed: Environment) -> None:
    county = installed.packages / "data_samples" / "county"
    answer = installed.run("check", county, "--json")
    assert (answer.status, json.loads(answer.out)["counts"]["customers"]) == (0, 20_000)
    assert "可用行数" in installed.run("check", county, FUDIAN_LANG="zh").out


@contextmanager
def demo(environment: Environment, language: str) -> Iterator[str]:
    """Run ``fudian demo`` in a language, and give its address."""
    told = environment.folder / "told.txt"
    with told.open("w") as messages:
        process = subprocess.Popen(
            [environment.folder / "bin" / "fudian", "demo", "--port", "0"],
            stderr=messages,
            stdout=subprocess.DEVNULL,
            cwd=environment.folder,
            env=environment.variables(FUDIAN_LANG=language),
        )
    try:
        deadline = time.monotonic() + 120
        while not (address := re.search(r"http://\S+:\d+/", told.read_text("utf-8"))):
            assert process.poll() is None, told.read_text("utf-8")
            assert time.monotonic() < deadline
            time.sleep(0.1)
        yield address[0]
    finally:
        process.terminate()
        process.wait(30)


@pytest.mark.parametrize(("language", "spoken", "word"), [("zh", "zh-CN", "户均停电"), ("en", "en", "without power")])
def test_demo_serves_page_and_interface_in_the_language_of_the_environment(
    installed: Environment, language: str, spoken: str, word: str
) -> None:
    with demo(installed, language) as address:
        document = httpx.get(address)
        assert (document.status_code, f'lang="{spoken}"' in document.text) == (200, True)
        style = re.search(r'href="/?(assets/style\.css[^"]*)"', document.text)
        assert style
        assert httpx.get(f"{address}{style[1]}").status_code == 200
        assert word in page_text(address, "/operations")
        answer = httpx.get(f"{address}api/v1/check", timeout=60)
        assert answer.json()["counts"]["customers"] == 20_000


@pytest.mark.long
def test_a_full_installation_runs_the_demo(wheel: Path, tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-m", "venv", tmp_path / "alone"], check=True)
    alone = Environment(tmp_path / "alone")
    subprocess.run([alone.python, "-m", "pip", "install", "-q", wheel], check=True, cwd=tmp_path)
    assert not (alone.packages / "babel").exists()
    assert alone.run("check", alone.packages / "data_samples" / "county").status == 0
    with demo(alone, "zh") as address:
        assert "户均停电" in page_text(address, "/operations")


# What others write over it --------------------------------------------------------------------------------------------


@pytest.fixture
def fresh(pristine: Environment, tmp_path: Path) -> Environment:
    return copied(pristine, tmp_path / "environment")


def stranger(folder: Path, files: dict[str, str], name: str = "reliability", number: str = "0.9.2") -> Path:
    """Make the wheel of another distribution."""
    information = f"{name}-{number}.dist-info"
    made = folder / f"{name}-{number}-py3-none-any.whl"
    with zipfile.ZipFile(made, "w") as file:
        for path, content in files.items():
            file.writestr(path, content)
        file.writestr(f"{information}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {number}\n")
        file.writestr(f"{information}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        file.writestr(f"{information}/RECORD", "".join(f"{path},,\n" for path in files))
    return made


@pytest.mark.parametrize(
    ("room", "content"),
    [
        ("network", "raise ImportError('needs matplotlib')"),
        ("reliability", ""),
        ("repair", "raise SystemError"),
        ("dashboard", ""),
        ("data_samples", ""),
    ],
)
def test_a_package_that_was_written_over_is_named_with_who_did_it(
    fresh: Environment, tmp_path: Path, room: str, content: str
) -> None:
    fresh.pip("install", "--no-index", stranger(tmp_path, {f"{room}/__init__.py": content, f"{room}/Fitters.py": ""}))
    said = fresh.run("check", COUNTY, "--json")
    assert said.status == 2
    assert f"reliability 0.9.2 has written over Fudian's package {room} ({room}/__init__.py)" in said.err
    assert "python -m venv" in said.err
    assert json.loads(said.out)["error"] in said.err


def test_it_is_said_in_the_language_of_the_user(fresh: Environment, tmp_path: Path) -> None:
    fresh.pip("install", "--no-index", stranger(tmp_path, {"reliability/__init__.py": "import matplotlib"}))
    said = fresh.run("check", COUNTY, FUDIAN_LANG="zh")
    assert (said.status, "reliability 0.9.2 覆盖了复电的包 reliability" in said.err) == (2, True)


def test_what_the_other_leaves_behind_is_named_and_installing_again_mends_it(
    fresh: Environment, wheel: Path, tmp_path: Path
) -> None:
    other = stranger(tmp_path, {"reliability/__init__.py": "", "reliability/Fitters.py": ""})
    fresh.pip("install", "--no-index", other)
    fresh.pip("uninstall", "--yes", "reliability")
    said = fresh.run("--version")
    assert (said.status, said.out) == (2, "")
    assert "package reliability is not complete (reliability/__init__.py is missing)" in said.err
    fresh.pip("install", "--no-index", "--no-deps", "--force-reinstall", wheel)
    assert fresh.run("--version") == Said(0, f"fudian {DECLARED['version']}\n", "")


def test_files_that_only_lie_beside_are_told_and_the_answer_is_given(fresh: Environment, tmp_path: Path) -> None:
    fresh.pip("install", "--no-index", stranger(tmp_path, {"reliability/Fitters.py": "", "other/one.py": ""}))
    said = fresh.run("--version")
    assert (said.status, said.out) == (0, f"fudian {DECLARED['version']}\n")
    assert "reliability 0.9.2 has put files into Fudian's package reliability (reliability/Fitters.py)" in said.err


def test_a_file_changed_by_hand_is_told_and_the_answer_is_given(fresh: Environment) -> None:
    changed = fresh.packages / "repair" / "__init__.py"
    changed.write_text(changed.read_text("utf-8") + "\n", "utf-8")
    said = fresh.run("--version")
    assert said.status == 0
    assert "package repair is not as it was installed (repair/__init__.py)" in said.err


def test_what_nobody_recorded_is_let_be(fresh: Environment) -> None:
    (fresh.packages / "repair" / ".DS_Store").touch()
    assert fresh.run("--version") == Said(0, f"fudian {DECLARED['version']}\n", "")


@pytest.mark.parametrize("found", ["network.py", "network/__init__.py", "network/other.py"])
def test_a_module_that_python_finds_first_is_named(fresh: Environment, tmp_path: Path, found: str) -> None:
    cover = tmp_path / "cover" / found
    cover.parent.mkdir(parents=True)
    cover.write_text("raise SystemError")
    said = fresh.run("check", COUNTY, PYTHONPATH=str(tmp_path / "cover"))
    if found == "network/other.py":  # a folder that is no package hides nothing
        assert (said.status, "Usable rows" in said.out) == (0, True)
        return
    assert said.status == 2
    assert f"Python finds {cover} instead of Fudian's package network" in said.err
    assert "Rename it" in said.err


def test_in_a_checkout_the_distribution_that_python_finds_first_is_named(tmp_path: Path) -> None:
    """An editable installation comes after the installed packages, so theirs hide its own."""
    other = stranger(tmp_path, {"reliability/__init__.py": "import matplotlib"})
    installed = tmp_path / "installed"
    target: list[str | Path] = [
        sys.executable,
        "-m",
        "pip",
        "-q",
        "install",
        "--no-index",
        "--target",
        installed,
        other,
    ]
    subprocess.run(target, check=True, capture_output=True)
    ask = "import sys; sys.path[:0] = sys.argv[1:]\nfrom fudian.rooms import require_own_rooms\nrequire_own_rooms()"
    asked: list[str | Path] = [sys.executable, "-c", ask, installed, PROJECT]
    done = subprocess.run(asked, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.returncode == 1
    assert "RoomError: Python finds the package reliability of reliability 0.9.2 instead of Fudian's" in done.stderr
    asked = [sys.executable, "-c", ask, PROJECT]
    subprocess.run(asked, check=True, cwd=tmp_path)


def test_the_records_of_others_are_read_only_where_something_is_wrong(fresh: Environment, tmp_path: Path) -> None:
    """Each takes a while to read; what Fudian itself keeps beside the sample county is nothing wrong."""
    kept = fresh.packages / "data_samples" / "county" / ".fudian" / "mv"
    kept.mkdir(parents=True)
    (kept / "users.arrow").touch()
    ask = "import sys; from fudian.rooms import troubles; read = [];"
    ask += "sys.addaudithook(lambda event, given: read.append(given[0]) if event == 'open' else None);"
    ask += "assert troubles() == []; print(*{str(path) for path in read if str(path).endswith('RECORD')}, sep='\\n')"
    done = subprocess.run([fresh.python, "-c", ask], check=True, capture_output=True, text=True, cwd=tmp_path)
    assert done.stdout.split("\n") == [str(next(fresh.packages.glob("fudian-*")) / "RECORD"), ""]
