"""What a workspace can answer: each question of the field, and what is missing where it has no answer.

Nothing is computed here: the tables say by their presence and their columns what can be.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

import polars as pl

from fudian.settings import RESTS_ON, unusable
from network import FudianError, Text, Workspace, text
from reliability.meters import EVENTS
from reliability.statistics import Statistics
from reliability.targets import obstacles, plans
from repair.restoration.grid_figures import N_1, missing_limits

YEAR_DAYS = 365


@dataclass(frozen=True)
class Answerable:
    """Whether a question has an answer.

    Attributes:
        question: its name: ``indices``, ``targets jinhua-2022``, ``affected`` …
        says: what it asks, for people.
        answerable: whether it has an answer, perhaps with parts left open.
        missing: what is missing: for any answer where there is none, else for the parts that are left open.
    """

    question: str
    says: Text
    answerable: bool
    missing: tuple[Text, ...] = ()

    def as_dict(self, language: str = "en") -> dict[str, Any]:
        """Return ``question``, ``says``, ``answerable`` and ``missing``, as sentences."""
        return {
            "question": self.question,
            "says": self.says.in_language(language),
            "answerable": self.answerable,
            "missing": [each.in_language(language) for each in self.missing],
        }


def answerable(statistics: Statistics) -> tuple[Answerable, ...]:
    """Return every question that people ask of a workspace, with what is missing for it."""
    return tuple(_Answers(statistics).all())


@dataclass(frozen=True, eq=False)
class _Answers:
    statistics: Statistics

    @property
    def workspace(self) -> Workspace:
        return self.statistics.net.workspace

    @cached_property
    def tables(self) -> Mapping[str, pl.DataFrame]:
        return self.workspace.tables

    def all(self) -> Iterator[Answerable]:
        yield from self._figures()
        yield from self._targets()
        yield self._question("affected", text("who is off when a branch opens or fails"), self._network(), [
            self._table("customers"),
        ], rests_on=())  # fmt: skip
        yield self._question("locate", text("where a fault is, from signals"), self._network(), [
            self._table("signals"), self._table("sensors"),
        ])  # fmt: skip
        yield self._question("restore", text("how power comes back"), [*self._network(), self._ties()], self._limits())
        yield self._question("n_1", text("which sections no neighbour can feed"), [*self._network(), self._ties()], [
            *self._limits(), missing_limits(self.statistics.net),
        ])  # fmt: skip
        yield self._question("weak_spots", text("where the grid is weak, and what would lift it"), self._network(), [
            *self._limits(), self._table("load_profile"), self._table("measurements"),
        ])  # fmt: skip
        yield self._question("live_ratio", text("how much work was done without an outage"), [
            self._table("live_jobs"), self._records(), *self._users(),
        ], [self._values("live_jobs", "outage_h")])  # fmt: skip
        yield self._question("precheck", text("what planned outages cost"), [*self._network(), self._table("plans")])
        yield self._question("forecast", text("how the year is likely to end, and whether its targets will be met"), [
            self._records(), *self._users(),
        ], [self._history(), self._table("plans")])  # fmt: skip
        yield self._question("why", text("why an index changed between two periods"), [self._records(), *self._users()])
        yield self._question("budget", text("what may still be spent of the customer-hour budget"), [
            self._table("budget") if self.budget_plan is None else None, *self._users(),
        ], [self._history()])  # fmt: skip
        yield self._question("crews", text("which crew goes to which fault"), [
            *self._network(), self._table("crews"),
        ], [self._table("bases"), self._table("nodes"), self._table("orders")])  # fmt: skip
        yield self._question("audit", text("whether records, switching log and meters agree"), [
            self._records(), *self._users(), self._evidence(),
        ])  # fmt: skip

    # Questions ----------------------------------------------------------------------------------------------------

    def _figures(self) -> Iterator[Answerable]:
        needed = [self._records(), *self._users()]
        yield self._question("indices", text("indices of medium-voltage users"), needed)
        classes = {
            "region_class": text("indices by region class"),
            "planning_class": text("indices by planning class"),
            "unit": text("indices by unit"),
        }
        for column, says in classes.items():
            source = "transformers" if self.tables["population"].is_empty() else "population"
            if not self.tables["transformers"].is_empty():
                source = "transformers"
            if source == "population" and column != "region_class":
                yield self._question(f"indices by {column}", says, [*needed, self._table("transformers")])
                continue
            all_blank = self.tables[source][column].is_null().all()
            blank = self._values(source, column)
            yield self._question(
                f"indices by {column}", says, [*needed, blank if all_blank else None], [None if all_blank else blank]
            )
        customers = self._table("customers")
        yield self._question("indices lv", text("indices of low-voltage customers"), [*needed, customers])

    def _targets(self) -> Iterator[Answerable]:
        limits = missing_limits(self.statistics.net)
        further: Mapping[str, float | Text] = {N_1: 0.0 if limits is None else limits}
        for plan in plans(self.statistics):
            says = text("targets of the plan {plan}", plan=plan)
            try:
                found = obstacles(self.statistics, plan, further=further)
            except FudianError as error:
                yield Answerable(f"targets {plan}", says, answerable=False, missing=(error.message,))
                continue
            reasons: dict[str, list[str]] = {}
            said: dict[str, Text] = {}
            for target, reason in found.items():
                if reason is not None:
                    reasons.setdefault(str(reason), []).append(target)
                    said[str(reason)] = reason
            missing = tuple(
                text("{targets}: {reason}", targets=", ".join(targets), reason=said[reason])
                for reason, targets in reasons.items()
            )
            yield Answerable(f"targets {plan}", says, any(each is None for each in found.values()), missing)

    def _question(
        self,
        question: str,
        says: Text,
        needed: list[Text | None],
        further: list[Text | None] | tuple[()] = (),
        rests_on: tuple[str, ...] | None = None,
    ) -> Answerable:
        subjects = RESTS_ON[question.split(" ", maxsplit=1)[0]] if rests_on is None else rests_on
        settings = [self._settings(subject) for subject in subjects]
        lacking = tuple(each for each in (*settings, *needed) if each is not None)
        open_ = tuple(each for each in further if each is not None)
        return Answerable(question, says, not lacking, tuple({str(each): each for each in lacking or open_}.values()))

    # What is needed -----------------------------------------------------------------------------------------------

    def _settings(self, subject: str) -> Text | None:
        """Return what to say where a table of settings cannot be used."""
        if not unusable(self.workspace.settings, subject):
            return None
        return text("settings [{subject}] that can be used: see their errors", subject=subject)

    def _table(self, name: str) -> Text | None:
        """Return what to say where a table is absent or has no usable row."""
        if not self.tables[name].is_empty():
            return None
        if name not in self.workspace.files:
            return text("the table {table}", table=name)
        if self.workspace.problems_of(name, "error"):
            return text("a usable row of {table}: see its errors", table=name)
        return text("a row of {table}", table=name)

    def _values(self, table: str, column: str) -> Text | None:
        """Return what to say where a column is blank in some rows."""
        values = self.tables[table][column]
        blank = values.null_count()
        if not blank:
            return None
        return text(
            "{column} in {count} of {all} rows of {table}", column=column, count=blank, all=len(values), table=table
        )

    def _network(self) -> list[Text | None]:
        return [self._table(name) for name in ("sources", "branches", "transformers")]

    def _records(self) -> Text | None:
        return self._table("outages")

    def _history(self) -> Text | None:
        """Return what to say where the records reach back less than a year, so that no season is known."""
        starts = self.tables["outages"]["start"]
        first, last = starts.min(), starts.max()
        if not isinstance(first, datetime) or not isinstance(last, datetime) or (last - first).days >= YEAR_DAYS:
            return None
        return text("records of more than {days} days: a year of them tells the season", days=(last - first).days)

    @property
    def budget_plan(self) -> str | None:
        """The plan whose targets give the budget where the table does not."""
        plan = self.workspace.settings.get("reliability", {}).get("budget_plan")
        return plan if isinstance(plan, str) else None

    def _users(self) -> list[Text | None]:
        """Return what to say where there are no users, or where records name parts of a network that is not there."""
        if self.tables["transformers"].is_empty() and self.tables["population"].is_empty():
            return [text("the table transformers, or population with the stated number of users")]
        if self.tables["outages"]["branch_id"].is_not_null().any():
            return [self._table("sources"), self._table("branches")]
        return []

    def _ties(self) -> Text | None:
        branches = self.tables["branches"]
        if branches.is_empty() or branches["normally_open"].fill_null(value=False).any():
            return None
        return text("a tie: a branch with normally_open")

    def _limits(self) -> list[Text | None]:
        return [self._values("transformers", "load_kw"), self._values("branches", "rating_a")]

    def _evidence(self) -> Text | None:
        signals = self.tables["signals"]
        if not self.tables["switching"].is_empty() or signals["kind"].is_in(EVENTS).any():
            return None
        return text("the table switching, or signals of the kinds off and on")
