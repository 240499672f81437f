"""Rule packs: the standard by which a figure is counted, with the dates in which it is in force.

Rules change. A figure names its pack; a comparison of figures by different packs, or of a time in which the pack was not in
force, says so.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from types import MappingProxyType
from typing import Any

from network import Text, text
from reliability.period import Period


@dataclass(frozen=True)
class RulePack:
    """The rules of one edition of a standard.

    Attributes:
        id: such as ``dlt836-2016``.
        standard: its name.
        since: first day in force.
        until: last day in force; ``None`` while it is not known to have ended.
        next_edition: a later edition that is not counted by here, if there is one.
    """

    id: str
    standard: str
    since: date
    until: date | None = None
    next_edition: str | None = None

    def in_force(self, period: Period) -> bool:
        """Return whether the pack is in force throughout a period."""
        last = (period.end - timedelta(microseconds=1)).date()
        return self.since <= period.start.date() and (self.until is None or last <= self.until)

    def as_dict(self, period: Period) -> dict[str, Any]:
        """Return the pack for the basis of a figure of a period."""
        return {
            "id": self.id,
            "standard": self.standard,
            "in_force_from": self.since.isoformat(),
            "in_force_until": self.until.isoformat() if self.until else None,
            "in_force": self.in_force(period),
            "next_edition": self.next_edition,
        }


DLT_836_2016 = RulePack("dlt836-2016", "DL/T 836.1-2016, DL/T 836.2-2016", date(2016, 6, 1))
IEEE_1366_2012 = RulePack("ieee1366-2012", "IEEE Std 1366-2012", date(2012, 5, 31), next_edition="IEEE Std 1366-2022")

PACKS: Mapping[str, RulePack] = MappingProxyType({pack.id: pack for pack in (DLT_836_2016, IEEE_1366_2012)})
"""Every rule pack by its id; the first is the default."""


def across_packs(one: RulePack, other: RulePack, language: str = "en") -> dict[str, Any] | None:
    """Return what to say of figures by two packs that are compared; ``None`` where it is one pack."""
    if one == other:
        return None
    said: Text = text(
        "The figures are counted by different rules: {one} and {other}. They differ by the rules as well as by what happened.",
        one=one.standard,
        other=other.standard,
    )
    return {"rule_packs": [one.id, other.id], "says": said.in_language(language)}


# National reference values --------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class NationalReference:
    """The reliability of the whole country in one year, by secondary copies of the yearly public report.

    Attributes:
        year: the calendar year.
        saidi_h: hours of the average user; computed from the ASAI where the report was not at hand.
        asai_percent: of all users.
        urban_asai_percent, rural_asai_percent: of the urban (城网) and the rural network (农网), where known.
        saidi_is_computed: whether the hours follow from the ASAI.
    """

    year: int
    saidi_h: float
    asai_percent: float
    urban_asai_percent: float | None = None
    rural_asai_percent: float | None = None
    saidi_is_computed: bool = False

    def as_dict(self) -> dict[str, Any]:
        """Return the values by name."""
        return {
            "year": self.year,
            "SAIDI-1": self.saidi_h,
            "ASAI-1": self.asai_percent,
            "urban_net": {"ASAI-1": self.urban_asai_percent},
            "rural_net": {"ASAI-1": self.rural_asai_percent},
            "saidi_is_computed": self.saidi_is_computed,
            "source": "public yearly report of the regulator, by secondary copies",
        }


_HOURS_OF_2024 = (datetime(2025, 1, 1) - datetime(2024, 1, 1)) / timedelta(hours=1)

NATIONAL: Mapping[int, NationalReference] = MappingProxyType(
    {
        2023: NationalReference(2023, 7.83, 99.911, 99.976, 99.900),
        2024: NationalReference(2024, (1 - 0.99924) * _HOURS_OF_2024, 99.924, saidi_is_computed=True),
    }
)
"""National values by year, to be shown beside a utility's own."""


def national_references(period: Period) -> list[NationalReference]:
    """Return the national values of the calendar years that a period touches, where they are known."""
    last = (period.end - timedelta(microseconds=1)).year
    return [NATIONAL[year] for year in range(period.start.year, last + 1) if year in NATIONAL]
