"""The grade of a plan 停(送)电计划分级: how early it has to be applied for (field reference 4.5)."""

from __future__ import annotations

from network import Text, text

HIGH_VOLTAGE_KV = 35.0

GRADES = {
    "on_request": text("no grade: done live, taken as it comes"),
    "on_arrival": text("approved on arrival: nobody else is off"),
    "weekly": text("weekly plan"),
    "single_week": text("single-week plan"),
    "fortnightly": text("fortnightly plan"),
    "monthly": text("monthly plan"),
}
"""What each grade means."""

LEAD_DAYS = {"on_request": 0, "on_arrival": 0, "weekly": 7, "single_week": 7, "fortnightly": 14, "monthly": 30}
"""Days before the outage by which a plan of each grade is due; the utilities' plans state the periods, not the days."""


def plan_grade(
    voltage_kv: float,
    affects_others: bool,
    live_line_possible: bool,
    utility_profile: str = "other",
    default_grade: str = "monthly",
) -> str:
    """Return the grade of a plan.

    Both utilities take what can be done live without a grade, and grade 35 kV and more monthly. Below that the one (``xihua``)
    approves on arrival where nobody else is off, and else weekly; the other (``shenqiu``) grades single-week where nobody else
    is off, and else fortnightly. Their clauses are about connections; other work is graded alike unless the profile is ``other``.

    Args:
        voltage_kv: of the line.
        affects_others: whether anybody besides the applicant is off.
        live_line_possible: whether a live-line item can do the work.
        utility_profile: ``xihua``, ``shenqiu`` or ``other``.
        default_grade: what ``other`` gives below 35 kV.

    Returns:
        A key of :data:`GRADES`.
    """
    if live_line_possible:
        return "on_request"
    if voltage_kv >= HIGH_VOLTAGE_KV:
        return "monthly"
    if utility_profile == "xihua":
        return "weekly" if affects_others else "on_arrival"
    if utility_profile == "shenqiu":
        return "fortnightly" if affects_others else "single_week"
    return default_grade


def grade_words(grade: str) -> Text:
    """Return what a grade means."""
    return GRADES[grade]
