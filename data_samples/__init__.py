"""A synthetic county that runs everything, in the size of one county or of a province.

Nothing in it comes from a real utility: names, places and records are drawn from the distributions that
``README.md`` lists.
"""
