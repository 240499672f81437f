"""Smart fault repair: signals become a location, a location an affected list, and soon a plan that brings power back."""

from repair.affected import Affected, affected_by_fault, affected_by_opening, affected_by_transformers
from repair.incidents import Incident, affected_by_outages, affected_by_signals, incidents
from repair.inference import Inference, InferredOutage
from repair.isolation import FaultArea, Stage, fault_area, restoration_stages
from repair.location import Location, locate
from repair.settings import InferenceSettings, LocationSettings

__all__ = [
    "Affected",
    "FaultArea",
    "Incident",
    "Inference",
    "InferenceSettings",
    "InferredOutage",
    "Location",
    "LocationSettings",
    "Stage",
    "affected_by_fault",
    "affected_by_opening",
    "affected_by_outages",
    "affected_by_signals",
    "affected_by_transformers",
    "fault_area",
    "incidents",
    "locate",
    "restoration_stages",
]
