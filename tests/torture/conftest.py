"""The same real gateway as tests/e2e, for the proofs at full size."""

from tests.e2e.conftest import gateway, upstream

__all__ = ["gateway", "upstream"]
