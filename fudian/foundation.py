"""What all questions share: the workspace, its network in any state, who is in service, until when the data is known.

Every default of a question stands here, once, so that whoever asks gets the same answer.
"""

from __future__ import annotations

import hashlib
import inspect
import math
from collections.abc import Callable, Iterable
from copy import copy
from dataclasses import dataclass, replace
from datetime import date, datetime, time
from functools import cached_property, wraps
from pathlib import Path
from typing import Any, TypeAlias, TypeVar, cast

import polars as pl

from fudian.memory import Memory
from fudian.settings import RESTS_ON, changed_settings
from fudian.sweep import Sweep
from network import FudianError, Network, Problem, Supply, Text, Workspace, WorkspaceError, build_network, text
from network.ids import each_of
from network.steps import Done, step, telling
from network.tables.conventions import ReadingSettings
from network.tables.times import typed_time
from network.tables.workspace import FrameOrRows
from reliability.cube import Cube
from reliability.period import FIRST_YEAR, LAST_YEAR, Period
from reliability.query import Query
from reliability.statistics import Statistics

Moment: TypeAlias = datetime | date | str | None
"""A local time: a date (its first moment) or ISO 8601 text such as ``2022-10-09 07:57``, both by the clock on the wall; or a
datetime, as the tables hold it. The two differ only in summer time."""

PeriodLike: TypeAlias = Period | Query | str | int | tuple[Moment, Moment] | None
"""A period: ``"2022"``, ``2022``, ``"2022-06"``, ``"2022Q3"``, ``"2022H1"``, ``"2022-01-01..2022-07-01"`` or a pair of moments,
the end exclusive; a pair may leave either open. ``None`` is the last calendar year with records."""

Table: TypeAlias = "Path | str | FrameOrRows"
"""A table: a file, a frame of Polars, pandas or Arrow, or a list of dictionaries."""

Names: TypeAlias = str | Iterable[str]
"""One id, or several."""

FROM_ELSEWHERE = ("plans", "signals", "switching")
"""Arguments that are tables from elsewhere."""

SEVERAL = ("by", "plan_id", "refused", "fault", "tripped", "done")
"""Arguments that are one name or several."""

Answer = TypeVar("Answer")

Method = TypeVar("Method", bound=Callable[..., Any])


def stating_settings(method: Method) -> Method:
    """Have the answer of a method state what it rests on, and show its times by the clock on the wall.

    It states, as ``settings_changed``, the settings it rests on that differ from their defaults.
    """
    name = method.__name__
    if name not in RESTS_ON:
        return method

    @wraps(method)
    def stated(self: Foundation, *args: Any, **kwargs: Any) -> Any:
        reading = self.workspace.reading
        with reading.showing():
            answer = method(self, *args, **kwargs)
        changed = {"settings_changed": self.settings_changed(name)}
        if isinstance(answer, dict):
            return reading.on_the_wall(answer) | changed
        told = copy(answer)  # what is kept elsewhere stays as it is
        vars(told)["as_dict"] = _Form(answer.as_dict, changed, reading)
        if hasattr(answer, "first"):
            vars(told)["first"] = _Form(answer.first, {}, reading)
        return told

    return cast("Method", stated)


