"""The steering page: will targets be met, what may still be spent, why the year differs from the last, who is off too often."""

from __future__ import annotations

from datetime import datetime
from itertools import accumulate, pairwise
from typing import Any

from dash import html

from dashboard.pages.frequent_card import FIRST_WAIT_S, clock, frequent_card, how_far
from dashboard.parts.address import Address
from dashboard.parts.blocks import Part, badge, bar, card, chip, frame, lead, row, strong, table
from dashboard.parts.freshness import freshness
from dashboard.parts.words import DASH, moment, number, word
from fudian import Utility
from network import FudianError, translate
from network.steps import Done
from reliability.period import Period
from reliability.steering.forecast import Forecast, TargetForecast
from reliability.steering.levers import LEVER_NAMES

_PARTS = 8
_MOST_LEVERS = 12
_WHY = ("nature", "cause", "region_class", "unit", "feeder_id", "device")


def page(utility: Utility, address: Address) -> html.Div:
    """Return the page."""
    utility.require_records()
    years = [str(year) for year in utility.years]
    year = int(address.choose("year", years, years[-1]))
    plan = address.choose("plan", utility.target_plans, utility.target_plans[0])
    ends = moments(utility, year)
    as_of = address.choose("until", ends, ends[-1])
    by = address.choose("by", _WHY, "nature")
    address.note_unknown()
    chips = _chips(utility, address, year, plan, as_of, ends)
    done = _under_check(utility, plan, as_of, year, FIRST_WAIT_S)
    if not done.is_all:
        language = address.language
        sentence = [
            translate("The plans to come are being calculated, on which forecast, levers and budget rest.", language)
        ]
        cards = html.Div([_why_card(utility, address, year, as_of, by)], className="grid")
        return frame(
            address,
            chips,
            freshness(utility, address),
            [lead(sentence, [how_far(done, language)]), cards, *clock(done)],
        )
    said = utility.forecast(plan, as_of, year=year)
    return frame(
        address,
        chips,
        freshness(utility, address),
        [
            _lead(said, address.language),
            html.Div(
                [forecast_card(said, address), _budget_card(utility, address, year, as_of)], className="grid halves"
            ),
            html.Div([_levers_card(utility, address, said, plan, year, as_of)], className="grid"),
            html.Div(
                [_why_card(utility, address, year, as_of, by), frequent_card(utility, address, as_of)],
                className="grid halves",
            ),
        ],
    )


def under_check(utility: Utility, address: Address, wait_s: float | None = FIRST_WAIT_S) -> Done:
    """Return how far the plans to come are calculated, on which all but the comparison of years rests."""
    years = [str(year) for year in utility.years]
    year = int(address.choose("year", years, years[-1]))
    plan = address.choose("plan", utility.target_plans, utility.target_plans[0])
    ends = moments(utility, year)
    as_of = address.choose("until", ends, ends[-1])
    return _under_check(utility, plan, as_of, year, wait_s)


def _under_check(utility: Utility, plan: str, as_of: str, year: int, wait_s: float | None) -> Done:
    levers = utility.levers_under_check(plan, as_of, year, wait_s)
    return utility.bands_under_check(as_of, wait_s) if levers.is_all else levers


def moments(utility: Utility, year: int) -> list[str]:
    """Return the month ends of a year as far as anything is known, the last moment known among them."""
    period, reading = utility.period(year), utility.workspace.reading
    known = min(utility.known_until, period.end)
    ends = [part.end for _, part in period.months() if part.end < known]
    return [reading.shown(each).removesuffix("T00:00:00") for each in (*ends, known)]


def _chips(utility: Utility, address: Address, year: int, plan: str, as_of: str, ends: list[str]) -> list[Part]:
    language = address.language
    name = f"{utility.name} · " if utility.name else ""
    return [
        chip(
            f"{name}{translate('{year}', language, year=year)}",
            [(str(each), address.href(year=str(each), until=None)) for each in reversed(utility.years)],
            translate("Year", language),
        ),
        chip(
            translate("plan {plan}", language, plan=plan),
            [(target_plan, address.href(plan=target_plan)) for target_plan in utility.target_plans],
            translate("Plan", language),
        ),
        chip(
            translate("seen from {moment}", language, moment=as_of[:10]),
            [(end[:10], address.href(until=end)) for end in reversed(ends)],
            translate("Seen from", language),
        ),
        html.Span(translate("MV users, with major event days", language), className="chip still"),
    ]


