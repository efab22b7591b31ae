import json
from decimal import Decimal
from pathlib import Path
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
        ({"model": "grok/llama-3"}, "model=grok/llama-3; did you mean groq?"),
        ({"model": "x", "custom_llm_provider": "antropic"}, "not known; did you mean anthropic?"),
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
    assert bare.headers == {"openai-organization": "org-env"}
    own = {"api_key": "own", "api_base": "https://own.example/v1", "organization": "org-own"}
    full = deployment({"model": "openai/a", **own}, defaults)
    assert (full.api_key, full.upstream.host) == ("own", "own.example")
    assert full.headers == {"openai-organization": "org-own"}


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
    assert (found.defaults, found.extra_body) == ({"temperature": 0.1, "max_tokens": 7}, {})
    assert not found.upstream.verify


def test_headers_are_known_by_their_names_in_lower_case() -> None:
    params = {"headers": {"X-A": "1", "x-b": "2"}, "extra_headers": {"x-a": "3", "X-B": "4"}}
    assert deployment({"model": "groq/a", **params}).headers == {"x-a": "3", "x-b": "4"}


@pytest.mark.parametrize("provider", ["mistral", "codestral"])
def test_a_base_that_is_only_a_host_gets_the_providers_path(provider: str) -> None:
    named = {"model": f"{provider}/m", "api_base": "https://proxy.example"}
    assert deployment(named).base_path == "/v1"


def test_a_url_in_place_of_hugging_faces_model_is_its_endpoint() -> None:
    warnings = Warnings()
    params = {"model": "huggingface/https://x.endpoints.test"}
    environ = {"HF_API_BASE": "https://other.test"}
    found = compiled("g", params, {}, Defaults(environ=environ), warnings)
    assert (found.model, found.api_base) == ("tgi", "https://x.endpoints.test/v1")
    assert warnings.lines == ()
    own = {"model": "https://x.test", "custom_llm_provider": "huggingface"}
    both = deployment({**own, "api_base": "http://gpu:8080/v1"})
    assert (both.model, both.api_base) == ("tgi", "http://gpu:8080/v1")


def test_a_secret_in_a_models_url_is_not_repeated() -> None:
    with pytest.raises(LeftOut) as caught:
        deployment({"model": "huggingface/https://me:secret@x.test"})
    assert "secret" not in str(caught.value)


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
    found = compiled(
        "group",
        {"model": "lm_studio/a", "api_base": "http://a/v1", **params},
        info,
        NOTHING,
        warnings,
    )
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


# --- what else a model's name and an api_base say


@pytest.mark.parametrize(
    ("model", "region", "left"),
    [
        ("bedrock/us-east-1/anthropic.claude-v2:1", "us-east-1", "anthropic.claude-v2:1"),
        ("bedrock/converse/us-gov-west-1/meta.llama", "us-gov-west-1", "meta.llama"),
        ("bedrock/invoke/ap-southeast-2/anthropic.claude", "ap-southeast-2", "anthropic.claude"),
        ("bedrock/us.anthropic.claude", "eu-west-3", "us.anthropic.claude"),
        ("bedrock/eu-central-1/*", "eu-central-1", "*"),
        (
            "bedrock/arn:aws:bedrock:eu-north-1:123456789012:inference-profile/x",
            "eu-north-1",
            "arn:aws:bedrock:eu-north-1:123456789012:inference-profile/x",
        ),
        (
            "bedrock/converse/arn:aws-us-gov:bedrock:us-gov-east-1:1:imported-model/y",
            "us-gov-east-1",
            "arn:aws-us-gov:bedrock:us-gov-east-1:1:imported-model/y",
        ),
    ],
)
def test_a_region_in_a_bedrock_model_s_name_chooses_the_host(
    model: str, region: str, left: str
) -> None:
    defaults = Defaults(environ={"AWS_REGION": "eu-west-3"})
    found = compiled("g*", {"model": model}, {}, defaults, Warnings())
    assert (found.model, found.options["aws_region_name"]) == (left, region)
    assert found.upstream.host == f"bedrock-runtime.{region}.amazonaws.com"


