"""Everything that calls out: credentials, telemetry, exporters."""