@dataclass(frozen=True)
class _Form:
    """The form of an answer for commands and routes, with what is stated beside it."""

    form: Callable[..., dict[str, Any]]
    beside: dict[str, Any]
    reading: ReadingSettings

    def __call__(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        with self.reading.showing():
            shown: dict[str, Any] = self.reading.on_the_wall(self.form(*args, **kwargs))
        return shown | self.beside


def question(method: Method) -> Method:
    """Have a method computed once for equal arguments, whichever thread asks.

    Tables from elsewhere are read anew each time, and what is asked of the present state is asked anew.
    """
    signature = inspect.signature(method)
    method = stating_settings(method)

    @wraps(method)
    def asked(self: Foundation, *args: Any, **kwargs: Any) -> Any:
        bound = signature.bind(self, *args, **kwargs)
        bound.apply_defaults()
        given = dict(list(bound.arguments.items())[1:])
        if given.get("by") == "desk" or any(given.get(name) is not None for name in FROM_ELSEWHERE):
            return method(self, *args, **kwargs)
        key = (method.__name__, *(names(value) if name in SEVERAL else value for name, value in given.items()))
        return self.memory.recall(key, lambda: method(self, *args, **kwargs))

    return cast("Method", asked)


class Foundation:
    """A workspace and what every question about it begins with.

    Attributes:
        workspace: the tables with their settings and problems.
        language: ``en`` or ``zh``: of texts where nobody names one.
        memory: answers that were computed already; what they are made of, and what was heard, is kept beside it for good.
        pages: folder with pages that were made of it before; ``None`` where none are kept.
        sections: folder with results of the N-1 test of its network; ``None`` where none are kept.
        make_way: called by work in the background at each of its steps; returns when it may go on.
    """

    make_way: Callable[[], object]

    def __init__(self, workspace: Workspace, language: str = "en") -> None:
        self.workspace = workspace
        self.language = language
        self.memory = Memory()
        self._kept = Memory(math.inf)
        self._sweeps: list[Sweep[Any]] = []
        self.make_way = lambda: None
        self.pages: Path | None = None
        self.sections: Path | None = None

    def __getstate__(self) -> dict[str, Any]:
        return {"workspace": self.workspace, "language": self.language}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(**state)  # type: ignore[misc]

    def __repr__(self) -> str:
        name = f"{self.name}, " if self.name else ""
        return f"<{type(self).__name__}: {name}{len(self.workspace.files)} tables>"

    @property
    def network(self) -> Network:
        """The network, with all that was ever in service."""
        return self._kept.recall("network", lambda: build_network(self.workspace))

    @property
    def problems(self) -> tuple[Problem, ...]:
        """What is wrong with the tables and with the topology in the normal state."""
        return self._kept.recall("problems", lambda: self.network.problems)

    @property
    def name(self) -> str:
        """Name of the utility or area, from the settings; blank where none is given."""
        return str(self.workspace.settings.get("name", ""))

    @property
    def _statistics(self) -> Statistics:
        return self._kept.recall("statistics", lambda: Statistics(self.network))

    @cached_property
    def known_until(self) -> datetime:
        """Until when the data is known: as ``fudian.toml`` says, else the latest moment that a record or signal names."""
        return self._statistics.known_until

    @cached_property
    def years(self) -> list[int]:
        """Calendar years with records, ascending."""
        return self._statistics.years()

    def in_background(
        self, name: str, work: Callable[[Callable[[Answer], None]], Answer], first: Answer | None = None
    ) -> Sweep[Answer]:
        """Return work of some name that goes on in a thread of its own; it begins when it is asked for first.

        Args:
            name: of the work.
            work: see :class:`fudian.sweep.Sweep`.
            first: what is done before its first step.
        """

        def begin() -> Sweep[Answer]:
            self._sweeps.append(sweep := Sweep(work, name, first, self.make_way))
            return sweep

        return self._kept.recall(("in_background", name), begin)

    def under_way(self, name: str, what: Text, compute: Callable[[], object], wait_s: float | None) -> Done:
        """Return how far work of some name is that goes on in a thread of its own; the first to ask begins it.

        Args:
            name: of the work.
            what: it is.
            compute: asks the questions whose answers are then there without waiting.
            wait_s: how long to wait for its end; ``None`` waits until it is over.
        """

        def work(tell: Callable[[Done], None]) -> Done:
            telling.set(tell)
            step(what, 0, 1)
            compute()
            return Done(what, 1, 1)

        return self.in_background(name, work, Done(what, 0, 1)).result(wait_s)

    @property
    def works_over(self) -> int:
        """How many works in the background are over."""
        return sum(sweep.is_over for sweep in tuple(self._sweeps))

    def let_go(self) -> None:
        """Stop what goes on in the background: another version of the data is served now. What was asked is answered."""
        for sweep in self._sweeps:
            sweep.stop()

    def settings_changed(self, question: str) -> dict[str, dict[str, Any]]:
        """Return the settings that a question rests on and that differ from their defaults, by subject.

        Args:
            question: its name, as the method has it.
        """
        return self._kept.recall(
            ("settings_changed", question), lambda: changed_settings(self.workspace.settings, question)
        )

    # What is made once for each version of the data ---------------------------------------------------------------

    def sums_of(self, level: str) -> Cube:
        """Return the interruptions of a level merged and summed, to be kept; see :mod:`reliability.cube`."""
        return self._statistics.cube_of(level)

    def take_sums(self, level: str, kept: Path) -> None:
        """Let figures of a level be taken from what :meth:`sums_of` gave; they are the same without, and take longer.

        Args:
            level: ``mv`` or ``lv``.
            kept: the folder to which it was saved.
        """
        self._statistics.cubes[level] = Cube.load(kept, self._statistics.settings)

    def leave_sums_on_disk(self) -> None:
        """Let what came into memory of the files of sums leave it, and what was merged for questions a while ago."""
        self._statistics.rest()

    # Defaults -----------------------------------------------------------------------------------------------------

    def period(self, period: PeriodLike = None, source: str = "records") -> Period:
        """Return a period that was named in any way; by default the last calendar year with records.

        Of a pair that leaves one end open the year of the other is meant. Where interruptions come from the ``switching`` log,
        the default is its last year.

        Raises:
            FudianError: the words name no period.
            WorkspaceError: there is no record to take the default from.
        """
        if isinstance(period, Query):
            return period.period
        if isinstance(period, Period):
            return period
        if isinstance(period, str | int):
            return self._by_words(str(period))
        start, end = (self.moment(self._shown(each)) for each in period or (None, None))
        return replace(self._open_period(start, end, source), zone=self._statistics.zone)

    def _by_words(self, words: str) -> Period:
        """Return the period that words name; both ends of a pair may carry their offset."""
        if ".." in words:
            start, _, end = words.partition("..")
            bounds = self.moment(start.strip()), self.moment(end.strip())
            if None not in bounds:
                return Period(*bounds, zone=self._statistics.zone)  # type: ignore[arg-type]
        return Period.parse(words).on_the_wall(self.workspace.reading)

    @staticmethod
    def _shown(given: Moment) -> Moment:
        """Return the bound of a period as text, since it is by the clock on the wall however it is given."""
        return given.isoformat() if isinstance(given, date) else given

    def _open_period(self, start: datetime | None, end: datetime | None, source: str) -> Period:
        if start is not None and end is not None:
            return Period(start, end)
        if start is not None:
            return Period(start, Period.year(start.year).end)
        if end is not None:
            return Period(Period.year(_last_moment(end).year).start, end)
        years = self._statistics.years(source)
        past = [year for year in years if year <= datetime.now().year] or years
        if not past:
            raise WorkspaceError(
                text("There is no outage record to take the period from."),
                self.workspace.problems_of("outages"),
                text("Name it with --start and --end, or add records."),
            )
        return Period.year(past[-1])

    def moment(self, given: Moment) -> datetime | None:
        """Return a moment as the tables hold it: local time without zone, in the time of 1 January all year.

        A text or a date is by the clock on the wall; what carries a zone is converted.

        Raises:
            FudianError: the text is no time, or lies out of range.
        """
        reading = self.workspace.reading
        on_the_wall = not isinstance(given, datetime)
        if isinstance(given, str):
            given = moment_typed(given)
        if given is None:
            return None
        if not FIRST_YEAR < given.year < LAST_YEAR:
            raise FudianError(
                text("The time {time} is out of range.", time=given),
                text("Use years from {first} to {last}.", first=FIRST_YEAR + 1, last=LAST_YEAR - 1),
            )
        if not isinstance(given, datetime):
            given = datetime.combine(given, time.min)
        return reading.read(given) if on_the_wall or given.tzinfo is not None else given

    def query(
        self,
        period: PeriodLike = None,
        by: Names = (),
        level: str = "mv",
        med: str = "include",
        as_of: Moment = None,
        source: str = "records",
    ) -> Query:
        """Return what a figure covers, for questions that take one.

        Args:
            period: of the figure; a query stays as it is.
            by: columns by which it is broken down.
            level: ``mv`` (transformers are users) or ``lv`` (customers are).
            med: ``include`` or ``exclude`` major event days.
            as_of: nothing later is known; by default see :attr:`known_until`.
            source: ``records``, or ``switching`` for the replay of the switching log.

        Raises:
            FudianError: a word is not known, or nothing of the period is known.
        """
        if isinstance(period, Query):
            return period
        return self._statistics.query(self.period(period, source), names(by), level, med, self.moment(as_of), source)

    # States -------------------------------------------------------------------------------------------------------

    @property
    def normal(self) -> Supply:
        """The supply in the normal state of the switches, of all that was ever in service."""
        return self.network.energise()

    def present(self, at: Moment = None) -> Supply:
        """Return the supply, in the normal state of the switches, of what is in service on a day.

        Args:
            at: the day; by default the last that is known.
        """
        net = self._serving(self.moment(at))
        return self.memory.recall(("present", net), lambda: self._energised(net))

    def _serving(self, at: datetime | None) -> Network:
        """Return the network of what is in service on the day of a moment, by default of the last that is known."""
        day = datetime.combine((at or self.known_until).date(), time.min)
        return self.memory.recall(("serving", day), lambda: self.network.in_service(day))

    def _energised(self, net: Network) -> Supply:
        """Return the supply of a network of some day, the same for all days on which the same is in service."""
        hanging = (net.transformer_node, net.customer_transformer, net.customer_second_transformer)
        digest = hashlib.blake2b(b"".join(each.tobytes() for each in hanging)).digest()
        return self.memory.recall(("supply", digest), net.energise)

    def state(self, at: Moment = None, switching: Table | None = None) -> Supply:
        """Return the supply in a state of the switches, of what is in service on its day.

        Args:
            at: the moment; without one, and without a log, the normal state.
            switching: the log; by default that of the workspace.

        Raises:
            UnknownIdError: the log operates a branch that the network does not have.
            WorkspaceError: the log has no usable row.
        """
        moment = self.moment(at)
        if moment is None and switching is None:
            return self.present()
        if switching is not None:
            return self._serving(moment).energise(self.table("switching", switching)[0], moment)
        log = self.workspace.tables["switching"]
        return self.memory.recall(("state", moment), lambda: self._serving(moment).energise(log, moment))

    def table(self, name: str, source: Table) -> tuple[pl.DataFrame, tuple[Problem, ...]]:
        """Return a table from elsewhere, read and checked as if it stood in the workspace, and what is wrong with its rows.

        Args:
            name: of the table.
            source: a file, a frame or rows.

        Raises:
            WorkspaceError: the file is not there, or no row can be used.
        """
        given = self.workspace.with_table(name, source)
        problems = given.problems_of(name)
        if given.tables[name].is_empty():
            raise WorkspaceError(
                text("{path} has no usable row of {table}.", path=_called(source), table=name),
                problems,
                text("Mend the rows that are named below, or name the right file."),
            )
        return given.tables[name], problems

    def require_records(self, source: str = "records") -> None:
        """Make sure that figures of reliability can be computed at all from the ``records`` or the ``switching`` log.

        Raises:
            WorkspaceError: there is no usable outage record or operation, or nothing to divide by.
        """
        self._statistics.require_records(source)


def moment_typed(given: str) -> datetime:
    """Return the moment that somebody typed.

    Raises:
        FudianError: it is none.
    """
    try:
        return typed_time(given)
    except ValueError:
        raise FudianError(
            text("{value!r} is no time.", value=given), text("Write it as 2022-10-09 or 2022-10-09 07:57.")
        ) from None


def _called(source: Table) -> str:
    return Path(source).name if isinstance(source, Path | str) else "data"


def _last_moment(end: datetime) -> datetime:
    return end - datetime.resolution


def names(given: Names) -> tuple[str, ...]:
    """Return one id or several as a tuple, each once."""
    return tuple(dict.fromkeys(each_of(given)))