def _lead(said: Forecast, language: str) -> html.Div:
    tightest = said.tightest
    if tightest is None:
        return lead([translate("Nothing can be said of the targets of this plan.", language)], [])
    notes = [note.in_language(language) for note in said.notes]
    return lead(
        [tightest.says().in_language(language), translate(".", language)], [translate("; ", language).join(notes)]
    )


def forecast_card(said: Forecast, address: Address) -> html.Section:
    """Return the card of the targets: so far, expected, range, and how likely each is met."""
    language = address.language
    rows = [_forecast_row(each, language) for each in said.rows if each.quantiles[0] is not None]
    untold = [each for each in said.rows if each.quantiles[0] is None]
    head = [
        (translate("Target", language), ""),
        (translate("so far", language), "right"),
        (translate("range and limit", language), "wide-cell"),
        (translate("expected", language), "right"),
        (translate("is met with", language), "right"),
        (translate("hours left to spend", language), "right"),
    ]
    title = translate("How the year is likely to end", language)
    below = [html.P(each.says().in_language(language), className="quiet") for each in untold]
    note = translate(
        "seen from {moment} · range of 80 % · {approved} approved and {submitted} submitted plans",
        language, moment=moment(said.as_of, form="%Y-%m-%d"), approved=said.plans[0], submitted=said.plans[1],
    )  # fmt: skip
    content: Part = table(head, rows, "forecast", title) if rows else translate("Nothing can be said of it.", language)
    return card(title, content, *below, note=note, name="forecast")


def _forecast_row(each: TargetForecast, language: str) -> html.Tr:
    p10, _, p90 = each.quantiles
    chance = each.probability() or 0.0
    widest = max(p90 or 0.0, each.limit) * 1.1 or 1.0
    unit = word(each.target.unit, language)
    sign = "≥" if each.target.op == ">=" else "≤"
    label = f"{each.target.label} {number(p10)}–{number(p90)} {unit}"
    so_far = (each.to_date or 0.0) if each.accumulates else 0.0
    low, high = max(p10 or 0.0, 0.0), max(p90 or 0.0, 0.0)
    span = bar(
        (so_far / widest, "measure"),
        (max(low - so_far, 0.0) / widest, "gap"),
        ((high - low) / widest, "light"),
        mark=each.limit / widest,
        label=label,
    )
    tone = "warning" if chance < 0.5 else ""
    return row(
        [
            ([f"{each.target.label} ", html.Span(word(each.target.metric, language), className="quiet")], ""),
            (number(each.to_date), "right"),
            (
                [span, html.Div(f"{number(p10)}–{number(p90)}, {sign} {each.limit:.4g} {unit}", className="reason")],
                "wide-cell",
            ),
            (number(each.expected), "right"),
            (badge(f"{chance:.0%}", tone), "right"),
            (number(each.left, 0) if each.target.metric == "SAIDI" else DASH, "right"),
        ],
        None,
    )


def _levers_card(utility: Utility, address: Address, said: Forecast, plan: str, year: int, as_of: str) -> html.Section:
    language = address.language
    tightest = said.tightest
    title = translate("What would meet it", language)
    answer = utility.levers(plan, as_of=as_of, year=year).as_dict(language)
    rows = [
        row(
            [
                (html.B(translate(LEVER_NAMES[each["kind"]], language)), ""),
                (each["says"], ""),
                (number(each["saves_ch"], 1), "right"),
                (_chance(each["without"]), "right quiet"),
                (_chance(each["probability"]), "right"),
            ],
            None,
        )
        for each in answer["rows"][:_MOST_LEVERS]
    ]
    head = [
        (translate("kind of lever", language), ""),
        (translate("Lever", language), ""),
        (translate("saves CH", language), "right"),
        (translate("without it", language), "right"),
        (translate("with it", language), "right"),
    ]
    content: Part = table(head, rows, "levers", title)
    notes = [html.P(note, className="quiet") for note in answer["basis"]["notes"]]
    if not rows:
        content = html.P(translate("The year is over, or nothing can be said of it.", language), className="quiet")
    return card(title, content, *notes, note=tightest.target.label if tightest else "", name="levers")


def _chance(probability: float | None) -> str:
    return DASH if probability is None else f"{probability:.0%}"


