"""The report of a month, quarter, half-year, year, or any other period: every figure as the other questions answer it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from time import monotonic
from typing import Any, TypeVar

import polars as pl

from fudian.desk_questions import DeskQuestions
from fudian.dispatch_questions import DispatchQuestions
from fudian.foundation import Moment, PeriodLike, stating_settings
from fudian.reliability_questions import ReliabilityQuestions
from fudian.steering_questions import SteeringQuestions
from network import FudianError, UnknownIdError, text, translate
from network.steps import step
from network.tables.writing import header
from reliability.natures import CLASS_NAMES, FAULT
from reliability.period import Period
from reliability.repeat import RULES
from reliability.report.content import Column, Report, Section, ranked_bars, shown, stacked_months
from reliability.report.writing import write_report
from reliability.rule_packs import DLT_836_2016
from reliability.targets import METRIC_NAMES, STATUSES
from repair.desk.figures import DISPATCH_FIGURE_NAMES, FIGURE_NAMES

_OF_ALL = ("targets", "forecast", "process", "operation", "desk", "dispatch", "grid", "data")
"""Sections whose figures are of the whole utility."""

_RULES = ("reliability", "steering", "planned", "grid")
"""Tables of ``fudian.toml`` that say how figures are counted; the others are of a server."""

_ENGLISH = {
    "ch": "customer-hours", "CH": "customer-hours", "N_T": "users", "CI": "interruptions", "p10": "10 %", "p50": "50 %",
    "p90": "90 %", "to_date": "so far", "fault_ch": "faults", "prearranged_ch": "prearranged", "label": "area", "most": "allowed",
    "reduced_ch": "spared customer-hours", "by_jobs": "% by jobs", "by_customer_hours": "% by customer-hours",
    "share_percent": "% of all", "running_percent": "% running", "saidi_h": "h per user", "probability_met": "chance",
    "left_ch": "left, customer-hours", "measured_in": "unit", "judged": "result", "live_jobs": "live jobs",
    "annual_ch": "budget, customer-hours", "consumed_ch": "used", "committed_ch": "promised", "remaining_ch": "left",
    "reserve_left_ch": "kept for faults", "may_plan_ch": "may be planned", "target_id": "target", "kpi": "figure",
}  # fmt: skip
"""Headings in English where the name of a column is no word; the Chinese ones stand in the tables and the catalogue."""

_FIGURES = {
    "N_T": (1, ""), "CH": (1, "customer-hours"), "CI": (0, ""), "CN": (0, ""),
    "SAIDI-1": (3, "h"), "SAIDI-4": (3, "h"), "SAIDI-F": (3, "h"),
    "SAIDI-S": (3, "h"), "SAIFI-1": (3, "times"), "ASAI-1": (4, "%"), "CAIDI": (3, "h"),
}  # fmt: skip
"""Figures of the headline, with decimals and unit."""

_MEANING_NAMES = {
    "N_T": "equivalent users",
    "CH": "customer-hours without power",
    "CI": "interruptions of users",
    "CN": "users interrupted, each once",
    "SAIDI-1": "hours without power per user",
    "SAIDI-4": "of it without short ones",
    "SAIDI-F": "of it by faults",
    "SAIDI-S": "of it prearranged",
    "SAIFI-1": "interruptions per user",
    "ASAI-1": "availability of supply",
    "CAIDI": "hours per interruption",
}
"""What each of them is."""

SECTION_TITLES = {
    "headline": "The period in short",
    "months": "Customer-hours by month",
    "classes": "Region classes",
    "targets": "Targets of the plan",
    "forecast": "How the year is likely to end",
    "budget": "Customer-hours that may be spent in {year}",
    "process": "Signal or noise",
    "causes": "Causes",
    "feeders": "Feeders that cost most",
    "frequent": "Off too often",
    "live": "Live-work ratio",
    "planned": "Planned outages for work",
    "operation": "Figures of operation",
    "desk": "Closed-loop repair",
    "dispatch": "How the dispatch went",
    "grid": "The grid",
    "data": "Data, rules and settings",
}
"""What each section is headed with."""

Waited = TypeVar("Waited")

_BANDS = {"over": "over the bar", "at": "one more breaks it", "near": "two more break it"}

MOST = 10
"""Rows of the worst that a section lists."""


class ReportQuestions(DispatchQuestions, DeskQuestions, SteeringQuestions, ReliabilityQuestions):
    """The report, put together from the answers to other questions.

    Those are kept; the report is put together anew each time, since the desk and the N-1 test go on.
    """

    @stating_settings
    def report(
        self,
        period: PeriodLike = None,
        plan: str | None = None,
        language: str | None = None,
        unit: str | None = None,
        as_of: Moment = None,
        wait_s: float | None = 5.0,
    ) -> Report:
        """Return the report of a period: targets, forecast, budget, causes, feeders, frequent users, work, desk, crews, grid.

        Args:
            period: month, quarter, half-year, year or any other; by default the last calendar year with records.
            plan: whose targets are told; by default the first of the workspace.
            language: ``en`` or ``zh``; by default that of the workspace object.
            unit: only the figures of this unit; a section that is of the whole utility says so.
            as_of: nothing later is known.
            wait_s: for how long the N-1 test is waited for in all; ``None`` waits until it is over.

        Raises:
            UnknownIdError: no user is of the unit.
            FudianError: a word is not known, or nothing of the period is known.
            WorkspaceError: there is no usable outage record, or nothing to divide by.
        """
        self.require_records()
        units = self.workspace.tables["transformers"]["unit"].drop_nulls().unique().sort().to_list()
        if unit is not None and unit not in units:
            raise UnknownIdError("unit", unit, units)
        query = self._statistics.query(
            self.period(period), as_of=self.moment(as_of), where={"unit": unit} if unit else None
        )
        chosen = plan or self.target_plans[0]
        made = _Made(self, query.period, chosen, language or self.language, unit, as_of, wait_s, query)
        return made.report()

    def write_report(self, report: Report, to: Path | str) -> None:
        """Write a report to a file: PDF/A by Typst, DOCX, or a workbook whose sums and ratios are live formulas.

        Args:
            report: of :meth:`report`.
            to: a file that ends in ``.pdf``, ``.docx`` or ``.xlsx``.

        Raises:
            FudianError: the file has another ending.
            MissingExtraError: what writes it is not installed.
            OSError: it cannot be written.
        """
        write_report(report, Path(to))


def _year_before(moment: datetime) -> datetime:
    """Return the same time of the year before; of 29 February the day before it."""
    is_leap_day = (moment.month, moment.day) == (2, 29)
    return moment.replace(year=moment.year - 1, day=28 if is_leap_day else moment.day)


@dataclass(frozen=True)
class _Made:
    utility: ReportQuestions
    period: Period
    plan: str
    language: str
    unit: str | None
    as_of: Moment
    wait_s: float | None
    query: Any
    waited_s: list[float] = field(default_factory=list)

    def report(self) -> Report:
        say = self.say
        name = self.unit or self.utility.name or say("Distribution utility")
        known = self.query.known.period
        until = say("{start} to {end}, known until {moment}", start=f"{self.period.start:%Y-%m-%d}",
                    end=f"{self.period.end - timedelta(days=1):%Y-%m-%d}", moment=shown(known.end, 0))  # fmt: skip
        rules = self.utility.reliability_settings.changed()
        basis = {
            "period": self.period.as_dict(), "level": "mv", "major_event_days": "include", "rule_pack": DLT_836_2016.id,
            "plan": self.plan, "unit": self.unit, "settings_changed": rules,
            "known_until": self.utility.workspace.reading.shown(known.end),
        }  # fmt: skip
        title = say("Supply reliability report of {name}", name=name)
        return Report(title, until, self.language, tuple(self._sections()), basis)

    def say(self, words: str, **values: Any) -> str:
        return translate(words, self.language, **values)

    def _sections(self) -> Iterator[Section]:
        made_of: tuple[Callable[[], Section], ...] = (
            self._headline, self._months, self._classes, self._targets, self._forecast, self._budget, self._process, self._causes,
            self._feeders, self._frequent, self._live, self._planned, self._operation, self._desk,
            self._dispatch, self._grid, self._data,
        )  # fmt: skip
        for at, make in enumerate(made_of):
            step(text("parts of the report"), at, len(made_of))
            name = make.__name__.strip("_")
            try:
                section = make()
            except FudianError as refused:  # a part that cannot be told says why; the others stand
                section = self._untold(name, refused)
            yield self._of_all(section) if name in _OF_ALL else section

    def _of_all(self, section: Section) -> Section:
        """Return a section that is of the whole utility, and says so where a unit is asked for."""
        if self.unit is None:
            return section
        return replace(section, says=(self.say("These figures are of the whole utility."), *section.says))

    def _untold(self, name: str, refused: FudianError) -> Section:
        said = [refused.message.in_language(self.language)]
        if refused.hint is not None:
            said.append(refused.hint.in_language(self.language))
        return self._section(name, tuple(said))

    def _section(
        self,
        name: str,
        says: tuple[str, ...],
        columns: tuple[Column, ...] = (),
        rows: tuple[Mapping[str, Any], ...] = (),
        chart: Mapping[str, Any] | None = None,
    ) -> Section:
        if not (says or rows):
            says = (self.say("There is nothing to list."),)
        return Section(name, self.say(SECTION_TITLES[name], year=self._year), says, columns, rows, chart)

    def _title(self, name: str) -> str:
        return header(name, "zh") if self.language == "zh" else _ENGLISH.get(name, name.replace("_", " "))

    def _column(self, name: str, digits: int = 2, total: bool = False, formula: str | None = None) -> Column:
        return Column(name, self._title(name), digits, total, formula, is_share=name == "probability_met")

    def _columns(self, *names: str) -> tuple[Column, ...]:
        return tuple(self._column(name) for name in names)

    def _figures(self, by: Sequence[str] = ()) -> pl.DataFrame:
        return self.utility.indices(replace(self.query, by=tuple(by))).rows

    # Sections -----------------------------------------------------------------------------------------------------

    def _headline(self) -> Section:
        row = self._figures().row(0, named=True)
        says = [self.say("No user was in service: there is nothing to divide by.")]
        unrecorded = self.utility._unrecorded(self.query.known.period.end)
        if row["SAIDI-1"] is not None:
            says = [
                self.say(
                    "The average user was without power for {saidi:.2f} h ({saifi:.2f} times); availability {asai:.3f} %.",
                    saidi=row["SAIDI-1"], saifi=row["SAIFI-1"], asai=row["ASAI-1"],
                )
            ]  # fmt: skip
        says += [each.in_language(self.language) for each in unrecorded]
        says += [uncounted.in_language(self.language) for uncounted in self.utility._without_users(self.query)]
        change = self._change()
        if change is not None:
            if self.unit is not None:
                says.append(self.say("The change against the year before is of the whole utility."))
            says.append(
                self.say("Against the same time of {year} it changed by {change:+.2f} h: users {users:+.2f}, frequency "
                         "{frequency:+.2f}, extent {extent:+.2f}, duration {duration:+.2f}.", year=self.period.start.year - 1,
                         change=change["change"], **change["shares"])
            )  # fmt: skip
        rows = tuple(
            {
                "figure": name,
                "value": row[name],
                "measured_in": self.say(unit),
                "digits": digits,
                "meaning": self.say(_MEANING_NAMES[name]),
            }
            for name, (digits, unit) in _FIGURES.items()
        )
        columns = (self._column("figure"), self._column("value", 3), *self._columns("measured_in", "meaning"))
        return self._section("headline", tuple(says), columns, rows)

    def _change(self) -> dict[str, Any] | None:
        """Return why the hours changed against the same time of the year before, where it was recorded."""
        known = self.query.known.period
        start, end = (_year_before(moment) for moment in (known.start, known.end))
        if start.year not in self.utility.years or self.utility._unrecorded(end) or known.start < end:
            return None
        return self.utility.why(Period(start, end), known, as_of=self.as_of).as_dict()

    def _months(self) -> Section:
        figures = self._figures(("month", "nature")).with_columns(fault=pl.col("nature").is_in(FAULT))
        months = self._figures(("month",))
        rows = []
        for month, users in months.select("month", "N_T").iter_rows():
            own = figures.filter(month=month)
            fault = float(own.filter("fault")["CH"].sum())
            whole = float(own["CH"].sum())
            rows.append({"month": month, "N_T": users, "fault_ch": fault, "prearranged_ch": whole - fault, "CH": whole})
        columns = (
            self._column("month"), self._column("fault_ch", 1, total=True), self._column("prearranged_ch", 1, total=True),
            self._column("CH", 1, total=True),
        )  # fmt: skip
        kinds = self.say("fault"), self.say("prearranged")
        drawing = stacked_months(rows, kinds, self.say("customer-hours")) if len(rows) > 1 else None
        return self._section("months", (), columns, tuple(rows), drawing)

    def _classes(self) -> Section:
        rows = tuple(
            self._figures(("region_class",)).select("region_class", "N_T", "CH", "CI", "SAIDI-1", "SAIFI-1").to_dicts()
        )
        densest = {name: at for at, name in enumerate(CLASS_NAMES)}
        named = tuple(
            row | {"region_class": CLASS_NAMES.get(row["region_class"], text("no class")).in_language(self.language)}
            for row in sorted(rows, key=lambda row: densest.get(row["region_class"], len(densest)))
        )
        columns = (
            self._column("region_class"), self._column("N_T", 1, total=True), self._column("CH", 1, total=True),
            self._column("CI", 0, total=True), self._column("SAIDI-1", 3, total=True, formula="{CH}/{N_T}"),
            self._column("SAIFI-1", 3, total=True, formula="{CI}/{N_T}"),
        )  # fmt: skip
        return self._section("classes", (), columns, named)

    @property
    def _year(self) -> int:
        return (self.period.end - timedelta(microseconds=1)).year

    def _targets(self) -> Section:
        judged = self._waiting(
            lambda wait_s: self.utility.targets(self.plan, self._year, "mv", self._seen_from, wait_s)
        )
        rows = tuple(row | self._judged(row) for row in judged.as_dict(self.language)["rows"])
        why = ("reason",) if any(row["reason"] for row in rows) else ()
        names = ("target_id", "label", "metric", "value", "numerator", "denominator", "limit", "measured_in", "judged")
        listed = self._columns(*names, *why)
        said = self.say("{plan}, calendar year {year}", plan=self.plan, year=self._year)
        return self._section("targets", (said,), listed, rows)

    def _waiting(self, ask: Callable[[float | None], Waited]) -> Waited:
        """Ask what waits for the N-1 test, which is waited for once and not once for each part."""
        if self.wait_s is None:
            return ask(None)
        began = monotonic()
        answer = ask(max(self.wait_s - sum(self.waited_s), 0.0))
        self.waited_s.append(monotonic() - began)
        return answer

    def _judged(self, row: Mapping[str, Any]) -> dict[str, str]:
        """Return what people read for the codes of a target."""
        judged = {"judged": STATUSES[row["status"]].in_language(self.language)} if "status" in row else {}
        return judged | {
            "metric": translate(METRIC_NAMES.get(row["metric"], row["metric"]), self.language),
            "measured_in": "次"
            if self.language == "zh" and row["unit"] == "次"
            else row["unit"].replace("次", "times"),
        }

    @property
    def _seen_from(self) -> Moment:
        """Until when the rest of the year is looked at from: the end of the period, or as far as it is known."""
        end: datetime = self.query.known.period.end
        known = self.utility.known_until
        if end < known:
            return end
        if self.as_of is None and self.period.end < Period.year(self._year).end:
            return known
        return self.as_of

    def _forecast(self) -> Section:
        told = self.utility.forecast(self.plan, self._seen_from, year=self._year).as_dict(self.language)
        rows = tuple(row | self._judged(row) for row in told["rows"] if row["p50"] is not None)
        says = (*(row["says"] for row in told["rows"]), *told["basis"]["notes"])
        listed = self._columns(
            "target_id", "label", "measured_in", "limit", "to_date", "committed", "expected", "p10", "p50", "p90",
            "probability_met",
        )  # fmt: skip
        columns = (*listed, self._column("left_ch", 0))
        return self._section("forecast", says, columns, rows)

    def _causes(self) -> Section:
        rows = tuple(self.utility.causes(self.query, MOST).to_dicts())
        named = tuple(
            row
            | {
                "cause": self.say("{count} more causes", count=row["causes"])
                if row["rest"]
                else row["cause"] or self.say("not recorded")
            }
            for row in rows
        )
        columns = (
            self._column("cause"), self._column("fault_ch", 1, total=True), self._column("prearranged_ch", 1, total=True),
            self._column("ch", 1, total=True), self._column("running_percent", 1),
        )  # fmt: skip
        drawing = ranked_bars(named, "cause", "ch", self.say("customer-hours"))
        return self._section("causes", (), columns, named, drawing)

    def _feeders(self) -> Section:
        worst = self.utility.worst_feeders(self.query, MOST).drop("by_month").to_dicts()
        rows = tuple(row | {"name": row["name"] or row["feeder_id"]} for row in worst)
        columns = (
            self._column("name"),
            self._column("ch", 1, total=True),
            *self._columns("share_percent", "saidi_h", "outages"),
        )
        return self._section("feeders", (), columns, rows)

    def _frequent(self) -> Section:
        bands = self.utility.frequent_bands(as_of=self._seen_from).rows
        if self.unit is not None:
            own = self.utility.network.transformers.filter(pl.col("unit") == self.unit)["transformer_id"].unique()
            bands = bands.filter(pl.col("user_id").is_in(own.implode()))
        names = dict(self.utility.network.transformers.select("transformer_id", "name").iter_rows())
        rows = tuple(
            row
            | {
                "name": names.get(row["user_id"]) or row["user_id"],
                "rule": RULES[row["rule"]].in_language(self.language),
            }
            | {"state": translate(_BANDS[row["band"]], self.language), "plans_to_come": row["planned"]}
            for row in bands.head(2 * MOST).to_dicts()
        )
        counts = {band: bands.filter(band=band)["user_id"].n_unique() for band in _BANDS}
        says = [self.say("{over} over the bar, {at} at it, {near} one below", **counts)]
        if brought := bands.filter("breaks")["user_id"].n_unique():
            says.append(self.say("plans to come bring {count} over it", count=brought))
        columns = self._columns("name", "rule", "times", "most", "plans_to_come", "state")
        return self._section("frequent", tuple(says), columns, rows)

    def _live(self) -> Section:
        told = self.utility.live_ratio(self.period, "unit").as_dict()["rows"]
        rows = tuple(each for each in told if self.unit is None or each["unit"] == self.unit)
        columns = (
            self._column("unit"), self._column("live_jobs", 0, total=True), self._column("outage_jobs", 0, total=True),
            self._column("by_jobs", 1), self._column("reduced_ch", 1, total=True), self._column("prearranged_ch", 1, total=True),
            self._column("by_customer_hours", 1),
        )  # fmt: skip
        return self._section("live", (), columns, rows)

    def _planned(self) -> Section:
        rows = self.utility.costly_plans(self.query)
        columns = (
            *self._columns("outage_id", "start", "unit", "cause"),
            self._column("users", 0),
            self._column("ch", 1, total=True),
        )
        said = self.say("{count} planned outages, dearest first", count=rows.height)
        return self._section("planned", (said,), columns, tuple(rows.head(MOST).to_dicts()))

    def _budget(self) -> Section:
        sheet = self.utility.budget(self._year, self._seen_from).as_dict(self.language)
        rows = tuple(row for row in sheet["rows"] if self.unit is None or row["unit"] == self.unit)
        names = ("annual_ch", "consumed_ch", "committed_ch", "remaining_ch", "reserve_left_ch", "may_plan_ch")
        columns = (self._column("unit"), *(self._column(name, 1, total=True) for name in names))
        warned = [warning for warning in sheet["warnings"] if self.unit is None or warning["unit"] == self.unit]
        says = (*(each["says"] for each in warned), *sheet["notes"])
        return self._section("budget", says, columns, rows)

    def _process(self) -> Section:
        said = []
        for figure in ("saidi", "live_jobs"):
            told = self.utility.process(figure, self._year, self._seen_from).as_dict(self.language)
            said += [
                self.say("{name}: {reason}", name=told["means"], reason=sentence)
                for sentence in (*told["says"], *told["basis"]["notes"])
            ]
        return self._section("process", tuple(said))

    def _operation(self) -> Section:
        told = self.utility.operating_kpi(self._year, self._seen_from).as_dict(self.language)["rows"]
        rows = tuple(
            row
            | {
                "kpi": translate(METRIC_NAMES.get(row["kpi"], row["kpi"]), self.language),
                "measured_in": self.say(row["unit"]),
            }
            for row in told
        )
        listed = self._columns("kpi", "value", "numerator", "denominator", "measured_in", "reference", "reason")
        return self._section("operation", (), listed, rows)

    def _desk(self) -> Section:
        told = self.utility.desk_kpi(self.period.start, self.period.end).as_dict(self.language)
        said = self.say("{count} incidents that signals told of", count=told["incidents"])
        return self._of_desk("desk", said, told, FIGURE_NAMES)

    def _dispatch(self) -> Section:
        told = self.utility.dispatch_kpi(self.period.start, self.period.end).as_dict(self.language)
        said = self.say("{count} incidents that the desk worked on", count=told["incidents"])
        return self._of_desk("dispatch", said, told, DISPATCH_FIGURE_NAMES)

    def _of_desk(self, name: str, said: str, told: Mapping[str, Any], names: Mapping[str, str]) -> Section:
        """Return a section of what the desk did; without incidents it has no figures."""
        rows = tuple(
            row | {"kpi": translate(names[row["kpi"]], self.language), "measured_in": self.say(row["unit"])}
            for row in told["rows"]
        )
        says = [said]
        forgotten = self.utility.forgotten_before
        if forgotten is not None and self.period.start < forgotten:
            says.append(
                self.say("Incidents of before {moment} are forgotten: they are not among them.", moment=forgotten)
            )
        listed = self._columns("kpi", "value", "measured_in", "numerator", "denominator")
        return self._section(name, tuple(says), listed, rows if told["incidents"] else ())

    def _grid(self) -> Section:
        judged = [target for plan in self._waiting(self.utility.grid_targets) for target in plan.results]
        told = [each.as_dict(self.language) for each in judged]
        rows = tuple(row | self._judged(row) for row in told)
        why = ("reason",) if any(row["reason"] for row in rows) else ()
        listed = self._columns("metric", "value", "numerator", "denominator", "limit", "measured_in", "judged", *why)
        return self._section("grid", (), listed, rows)

    def _data(self) -> Section:
        basis = self.utility.indices(self.query).as_dict(self.language)["basis"]
        problems = self.utility.problems
        facts: dict[str, Any] = {
            "rule_pack": DLT_836_2016.standard,
            "user_level": basis["user_level"],
            "errors": len([problem for problem in problems if problem.severity == "error"]),
            "warnings": len([problem for problem in problems if problem.severity == "warning"]),
            "outages_in_period": basis["outages_in_period"],
            "outages_rejected": basis["outages_rejected"],
        }
        rows = [{"name": self._title(name), "value": value} for name, value in facts.items()]
        storms = basis["major_event_days"]
        days = self.say("counted in") if storms["treatment"] == "include" else self.say("left out")
        found = storms["reason"] or ", ".join(str(day) for day in storms["days"])
        rows.append({"name": self.say("major event days"), "value": f"{days} ({found})" if found else days})
        for table, count in sorted(Counter(problem.table for problem in problems).items()):
            rows.append({"name": self.say("errors and warnings of {table}", table=table), "value": count})
        settings = self.utility.workspace.settings
        for table in _RULES:
            rows += [
                {"name": f"{table}.{name}", "value": shown(value, 2)} for name, value in settings.get(table, {}).items()
            ]
        return self._section("data", (), self._columns("name", "value"), tuple(rows))
