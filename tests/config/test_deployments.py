from decimal import Decimal
from typing import Any

import pytest

from extproc.config.deployments import Defaults, compiled, stable_id
from extproc.config.problems import LeftOut, Warnings
from extproc.domain.deployment import Deployment
from extproc.domain.usage import Price

NOTHING = Defaults(environ={})


def deployment(params: dict[str, Any], defaults: Defaults = NOTHING, **info: Any) -> Deployment:
    return compiled("group", params, info, defaults, Warnings())


@pytest.mark.parametrize(
    ("params", "provider", "model"),
    [
        ({"model": "openai/gpt-4o"}, "openai", "gpt-4o"),
        ({"model": "openrouter/openai/gpt-4o"}, "openrouter", "openai/gpt-4o"),
        ({"model": "gpt-4o", "custom_llm_provider": "groq"}, "groq", "gpt-4o"),
        ({"model": "groq/gpt-4o", "custom_llm_provider": "groq"}, "groq", "gpt-4o"),
        ({"model": "openai/x", "custom_llm_provider": "groq"}, "groq", "openai/x"),
        ({"model": "gpt-4o"}, "openai", "gpt-4o"),
        ({"model": "o3-mini"}, "openai", "o3-mini"),
        ({"model": "claude-sonnet-4-5"}, "anthropic", "claude-sonnet-4-5"),
        ({"model": "gemini-2.5-pro"}, "gemini", "gemini-2.5-pro"),
        ({"model": "llama-3", "api_base": "https://api.groq.com/openai/v1"}, "groq", "llama-3"),
    ],
)
def test_the_provider_is_found(params: dict[str, Any], provider: str, model: str) -> None:
    found = deployment(params)
    assert (found.provider, found.model) == (provider, model)


@pytest.mark.parametrize(
    ("params", "reason"),
    [
        ({}, "litellm_params.model is missing"),
        ({"model": "llama-3"}, "LLM Provider NOT provided"),
        ({"model": "someone/llama-3"}, "LLM Provider NOT provided"),
        ({"model": "azure/gpt-4o"}, "azure needs an api_base"),
        ({"model": "petals/bloom"}, "provider petals is not supported yet"),
        ({"model": "x", "custom_llm_provider": "nobody"}, "provider nobody is not known"),
        ({"model": "hosted_vllm/x"}, "hosted_vllm needs an api_base"),
        ({"model": "openai/*"}, "has a *"),
        ({"model": "openai/a", "api_key": "sk-\nx"}, "api_key holds characters"),
        ({"model": "openai/a", "api_key": "sk-ü"}, "api_key holds characters"),
        ({"model": "openai/a", "extra_headers": {"x": "a\r\nb: c"}}, "extra_headers holds"),
        ({"model": "openai/a", "extra_headers": {"x y": "a"}}, "extra_headers holds a name"),
    ],
)
def test_what_cannot_be_used_is_left_out(params: dict[str, Any], reason: str) -> None:
    with pytest.raises(LeftOut) as caught:
        deployment(params)
    assert reason in str(caught.value)
    assert "sk-" not in str(caught.value)


def test_an_id_that_no_header_may_hold_is_left_out() -> None:
    with pytest.raises(LeftOut, match=r"model_info\.id holds characters"):
        deployment({"model": "openai/a"}, id="a\nb")


def test_the_deployment_wins_over_the_environment() -> None:
    defaults = Defaults(
        environ={
            "OPENAI_API_KEY": "from-env",
            "OPENAI_BASE_URL": "https://proxy.example/v1",
            "OPENAI_ORGANIZATION": "org-env",
        }
    )
    bare = deployment({"model": "openai/a"}, defaults)
    assert (bare.api_key, bare.upstream.host) == ("from-env", "proxy.example")
    assert bare.headers == {"OpenAI-Organization": "org-env"}
    own = {"api_key": "own", "api_base": "https://own.example/v1", "organization": "org-own"}
    full = deployment({"model": "openai/a", **own}, defaults)
    assert (full.api_key, full.upstream.host) == ("own", "own.example")
    assert full.headers == {"OpenAI-Organization": "org-own"}


