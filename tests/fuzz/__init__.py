"""Broken inputs by the hundred thousand: ``python -m tests.fuzz --count 100000`` (in ``make test-long``)."""
