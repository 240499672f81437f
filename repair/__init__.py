"""Smart fault repair: signals become a location, a location an affected list and a plan that brings power back."""

from repair.affected import Affected, affected_by_fault, affected_by_opening, affected_by_transformers
from repair.area_of_fault import FaultArea, answer_of, fault_area, problems_of_area
from repair.desk.incidents import (
    Incident,
    affected_by_outages,
    affected_by_signals,
    incidents,
    several_incidents,
)
from repair.inference.outage import InferredOutage
from repair.inference.outages import Inference
from repair.isolation import Isolation, isolate
from repair.location.sections import Location, locate
from repair.restoration.n_minus_1 import NMinus1, n_minus_1
from repair.restoration.restorer import RestorationPlan, Restorer, restore
from repair.settings import InferenceSettings, LocationSettings, RestorationSettings

__all__ = [
    "Affected",
    "FaultArea",
    "Incident",
    "Inference",
    "InferenceSettings",
    "InferredOutage",
    "Isolation",
    "Location",
    "LocationSettings",
    "NMinus1",
    "RestorationPlan",
    "RestorationSettings",
    "Restorer",
    "affected_by_fault",
    "affected_by_opening",
    "affected_by_outages",
    "affected_by_signals",
    "affected_by_transformers",
    "answer_of",
    "fault_area",
    "incidents",
    "isolate",
    "locate",
    "n_minus_1",
    "problems_of_area",
    "restore",
    "several_incidents",
]


def __dir__() -> list[str]:
    """Name what is meant to be used from outside."""
    return __all__