def test_a_region_of_the_operator_s_wins_over_the_name_s() -> None:
    found = deployment({"model": "bedrock/us-east-1/x.y", "aws_region_name": "eu-west-1"})
    assert (found.model, found.options["aws_region_name"]) == ("x.y", "eu-west-1")


@pytest.mark.parametrize(
    ("path", "model", "version"),
    [
        ("", "gpt-4o", None),
        ("/", "gpt-4o", None),
        ("/openai", "gpt-4o", None),
        ("/openai/", "gpt-4o", None),
        ("/openai/v1/", "gpt-4o", "v1"),
        ("/openai/v1/chat/completions?api-version=preview", "gpt-4o", "preview"),
        ("/openai/deployments/mine", "mine", None),
        (
            "/openai/deployments/my%20one/chat/completions?api-version=2024-10-21",
            "my one",
            "2024-10-21",
        ),
        ("/openai/responses?api-version=2025-04-01-preview", "gpt-4o", "2025-04-01-preview"),
        ("?api-version=2024-10-21", "gpt-4o", "2024-10-21"),
    ],
)
def test_a_whole_url_of_azure_is_understood(path: str, model: str, version: str | None) -> None:
    found = deployment({"model": "azure/gpt-4o", "api_base": f"https://x.test{path}"})
    assert (found.upstream.host, found.base_path) == ("x.test", "")
    assert (found.model, found.options.get("api_version")) == (model, version)
    assert found.base_model == (None if model == "gpt-4o" else "gpt-4o")


def test_a_proxy_s_path_before_azure_s_is_kept() -> None:
    base = "https://x.test/models/openai/team/openai/deployments/mine/embeddings"
    found = deployment({"model": "azure/a", "api_base": base})
    assert (found.base_path, found.model) == ("/models/openai/team", "mine")


def test_an_api_version_of_the_operator_s_wins_over_the_url_s_and_that_over_the_environment_s() -> (
    None
):
    defaults = Defaults(environ={"AZURE_API_VERSION": "of-env"})
    params = {"model": "azure/a", "api_base": "https://x.test/?api-version=of-url"}
    assert deployment(params, defaults).options["api_version"] == "of-url"
    own = {**params, "api_version": "own"}
    assert deployment(own, defaults).options["api_version"] == "own"


@pytest.mark.parametrize("path", ["/models", "/models/chat/completions", "/chat/completions", ""])
def test_a_whole_url_of_foundry_is_understood(path: str) -> None:
    base = f"https://x.services.ai.azure.com{path}?api-version=2024-05-01-preview"
    found = deployment({"model": "azure_ai/m", "api_base": base})
    assert (found.base_path, found.model) == ("", "m")
    assert found.options["api_version"] == "2024-05-01-preview"


@pytest.mark.parametrize(
    ("params", "reason"),
    [
        ({"model": "vertex_ai/gemini-2.5-pro"}, "vertex_ai needs vertex_project"),
        ({"model": "vertex_ai/claude-sonnet-4-5"}, "vertex_ai needs vertex_project"),
        (
            {"model": "vertex_ai/gemini-2.5-pro", "vertex_credentials": "{}"},
            "vertex_ai needs vertex_project",
        ),
        (
            {"model": "vertex_ai/gemini-2.5-pro", "vertex_credentials": '{"private_key": "sk-"'},
            "vertex_credentials is neither JSON nor the path of a JSON file",
        ),
        (
            {"model": "vertex_ai/gemini-2.5-pro", "vertex_credentials": "/nonexistent"},
            "vertex_credentials is neither JSON nor the path of a JSON file",
        ),
        (
            {"model": "vertex_ai/gemini-2.5-pro", "vertex_credentials": "sk-" * 5000},
            "vertex_credentials is neither JSON nor the path of a JSON file",
        ),
        (
            {"model": "watsonx/ibm/granite", "api_base": "https://x.test"},
            "watsonx needs project_id or space_id",
        ),
        (
            {"model": "azure/a", "api_base": "https://x.test/?sig=sk-1"},
            "api_base is not http(s)://host[:port][/path]",
        ),
        ({"model": "azure/a", "api_base": "https://[x"}, "api_base is not a URL"),
        (
            {"model": "azure_ai/a", "api_base": "https://x.test/openai/deployments/a"},
            "name the model azure/a",
        ),
    ],
)
def test_what_lacks_an_owner_or_a_place_is_left_out(params: dict[str, Any], reason: str) -> None:
    with pytest.raises(LeftOut) as caught:
        deployment(params)
    assert reason in str(caught.value)
    assert "sk-" not in str(caught.value)


