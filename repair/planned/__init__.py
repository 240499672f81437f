"""Planned outages: what each costs before anything is cut, and on which day it costs least."""
