"""Every way of showing a credential that a provider asks for is there."""

import pytest

from extproc.clients.credentials import KEYS, Signer
from extproc.clients.schemes import schemes
from extproc.domain.departure import Departure
from extproc.providers.profiles import PROFILES
from tests.calls import deployment


@pytest.mark.parametrize("auth", sorted({row.auth for row in PROFILES.values()}))
def test_every_provider_s_auth_is_known(auth: str) -> None:
    assert (auth in KEYS) != (auth in schemes({}, lambda: 0.0))


@pytest.mark.parametrize(
    ("auth", "shown"),
    [
        ("azure", {"api-key": "k"}),
        ("databricks", {"authorization": "Bearer k"}),
        ("aws", {"authorization": "Bearer k"}),
    ],
)
async def test_a_key_needs_no_token(auth: str, shown: dict[str, str]) -> None:
    sign = Signer(schemes({}, lambda: 0.0))
    departure = Departure(deployment(auth=auth, api_key="k"), "POST", "/x", {}, b"{}")
    assert await sign(departure) == shown
