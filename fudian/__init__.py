"""Fudian 复电: one object for every question about outage reliability and fault repair."""
