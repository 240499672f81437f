"""Personal data does not leave a table of customers by way of a problem."""

import pytest

from network.problems import Problem
from network.tables.schema import TABLES
from network.tables.veil import is_personal, veil, veiled
from network.texts import text


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("C0012", "C0012"),
        ("0100012345", "0100012345"),
        ("13812345678", "138••••78"),
        ("0394-6123456", "039••••56"),
        ("6123456", "612••••56"),
        ("41272419800101123X", "412••••3X"),
        ("王小明", "王•••"),
        ("Li Lei", "L•••"),
        ("Wang", "W•••"),
        ("西华县城关镇人民路12号", "西•••"),
        ("C1 | 王小明 | 13812345678 | T1", "C1 | 王••• | 138••••78 | T1"),
        ("C1,王小明,城关镇5号院", "C1,王•••,城•••"),
    ],
)
def test_ids_stay_and_persons_do_not(given: str, shown: str) -> None:
    assert veil(given) == shown


def test_only_tables_with_persons_are_masked() -> None:
    assert [name for name, table in TABLES.items() if is_personal(table)] == ["customers"]
    said = text(
        "The row has {found}; the columns found are {columns}", found="王小明", columns="用户编号, 联系电话, 李四"
    )
    here = Problem(
        "error", "customers", said, text("Look."), row=3, column="important", value="13812345678", object_id="张三"
    )
    there = Problem("error", "branches", said, text("Look."), value="王小明")
    masked, same = veiled([here, there])
    assert same == there
    assert (masked.value, masked.object_id, masked.row) == ("138••••78", "张•••", 3)
    assert str(masked.message) == "The row has 王•••; the columns found are 用户编号, 联系电话, 李•••"