def _budget_card(utility: Utility, address: Address, year: int, as_of: str) -> html.Section:
    language = address.language
    sheet = utility.budget(year, as_of)
    rows = [
        row(
            [
                (each["unit"], ""),
                (number(each["annual_ch"], 0), "right"),
                (number(each["consumed_ch"], 0), "right"),
                (number(each["committed_ch"], 0), "right"),
                (number(each["reserve_left_ch"], 0), "right"),
                (
                    strong(number(each["may_plan_ch"], 0), "warning" if each["light"] in {"amber", "red"} else ""),
                    "right",
                ),
            ],
            None,
        )
        for each in sheet.rows()
    ]
    head = [
        (translate("Unit", language), ""),
        (translate("budget", language), "right"),
        (translate("spent so far", language), "right"),
        (translate("promised", language), "right"),
        (translate("kept for faults", language), "right"),
        (translate("may still be planned", language), "right"),
    ]
    title = translate("Budget of customer-hours", language)
    warnings = [html.P(warning["says"], className="quiet") for warning in sheet.warnings(language)]
    notes = [html.P(note.in_language(language), className="quiet") for note in sheet.notes]
    return card(
        title, table(head, rows, "budget", title), *warnings, *notes, note=translate("customer-hours", language)
    )


def _why_card(utility: Utility, address: Address, year: int, as_of: str, by: str) -> html.Section:
    """Return why the year until a moment differs from the same part of the year before."""
    language = address.language
    until = min(datetime.fromisoformat(as_of).replace(tzinfo=None), Period.year(year).end)
    is_whole = until == Period.year(year).end
    earlier, later = (str(each) if is_whole else f"{each}-01-01..{each}-{until:%m-%d}" for each in (year - 1, year))
    title = translate("Why the year differs from the last", language)
    try:
        found = utility.why(earlier, later, "saidi", by).as_dict(language)
    except FudianError as refused:
        return card(title, html.P(refused.message.in_language(language), className="quiet"))
    picker = chip(
        word(by, language),
        [(word(each, language), address.href(by=each)) for each in _WHY],
        translate("Broken down by", language),
    )
    names = dict(utility.network.feeders.select("feeder_id", "name").iter_rows())
    parts = found["parts"]
    rest = parts[_PARTS:]
    shown = [(part, names) for part in parts[:_PARTS]]
    if rest:
        sums = {
            name: sum(part[name] for part in rest) for name in ("users", "frequency", "extent", "duration", "total")
        }
        label = translate("{count} more", language, count=len(rest))
        shown.append(({"value": label} | sums, {}))
    levels = list(accumulate((part["total"] for part, _ in shown), initial=found["from"]["value"]))
    lowest = min(levels)
    widest = (max(levels) - lowest) or 1.0
    ends = pairwise([(level - lowest) / widest for level in levels])
    rows = [_why_row(part, own, both, language) for (part, own), both in zip(shown, ends, strict=True)]
    head = [
        (word(by, language), ""),
        ("", "wide-cell"),
        (translate("change", language), "right"),
        *((translate(word_, language), "right quiet") for word_ in ("users", "frequency", "extent", "duration")),
    ]
    said = translate(
        "{before} h per user in {last}, {after} h in {year}: {change} h", language, before=number(found["from"]["value"]),
        last=year - 1, after=number(found["to"]["value"]), year=year, change=f"{found['change']:+.2f}",
    )  # fmt: skip
    notes = [html.P(note, className="quiet") for note in found["basis"]["notes"]]
    if not is_whole:
        notes.insert(0, html.P(translate("both years until {day}", language, day=f"{until:%m-%d}"), className="quiet"))
    return card([title, picker], html.P(said), table(head, rows, "why", title), *notes, name="why",
                note=translate("h per user · each part goes on where the last ended", language))  # fmt: skip


def _why_row(part: dict[str, Any], names: dict[str, str], ends: tuple[float, float], language: str) -> html.Tr:
    """Return a step of the waterfall: its bar goes from where the last one ended to where the figure stands with it."""
    value = part["value"]
    label = names.get(value) or word(value, language) if value else translate("not recorded", language)
    total = part["total"]
    tone = "over" if total > 0 else "light"
    shape = bar((min(ends), ""), (abs(ends[1] - ends[0]), tone), label=f"{label} {total:+.2f}")
    factors = [(f"{part[name]:+.2f}", "right quiet") for name in ("users", "frequency", "extent", "duration")]
    return row([(label, ""), (shape, "wide-cell"), (html.B(f"{total:+.2f}"), "right"), *factors], None)
