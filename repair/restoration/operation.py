"""One operation of a device, and when it is done."""

from __future__ import annotations

from dataclasses import dataclass

REMOTE, ON_SITE = "remote", "on_site"


@dataclass(frozen=True)
class Operation:
    """One device to be operated: ``action`` is ``open`` or ``close``, ``stage`` when."""

    branch: int
    action: str
    stage: str
