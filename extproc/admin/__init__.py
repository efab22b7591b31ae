"""The management API: a FastAPI application behind Envoy, one module a resource."""
