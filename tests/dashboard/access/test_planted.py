"""A script and a formula in every text column of every table: shown as text, and run nowhere."""

from __future__ import annotations

import csv
import io
import shutil
from collections.abc import Iterator
from pathlib import Path

import httpx
import polars as pl
import pytest
from playwright.sync_api import expect, sync_playwright

from dashboard.access.entrance import Access, Rules
from data_samples.generator.county import COUNTY
from fudian.store import store_of
from fudian.store.database import IN_MEMORY
from network import read_workspace
from network.tables import schema
from tests.browser import ARGUMENTS, chromium_path
from tests.dashboard.access.test_people import running

PLANTED = '=1+1<img src=x onerror="window.planted=1"><script>window.planted=1</script>'
FORMULA = tuple("=+-@＝＋－＠\t\r")
ROWS = ("ledger", "problems", "targets", "feeder", "cause")
PAGES = ("operations", "steering", "dispatch", "planned", "management")


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample county with something planted before every text of every table."""
    folder = tmp_path_factory.mktemp("planted") / "county"
    folder.mkdir()
    shutil.copy(COUNTY / "fudian.toml", folder)
    columns = 0
    for name, table in read_workspace(COUNTY).tables.items():
        texts = [each for each, column in _columns(name).items() if column.kind == "text" and each in table.columns]
        if table.height:
            columns += len(texts)
            changed = [(pl.lit(PLANTED) + pl.col(text)).alias(text) for text in texts]
            table.with_columns(changed).write_parquet(folder / f"{name}.parquet")
    assert columns > 15
    return folder


def _columns(table: str) -> dict[str, schema.Column]:
    return {column.name: column for column in schema.TABLES[table].columns}


@pytest.fixture(scope="module")
def address(planted: Path) -> Iterator[str]:
    with running(planted, Access(store_of(IN_MEMORY), Rules(role="dispatcher"))) as address:
        yield address


def test_scripts_in_every_text_column_run_on_no_page(address: str) -> None:
    path = chromium_path()
    if path is None:
        pytest.skip("no Chromium: name one in CHROMIUM, or install it with: playwright install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        tab = browser.new_page(viewport={"width": 1440, "height": 1000})
        for page in PAGES:
            tab.goto(f"{address}/{page}?lang=en")
            expect(tab.locator("#page h1, #page h2").first).to_be_attached(timeout=120_000)
            if page == "planned":
                expect(tab.locator("[data-figure=saving]")).to_be_visible(timeout=120_000)
            tab.wait_for_timeout(500)
            assert "This page cannot be shown" not in tab.inner_text("#page"), page
            assert tab.evaluate("window.planted") is None, page
            assert tab.evaluate("document.querySelectorAll('img[src=x], svg image[href=x]').length") == 0, page
        tab.goto(f"{address}/operations?lang=en&rows=ledger")
        expect(tab.locator(".ag-row").first).to_be_visible(timeout=60_000)
        assert "window.planted" in tab.inner_text(".ag-root"), "what was planted is shown as it is"
        assert tab.evaluate("window.planted") is None
        browser.close()


def test_formulas_in_every_text_column_run_in_no_export(address: str) -> None:
    asked = [(f"/export/operations/rows.csv?rows={kind}", kind) for kind in ROWS]
    asked += [("/export/planned/plans.csv", "plans"), ("/export/planned/calendar.csv", "calendar")]
    seen = 0
    with httpx.Client(base_url=address, timeout=300) as client:
        event = client.get("/api/v1/incidents").json()["incidents"][0]["id"]
        asked.append((f"/export/dispatch/customers.csv?event={event}", "customers"))
        for path, name in asked:
            answer = client.get(path)
            if answer.status_code == 422:  # no such rows on this page
                continue
            rows = list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"))))
            assert not [cell for row in rows for cell in row if cell.startswith(FORMULA) and not _is_number(cell)], name
            seen += sum("window.planted" in cell for row in rows for cell in row)
        printed = client.get(f"/export/dispatch/customers.html?event={event}").text
    assert "<img src=x" not in printed
    assert "<script>window" not in printed
    assert seen > 50, "the exports hold what was planted"


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True
