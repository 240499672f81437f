"""The desk of a dispatcher: incidents, and what is out at one moment."""
