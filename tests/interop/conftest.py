"""Tests against other libraries run in an environment of their own (make test sets it up): pandapower needs pandas 2."""

import importlib.util
import os

collect_ignore_glob = [] if importlib.util.find_spec("pandapower") else ["test_*.py"]

EVERYTHING = os.environ.get("FUDIAN_INTEROP") == "all"
"""Compare every branch of every network (minutes) instead of what the gate compares."""