@pytest.mark.parametrize(
    ("credentials", "project"),
    [
        ({"type": "service_account", "project_id": "mine"}, "mine"),
        ({"type": "authorized_user", "quota_project_id": "its"}, "its"),
    ],
)
def test_a_project_is_that_of_the_credentials(
    credentials: dict[str, str], project: str, tmp_path: Path
) -> None:
    file = tmp_path / "account.json"
    file.write_text(json.dumps(credentials))
    defaults = Defaults(environ={}, folder=tmp_path)
    for form in (credentials, json.dumps(credentials), str(file), "account.json"):
        params = {"model": "vertex_ai/gemini-2.5-pro", "vertex_credentials": form}
        found = deployment(params, defaults)
        assert found.options["vertex_project"] == project
        own = deployment({**params, "vertex_project": "own"}, defaults)
        assert own.options["vertex_project"] == "own"
    assert found.secrets["vertex_credentials"] == str(file)
    environ = {"GOOGLE_APPLICATION_CREDENTIALS": str(file)}
    found = deployment({"model": "vertex_ai/gemini-2.5-pro"}, Defaults(environ=environ))
    assert found.options["vertex_project"] == project


def test_credentials_that_are_no_object_name_no_project(tmp_path: Path) -> None:
    (tmp_path / "list.json").write_text("[]")
    params = {"model": "vertex_ai/gemini-2.5-pro", "vertex_credentials": "list.json"}
    with pytest.raises(LeftOut, match="needs vertex_project"):
        deployment(params, Defaults(environ={}, folder=tmp_path))


@pytest.mark.parametrize(
    "more",
    [{"project_id": "p"}, {"space_id": "s"}, {"model": "watsonx/deployment/7"}],
    ids=lambda more: next(iter(more)),
)
def test_watsonx_needs_one_who_pays(more: dict[str, str]) -> None:
    params = {"model": "watsonx/ibm/granite", "api_base": "https://x.test", "api_key": "k", **more}
    assert deployment(params).schema == "watsonx"


def test_a_token_is_a_key_too() -> None:
    warnings = Warnings()
    environ = {"WATSONX_URL": "https://x.test", "WATSONX_TOKEN": "t", "WATSONX_PROJECT_ID": "p"}
    compiled("g", {"model": "watsonx/ibm/granite"}, {}, Defaults(environ=environ), warnings)
    assert warnings.lines == ()


@pytest.mark.parametrize(
    ("location", "host"),
    [
        ("europe-west4", "europe-west4-aiplatform.googleapis.com"),
        ("global", "aiplatform.googleapis.com"),
        ("us", "aiplatform.us.rep.googleapis.com"),
        ("eu", "aiplatform.eu.rep.googleapis.com"),
    ],
)
def test_each_kind_of_vertex_location_has_its_host(location: str, host: str) -> None:
    more = {"vertex_location": location, "vertex_project": "p"}
    assert deployment({"model": "vertex_ai/gemini-2.5-pro", **more}).upstream.host == host
