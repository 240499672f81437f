"""Answers as people and programs take them: a table with what it rests on, one line long when printed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import polars as pl

from fudian.answerable import Answerable
from network import Loop, Problem, Supply, translate
from network.complaints import complaints
from network.representation import Shown
from reliability.rule_packs import DLT_836_2016
from reliability.targets import TargetResult
from repair import Affected, FaultArea, Location, answer_of, problems_of_area
from repair.desk.after_isolation import AfterIsolation, after_isolation
from repair.desk.incidents import Told
from repair.planned.calendar_plan import CalendarPlan
from repair.planned.calendar_plan import rows_of as calendar_rows
from repair.planned.plan_desk import PlanDesk
from repair.planned.precheck import PlanCheck, statement, total
from repair.planned.precheck import rows_of as precheck_rows


@dataclass(frozen=True, eq=False, repr=False)
class Answer(Shown):
    """An answer as a table.

    Attributes:
        question: the name of the question, as the method of :class:`fudian.Utility` has it.
        rows: one row per thing that was asked for, with the columns that the documents list.
        about: what the answer rests on, in a few words.
    """

    question: str
    rows: pl.DataFrame
    about: str
    _form: Callable[[str], Mapping[str, Any]]

    def as_dict(self, language: str = "en") -> dict[str, Any]:
        """Return the answer in the form of commands and routes, reasons in ``en`` or ``zh``."""
        return dict(self._form(language))

    @property
    def basis(self) -> dict[str, Any]:
        """What the figures rest on: period, users, as-of time, settings that differ from their defaults."""
        form = self.as_dict()
        return dict(form.get("basis", {})) | {name: form[name] for name in ("period", "level") if name in form}

    def __len__(self) -> int:
        return self.rows.height

    def _line(self) -> str:
        return f"{self.question}: {self.rows.height} rows, {self.about}"

    def _table(self) -> pl.DataFrame:
        return self.rows


@dataclass(frozen=True, eq=False, repr=False)
class LedgerAnswer(Answer):
    """The interruptions behind a figure: millions of rows, of which people look at the first."""

    _first: Callable[[str, int], Mapping[str, Any]]

    def first(self, most: int, language: str = "en") -> dict[str, Any]:
        """Return the form of commands and routes with the earliest rows only."""
        return dict(self._first(language, most))


@dataclass(frozen=True, eq=False, repr=False)
class Targets(Shown):
    """The targets of a plan, judged on a year.

    Attributes:
        plan: its id.
        year: the calendar year.
        results: one for each target, in the order of the plan.
    """

    plan: str
    year: int
    results: tuple[TargetResult, ...]

    def as_dict(self, language: str = "en") -> dict[str, Any]:
        """Return ``plan``, ``year``, ``rule_pack`` (the rules of the figures) and ``rows`` in the form of commands and routes."""
        rows = [each.as_dict(language) for each in self.results]
        return {"plan": self.plan, "year": self.year, "rule_pack": DLT_836_2016.id, "rows": rows}

    def _line(self) -> str:
        met = sum(each.status == "pass" for each in self.results)
        return f"targets of {self.plan}, {self.year}: {met} of {len(self.results)} met"

    def _table(self) -> pl.DataFrame:
        columns = ("target_id", "label", "metric", "value", "unit", "op", "limit", "status")
        return pl.DataFrame([{name: getattr(each, name) for name in columns} for each in self.results])


@dataclass(frozen=True, eq=False, repr=False)
class AffectedAnswer(Shown):
    """Who is off, and what was known when it was asked.

    Attributes:
        who: the affected-customer list.
        supply: the state of the switches before.
        area: of a fault, who is off before and after it is isolated.
        named: ids that signals named.
        rejected: what is wrong with rows of the signals.
        told: what signals told, where they were asked.
    """

    who: Affected
    supply: Supply
    area: FaultArea | None = None
    named: tuple[str, ...] = ()
    rejected: tuple[Problem, ...] = ()
    told: Told | None = None

    @cached_property
    def isolated(self) -> AfterIsolation | None:
        """By signals: who stays off once each fault is isolated where it most probably lies."""
        sensors = self.supply.network.workspace.tables["sensors"]
        return after_isolation(self.supply, self.told, sensors, self.who) if self.told else None

    @property
    def transformers(self) -> list[str]:
        """Ids of the transformers that are off."""
        return self.who.hit.transformers

    @property
    def customers(self) -> list[str]:
        """Ids of the customers that are off."""
        return self.who.hit.customers

    @property
    def customer_count(self) -> int:
        """How many customers are off."""
        return self.who.customer_count

    @property
    def parallel(self) -> tuple[Loop, ...]:
        """The feeders or sources that run in parallel before that."""
        return tuple(loop for loop in self.supply.loops if loop.is_parallel)

    @property
    def problems(self) -> list[Problem]:
        """What is wrong with what stands on the list, or was named by signals."""
        return problems_of_area(self.who, self.named)

    def table(self) -> pl.DataFrame:
        """Return the list that a dispatcher prints; see :meth:`repair.affected.Affected.table`."""
        return self.who.table()

    def as_dict(self, language: str = "en") -> dict[str, Any]:
        """Return the list in the form of commands and routes."""
        told = self.area.as_dict(language) if self.area else answer_of(self.who, language, self.named)
        if self.isolated is not None:
            told["after_isolation"] = self.isolated.as_dict()
        return told | {"parallel": [loop.as_dict() for loop in self.parallel]}

    def _line(self) -> str:
        return f"affected: {len(self.transformers)} transformers, {self.customer_count} customers"

    def _table(self) -> pl.DataFrame:
        return self.table()


@dataclass(frozen=True, eq=False, repr=False)
class LocationAnswer(Shown):
    """Where a fault lies.

    Attributes:
        location: the sections by probability, and what to check next.
        rejected: what is wrong with rows of the signals.
        incident: id of the incident that was located, where the signals tell of several.
        incidents: ids of all of them, those by which most customers lost supply first.
    """

    location: Location
    rejected: tuple[Problem, ...] = ()
    incident: str | None = None
    incidents: tuple[str, ...] = ()

    def as_dict(self, language: str = "en") -> dict[str, Any]:
        """Return the location in the form of commands and routes, with ``rejected`` rows besides."""
        which = {"incident": self.incident, "incidents": list(self.incidents)}
        return self.location.as_dict() | which | {"rejected": [each.as_dict(language) for each in self.rejected]}

    def _line(self) -> str:
        if not self.location.ranked:
            return "location: no section can be told"
        first = self.location.ranked[0]
        return f"location: {', '.join(first.branches[:3])} at {first.probability:.1%}"

    def _table(self) -> pl.DataFrame:
        ranked = [(each.probability, list(each.branches), list(each.bounded_by)) for each in self.location.ranked]
        return pl.DataFrame(ranked, ["probability", "branches", "bounded_by"], orient="row")


@dataclass(frozen=True, eq=False, repr=False)
class Precheck(Shown):
    """Planned outages, calculated before anything is cut.

    Attributes:
        desk: what the plans share.
        checks: one for each plan.
        rejected: what is wrong with rows of the plans.
    """

    desk: PlanDesk
    checks: tuple[PlanCheck, ...]
    rejected: tuple[Problem, ...]

    @property
    def customer_hours(self) -> tuple[float, float]:
        """Customer-hours of all plans that can be computed, before and after transfer."""
        return total(self.checks)

    def rows(self, language: str = "en") -> pl.DataFrame:
        """Return one row per plan, for people."""
        return precheck_rows(self.checks, language)

    def as_dict(self, language: str = "en") -> dict[str, Any]:
        """Return the checks in the form of commands and routes; see :func:`repair.planned.precheck.statement`."""
        return statement(self.desk, self.checks, self.rejected, language)

    def _line(self) -> str:
        return f"precheck: {len(self.checks)} plans"

    def _table(self) -> pl.DataFrame:
        return self.rows()


@dataclass(frozen=True, eq=False, repr=False)
class Calendar(Shown):
    """The best calendar of the planned outages to come.

    Attributes:
        desk: what the plans share.
        plan: days and groups.
        rejected: what is wrong with rows of the plans.
    """

    desk: PlanDesk
    plan: CalendarPlan
    rejected: tuple[Problem, ...]

    def rows(self) -> pl.DataFrame:
        """Return one row per outage, for people."""
        return calendar_rows(self.plan)

    def as_dict(self, language: str = "en") -> dict[str, Any]:
        """Return the calendar in the form of commands and routes."""
        return self.plan.as_dict(language, self.rejected)

    def _line(self) -> str:
        return f"calendar: {len(self.plan.entries)} outages"

    def _table(self) -> pl.DataFrame:
        return self.rows()


@dataclass(frozen=True, eq=False, repr=False)
class Check(Shown):
    """What is wrong with a workspace.

    Attributes:
        problems: errors and warnings of tables, topology and settings, and what the rules find doubtful in the records.
        counts: usable rows of each table that is present.
        answers: what the workspace can answer, and what is missing where it cannot.
    """

    problems: tuple[Problem, ...]
    counts: Mapping[str, int]
    answers: tuple[Answerable, ...] = ()

    @property
    def errors(self) -> tuple[Problem, ...]:
        """The problems by which rows or values were left out."""
        return self._of("error")

    @property
    def warnings(self) -> tuple[Problem, ...]:
        """The problems that left everything in place."""
        return self._of("warning")

    def _of(self, severity: str) -> tuple[Problem, ...]:
        return tuple(problem for problem in self.problems if problem.severity == severity)

    def as_dict(self, language: str = "en") -> dict[str, Any]:
        """Return ``errors``, ``warnings``, ``counts`` and ``answers`` in the form of commands and routes."""
        return {
            "errors": [problem.as_dict(language) for problem in self.errors],
            "warnings": [problem.as_dict(language) for problem in self.warnings],
            "counts": dict(self.counts),
            "answers": [each.as_dict(language) for each in self.answers],
        }

    def lines(self, language: str = "en") -> Sequence[str]:
        """Return one line for each kind of problem, errors marked."""
        return [
            f"{'✗' if each.severity == 'error' else '!'} {each.line(language)}" for each in complaints(self.problems)
        ]

    def summary(self, language: str = "en") -> str:
        """Return how many errors and warnings there are, and how many usable rows."""
        return translate(
            "Errors: {errors}, warnings: {warnings}. Usable rows: {counts}",
            language,
            errors=len(self.errors),
            warnings=len(self.warnings),
            counts=", ".join(f"{table} {rows}" for table, rows in self.counts.items()),
        )

    def _line(self) -> str:
        return f"check: {len(self.errors)} errors, {len(self.warnings)} warnings"

    def _table(self) -> pl.DataFrame:
        return pl.DataFrame([problem.as_dict() for problem in self.problems], strict=False)