def test_global_settings_hold_where_the_deployment_says_nothing() -> None:
    defaults = Defaults(
        environ={},
        ssl_verify=False,
        timeout_seconds=60.0,
        stream_timeout_seconds=20.0,
        params={"temperature": 0.1, "max_tokens": 5},
    )
    found = deployment({"model": "openai/a", "timeout": 9.0, "max_tokens": 7}, defaults)
    assert (found.timeout_seconds, found.stream_timeout_seconds) == (9.0, 20.0)
    assert found.extra_body == {"temperature": 0.1, "max_tokens": 7}
    assert not found.upstream.verify


def test_num_retries_wins_over_max_retries() -> None:
    assert deployment({"model": "openai/a", "max_retries": 4}).num_retries == 4
    both = {"model": "openai/a", "max_retries": 4, "num_retries": 0}
    assert deployment(both).num_retries == 0


def test_extra_body_wins_over_generation_parameters() -> None:
    params = {"model": "openai/a", "temperature": 0.1, "extra_body": {"temperature": 1, "x": {}}}
    assert deployment(params).extra_body == {"temperature": 1, "x": {}}


@pytest.mark.parametrize(
    ("params", "info", "price"),
    [
        ({}, {}, None),
        (
            {"input_cost_per_token": Decimal(1)},
            {"mode": "embedding"},
            Price(Decimal(1), Decimal(0)),
        ),
        (
            {"input_cost_per_token": Decimal(1)},
            {"input_cost_per_token": Decimal(9), "output_cost_per_token": Decimal(2)},
            Price(Decimal(1), Decimal(2)),
        ),
        (
            {
                "input_cost_per_token": Decimal(0),
                "output_cost_per_token": Decimal(0),
                "cache_read_input_token_cost": Decimal(3),
                "cache_creation_input_token_cost": Decimal(4),
                "output_cost_per_reasoning_token": Decimal(5),
                "input_cost_per_audio_token": Decimal(6),
                "output_cost_per_audio_token": Decimal(7),
            },
            {},
            Price(
                Decimal(0), Decimal(0), Decimal(3), Decimal(4), Decimal(5), Decimal(6), Decimal(7)
            ),
        ),
    ],
)
def test_the_operators_price(
    params: dict[str, Any], info: dict[str, Any], price: Price | None
) -> None:
    warnings = Warnings()
    found = compiled("group", {"model": "lm_studio/a", "api_base": "http://a/v1", **params}, info, NOTHING, warnings)
    assert found.price == price
    assert warnings.lines == ()


def test_half_a_price_is_said() -> None:
    warnings = Warnings()
    params = {"model": "ollama/a", "input_cost_per_token": Decimal(1)}
    compiled("group", params, {}, NOTHING, warnings)
    assert warnings.lines == (
        "group: output_cost_per_token is not given beside other prices and counts as 0",
    )


def test_a_missing_key_is_said() -> None:
    warnings = Warnings()
    compiled("group", {"model": "gemini/a"}, {}, NOTHING, warnings)
    assert warnings.lines == ("group: no api_key, and GEMINI_API_KEY or GOOGLE_API_KEY is not set",)


def test_an_id_is_stable_and_tells_rows_apart() -> None:
    params = {"model": "openai/a", "api_key": "k", "input_cost_per_token": Decimal("0.1")}
    assert stable_id("g", params) == stable_id("g", dict(reversed(params.items())))
    others = [stable_id("h", params), stable_id("g", {**params, "api_key": "l"})]
    assert len({stable_id("g", params), *others}) == 3
    assert deployment(params, id="own").id == "own"


def test_no_secret_is_printed() -> None:
    found = deployment(
        {"model": "openai/a", "api_key": "sk-secret", "extra_headers": {"x-key": "sk-secret"}}
    )
    assert "sk-secret" not in repr(found)
