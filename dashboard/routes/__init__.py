"""The routes of ``/api/v1``, one file a room of the house; each asks one method of ``Utility``."""
