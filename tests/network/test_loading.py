"""A workspace of Parquet files gives what a slow, obvious reading gives, and what the same workspace in CSV gives."""

from __future__ import annotations

import csv
import re
import tempfile
import unicodedata
from collections.abc import Mapping, Sequence, Set
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from network import Workspace, read_network, read_workspace
from network.tables.schema import TABLES
from network.tables.table_form import ROW
from network.tables.veil import veil

Cell = str | int | float | bool | None
Rows = Sequence[Mapping[str, Cell]]
Found = list[tuple[object, ...]]
Place = tuple[str, str, int, str | None, str | None]

NULL_TOKENS = {"", "-", "--", "—", "——", "/", "无", "空", "null", "none", "n/a", "nan", "nat", "<na>"}
SHEET_ERRORS = {"#n/a", "#ref!", "#value!", "#div/0!", "#name?", "#null!", "#num!"}
DIRT = (
    " T1", "T1 ", "\tT1", "T1\u3000", "\u00a0T1", "Ｔ１", "\ufeffT1", "T-1", "故障一", "台区 1", "12.0", "１２.０", "012",
    "12.5", "1.2E+15", "1E+5", "1e5", "-", "--", "—", "/", "无", " 空 ", "NULL", "none", "Nan", "N/A", "<NA>", "ＮＵＬＬ",
    '="012"', '=" T1"', "#N/A", "#ref!", "#1", "x" * 40, "配" * 20,
)  # fmt: skip
CLEAN = ("T1", "T2", "T3", "12", "012", "C1", "C2", "C3")

cells = st.sampled_from(CLEAN) | st.sampled_from(DIRT) | st.none()
transformer_rows = st.lists(
    st.fixed_dictionaries(
        {"transformer_id": cells, "node": cells}, optional={"load_kw": st.sampled_from(["1", "-2", "x"])}
    ),
    min_size=1,
    max_size=12,
)
customer_rows = st.lists(
    st.fixed_dictionaries({"customer_id": cells, "transformer_id": cells, "second_transformer_id": cells}),
    min_size=1,
    max_size=12,
)
branch_rows = st.lists(
    st.fixed_dictionaries(
        {
            "branch_id": cells,
            "from_node": cells,
            "to_node": cells,
            "kind": st.sampled_from(["line", "switch", " Line", "断路器", "柱上开关", "lien", "3", "-", None]),
            "length_km": st.sampled_from(["1.5", "-1", "0", "1,234", "2万", "１２", "x", "无", None]),
            "normally_open": st.sampled_from(["是", "否", "1", "0.0", "maybe", None]),
        }
    ),
    min_size=1,
    max_size=12,
)


# -- the slow, obvious reading of ids: 9.2, cell by cell ---------------------------------------------------------------


def id_of(cell: Cell) -> tuple[str | None, bool]:
    """Return the id that a cell means, and whether it is refused."""
    if cell is None:
        return None, False
    word = unicodedata.normalize("NFKC", str(cell)).strip("\ufeff").strip()
    if word.lower() in NULL_TOKENS:
        return None, False
    word = re.sub(r'^="(.*)"$', r"\1", word)
    word = re.sub(r"^(\d+)\.0+$", r"\1", word)
    if re.fullmatch(r"[+-]?(\d+\.\d+[eE][+-]?\d+|\d+[eE]\+\d+)", word) or word.lower() in SHEET_ERRORS:
        return None, True
    return word, False


def read_slowly(
    table: str, rows: Rows, required: Sequence[str], optional: Sequence[str], known: Set[object]
) -> tuple[Found, list[Place]]:
    """Return the rows with all required ids and the places of the problems: of each key the first that hangs on what is known."""
    kept: Found = []
    problems: list[Place] = []
    keys: set[object] = set()
    seen: set[tuple[object, ...]] = set()
    for number, row in enumerate(rows, start=2):
        if all(row[column] is None or not str(row[column]).strip() for column in (*required, *optional)):
            continue
        ids = {column: id_of(row[column]) for column in (*required, *optional)}
        key = ids[required[0]][0]
        wrong = [column for column, (each, refused) in ids.items() if refused or (each is None and column in required)]
        problems += [("error", table, number, column, key) for column in wrong]
        if set(wrong) & set(required):
            continue
        values = tuple(each for each, _ in ids.values())
        if key in keys:
            same = values in seen
            (first,) = (each for each in kept if each[0] == key)
            if not same and values[1] in known and first[1] not in known:
                kept.remove(first)
                problems.append(("error", table, int(str(first[-1])), required[0], key))
                kept.append((*values, number))
                seen.add(values)
                continue
            problems.append(("warning" if same else "error", table, number, None if same else required[0], key))
            seen.add(values)
            continue
        keys.add(key)
        seen.add(values)
        kept.append((*values, number))
    return kept, problems


