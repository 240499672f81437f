"""When power will be back: a likely time and a range that keeps its promise, learned from faults of the past."""
