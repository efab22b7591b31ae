"""Builds Envoy's listeners, clusters and bootstrap."""
