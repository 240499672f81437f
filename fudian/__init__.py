"""Fudian 复电: one object for every question about outage reliability and fault repair.

Example:
    >>> import fudian
    >>> county = fudian.open("data_samples/county")
    >>> county.affected(open="F03-K02").customer_count
    1496
"""

from fudian.utility import Utility
from fudian.utility import open_workspace as open  # noqa: A004 (a workspace is opened)

__all__ = ["Utility", "open"]
