"""Where a network is drawn, and which of its lines."""
