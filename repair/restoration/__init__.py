"""Restoration 复电: which switches bring power back around a fault, and whether a grid can stand any one."""
