"""Tables of a workspace: what they hold, how files are read into them, and what is wrong with their values."""
