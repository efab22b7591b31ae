"""Builds Envoy's configuration: pure functions from options and upstreams to JSON text.

bootstrap  the file Envoy starts with     = gateway + attempt + locals
gateway    the outer listener             client -> `attempt`, agent or admin; retries; no ext_proc
attempt    the inner listener             ext_proc filter, then the cluster the worker names
upstreams  the file Envoy watches         one cluster a provider's host
foreign    filter + clusters for an Envoy that somebody else runs
"""
