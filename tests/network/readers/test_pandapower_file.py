"""A saved network makes tables and parts of pandapower, and has nothing called."""

from __future__ import annotations

import json

import pytest

from network.readers.pandapower_file import foreign_object

PLAIN = [
    {"_module": "pandas.core.frame", "_class": "DataFrame", "_object": '{"columns": [], "index": [], "data": []}'},
    {"_module": "pandas", "_class": "Series", "_object": "[1, 2]"},
    {"_module": "pandapower.auxiliary", "_class": "pandapowerNet", "_object": {"name": "", "bus": {}}},
    {"_module": "pandapower.control.controller.trafo.ContinuousTapControl", "_class": "ContinuousTapControl"},
    {"_module": "builtins", "_class": "tuple", "_object": [1, 2]},
    {"_module": "numpy", "_class": "array", "_object": [1.0]},
]
ACTING = [
    {"_module": "os", "_class": "system", "_object": "touch here"},
    {"_module": "builtins", "_class": "exec", "_object": "1"},
    {"_module": "subprocess", "_class": "function", "_object": "run"},
    {"_module": "pandapower.file_io", "_class": "from_pickle", "_object": "net.p"},
    {"_module": "pandapower.control", "_class": "os", "_object": ""},
    {"_module": "pandas.io.pickle", "_class": "read_pickle", "_object": "net.p"},
    {"_module": 1, "_class": "tuple", "_object": []},
]


@pytest.mark.parametrize("made", PLAIN)
def test_tables_and_parts_of_pandapower_pass(made: object) -> None:
    assert foreign_object(json.dumps({"net": [made]})) is None


@pytest.mark.parametrize("made", ACTING)
def test_anything_else_is_named(made: dict[str, object]) -> None:
    assert f"{made['_module']}.{made['_class']}" in str(foreign_object(json.dumps({"net": made})))


def test_what_hides_in_the_text_of_a_table_is_found() -> None:
    inner = json.dumps({"data": [[json.dumps(ACTING[0])]]}).replace("_module", "\\u005fmodule")
    table = {"_module": "pandas", "_class": "DataFrame", "_object": inner}
    assert "os.system" in str(foreign_object(json.dumps(table)))


def test_a_table_in_another_file_is_not_fetched() -> None:
    table = {"_module": "pandas", "_class": "DataFrame", "_object": "/elsewhere/other.json"}
    assert "/elsewhere/other.json" in str(foreign_object(json.dumps(table)))


def test_what_is_nested_too_deep_is_not_followed() -> None:
    with pytest.raises(RecursionError):
        foreign_object("[" * 60 + "]" * 60)
