"""Fudian beside its peers on the same work, in one run: answers compared first, then ratios."""
