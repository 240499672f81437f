"""Smart fault repair: signals become a location, a location an affected list and a plan that brings power back."""

from repair.affected import Affected, affected_by_fault, affected_by_opening, affected_by_transformers
from repair.incidents import Incident, incidents
from repair.isolation import Isolation, isolate
from repair.location import Location, locate
from repair.n_minus_1 import NMinus1, n_minus_1
from repair.restoration import RestorationPlan, Restorer, restore
from repair.settings import LocationSettings, RestorationSettings

__all__ = [
    "Affected",
    "Incident",
    "Isolation",
    "Location",
    "LocationSettings",
    "NMinus1",
    "RestorationPlan",
    "RestorationSettings",
    "Restorer",
    "affected_by_fault",
    "affected_by_opening",
    "affected_by_transformers",
    "incidents",
    "isolate",
    "locate",
    "n_minus_1",
    "restore",
]
