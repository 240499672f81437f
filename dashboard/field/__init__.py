"""The pages for telephones: a crew's, and the public one of an incident; plain documents beside the dashboard."""
