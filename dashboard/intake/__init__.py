"""Where reports come in: over HTTP, from an MQTT broker, from a folder; each is kept before it is acknowledged."""
