"""The report of a month, quarter or year: what it says, and the files that it is written to."""
