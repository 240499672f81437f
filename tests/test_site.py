"""The documentation is built in both languages, without a warning, and its pages ask no other host for anything."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from lxml import html

from docs.site import FRONT, SECTIONS, build_site, sources, turned


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    build_site(folder)
    return folder


def test_every_page_is_listed_once() -> None:
    listed = [page for _, pages in SECTIONS for page in pages]
    assert len(listed) == len(set(listed))
    assert {*listed, "index.md"} == set(sources("en"))
    assert set(sources("zh")) == set(sources("en"))


def test_a_link_leads_to_where_its_page_stands(tmp_path: Path) -> None:
    root = Path(__file__).parent.parent
    text = "[a](docs/tables.md#x) [b](CONTRIBUTING.md) [c](LICENSE) ![d](docs/images/planned.png) [e](https://example.org/a.md)"
    assert turned(text, root / "README.md") == (
        "[a](tables.md#x) [b](contributing.md) [c](https://github.com/fudian/fudian/blob/main/LICENSE) "
        "![d](images/planned.png) [e](https://example.org/a.md)"
    )
    assert turned("[a](../spark.md) [b](desk.md)", root / "docs/zh/serving.md") == "[a](spark.md) [b](desk.md)"
    assert turned("[a](../README.md)", root / "docs/rules.md") == f"[a]({FRONT['README.md']})"


def test_pages_ask_no_other_host_for_anything(site: Path) -> None:
    pages = sorted(site.rglob("*.html"))
    assert len(pages) > 2 * 20
    for page in pages:
        tree = html.fromstring(page.read_bytes())
        fetched = [
            *tree.xpath("//script/@src | //img/@src | //iframe/@src | //source/@src | //video/@src"),
            *tree.xpath("//link[not(@rel='canonical')]/@href"),
        ]
        assert fetched
        assert not [address for address in fetched if re.match(r"(https?:)?//", address)], page
    for sheet in site.rglob("*.css"):
        assert not re.search(r"(url\(|@import\s*)[\"']?(https?:)?//", sheet.read_text("utf-8")), sheet


def test_links_between_pages_lead_somewhere(site: Path) -> None:
    for page in sorted(site.rglob("*.html")):
        if page.name == "404.html":
            continue
        for address in html.fromstring(page.read_bytes()).xpath("//a/@href"):
            path = re.sub(r"[?#].*", "", address)
            assert re.match(r"[a-z]+:", address) or not path or (page.parent / path).exists(), (page, address)


def test_both_languages_stand_side_by_side(site: Path) -> None:
    english, chinese = ((site / place).read_text("utf-8") for place in ("index.html", "zh/index.html"))
    assert 'lang="en"' in english
    assert 'lang="zh"' in chinese
    assert "供电可靠性" in chinese
    assert "本页目前只有英文" in (site / "zh/spark.html").read_text("utf-8")
