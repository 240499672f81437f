"""The forms of answers over HTTP, as far as they are promised: the fields named here stay, and more may be added.

Numbers are not rounded, times are in ISO 8601, what is not known is ``null``.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, WithJsonSchema

Row = dict[str, Any]
"""A row by column."""

LocalTime = Annotated[datetime, WithJsonSchema({"type": "string", "format": "local-date-time"})]
"""A time as the tables hold it, without an offset: what ``date-time`` names has one."""


class Form(BaseModel):
    """Fields that an answer has at least."""

    model_config = ConfigDict(extra="allow", populate_by_name=True)


class Answered(Form):
    """An answer to a question of the field."""

    settings_changed: dict[str, Row] = Field(
        description="settings that the answer rests on and that differ from their defaults, by subject"
    )


class Rows(Answered):
    """An answer as rows."""

    rows: list[Row]


class Span(Form):
    """A period; its end is exclusive."""

    start: LocalTime
    end: LocalTime


class ProblemForm(Form):
    """What is wrong with the data, where, and what to do about it."""

    table: str
    file: str | None
    row: int | None
    column: str | None
    value: str | None
    message: str
    hint: str | None


class Check(Answered):
    """What is wrong with a workspace, and what it can answer."""

    errors: list[ProblemForm]
    warnings: list[ProblemForm]
    counts: dict[str, int] = Field(description="usable rows of each table that is present")


class Indices(Answered):
    """Indices, one row for each combination of what they are broken down by: hours and times per user, per cent."""

    period: Span
    level: Literal["mv", "lv"]
    basis: Row = Field(description="what the figures rest on")
    rows: list[Row] = Field(description="N_T, CH, CI, CN, SAIDI-1 …, SAIFI-1 …, ASAI-1 …")
    rejected: list[ProblemForm]


class Ledger(Answered):
    """The interruptions behind a figure, counted or not and why."""

    period: Span
    level: Literal["mv", "lv"]
    rows: list[Row]


class Target(Form):
    """A target, judged."""

    target_id: str
    label: str
    metric: str
    value: float | None
    unit: str
    limit: float | None
    status: Literal["pass", "fail", "unknown", "not_computable"]
    reason: str | None


class Targets(Answered):
    """The targets of a plan, judged on a year."""

    plan: str
    year: int
    rows: list[Target]


class Off(Form):
    """Who is off."""

    transformers: list[str]
    customers: int
    customer_ids: list[str]
    important: list[str]
    branches: list[str]
    feeders: dict[str, int] = Field(description="transformers by feeder")


class Affected(Answered, Off):
    """Who is off when branches open, when a fault strikes, or by signals."""

    sure: dict[str, float] | None = Field(
        None, description="by signals: how probable it is that each transformer is dark"
    )


class Section(Form):
    """Branches that nothing heard can separate."""

    branches: list[str]
    probability: float
    bounded_by: list[str]


class Located(Answered):
    """Where a fault lies."""

    ranked: list[Section]
    ambiguous: bool
    suspect_signals: list[Row]
    next_check: Row | None
    outage: Row | None


class Incident(Form):
    """What is out."""

    id: str
    level: str
    object_id: str
    probability: float
    runner_up: Row | None
    state: str
    explanation: str
    needs_order: bool
    start: LocalTime
    transformers: int
    customers: int
    doubted: list[Row]
    approximate: bool


class Incidents(Answered):
    """What is out by signals, and what is wrong with signals."""

    incidents: list[Incident]


class Step(Form):
    """An operation of a restoration plan."""

    order: int
    action: Literal["open", "close"]
    branch_id: str
    remote: bool
    restores_transformers: list[str]
    restores_customers: int


class Proof(Form):
    """What holds after every operation."""

    radial: bool
    within_ratings: bool
    fault_isolated: bool


class Restoration(Answered):
    """How power comes back around a fault."""

    isolate: list[str]
    steps: list[Step]
    restored_customers: int
    unrestored_customers: int
    overloads: list[Row]
    proof: Proof


class Outlook(Form):
    """How the year is likely to end for a target."""

    target_id: str
    label: str
    metric: str
    unit: str
    limit: float | None
    to_date: float | None
    committed: float | None
    expected: float | None
    p10: float | None
    p50: float | None
    p90: float | None
    probability_met: float | None
    left_ch: float | None
    left_ci: float | None


class Forecast(Answered):
    """How the year is likely to end for each target of a plan."""

    as_of: LocalTime
    year: int
    basis: Row
    method: str
    rows: list[Outlook]
    baselines: dict[str, Row]
    backtest: Row


class Part(Form):
    """What a part of the whole did to a change."""

    by: str
    value: str | None
    users: float
    frequency: float
    extent: float
    duration: float
    total: float


class Why(Answered):
    """Why a figure changed between two periods; the parts add up."""

    change: float
    parts: list[Part]
    residual: float


class Plans(Form):
    """The plans that can be judged, and the years with records."""

    plans: list[str]
    years: list[int]


class Announced(Form):
    """How many messages an announcement of a plan became."""

    plan_id: str
    messages: int


class Refused(Form):
    """A row that was not taken."""

    row: int
    error: str
    hint: str | None


class OperationsTaken(Form):
    """What came of operations that were told."""

    accepted: int
    repeated: int
    operations: list[Row]
    problems: list[Refused]


class Ingested(Form):
    """What came of reports."""

    heard: int
    judged: bool = Field(description="whether it is known already what they tell")
    accepted: int = Field(description="kept now")
    repeated: int = Field(description="known already")
    problems: list[Row]


class ReportsTaken(Form):
    """What came of each report of a crew, in their order."""

    outcomes: list[Row]


class Sheet(Form):
    """The sheet of an incident."""

    incident: str


class Looks(Form):
    """Who saw or took along which list of customers, the latest first."""

    rows: list[Row]


class Health(Form):
    """Whether the store answers and the desk works."""

    status: Literal["ok", "failing"]
