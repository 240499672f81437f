"""What is hidden of a node, of the fault current through a branch, and of its device (field reference 6.3)."""

LIVE, DARK, UNHEARD, BACK, BACK_UNHEARD = range(5)
"""States of a node: never off in this event; off; off, and its channel is down; back again; back, and its channel is down."""

STATES = 5

QUIET, CLEARED, UNCLEARED = range(3)
"""Fault current at the upper end of a branch: none; some, cleared by a device further down; some that nothing has cleared."""

WAYS = ((QUIET, QUIET), (CLEARED, CLEARED), (UNCLEARED, CLEARED), (UNCLEARED, UNCLEARED))
"""Ways of fault current through a branch, below it and above: none, cleared further down, cleared here, not cleared."""

STAYED, OPENED, CLOSED_AGAIN = range(3)
"""What a device did: it is closed as before (or reclosed by itself at once); it is open; it was open and is closed again."""

IMPOSSIBLE = -1e15
"""Log of a probability of zero, so that sums of such stay numbers."""
