"""Which language is spoken, and what is said of one that is not known: on every page, route and export."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import quote

import httpx
import pytest

from dashboard.language_note import HEADER
from dashboard.parts.address import PAGES, Address
from fudian import language
from network import Network
from tests.page_text import page_text

UNKNOWN = ["fr", "", "zhuang", "z" * 10_000, "a\r\nb", "法文", "{named}", "%s", "en;q=1"]
KNOWN = {"zh": "zh", "en": "en", "EN": "en", "zh-CN": "zh", "zh_CN": "zh", "en-GB": "en"}
FAILED = ("cannot be shown", "无法显示", "Something went wrong")


@pytest.fixture(scope="module")
def client(served: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=served, timeout=60) as client:
        yield client


@pytest.mark.parametrize("page", PAGES)
def test_every_page_is_shown_in_the_default_language_with_a_note(served: str, page: str) -> None:
    said = page_text(served, f"/{page}", "?lang=fr")
    assert "不认识语言 'fr'，可用的是 zh（中文）和 en（英文）。" in said
    assert not any(words in said for words in FAILED)
    assert "address-note" not in page_text(served, f"/{page}")


@pytest.mark.parametrize("named", UNKNOWN)
def test_a_page_is_shown_whatever_language_its_address_names(served: str, named: str) -> None:
    said = page_text(served, "/operations", f"?lang={quote(named)}")
    assert "不认识语言" in said
    assert not any(words in said for words in FAILED)


@pytest.mark.parametrize("named", UNKNOWN)
def test_a_language_that_is_not_known_is_noted_in_few_words(named: str) -> None:
    for default in ("zh", "en"):
        address = Address.read("operations", f"?lang={quote(named)}", default)
        assert address.language == default
        (note,) = address.notes
        assert repr(named[:40])[1:-1] in note.in_language(default)
        assert len(note.in_language(default)) < 120
        assert "lang=" not in address.href()


@pytest.mark.parametrize(("named", "language"), KNOWN.items())
def test_a_language_is_known_by_its_tags(named: str, language: str) -> None:
    address = Address.read("operations", f"?lang={named}")
    assert (address.language, address.notes) == (language, [])


@pytest.mark.parametrize("named", UNKNOWN)
@pytest.mark.parametrize("path", ["/api/v1/plans", "/export/planned/plans.csv"])
def test_a_route_or_export_is_answered_whatever_language_it_names(client: httpx.Client, path: str, named: str) -> None:
    answer, plain = client.get(path, params={"lang": named}), client.get(path)
    assert (answer.status_code, answer.content) == (200, plain.content)
    assert answer.headers[HEADER].startswith("The language '")
    assert len(answer.headers[HEADER]) < 400
    assert HEADER not in plain.headers


@pytest.mark.parametrize(
    "path",
    [
        "/api/v1/check",
        "/api/v1/indices",
        "/api/v1/affected?open=F03-K02",
        "/api/v1/restore?fault=F03-L05",
        "/api/v1/grid-kpi",
        "/api/v1/incidents",
        "/api/v1/affected?open=NOWHERE",
        "/api/v1/indices?start=yesterday",
        "/api/v1/nothing",
        "/export/operations/rows.csv?rows=ledger",
        "/export/operations/rows.xlsx?rows=problems",
        "/export/planned/calendar.csv",
        "/export/planned/customers.csv?plan=none",
    ],
)
def test_routes_and_exports_answer_as_without_it(client: httpx.Client, path: str) -> None:
    answer = client.get(path + ("&" if "?" in path else "?") + "lang=fr")
    assert answer.status_code == client.get(path).status_code != 500
    assert answer.headers[HEADER] == "The language 'fr' is not known here; known are zh and en."


def test_a_page_to_print_says_it_itself(client: httpx.Client, net: Network) -> None:
    planned = net.workspace.tables["plans"].sort("start")["plan_id"][-1]
    page = client.get("/export/dispatch/customers.html", params={"event": planned, "lang": "fr"})
    assert page.status_code == 200
    assert "不认识语言 &#x27;fr&#x27;" in page.text


@pytest.mark.parametrize(
    ("variables", "spoken", "told"),
    [
        ({"FUDIAN_LANG": "zh", "LANG": "en_US.UTF-8"}, "zh", False),
        ({"FUDIAN_LANG": "EN", "LANG": "zh_CN.UTF-8"}, "en", False),
        ({"LANG": "zh_CN.UTF-8"}, "zh", False),
        ({"LANG": "zh_CN.UTF-8", "LC_MESSAGES": "en_GB"}, "en", False),
        ({"LANG": "zh_CN.UTF-8", "LC_ALL": "C.UTF-8"}, "en", False),
        ({"LANG": "de_DE.UTF-8"}, "en", False),
        ({"FUDIAN_LANG": "", "LANG": "zh_CN.UTF-8"}, "zh", False),
        ({"FUDIAN_LANG": "fr", "LANG": "zh_CN.UTF-8"}, "zh", True),
    ],
)
def test_the_user_chooses_the_language_and_else_the_system(
    variables: dict[str, str], spoken: str, told: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("FUDIAN_LANG", "LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert language.default_language() == spoken
    assert (language.unknown_choice() is not None) == told
