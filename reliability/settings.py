"""The settings of the statistics: every rule that the field leaves open, named, with its default (table ``[reliability]``)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Literal

from pydantic import Field

from network.tables.settings import Settings


class ReliabilitySettings(Settings):
    """Rules of the statistics that the field leaves open."""

    subject = "reliability"

    sustained_threshold_min: float = Field(
        3.0, ge=0, description="an interruption is sustained when longer than this (R1.2)"
    )
    ieee_sustained_threshold_min: float = Field(
        5.0, ge=0, description="an interruption is sustained by IEEE 1366 when longer than this; else momentary"
    )
    momentary_event_window_min: float = Field(
        5.0,
        ge=0,
        description="momentary interruptions that begin this soon after the first of them are one event (MAIFI_E of IEEE 1366)",
    )
    crossing: Literal["cut", "start"] = Field(
        "cut",
        description="hours that cross the end of a period are cut there, or belong whole to the period of the start (R1.10)",
    )
    merge_gap_min: float = Field(0.0, ge=0, description="interruptions of one user this close are one (R1.12)")
    overrun_class: Literal["P-TEMP-*", "F-INT", "same"] = Field(
        "P-TEMP-*",
        description="nature of the part of a planned outage beyond its approved end: temporary with the same work reason, an "
        "internal fault, or as recorded (R1.15)",
    )
    record_state: Literal["as_logged", "normal"] = Field(
        "as_logged",
        description="a record that names a branch or a feeder cuts off what hung on it as the switching log had the switches, "
        "where a log covers the time, or in the normal state (R1.16)",
    )
    event_window_min: float = Field(
        15.0, ge=0, description="openings this close to the start of a record belong to its event (R1.16)"
    )
    log_open_days: float = Field(
        30.0,
        gt=0,
        description="a switch that the log leaves open against its normal state for longer is an omission of the log (R1.16)",
    )
    open_warning_days: float = Field(
        30.0, ge=0, description="outages without an end are warned of when older than this (R1.20)"
    )
    notice_h: float = Field(
        6.0, ge=0, description="a prearranged outage approved less than this before its start is doubtful (R1.6)"
    )
    planned_notice_h: float = Field(
        168.0, ge=0, description="users are told of a planned outage at least this long before (5.2)"
    )
    temporary_notice_h: float = Field(
        24.0, ge=0, description="important users are told of a temporary outage at least this long before (5.2)"
    )
    budget_amber_share: float = Field(
        0.2, ge=0, le=1, description="a customer-hour budget is amber when less than this share of it is left (4.2)"
    )
    budget_fault_share: float = Field(
        0.4,
        ge=0,
        lt=1,
        description="share of a budget kept for faults where three years of records do not say (4.2)",
    )
    budget_plan: str | None = Field(
        None,
        examples=["jinhua-2022"],
        description="plan whose targets give the customer-hour budget of a unit for which the table budget gives none",
    )
    budget_season_prior_years: float = Field(
        1.0,
        ge=0,
        description="the season of faults in a budget is pulled towards twelve equal months as if they were this many years",
    )
    aggregate_scheme: Literal["sgcc", "nea"] = Field(
        "sgcc", description="which region classes make up the urban network (2.1)"
    )
    population_ends: Literal["auto", "inclusive", "exclusive"] = Field(
        "auto",
        description="whether the end of a stated number of users is its last day or the first day after it; auto: the last day "
        "where the next row begins a day later, or where it is the last day of a month and no row begins on it (R1.23)",
    )
    zero_days: Literal["drop", "lowest"] = Field(
        "drop",
        description="days without interruptions are left out of the 2.5 beta method, or stand in it with the lowest daily "
        "SAIDI above zero, as drafts of IEEE 1366 had it (1.6)",
    )
    beta_ddof: int = Field(1, ge=0, le=1, description="delta degrees of freedom of the 2.5 beta method (1.6)")
    history_years: int = Field(5, ge=1, description="years before the judged year that give the threshold (1.6)")
    minimum_history_years: int = Field(3, ge=1, description="fewer years give no threshold (1.6)")
    minimum_history_days: int = Field(30, ge=1, description="fewer days with interruptions give no threshold (1.6)")
    major_event_days: tuple[date, ...] | Mapping[str, tuple[date, ...]] | None = Field(
        None,
        examples=[["2022-02-01", "2022-02-02"]],
        description="approved list, or one for each unit; overrides the calculation. Days are judged at medium voltage, of all "
        "users, whatever period, level or breakdown is asked for (1.6, R1.17)",
    )
    year_on_year: Literal["simple", "compound"] = Field(
        "simple",
        description="a fall against the year before (simple), or one that compounds each year since the base year (2.4)",
    )
    year_on_year_base: int | None = Field(
        None, ge=1900, le=2200, examples=[2020], description="base year of the compound fall; it must be stated (2.4)"
    )
    long_single_h: float = Field(12.0, gt=0, description="CELID-s counts users with one interruption this long (1.4)")
    long_total_h: float = Field(24.0, gt=0, description="CELID-t counts users with this many hours in all (1.4)")
    frequent_count: int = Field(
        3, ge=1, description="CEMI_n and CEMSMI_n count users with at least n interruptions (1.4)"
    )
    audit_tolerance_min: float = Field(
        1.0, ge=0, description="the audit lets starts and ends of records be this far off (a record in whole minutes)"
    )
    audit_logged_kinds: tuple[str, ...] = Field(
        ("breaker", "recloser", "switch", "disconnector"),
        description="kinds of branches whose every operation the switching log holds; the audit denies no other record by it",
    )
    meter_deviation_min: float = Field(
        5.0, ge=0, description="the audit lets times of meters be this far off: report delay and clock skew (6.1, 6.2)"
    )
    meter_min_outage_min: float = Field(1.0, ge=0, description="shorter outages by meter are left out (6.1, 6.2)")
    meter_max_outage_min: float = Field(4320.0, gt=0, description="longer outages by meter are left out (6.1)")

    base_year: int | None = Field(
        None,
        ge=1900,
        le=2200,
        examples=[2021],
        description="year that reductions and gains of plans are counted from, where the plan states none (base_year of "
        "targets); the year before the judged one where it is not given",
    )
    not_carried_out: tuple[str, ...] = Field(
        ("待审核", "已驳回", "已取消", "pending", "rejected", "cancelled"),
        description="states of a plan that was not carried out, unless it says when supply was really cut (3.2)",
    )
    schedule_time_from: Literal["ready", "applied"] = Field(
        "ready",
        description="the wait for a planned outage begins when the work is ready (else applied for), or when it is applied for",
    )
    active_repair_gain: Literal["relative", "points"] = Field(
        "relative",
        description="a gain of the active repair rate is relative to the base year, or in points of per cent",
    )
    active_order_sources: tuple[str, ...] = Field(
        ("主动抢修", "主动工单", "active"), description="sources of orders that began without a call of a customer"
    )
    reported_order_sources: tuple[str, ...] = Field(
        ("95598", "用户报修", "reported"), description="sources of orders that customers reported"
    )
    arrival_tolerance_min: float = Field(
        0.0, ge=0, description="a crew that stands ready this long after the planned time is on time"
    )
    da_required_terminals: int | None = Field(
        None,
        ge=1,
        examples=[2],
        description="terminals that make the automation of a feeder effective; without it every breaker, recloser and switch of "
        "the feeder, its ties among them, needs one",
    )

    report_tolerance: float = Field(
        0.01,
        ge=0,
        description="hours, users and customer-hours of the reliability system's report agree within this (9.3)",
    )
    report_tolerance_percent: float = Field(
        0.001, ge=0, description="ASAI of that report agrees within this; it is printed with three decimals (9.4)"
    )
