"""The pages of work, one file each."""
