"""Steering: the budget of customer-hours, the forecast of the year, and why figures changed."""
