"""What is written as Parquet is read back whole, and a form that needs an absent package says how to bring it."""

from __future__ import annotations

import importlib.util
import re
import tempfile
from datetime import date, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data_samples.generator.county import COUNTY
from network import FudianError, MissingExtraError, Workspace, WorkspaceError, read_workspace, workspace
from network.readers.converting import READERS, convert_files, write_workspace
from network.tables.schema import TABLES
from network.tables.table_form import ROW, Column

IDS = ["0012", "12", "012.0", "A-1", "变 1", "城关#1", "１２", " x ", "1e5", "无", "-", "=1+1", "'q", "线,路", "线\n路"]
WORDS = st.sampled_from(IDS) | st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
TIMES = st.datetimes(datetime(1990, 1, 1), datetime(2049, 12, 31, 23, 59, 59, 999_999))
KINDS: dict[str, st.SearchStrategy[Any]] = {
    "id": st.sampled_from(IDS),
    "text": WORDS,
    "number": st.floats(allow_nan=True, allow_infinity=True) | st.integers(-5, 10**12),
    "integer": st.integers(-5, 2**40),
    "boolean": st.booleans() | st.sampled_from(["是", "否", "Y", "0", "?"]),
    "time": TIMES | st.sampled_from(["2022-07-20 24:00", "2022年7月20日8时5分", "yesterday"]),
}


def values_of(column: Column) -> st.SearchStrategy[Any]:
    if column.codes is not None:
        return st.sampled_from([*column.codes, *(word for words in column.codes.values() for word in words), "?"])
    return KINDS[column.kind]


@st.composite
def tables(draw: st.DrawFn) -> dict[str, list[dict[str, Any]]]:
    """Draw some rows for some tables; what a row must have, it mostly has."""
    result = {}
    for name in draw(st.lists(st.sampled_from(list(TABLES)), min_size=1, max_size=3, unique=True)):
        result[name] = [
            {
                column.name: draw(values_of(column))
                for column in TABLES[name].columns
                if draw(st.integers(0, 19)) < (19 if column.required else 12)
            }
            for _ in range(draw(st.integers(1, 4)))
        ]
    return result


SETTINGS = st.dictionaries(
    WORDS,
    st.recursive(
        st.booleans()
        | st.integers(-(2**60), 2**60)
        | st.floats(allow_nan=False)
        | WORDS
        | st.dates(date(1900, 1, 1))
        | TIMES.map(lambda time: time.replace(microsecond=0)),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=3),
        max_leaves=6,
    ),
    max_size=4,
)


def round_trip(source: Workspace) -> Workspace:
    with tempfile.TemporaryDirectory() as folder:
        write_workspace(source, Path(folder))
        return read_workspace(folder)


def without_rows(source: Workspace) -> dict[str, pl.DataFrame]:
    """Return the tables without row numbers; a value that could not be read is blank, and a blank means the default."""
    return {
        name: frame.drop(ROW).with_columns(
            pl.col(column.name).fill_null(column.default)
            for column in TABLES[name].columns
            if column.default is not None
        )
        for name, frame in source.tables.items()
    }


@given(tables(), SETTINGS)
@settings(max_examples=25)
def test_what_is_written_is_read_back_whole(
    rows: dict[str, list[dict[str, Any]]], given_settings: dict[str, Any]
) -> None:
    first = workspace(rows, given_settings)
    second = round_trip(first)
    assert second.settings == first.settings
    assert set(second.files) == set(first.files)
    for name, frame in without_rows(first).items():
        assert second.tables[name].schema == TABLES[name].polars_schema
        assert frame.equals(without_rows(second)[name]), name
    third = round_trip(second)
    assert third.problems == second.problems
    assert third.settings == second.settings
    for name, frame in second.tables.items():
        assert frame.equals(third.tables[name]), name


def test_the_county_is_read_back_whole(tmp_path: Path) -> None:
    source = read_workspace(COUNTY)
    write_workspace(source, tmp_path)
    again = read_workspace(tmp_path)
    assert (again.settings, again.problems) == (source.settings, source.problems)
    for name, frame in source.tables.items():
        assert frame.equals(again.tables[name]), name


def test_values_that_are_easily_lost(tmp_path: Path) -> None:
    time = datetime(2022, 7, 20, 8, 5, 0, 123_456)
    source = workspace(
        {
            "nodes": [{"node": "0007", "lon": 113.123456789, "lat": None}],
            "branches": [{"branch_id": "007", "from_node": "0007", "to_node": "8", "kind": "line"}],
            "signals": [{"time": time, "object": "branch", "object_id": "007", "kind": "trip", "value": None}],
            "feeders": [{"feeder_id": "F1", "name": "城关一线 “甲”", "public": False}],
            "crews": [],
        },
        {"units": {"东": 1}, "day": date(2022, 7, 20)},
    )
    write_workspace(source, tmp_path)
    again = read_workspace(tmp_path)
    assert again.tables["nodes"].row(0) == ("0007", 113.123456789, None, 2)
    assert again.tables["signals"]["time"].to_list() == [time]
    assert again.tables["signals"]["object_id"].to_list() == ["007"]
    assert again.tables["feeders"].select("name", "public").row(0) == ("城关一线 “甲”", False)
    assert again.files.keys() == source.files.keys()
    assert again.settings == {"units": {"东": 1}, "day": date(2022, 7, 20)}


