"""The same real gateways as tests/e2e, for the proofs at full size."""

from tests.e2e.conftest import database, fragile, gateway, metadata, upstream

__all__ = ["database", "fragile", "gateway", "metadata", "upstream"]
