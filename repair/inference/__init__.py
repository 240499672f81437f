"""Outage inference 停电研判: from signals to what is out."""
