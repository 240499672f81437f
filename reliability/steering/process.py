"""Is a month signal or noise: SAIDI and the live-line ratio month by month as processes, and the sentences that follow.

Natural limits and run rules are those of :mod:`reliability.control_chart`; a change that ``process_changes`` states begins them
anew.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from network import FudianError, Text, text
from reliability.control_chart import ControlChart, control_chart
from reliability.live_months import live_ratio_by_month
from reliability.period import Period
from reliability.statistics import Statistics
from reliability.steering.settings import SteeringSettings

FIGURES = {
    "saidi": text("SAIDI of each month"),
    "live_jobs": text("live-line ratio of each month by jobs"),
    "live_hours": text("live-line ratio of each month by customer-hours"),
}
"""What can be judged as a process."""

RUNS = {
    "above": text("{count} months in a row above the mean from {first} to {last}: the process has changed"),
    "below": text("{count} months in a row below the mean from {first} to {last}: the process has changed"),
    "rising": text("{count} months in a row rising from {first} to {last}: the process is changing"),
    "falling": text("{count} months in a row falling from {first} to {last}: the process is changing"),
}
"""What a run of months says."""


@dataclass(frozen=True)
class Process:
    """A figure month by month.

    Attributes:
        figure: of :data:`FIGURES`.
        unit: of the values: ``h`` (per user) or ``%``.
        months: ``YYYY-MM``, in order; only months that are over.
        numerators: customer-hours, live jobs, or customer-hours saved; ``None`` where they are not known.
        denominators: equivalent users, all jobs, or customer-hours saved and spent.
        chart: the values with mean, limits, signals and runs.
        changes: what was changed, by the month from which it holds, of the months there are.
        notes: what a reader must know.
    """

    figure: str
    unit: str
    months: tuple[str, ...]
    numerators: tuple[float | None, ...]
    denominators: tuple[float | None, ...]
    chart: ControlChart
    changes: Mapping[str, str]
    notes: tuple[Text, ...] = ()

    @property
    def says(self) -> tuple[Text, ...]:
        """Say what the rules find: the last month, months outside the limits, runs, and what was changed."""
        return tuple(self._sentences())

    def _sentences(self) -> Iterator[Text]:
        chart = self.chart
        known = [place for place, value in enumerate(chart.values) if value is not None]
        if not known:
            yield text("no month of it is known")
            return
        if chart.lower is None:
            since = self.months[chart.stretches[-1].first]
            yield text("the months since {first} are too few for natural limits", first=since)
            return
        last = known[-1]
        yield text(
            "{month}: {value:.2f} {unit} ({numerator:.0f} / {denominator:.0f}); since {first} the mean is {mean:.2f}, natural "
            "limits {lower:.2f} to {upper:.2f}",
            month=self.months[last], value=chart.values[last], unit=self.unit, numerator=self.numerators[last],
            denominator=self.denominators[last], first=self.months[chart.stretches[-1].first], mean=chart.mean,
            lower=chart.lower, upper=chart.upper,
        )  # fmt: skip
        if chart.signals:
            months = ", ".join(self.months[place] for place in chart.signals)
            yield text("outside the natural limits: {months}; look for what was special there", months=months)
        for run in chart.runs:
            yield Text(
                RUNS[run.kind].template,
                {"count": run.length, "first": self.months[run.first], "last": self.months[run.last]},
            )
        if chart.stable:
            yield text("no month lies outside and none makes a run: the ups and downs of single months need no comment")
        for month, what in self.changes.items():
            yield text("from {month} on: {what}", month=month, what=what)

    def as_dict(self, language: str = "en") -> dict[str, Any]:
        """Return every month with numerator, denominator and limits, and what the rules find."""
        chart = self.chart
        stretch_of = {place: stretch for stretch in chart.stretches for place in range(stretch.first, stretch.last + 1)}
        rows = [
            {
                "month": month,
                "value": chart.values[place],
                "numerator": self.numerators[place],
                "denominator": self.denominators[place],
                "mean": stretch_of[place].mean,
                "lower": stretch_of[place].lower,
                "upper": stretch_of[place].upper,
                "outside": place in chart.signals,
            }
            for place, month in enumerate(self.months)
        ]
        runs = [
            {"kind": run.kind, "from": self.months[run.first], "to": self.months[run.last], "months": run.length}
            for run in chart.runs
        ]
        return {
            "figure": self.figure,
            "means": FIGURES[self.figure].in_language(language),
            "unit": self.unit,
            "stable": chart.stable,
            "rows": rows,
            "runs": runs,
            "says": [sentence.in_language(language) for sentence in self.says],
            "basis": {
                "process_changes": dict(self.changes),
                "notes": [note.in_language(language) for note in self.notes],
            },
        }


def process(statistics: Statistics, figure: str, until: datetime) -> Process:
    """Return a figure of every month from the first with records that is over at a moment, judged as one process.

    Args:
        statistics: of the workspace.
        figure: of :data:`FIGURES`.
        until: the last moment that is looked at; nothing later is known.

    Raises:
        FudianError: there is no such figure, or no outage is recorded.
    """
    if figure not in FIGURES:
        raise FudianError(
            text("There is no process {figure!r}.", figure=figure), text("Use {names}.", names=", ".join(FIGURES))
        )
    began = statistics.net.workspace.tables["outages"]["start"].min()
    if not isinstance(began, datetime):
        raise FudianError(
            text("No outage is recorded: no month can be judged by others."), text("Add records to the table outages.")
        )
    first = datetime(began.year, began.month, 1)
    end = datetime(until.year, until.month, 1)
    over = Period(first, end).months() if end > first else []
    parts: Parts = {}
    if over:
        period = Period(first, end)
        parts = _of_saidi(statistics, period) if figure == "saidi" else _of_live(statistics, figure, period)
    names = [label for label, _ in over]
    stated = SteeringSettings.of(statistics.net.workspace.settings).process_changes
    changes = {month: what for month, what in sorted(stated.items()) if month in names}
    scale = 1.0 if figure == "saidi" else 100.0
    values = [
        scale * above / below if above is not None and below else None
        for above, below in (parts.get(name, (None, None)) for name in names)
    ]
    chart = control_chart(values, 0.0, None if figure == "saidi" else 100.0, [names.index(month) for month in changes])
    notes = [
        text("the change that is stated for {month} lies outside the months that are known", month=month)
        for month in sorted(set(stated) - set(names))
    ]
    if over and figure == "saidi":
        notes += statistics.without_users(statistics.query(Period(first, end), as_of=end))
    if until > end:
        notes.append(text("the month that is not over at {moment} is left out", moment=until))
    found = [parts.get(name, (None, None)) for name in names]
    return Process(
        figure, "h" if figure == "saidi" else "%", tuple(names), tuple(each[0] for each in found),
        tuple(each[1] for each in found), chart, changes, tuple(notes),
    )  # fmt: skip


Parts = dict[str, tuple[float | None, float | None]]


def _of_saidi(statistics: Statistics, period: Period) -> Parts:
    figures = statistics.totals(statistics.query(period, ("month",), as_of=period.end))
    return {month: (ch, users) for month, ch, users in figures.select("month", "CH", "N_T").iter_rows()}


def _of_live(statistics: Statistics, figure: str, period: Period) -> Parts:
    found: Parts = {}
    for month, each in live_ratio_by_month(statistics, period):
        if figure == "live_hours":
            found[month] = each.reduced_ch, each.work_ch
        else:
            found[month] = each.live_jobs, None if each.live_jobs is None else each.live_jobs + each.outage_jobs
    return found
