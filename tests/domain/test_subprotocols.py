"""A browser's key travels among the subprotocols, and no further than the gateway."""

import pytest

from extproc.domain.subprotocols import agreed, key_in, without_key

OFFERS = "realtime, openai-insecure-api-key.sk-1 ,openai-beta.realtime-v1"


def test_the_key_is_found_and_taken_out() -> None:
    assert key_in(OFFERS) == "sk-1"
    assert without_key(OFFERS) == "realtime, openai-beta.realtime-v1"


def test_who_calls_is_not_told_either() -> None:
    offers = "realtime, OpenAI-Insecure-API-Key.sk-2, openai-organization.o, openai-project.p"
    assert without_key(offers) == "realtime"


@pytest.mark.parametrize("offers", ["", "realtime", ",,", "openai-insecure-api-key."])
def test_there_may_be_none(offers: str) -> None:
    assert key_in(offers) == ""


@pytest.mark.parametrize(
    ("offers", "chosen", "told"),
    [
        (OFFERS, "realtime", "realtime"),
        (OFFERS, "openai-beta.realtime-v1", "openai-beta.realtime-v1"),
        (OFFERS, "", "realtime"),
        (OFFERS, "never-offered", "realtime"),
        ("openai-insecure-api-key.sk-1", "", ""),
        ("", "realtime", ""),
    ],
)
def test_the_client_is_told_of_one_that_it_offered(offers: str, chosen: str, told: str) -> None:
    assert agreed(offers, chosen) == told
