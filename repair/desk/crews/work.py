"""What there is to do and who can do it: jobs with uncertain places, crews with skills, zones and shifts."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Place:
    """A place that crews travel from or to.

    Attributes:
        name: id of a base, a node, a branch or a crew; a table of travel times may name it.
        lon: longitude in degrees; ``None`` where it is not known.
        lat: latitude in degrees.
        area: id of its feeder, which a table of travel times may name in its stead.
    """

    name: str
    lon: float | None = None
    lat: float | None = None
    area: str | None = None


@dataclass(frozen=True)
class Stop:
    """A section in which the fault of a job may lie.

    Attributes:
        place: where it is.
        probability: that the fault lies there; those of a job add up to one.
        look_min: minutes to look at it from end to end.
    """

    place: Place
    probability: float
    look_min: float


@dataclass(frozen=True)
class Job:
    """One fault to be found, isolated and repaired by one crew.

    The crew looks at one stop after the other until it has found the fault, switches, and repairs. It may go on to another
    fault once it has switched, and come back for the repair.

    Attributes:
        job_id: the incident.
        stops: where the fault may lie, by falling probability.
        back_by_switching: customers who have power again once the fault is found and isolated.
        back_by_repair: customers who wait for the repair.
        switch_min: minutes of operations on site.
        repair_min: minutes of repair.
        needs: skills and vehicles without which it cannot be done.
        zone: the unit or grid it belongs to; ``None``: any crew may go.
        crew_id: a person's choice of the crew; ``None``: whichever is best.
    """

    job_id: str
    stops: tuple[Stop, ...]
    back_by_switching: float
    back_by_repair: float
    switch_min: float
    repair_min: float
    needs: frozenset[str] = frozenset()
    zone: str | None = None
    crew_id: str | None = None

    @property
    def customers(self) -> float:
        """All customers who wait for the crew."""
        return self.back_by_switching + self.back_by_repair


@dataclass(frozen=True)
class Crew:
    """A repair crew as it stands now.

    Attributes:
        crew_id: its id.
        place: where it is, or its base.
        free_min: minutes from now until it can leave.
        until_min: minutes from now until its shift ends; it begins no work after that.
        skills: what it can do and what it drives.
        zones: where it works; empty: everywhere.
        heading_to: the job it is under way to or works on; nobody tears it away.
        under_way_min: minutes since it left for that job.
        on_site: it has arrived there.
        begins_min: minutes from now until its shift begins; 0 on duty.
    """

    crew_id: str
    place: Place
    free_min: float = 0.0
    until_min: float = math.inf
    skills: frozenset[str] = frozenset()
    zones: frozenset[str] = frozenset()
    heading_to: str | None = None
    under_way_min: float = 0.0
    on_site: bool = False
    begins_min: float = 0.0

    @property
    def state(self) -> str:
        """``on_site``, ``under_way``, ``later`` (its shift has not begun) or ``free``."""
        if self.on_site:
            return "on_site"
        return "under_way" if self.heading_to else "later" if self.begins_min > 0 else "free"

    def can_do(self, job: Job) -> bool:
        """Tell whether it may be sent to a job: a person's choice goes before its zones, nothing goes before its skills."""
        if self.heading_to == job.job_id:
            return True
        if not job.needs <= self.skills:
            return False
        if job.crew_id is not None:
            return job.crew_id == self.crew_id
        return not self.zones or job.zone is None or job.zone in self.zones
