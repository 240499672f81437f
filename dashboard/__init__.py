"""The web face: three pages of work, the HTTP interface."""
