"""What a provider is shown."""

import asyncio
from collections.abc import Mapping

import pytest

from extproc.clients.credentials import KEYS, Signer
from extproc.domain.departure import Departure
from tests.calls import deployment


def departing(**changes: object) -> Departure:
    return Departure(deployment(**changes), "POST", "/v1/x", {}, b"{}")


@pytest.mark.parametrize(
    ("auth", "key", "shown"),
    [
        ("bearer", "k", {"authorization": "Bearer k"}),
        ("anthropic", "sk-ant-api-k", {"x-api-key": "sk-ant-api-k"}),
        ("anthropic", "sk-ant-oat01-k", {"authorization": "Bearer sk-ant-oat01-k"}),
        ("x-goog-api-key", "k", {"x-goog-api-key": "k"}),
        ("api-key", "k", {"api-key": "k"}),
    ],
)
def test_a_key_is_shown_as_its_provider_wants_it(
    auth: str, key: str, shown: Mapping[str, str]
) -> None:
    assert asyncio.run(Signer({})(departing(auth=auth, api_key=key))) == shown


@pytest.mark.parametrize("auth", KEYS)
def test_without_a_key_nothing_is_shown(auth: str) -> None:
    assert asyncio.run(Signer({})(departing(auth=auth, api_key=None))) == {}


def test_a_scheme_of_its_own_sees_the_whole_departure() -> None:
    async def signed(departure: Departure) -> Mapping[str, str]:
        return {"authorization": f"{departure.method} {departure.path} {len(departure.body)}"}

    shown = asyncio.run(Signer({"aws": signed})(departing(auth="aws")))
    assert shown == {"authorization": "POST /v1/x 2"}