def read_both_slowly(transformers: Rows, customers: Rows) -> tuple[Found, Found, list[Place]]:
    """Return the usable transformers and customers, and the places of all problems in order."""
    kept, problems = read_slowly("transformers", transformers, ["transformer_id", "node"], [], set())
    known = {row[0] for row in kept}
    given, of_customers = read_slowly(
        "customers", customers, ["customer_id", "transformer_id"], ["second_transformer_id"], known
    )
    usable: Found = []
    for customer, transformer, second, number in given:
        for column, each in (("transformer_id", transformer), ("second_transformer_id", second)):
            if each is not None and each not in known:
                of_customers.append(("error", "customers", int(str(number)), column, str(customer)))
        usable.append((customer, transformer, second if second in known else None, number))
    return kept, usable, [*problems, *of_customers]


def masked(problem: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return a problem as it is shown: what in a row of customers is no plain id may be a name."""
    *where, object_id = problem
    personal = problem[1] == "customers" and object_id is not None
    return (*where, veil(object_id) if personal else object_id)


def assert_read_as_slowly(net_folder: Path, transformers: Rows, customers: Rows) -> None:
    net = read_network(net_folder)
    kept, usable, problems = read_both_slowly(transformers, customers)
    tables = net.workspace.tables
    assert tables["transformers"].select("transformer_id", "node", ROW).rows() == kept
    names = ["customer_id", "transformer_id", "second_transformer_id", ROW]
    assert tables["customers"].select(names).rows() == usable
    found = [
        (problem.severity, problem.table, problem.row, problem.column, problem.object_id)
        for problem in net.workspace.problems
        if problem.row is not None
    ]
    assert sorted(map(masked, found), key=str) == sorted(map(masked, problems), key=str)
    place = {row[0]: index for index, row in enumerate(kept)}
    assert net.customer_transformer.tolist() == [place.get(row[1], -1) for row in usable]
    assert net.customer_second_transformer.tolist() == [place.get(row[2], -1) for row in usable]
    nodes = net.nodes.to_list()
    assert net.transformer_node.tolist() == [nodes.index(row[1]) if row[1] in nodes else -1 for row in kept]


# -- the files ---------------------------------------------------------------------------------------------------------


def names_of(rows: Rows) -> list[str]:
    return list(dict.fromkeys(name for row in rows for name in row))


def write_parquet(folder: Path, tables: Mapping[str, Rows]) -> None:
    for name, rows in tables.items():
        frame = pl.DataFrame({each: [row.get(each) for row in rows] for each in names_of(rows)}, strict=True)
        frame.with_columns(pl.col(pl.Null).cast(pl.String)).write_parquet(folder / f"{name}.parquet")


def write_csv(folder: Path, tables: Mapping[str, Rows]) -> None:
    for name, rows in tables.items():
        with (folder / f"{name}.csv").open("w", encoding="utf-8-sig", newline="") as file:
            writer = csv.DictWriter(file, names_of(rows), restval=None)
            writer.writeheader()
            writer.writerows(rows)


def everything_in(workspace: Workspace) -> tuple[object, ...]:
    return (
        {name: (frame.schema, frame.rows()) for name, frame in workspace.tables.items()},
        [{**problem.as_dict(), "severity": problem.severity, "file": None} for problem in workspace.problems],
    )


def read_as(write: object, tables: Mapping[str, Rows]) -> tuple[object, ...]:
    assert callable(write)
    with tempfile.TemporaryDirectory() as name:
        write(Path(name), tables)
        return everything_in(read_workspace(name))


@settings(max_examples=50)
@given(transformer_rows, customer_rows)
def test_ids_in_parquet_are_those_of_a_slow_reading(transformers: Rows, customers: Rows) -> None:
    transformers = [{name: row[name] for name in ("transformer_id", "node")} for row in transformers]
    with tempfile.TemporaryDirectory() as name:
        write_parquet(Path(name), {"transformers": transformers, "customers": customers})
        assert_read_as_slowly(Path(name), transformers, customers)


def test_dirt_anywhere_in_long_columns(tmp_path: Path) -> None:
    """Most of a long column is passed over unread; what is wrong at its ends and in its middle is found all the same."""
    count = 100_000
    transformers: list[dict[str, Cell]] = [{"transformer_id": f"T{row}", "node": f"N{row}"} for row in range(count)]
    customers: list[dict[str, Cell]] = [
        {"customer_id": f"C{row}", "transformer_id": f"T{row * 7919 % count}", "second_transformer_id": None}
        for row in range(3 * count)
    ]
    step = count // len(DIRT)
    for table, columns in ((transformers, ("transformer_id", "node")), (customers, tuple(customers[0]))):
        for shift, column in enumerate(columns):
            for number, dirt in enumerate(DIRT):
                table[number * step + shift][column] = dirt
        table[-1][columns[0]] = DIRT[0]
    customers[200_000]["transformer_id"] = "T"
    customers[200_001] = customers[5]
    customers[262_144]["customer_id"] = "C7"
    write_parquet(tmp_path, {"transformers": transformers, "customers": customers})
    assert_read_as_slowly(tmp_path, transformers, customers)


@settings(max_examples=50)
@given(branch_rows, transformer_rows, customer_rows)
def test_text_in_parquet_is_read_as_in_csv(branches: Rows, transformers: Rows, customers: Rows) -> None:
    tables = {"branches": branches, "transformers": transformers, "customers": customers}
    assert read_as(write_parquet, tables) == read_as(write_csv, tables)


@pytest.mark.parametrize("kind", [pl.Int64, pl.UInt16, pl.Float64])
@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9), st.sampled_from([None, 0, 3])), min_size=1, max_size=9))
@settings(max_examples=20)
def test_ids_that_are_numbers_are_read_as_text(
    kind: type[pl.DataType], rows: list[tuple[int, int, int | None]]
) -> None:
    frame = pl.DataFrame(
        rows, schema=dict.fromkeys(("customer_id", "transformer_id", "second_transformer_id"), kind), orient="row"
    )
    known = pl.DataFrame(
        {"transformer_id": pl.Series([0, 1, 2, 3, 4], dtype=kind), "node": pl.Series([5] * 5, dtype=kind)}
    )
    with tempfile.TemporaryDirectory() as numbers, tempfile.TemporaryDirectory() as texts:
        for name, table in (("customers", frame), ("transformers", known)):
            table.write_parquet(Path(numbers) / f"{name}.parquet")
            table.cast(pl.Int64).cast(pl.String).write_parquet(Path(texts) / f"{name}.parquet")
        assert everything_in(read_workspace(numbers)) == everything_in(read_workspace(texts))


def test_a_workspace_with_another_file_looks_its_references_up_anew(tmp_path: Path) -> None:
    customers: Rows = [{"customer_id": "C1", "transformer_id": "T1"}, {"customer_id": "C2", "transformer_id": "T2"}]
    write_parquet(tmp_path, {"transformers": [{"transformer_id": "T1", "node": "N"}], "customers": customers})
    workspace = read_workspace(tmp_path)
    assert read_network(workspace).customer_transformer.tolist() == [0, -1]
    (tmp_path / "new").mkdir()
    write_parquet(tmp_path / "new", {"transformers": [{"transformer_id": each, "node": "N"} for each in ("T2", "T1")]})
    other = workspace.with_file("transformers", tmp_path / "new" / "transformers.parquet")
    assert read_network(other).customer_transformer.tolist() == [1, 0]


def test_every_table_has_the_types_of_the_schema(tmp_path: Path) -> None:
    write_parquet(tmp_path, {"transformers": [{"transformer_id": "T1", "node": "N", "unit": None, "public": None}]})
    tables = read_workspace(tmp_path).tables
    assert {name: dict(table.schema) for name, table in tables.items()} == {
        name: table.polars_schema for name, table in TABLES.items()
    }
    assert tables["transformers"]["public"].to_list() == [True]
