"""The report of a month, quarter, half-year, year, or any other period: every figure as the other questions answer it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import polars as pl

from fudian.foundation import Moment, PeriodLike, question
from fudian.reliability_questions import ReliabilityQuestions
from fudian.steering_questions import SteeringQuestions
from network import FudianError, UnknownIdError, translate
from network.tables.writing import header
from reliability.natures import FAULT
from reliability.period import Period
from reliability.repeat import RULES
from reliability.report.content import Column, Report, Section, ranked_bars, stacked_months
from reliability.report.writing import write_report
from reliability.rule_packs import DLT_836_2016
from reliability.targets import METRIC_NAMES, STATUSES

_OF_ALL = ("forecast", "grid")
"""Sections whose figures are of the whole utility, besides targets and data."""

MOST = 10
"""Rows of the worst that a section lists."""


class ReportQuestions(SteeringQuestions, ReliabilityQuestions):
    """The report, put together from the answers to other questions."""

    @question
    def report(
        self,
        period: PeriodLike = None,
        plan: str | None = None,
        language: str | None = None,
        unit: str | None = None,
        as_of: Moment = None,
        wait_s: float | None = 5.0,
    ) -> Report:
        """Return the report of a period: targets, forecast, causes, feeders, frequent users, live-line work, plans, grid, data.

        Args:
            period: month, quarter, half-year, year or any other; by default the last calendar year with records.
            plan: whose targets are told; by default the first of the workspace.
            language: ``en`` or ``zh``; by default that of the workspace object.
            unit: only the figures of this unit; a section that is of the whole utility says so.
            as_of: nothing later is known.
            wait_s: for how long the N-1 test is waited for; ``None`` waits until it is over.

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

    def report(self) -> Report:
        say = self.say
        name = self.unit or self.utility.name or say("Distribution utility")
        known = self.query.known.period
        until = say("{start} to {end}, known until {moment}", start=f"{self.period.start:%Y-%m-%d}",
                    end=f"{self.period.end - timedelta(days=1):%Y-%m-%d}", moment=f"{known.end:%Y-%m-%d %H:%M}")  # fmt: skip
        rules = self.utility.reliability_settings.changed()
        basis = {
            "period": self.period.as_dict(), "level": "mv", "major_event_days": "include", "rule_pack": DLT_836_2016.id,
            "plan": self.plan, "unit": self.unit, "settings_changed": rules, "known_until": known.end.isoformat(),
        }  # fmt: skip
        title = say("Supply reliability report of {name}", name=name)
        return Report(title, until, self.language, tuple(self._sections()), basis)

    def say(self, words: str, **values: Any) -> str:
        return translate(words, self.language, **values)

    def _sections(self) -> Iterator[Section]:
        yield from (self._headline(), self._months(), self._classes(), self._of_all(self._targets()))
        for make in (
            self._forecast,
            self._causes,
            self._feeders,
            self._frequent,
            self._live,
            self._planned,
            self._grid,
        ):
            try:
                made = make()
                yield self._of_all(made) if made.name in _OF_ALL else made
            except FudianError as refused:  # a part that cannot be told says why; the others stand
                yield self._untold(make.__name__.strip("_"), refused)
        yield self._of_all(self._data())

    def _of_all(self, section: Section) -> Section:
        """Return a section that is of the whole utility, and says so where a unit is asked for."""
        if self.unit is None:
            return section
        return replace(section, says=(self.say("These figures are of the whole utility."), *section.says))

    def _untold(self, name: str, refused: FudianError) -> Section:
        said = [refused.message.in_language(self.language)]
        if refused.hint is not None:
            said.append(refused.hint.in_language(self.language))
        return Section(name, header(name, self.language), tuple(said))

    def _column(self, name: str, digits: int = 2, total: bool = False, formula: str | None = None) -> Column:
        return Column(name, header(name, self.language), digits, total, formula)

    def _columns(self, *names: str) -> tuple[Column, ...]:
        return tuple(self._column(name) for name in names)

    def _figures(self, by: Sequence[str] = ()) -> pl.DataFrame:
        return self.utility.indices(replace(self.query, by=tuple(by))).rows

    # Sections -----------------------------------------------------------------------------------------------------

    def _headline(self) -> Section:
        row = self._figures().row(0, named=True)
        says = [
            self.say(
                "The average user was without power for {saidi:.2f} h ({saifi:.2f} times); availability {asai:.3f} %.",
                saidi=row["SAIDI-1"] or 0.0, saifi=row["SAIFI-1"] or 0.0, asai=row["ASAI-1"] or 0.0,
            )
        ]  # fmt: skip
        last = Period.year(self.period.start.year - 1)
        if last.start.year in self.utility.years and self.period == Period.year(self.period.start.year):
            change = self.utility.why(str(last.start.year), str(self.period.start.year)).as_dict()
            if self.unit is not None:
                says.append(self.say("The change against the year before is of the whole utility."))
            says.append(
                self.say("Against {year} it changed by {change:+.2f} h: users {users:+.2f}, frequency {frequency:+.2f}, extent "
                         "{extent:+.2f}, duration {duration:+.2f}.", year=last.start.year, change=change["change"],
                         **change["shares"])
            )  # fmt: skip
        names = ("N_T", "CH", "CI", "CN", "SAIDI-1", "SAIDI-4", "SAIDI-F", "SAIDI-S", "SAIFI-1", "ASAI-1", "CAIDI")
        rows = tuple({"figure": name, "value": row[name]} for name in names)
        columns = (self._column("figure"), self._column("value", 3))
        return Section("headline", self.say("The period in short"), tuple(says), columns, rows)

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
        return Section("months", self.say("Customer-hours by month"), (), columns, tuple(rows), drawing)

    def _classes(self) -> Section:
        rows = tuple(
            self._figures(("region_class",)).select("region_class", "N_T", "CH", "CI", "SAIDI-1", "SAIFI-1").to_dicts()
        )
        named = tuple(
            row | {"region_class": translate(_CLASSES.get(row["region_class"], "—"), self.language)} for row in rows
        )
        columns = (
            self._column("region_class"), self._column("N_T", 1, total=True), self._column("CH", 1, total=True),
            self._column("CI", 0, total=True), self._column("SAIDI-1", 3, total=True, formula="{CH}/{N_T}"),
            self._column("SAIFI-1", 3, total=True, formula="{CI}/{N_T}"),
        )  # fmt: skip
        return Section("classes", self.say("Region classes"), (), columns, named)

    @property
    def _year(self) -> int:
        return (self.period.end - timedelta(microseconds=1)).year

    def _targets(self) -> Section:
        judged = self.utility.targets(self.plan, self._year, as_of=self.as_of, wait_s=self.wait_s).as_dict(
            self.language
        )["rows"]
        rows = tuple(row | {"judged": STATUSES[row["status"]].in_language(self.language)} for row in judged)
        shown = self._columns(
            "target_id", "label", "metric", "value", "numerator", "denominator", "limit", "unit", "judged"
        )
        said = self.say("{plan}, calendar year {year}", plan=self.plan, year=self._year)
        return Section("targets", self.say("Targets of the plan"), (said,), shown, rows)

    def _judged(self, row: Mapping[str, Any]) -> dict[str, str]:
        """Return what people read for the codes of a target."""
        return {
            "judged": STATUSES[row["status"]].in_language(self.language),
            "metric": translate(METRIC_NAMES.get(row["metric"], row["metric"]), self.language),
            "measured_in": "次"
            if self.language == "zh" and row["unit"] == "次"
            else row["unit"].replace("次", "times"),
        }

    def _forecast(self) -> Section:
        end = self.query.known.period.end
        as_of = self.as_of if end >= self.utility.known_until else end
        told = self.utility.forecast(self.plan, as_of, year=self._year).as_dict(self.language)
        rows = tuple(row for row in told["rows"] if row["p50"] is not None)
        says = (*(row["says"] for row in told["rows"]), *told["basis"]["notes"])
        shown = self._columns(
            "label", "limit", "to_date", "committed", "expected", "p10", "p50", "p90", "probability_met"
        )
        columns = (*shown, self._column("left_ch", 0))
        return Section("forecast", self.say("How the year is likely to end"), says, columns, rows)

    def _causes(self) -> Section:
        rows = tuple(self.utility.causes(self.query, MOST).to_dicts())
        named = tuple(
            row | {"cause": row["cause"] or self.say("{count} more causes", count=row["causes"])} for row in rows
        )
        columns = (
            self._column("cause"), self._column("fault_ch", 1, total=True), self._column("prearranged_ch", 1, total=True),
            self._column("ch", 1, total=True), self._column("running_percent", 1),
        )  # fmt: skip
        drawing = ranked_bars(named, "cause", "ch", self.say("customer-hours"))
        return Section("causes", self.say("Causes"), (), columns, named, drawing)

    def _feeders(self) -> Section:
        worst = self.utility.worst_feeders(self.query, MOST).drop("by_month").to_dicts()
        rows = tuple(row | {"name": row["name"] or row["feeder_id"]} for row in worst)
        columns = (
            self._column("name"),
            self._column("ch", 1, total=True),
            *self._columns("share_percent", "saidi_h", "outages"),
        )
        return Section("feeders", self.say("Feeders that cost most"), (), columns, rows)

    def _frequent(self) -> Section:
        bands = self.utility.frequent_bands(as_of=self.query.known.period.end).rows
        if self.unit is not None:
            own = self.utility.network.transformers.filter(pl.col("unit") == self.unit)["transformer_id"].unique()
            bands = bands.filter(pl.col("user_id").is_in(own.implode()))
        words = {"over": "over the bar", "at": "one more breaks it", "near": "two more break it"}
        names = dict(self.utility.network.transformers.select("transformer_id", "name").iter_rows())
        rows = tuple(
            row
            | {
                "name": names.get(row["user_id"]) or row["user_id"],
                "rule": RULES[row["rule"]].in_language(self.language),
            }
            | {"state": translate(words[row["band"]], self.language), "plans_to_come": row["planned"]}
            for row in bands.head(2 * MOST).to_dicts()
        )
        counts = {band: bands.filter(band=band)["user_id"].n_unique() for band in words}
        said = self.say("{over} over the bar, {at} at it, {near} one below", **counts)
        return Section("frequent", self.say("Off too often"), (said,),
                       self._columns("name", "rule", "times", "most", "plans_to_come", "state"), rows)  # fmt: skip

    def _live(self) -> Section:
        told = self.utility.live_ratio(self.period, "unit").as_dict()["rows"]
        rows = tuple(each for each in told if self.unit is None or each["unit"] == self.unit)
        columns = (
            self._column("unit"), self._column("live_jobs", 0, total=True), self._column("outage_jobs", 0, total=True),
            self._column("by_jobs", 1), self._column("reduced_ch", 1, total=True), self._column("prearranged_ch", 1, total=True),
            self._column("by_customer_hours", 1),
        )  # fmt: skip
        return Section("live", self.say("Live-work ratio"), (), columns, rows)

    def _planned(self) -> Section:
        rows = self.utility.costly_plans(self.query)
        columns = (
            *self._columns("outage_id", "start", "unit", "cause"),
            self._column("users", 0),
            self._column("ch", 1, total=True),
        )
        said = self.say("{count} planned outages, dearest first", count=rows.height)
        return Section(
            "planned", self.say("Planned outages for work"), (said,), columns, tuple(rows.head(MOST).to_dicts())
        )

    def _grid(self) -> Section:
        judged = [target for plan in self.utility.grid_targets(self.wait_s) for target in plan.results]
        told = [each.as_dict(self.language) for each in judged]
        rows = tuple(row | self._judged(row) for row in told)
        shown = self._columns("metric", "value", "numerator", "denominator", "limit", "measured_in", "judged", "reason")
        return Section("grid", self.say("The grid"), (), shown, rows)

    def _data(self) -> Section:
        basis = self.utility.indices(self.query).as_dict(self.language)["basis"]
        settings = {**self.utility.reliability_settings.changed()}
        facts: Mapping[str, Any] = {
            "rule_pack": DLT_836_2016.id,
            "user_level": basis["user_level"],
            "errors": len([each for each in self.utility.problems if each.severity == "error"]),
            "warnings": len([each for each in self.utility.problems if each.severity == "warning"]),
            "outages_in_period": basis["outages_in_period"],
            "outages_rejected": basis["outages_rejected"],
            **settings,
        }
        rows = tuple({"name": header(name, self.language), "value": value} for name, value in facts.items())
        return Section("data", self.say("Data, rules and settings"), (), self._columns("name", "value"), rows)


_CLASSES = {"city_centre": "city centre", "urban": "urban district", "town": "town", "rural": "rural"}
