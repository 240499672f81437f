"""The pages in a real browser, over the sample county: the figures of the statistics, no error, nothing from outside."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import polars as pl
import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from network import Network
from reliability.area import Area
from reliability.curve import cumulative_saidi
from reliability.period import Period
from reliability.query import Query
from reliability.ranking import causes
from reliability.statistics import Statistics
from reliability.targets import judge
from repair import restore
from repair.desk.board import board
from repair.planned.calendar_plan import calendar_plan
from repair.planned.plan_checks import VERDICTS
from repair.planned.plan_desk import PlanDesk
from repair.planned.precheck import precheck, total
from repair.restoration.n_minus_1 import n_minus_1
from tests.browser import ARGUMENTS, chromium_path
from tests.dashboard.conftest import present

PICTURES = Path(__file__).parent.parent.parent / "docs" / "images"
YEAR = 2022


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    path = chromium_path()
    if path is None:
        pytest.skip("no Chromium: name one in CHROMIUM, or install it with: playwright install chromium")
    with sync_playwright() as playwright:
        expect.set_options(timeout=60_000)
        browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page that fails the test when anything goes wrong in it, or when it asks anyone else."""
    page = browser.new_page(viewport={"width": 1440, "height": 900})
    wrong: list[str] = []
    page.on("console", lambda message: wrong.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on(
        "request",
        lambda request: (
            wrong.append(request.url)
            if not re.match(r"(http://127\.0\.0\.1:|data:|blob:|about:)", request.url)
            else None
        ),
    )
    yield page
    page.close()
    assert wrong == []


def figure(page: Page, name: str) -> float:
    return float(page.locator(f"[data-figure={name}]").first.get_attribute("data-value") or "nan")


@pytest.mark.parametrize("language", ["zh", "en"])
def test_operations_opens_with_the_figure_of_the_statistics(
    page: Page, served: str, net: Network, language: str
) -> None:
    page.goto(f"{served}/operations?year={YEAR}&plan=xihua-2022&lang={language}")
    expect(page.locator("h1")).to_be_visible()
    statistics, as_of = Statistics(net), net.workspace.settings["as_of"]
    saidi = statistics.indices(Query(Period.year(YEAR), as_of=as_of))["SAIDI-1"][0]
    results = judge(statistics, "xihua-2022", YEAR, as_of)
    met = sum(result.status == "pass" for result in results)
    said = {
        "zh": f"{YEAR} 年户均停电 {saidi:.2f} 小时；{len(results)} 项目标中 {met} 项达到",
        "en": f"{YEAR}: the average user was without power for {saidi:.2f} hours; {met} of {len(results)} targets are met",
    }
    expect(page.locator("h1")).to_contain_text(said[language])
    assert figure(page, "saidi") == pytest.approx(saidi)
    expect(page.locator("figure.chart .main-svg").first).to_be_visible()
    expect(page.locator("h1")).to_have_count(1)
    assert page.evaluate("document.documentElement.scrollWidth") <= 1440


@pytest.mark.parametrize("language", ["zh", "en"])
def test_management_opens_with_the_ratio_of_the_statistics(
    page: Page, served: str, net: Network, language: str
) -> None:
    page.goto(f"{served}/management?year={YEAR}&lang={language}")
    expect(page.locator("h1")).to_be_visible()
    ratio = Statistics(net).live_ratio(Period.year(YEAR))
    assert figure(page, "ratio") == pytest.approx(ratio.by_jobs)
    assert figure(page, "avoided") == pytest.approx(ratio.reduced_ch)
    expect(page.locator("h1")).to_contain_text(f"{ratio.by_jobs:.1f}%")
    assert page.evaluate("document.documentElement.scrollWidth") <= 1440


def test_management_draws_the_grid_again_until_every_section_is_tried(page: Page, served: str, net: Network) -> None:
    page.goto(f"{served}/management?year={YEAR}&lang=en")
    sweep = n_minus_1(present(net))
    expect(page.locator(".table.n-1 + p")).to_have_text(
        f"{sweep.sections_in_all} of {sweep.sections_in_all} sections tried"
    )
    shown = page.locator(".table.n-1 tbody tr").all_inner_texts()
    missing = sorted((round(section.missing_a or 0) for section in sweep.sections if not section.passes), reverse=True)
    assert [int(each.split()[-1]) for each in shown if "no tie" not in each] == missing
    expect(page.locator("#grid-card .targets")).to_contain_text(f"{sweep.pass_rate:.2f}")


@pytest.mark.parametrize("language", ["zh", "en"])
def test_dispatch_shows_who_is_off(page: Page, served: str, net: Network, language: str) -> None:
    now = board(present(net), net.workspace.tables, net.workspace.settings["as_of"])
    page.goto(f"{served}/dispatch?lang={language}")
    expect(page.locator(".large")).to_be_visible()
    assert figure(page, "customers") == now.active[0].affected.customer_count
    tabs = page.locator(".chip.tab").all_inner_texts()
    crews = net.workspace.tables["crews"].height
    assert [int(tab.split()[-1]) for tab in tabs] == [len(now.active), len(now.restored), now.planned.height, crews]
    expect(page.locator(".ag-center-cols-container .ag-row").first).to_be_visible()
    expect(page.locator("figure.chart .main-svg").first).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 1440


@pytest.mark.parametrize("language", ["zh", "en"])
def test_plans_say_what_the_check_and_the_calendar_say(page: Page, served: str, net: Network, language: str) -> None:
    desk = PlanDesk.of(Statistics(net))
    checks, calendar = precheck(desk), calendar_plan(desk)
    page.goto(f"{served}/planned?lang={language}")
    expect(page.locator("h1")).to_be_visible()
    assert figure(page, "after") == pytest.approx(total(checks)[1])
    assert figure(page, "saving") == pytest.approx(calendar.saving_ch)
    expect(page.locator(".plans tbody tr")).to_have_count(len(checks))
    chosen = next(check for check in checks if check.verdict == "reduce")
    page.goto(f"{served}/planned?lang={language}&plan={chosen.plan_id}")
    sheet = page.locator("[data-figure=verdict]")
    expect(sheet).to_have_text(VERDICTS[chosen.verdict].in_language(language))
    expect(page.locator(".verdict-reason").first).to_have_text(chosen.reasons[0].in_language(language))
    assert chosen.facts is not None
    expect(page.locator(".mobile tbody tr")).to_have_count(len(chosen.facts.mobile))
    assert chosen.facts.mobile
    expect(page.locator(".ag-center-cols-container .ag-row").first).to_be_visible()
    expect(page.locator("figure.chart .main-svg").first).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 1440


def test_a_mark_of_the_calendar_opens_its_plan(page: Page, served: str, net: Network) -> None:
    page.goto(f"{served}/planned")
    expect(page.locator("figure.chart .main-svg").first).to_be_visible()
    marks = page.locator(".scatterlayer .point")
    expect(marks.first).to_be_visible()
    marks.last.scroll_into_view_if_needed()
    box = marks.last.bounding_box()
    assert box is not None
    place = (box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.move(*place)
    expect(page.locator(".hoverlayer .hovertext")).to_be_visible()
    page.mouse.click(*place)
    expect(page).to_have_url(re.compile(r"plan=JH"))


def test_dispatch_shows_the_plan_and_makes_it_anew_without_what_does_not_move(
    page: Page, served: str, net: Network
) -> None:
    moment = "2022-11-28T16:06:00"
    (entry, *_) = board(
        present(net, datetime.fromisoformat(moment)), net.workspace.tables, datetime.fromisoformat(moment)
    ).active
    assert entry.incident is not None
    fault = entry.incident.location.ranked[0].branches
    plan = restore(present(net, datetime.fromisoformat(moment)), fault)
    page.goto(f"{served}/dispatch?at={moment}&lang=en")
    rows = page.locator(".operations tbody tr")
    expect(rows).to_have_count(len(plan.steps) + 1)
    assert figure(page, "back") == sum(stage.customers or 0 for stage in plan.stages[:-1])
    for step, said in zip(plan.steps, rows.all_inner_texts(), strict=False):
        assert f"{step.action} " in said
        assert step.branch_id in said
    page.locator(".operations a.cover").nth(1).click()
    expect(page.locator(".desk")).to_contain_text(f"after step 2 of {len(plan.steps)}")
    expect(page.locator(".legend")).to_contain_text("fed again")
    rows.first.get_by_role("link", name="does not move").click()
    refused = plan.steps[0].branch_id
    expect(page).to_have_url(re.compile(f"refused={refused}"))
    expect(page.locator(".plan")).to_contain_text(f"{refused} ×")
    again = restore(present(net, datetime.fromisoformat(moment)), fault, [refused])
    expect(rows).to_have_count(len(again.steps) + 1)
    assert refused not in " ".join(rows.all_inner_texts())
    page.get_by_role("link", name=f"{refused} ×").click()
    expect(page.locator(".plan")).not_to_contain_text(f"{refused} ×")


def test_dispatch_at_an_earlier_moment(page: Page, served: str, net: Network) -> None:
    everything = board(present(net), net.workspace.tables, net.workspace.settings["as_of"])
    tripped = next(
        entry for entry in everything.restored if entry.incident and entry.incident.location.ranked and entry.record
    )
    assert tripped.incident is not None
    then = board(present(net, tripped.incident.last), net.workspace.tables, tripped.incident.last)
    page.goto(f"{served}/dispatch?at={tripped.incident.last:%Y-%m-%dT%H:%M:%S}")
    expect(page.locator(".sections")).to_be_visible()
    first = then.active[0].incident
    assert first is not None
    expect(page.locator(".sections tbody tr").first).to_contain_text(
        f"{first.location.ranked[0].probability * 100:.0f}%"
    )


@pytest.mark.parametrize("position", [1, -1])
def test_a_bar_opens_rows_that_sum_to_it(page: Page, served: str, net: Network, position: int) -> None:
    page.goto(f"{served}/operations?year={YEAR}")
    bar = page.locator(".pareto tbody tr").nth(position)
    hours = float(bar.locator("[data-hours]").get_attribute("data-hours") or "nan")
    ranked = causes(Statistics(net), Query(Period.year(YEAR), as_of=net.workspace.settings["as_of"]), 8)
    assert hours == pytest.approx(ranked["ch"][position])
    bar.click()
    drawer = page.locator(".mantine-Drawer-content")
    expect(drawer.locator(".ag-center-cols-container .ag-row").first).to_be_visible()
    assert float(drawer.locator("[data-hours]").get_attribute("data-hours") or "nan") == pytest.approx(hours)
    if position == 1:
        assert f"rows.cause={ranked['cause'][1]}" in page.evaluate("decodeURIComponent(location.search)")
    expect(page).to_have_url(re.compile("rows="))
    page.keyboard.press("Escape")
    expect(drawer).to_be_hidden()
    expect(page).to_have_url(re.compile(rf"/operations\?year={YEAR}$"))


def test_a_point_of_the_curve_opens_its_day(page: Page, served: str, net: Network) -> None:
    page.goto(f"{served}/operations?year={YEAR}&plan=xihua-2022&area=XH-1")
    chart = page.locator(".curve .nsewdrag").first
    expect(chart).to_be_visible()
    box = chart.bounding_box()
    assert box is not None
    page.wait_for_timeout(500)
    path = page.locator(".curve .scatterlayer .trace path.js-line").last
    at = path.evaluate("line => { const p = line.getPointAtLength(line.getTotalLength() * 0.6); return [p.x, p.y]; }")
    page.mouse.move(box["x"] + at[0], box["y"] + at[1])
    page.wait_for_timeout(300)
    page.mouse.click(box["x"] + at[0], box["y"] + at[1])
    expect(page).to_have_url(re.compile(rf"rows\.target=XH-1&rows\.day={YEAR}-\d\d-\d\d"))
    opened = re.search(r"rows\.day=([\d-]+)", page.url)
    assert opened is not None
    drawer = page.locator(".mantine-Drawer-content")
    expect(drawer).to_be_visible()
    statistics = Statistics(net)
    where = next(each.where for each in judge(statistics, "xihua-2022", YEAR) if each.target_id == "XH-1")
    assert where is not None
    curve = cumulative_saidi(statistics, Query(Period.year(YEAR), as_of=net.workspace.settings["as_of"]), Area(*where))
    expected = dict(curve.select(pl.col("day").dt.to_string("iso"), "ch").iter_rows())[opened[1]]
    shown = float(drawer.locator("[data-hours]").get_attribute("data-hours") or "nan")
    assert shown == pytest.approx(expected, abs=1e-6)


def test_a_link_reproduces_the_view_with_its_rows(page: Page, served: str) -> None:
    page.goto(f"{served}/operations?year={YEAR}&level=lv&rows=ledger")
    drawer = page.locator(".mantine-Drawer-content")
    expect(drawer.locator(".ag-center-cols-container .ag-row").first).to_be_visible()
    expect(drawer).to_contain_text("低压用户")


def test_what_the_address_says_wrongly_is_noted(page: Page, served: str) -> None:
    page.goto(f"{served}/operations?year=1066&colour=red&lang=en")
    notes = page.locator(".address-note")
    expect(notes).to_have_count(2)
    expect(notes.first).to_contain_text("year=1066")
    expect(page.locator("h1")).to_contain_text(str(YEAR))


def test_rows_that_do_not_exist_are_refused_in_words(page: Page, served: str) -> None:
    page.goto(f"{served}/operations?rows=ledger&rows.colour=red&lang=en")
    expect(page.locator(".mantine-Drawer-content").get_by_role("alert")).to_contain_text(
        "cannot be filtered by colour=red"
    )


def test_the_keyboard_reaches_the_rows(page: Page, served: str) -> None:
    page.goto(f"{served}/operations?year={YEAR}")
    door = page.locator(".pareto a.cover").first
    door.focus()
    page.keyboard.press("Enter")
    expect(page.locator(".mantine-Drawer-content")).to_be_visible()


def test_the_language_is_one_click_away(page: Page, served: str) -> None:
    page.goto(f"{served}/management?year={YEAR}")
    page.get_by_role("link", name="EN").click()
    expect(page).to_have_url(re.compile(r"lang=en"))
    expect(page.locator("h1")).to_contain_text("without an outage")


@pytest.mark.parametrize(
    ("name", "address"),
    [
        ("operations", f"operations?year={YEAR}"),
        ("dispatch", "dispatch?at=2022-11-28T16:06:00&step=2"),
        ("planned", "planned?plan=JH00154"),
    ],
)
def test_pictures(page: Page, served: str, tmp_path: Path, name: str, address: str) -> None:
    page.goto(f"{served}/{address}")
    expect(page.locator("figure.chart .main-svg").first).to_be_visible()
    page.wait_for_timeout(500)
    folder = PICTURES if os.environ.get("FUDIAN_WRITE_PICTURES") == "1" else tmp_path
    folder.mkdir(parents=True, exist_ok=True)
    assert page.screenshot(path=folder / f"{name}.png", full_page=True).startswith(b"\x89PNG")


def signed(page: Page, computing: bool) -> None:
    """Wait until the page carries the sign of computing, or no longer; asked from here: the page's own policy forbids eval."""
    for _ in range(600):
        content = page.evaluate("() => getComputedStyle(document.getElementById('page'), '::before').content")
        if ("computing" in content) is computing:
            return
        page.wait_for_timeout(100)
    raise AssertionError(f"the sign of computing never became {computing}: {content}")


def test_a_figure_that_is_being_made_again_carries_a_sign_until_the_new_one_stands_there(
    page: Page, served: str
) -> None:
    """The mark that the library sets while an answer is under way is set by hand, so that the sign is seen however fast it is."""
    page.goto(f"{served}/operations?year={YEAR}")
    expect(page.locator("h1 b").first).to_be_visible()
    before = page.locator("h1").first.inner_text()
    signed(page, False)
    told = page.evaluate("""() => {
        const page = document.getElementById("page"), sign = () => getComputedStyle(page, "::before").content;
        page.setAttribute("data-dash-is-loading", true);
        const computing = sign();
        page.setAttribute("data-dash-is-loading", false);
        return [computing, sign()];
    }""")
    assert ["computing" in said for said in told] == [True, False]
    assert page.locator("h1").first.inner_text() == before, "the old figure stands there still"
    page.locator(".choice > summary").first.click()
    page.locator(".choices a", has_text=str(YEAR - 1)).first.click()
    expect(page.locator("h1").first).not_to_have_text(before)
    assert str(YEAR - 1) in page.locator("h1").first.inner_text()
