"""Makes a synthetic county of any size."""
