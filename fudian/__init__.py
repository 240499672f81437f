"""Fudian 复电: one object for every question about outage reliability and fault repair."""

from importlib.metadata import version

__version__ = version("fudian")
