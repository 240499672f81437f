"""Customers that are off although their transformer has supply, column by column."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

import numpy as np

from network.arrays import Numbers
from repair.inference.devices import EVER, Devices
from repair.inference.moments import times_of
from repair.inference.reports import Said


class CustomersOut(NamedTuple):
    """Customers that are off although their transformer has supply, column by column, by rising number.

    Attributes:
        id, number: of each in the table of customers.
        first, last, back: the first word of an outage, the last word, and the last sign of power, where there is one.
        open: whether nobody heard of power since the last word of an outage.
        offs, called: one if its meter said off, and if it called.
        share: how probable it is that it is off.
    """

    id: tuple[str, ...]
    number: list[int]
    first: list[datetime]
    last: list[datetime]
    back: list[datetime]
    open: list[bool]
    offs: list[int]
    called: list[int]
    share: list[float]

    @classmethod
    def of(cls, devices: Devices, said: Said, share: Numbers) -> CustomersOut:
        """Return those that said this, with the probability that each is off."""
        number = (said.device - devices.customers_from).tolist()
        dark, back = np.maximum(said.last_off, said.call), np.maximum(said.last_on, said.answered)
        return cls(
            devices.customer_ids(number), number, times_of(said.first), times_of(np.maximum(dark, back)),
            times_of(np.maximum(back, 0)), (back <= dark).tolist(), (said.offs > 0).astype(int).tolist(),
            (said.call > -EVER).astype(int).tolist(), share.tolist(),
        )  # fmt: skip