def test_a_source_without_settings_keeps_those_of_the_workspace(tmp_path: Path) -> None:
    write_workspace(workspace({"feeders": []}, {"unit": "东"}), tmp_path)
    write_workspace(workspace({"feeders": []}), tmp_path)
    assert read_workspace(tmp_path).settings == {"unit": "东"}


def test_every_form_is_described() -> None:
    page = (Path(__file__).parents[3] / "docs" / "formats.md").read_text("utf-8")
    assert re.findall(r"^## `(.+)`$", page, re.MULTILINE) == [*(form for form in READERS if form != "table"), "table"]


PACKAGES = {
    "pandapower": ("pandapower", "pandapower"),
    "opendss": ("opendssdirect", "opendss"),
}


@pytest.mark.parametrize("form", PACKAGES)
def test_a_form_without_its_package_names_the_install_line(form: str, tmp_path: Path) -> None:
    package, extra = PACKAGES[form]
    if importlib.util.find_spec(package) is not None:
        pytest.skip(f"{package} is installed here")
    (tmp_path / "source").write_text("")
    with pytest.raises(MissingExtraError, match=rf"pip install 'fudian\[{extra}\]'"):
        READERS[form]([tmp_path / "source"], lambda _: None, False)


@pytest.mark.parametrize("form", READERS)
def test_a_source_that_is_not_there(form: str, tmp_path: Path) -> None:
    with pytest.raises(FudianError, match="There is no"):
        convert_files([tmp_path / "none"], form, tmp_path / "to")
    assert not (tmp_path / "to").exists()


@pytest.mark.parametrize("form", ["pandapower", "opendss"])
def test_a_form_of_one_source_refuses_two(form: str, tmp_path: Path) -> None:
    with pytest.raises(FudianError, match="one source, not from 2"):
        convert_files([tmp_path / "a", tmp_path / "b"], form, tmp_path / "to")


def test_a_conversion_that_gives_no_branch_fails_and_writes_nothing(tmp_path: Path) -> None:
    source = tmp_path / "station.cime"
    source.write_text("<Load::x>\n@ mRID I_node\n# 1 A\n</Load::x>\n", "utf-8")
    with pytest.raises(WorkspaceError, match=r"Nothing of a network came of station\.cime"):
        convert_files([source], "cim-e", tmp_path / "ws")
    assert not (tmp_path / "ws").exists()


FOREIGN = {
    "feeder.sxst": ("<Cyme><Network/></Cyme>", "CYME"),
    "network.txt": ("[GENERAL]\nVERSION=CYMDIST\n[SOURCE]\nFORMAT_SOURCE=SourceID\n", "CYME"),
    "R1-12.47-1.glm": ("module powerflow;\nobject node {\n name n1;\n}\n", "GridLAB-D"),
    "case.m": ("function mpc = case33bw\nmpc.bus = [1 3 0 0];\n", "MATPOWER"),
    "grid.raw": ("0, 100.0 / PSS/E-30\n", "PSS/E"),
    "network.nc": ("CDF", "PyPSA"),
    "model.xml": (
        '<?xml version="1.0"?><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"/>',
        "--format cim-xml",
    ),
    "master.dss": ("clear\nnew circuit.x\n", "--format opendss"),
    "grid.json": ('{"_module": "pandapower.auxiliary", "_class": "pandapowerNet"}', "--format pandapower"),
}


@pytest.mark.parametrize("name", FOREIGN)
@pytest.mark.parametrize("form", ["cim-e", "table"])
def test_a_file_of_another_program_is_named_as_what_it_is(name: str, form: str, tmp_path: Path) -> None:
    content, said = FOREIGN[name]
    (tmp_path / name).write_text(content, "utf-8")
    with pytest.raises(WorkspaceError) as refused:
        convert_files([tmp_path / name], form, tmp_path / "ws")
    assert said in str(refused.value)
    assert not (tmp_path / "ws").exists()


def test_a_folder_of_pypsa_is_named(tmp_path: Path) -> None:
    for name in ("buses", "lines", "loads"):
        (tmp_path / f"{name}.csv").write_text("name,v_nom\na,10\n")
    with pytest.raises(WorkspaceError, match="PyPSA, which has no switches"):
        convert_files([tmp_path], "table", tmp_path / "ws")
    with pytest.raises(WorkspaceError, match="PyPSA") as refused:
        read_workspace(tmp_path)
    assert refused.value.problems == ()


def test_a_disk_that_is_full_leaves_the_folder_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Half the tables are written when the disk is full: nothing of them may be read as a workspace."""
    write = pl.DataFrame.write_parquet

    def full(frame: pl.DataFrame, file: Path) -> None:
        if file.name == "branches.parquet":
            file.write_bytes(b"PAR1")
            raise OSError(28, "No space left on device")
        write(frame, file)

    monkeypatch.setattr(pl.DataFrame, "write_parquet", full)
    before = {
        "sources": [{"node": "S"}],
        "branches": [{"branch_id": "L", "from_node": "S", "to_node": "A", "kind": "line"}],
    }
    for place in (tmp_path / "new", tmp_path / "old"):
        if place.name == "old":
            place.mkdir()
            (place / "sources.csv").write_text("node\nA\n")
        with pytest.raises(WorkspaceError, match="No space left"):
            write_workspace(workspace(before), place)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["old"]
    assert [path.name for path in (tmp_path / "old").iterdir()] == ["sources.csv"]
