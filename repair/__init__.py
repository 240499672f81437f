"""Smart fault repair: signals become a location, a location an affected list, and soon a plan that brings power back."""

from repair.affected import Affected, affected_by_fault, affected_by_opening, affected_by_transformers
from repair.incidents import Incident, incidents
from repair.location import Location, locate
from repair.settings import LocationSettings

__all__ = [
    "Affected",
    "Incident",
    "Location",
    "LocationSettings",
    "affected_by_fault",
    "affected_by_opening",
    "affected_by_transformers",
    "incidents",
    "locate",
]
