"""What `extproc check` says is what a request would meet."""

import json
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from extproc.config import load
from extproc.config.explain import CREDENTIALS, SAMPLES, Explained, explained, way
from extproc.config.explained import as_json, as_text
from extproc.config.loader import Loaded
from extproc.domain.snapshot import Snapshot
from extproc.domain.usage import Price
from extproc.providers.chat import PARAMS, is_neutral
from extproc.providers.prices import PriceBook
from extproc.providers.profiles import PROFILES
from tests.calls import deployment

NOON = 1_780_000_000.0
PRICES = PriceBook(lambda: NOON)


def one(**changes: Any) -> Explained:
    made = replace(deployment(), price=None, **changes)
    [found] = explained(Loaded(Snapshot("g1", {"gpt": (made,)})), PRICES)
    return found


def loaded(tmp_path: Path, text: str, **environ: str) -> Loaded:
    path = tmp_path / "config.yaml"
    path.write_text(text)
    return load(path, environ)


def test_what_a_format_serves_natively_over_chat_and_by_counting() -> None:
    assert way("chat", "openai") == "native"
    assert way("messages", "openai") == "bridged"
    assert way("count_tokens", "openai") == "counted"
    assert way("chat", "voyage") is None
    assert way("count_tokens", "voyage") is None


def test_a_deployment_of_openai() -> None:
    found = one(schema="openai")
    assert {"chat", "embeddings", "responses", "images"} <= set(found.native)
    assert {"messages", "generate"} <= set(found.bridged)
    assert found.url == "https://d1.example/v1"
    assert (found.credential, found.credential_set) == ("bearer token", True)
    assert found.lacks == ()
    assert found.price == "published"
    assert found.usd_per_million["input"] == 2.5
    assert found.problems == ()


def test_lacks_are_what_the_translator_refuses() -> None:
    groq = one(provider="groq", schema="openai_chat")
    assert set(groq.lacks) == PROFILES["groq"].lacks
    assert "logit_bias" in one(provider="anthropic", schema="anthropic").lacks
    allowed = one(provider="groq", schema="openai_chat", allowed_params=frozenset({"n"}))
    assert "n" not in allowed.lacks
    assert one(provider="voyage", schema="voyage").lacks == ()


def test_renames_are_told() -> None:
    assert one(provider="deepseek", schema="openai_chat").renames == {
        "max_completion_tokens": "max_tokens"
    }


def test_prices_are_the_operators_then_published_then_unknown() -> None:
    own = replace(deployment(), price=Price(Decimal("0.000001"), Decimal("0.000002")))
    [found] = explained(Loaded(Snapshot("g1", {"gpt": (own,)})), PRICES)
    assert (found.price, found.usd_per_million) == ("own", {"input": 1.0, "output": 2.0})
    assert one(model="never-heard-of").price == "unknown"
    assert one(model="*").price == "per model"
    assert one(model="*", base_model="gpt-4o").price == "published"


def test_a_credential_is_told_and_never_shown(tmp_path: Path) -> None:
    text = """
model_list:
  - {model_name: a, litellm_params: {model: groq/x, api_key: sk-canary}}
  - {model_name: b, litellm_params: {model: groq/x}}
  - {model_name: c, litellm_params: {model: bedrock/amazon.nova-lite-v1:0,
     aws_access_key_id: AKIACANARY, aws_secret_access_key: sk-canary}}
  - {model_name: d, litellm_params: {model: hosted_vllm/x, api_base: "http://llm.test/v1"}}
"""
    given = loaded(tmp_path, text)
    found = explained(given, PRICES)
    assert [each.credential_set for each in found] == [True, False, True, False]
    assert [each.credential_needed for each in found] == [True, True, False, False]
    for written in (as_text(given, found), as_json(given, found), repr(found)):
        assert "canary" not in written.lower()
    assert "credential bearer token: missing" in as_text(given, found)


@pytest.mark.parametrize(
    ("model", "said"),
    [
        ("openai/tts-1", "published: USD 1.5e-05 a character"),
        ("openai/whisper-1", "published: USD 0.0001 a second of sound"),
        ("openai/gpt-realtime", "32 audio_input, 64 audio_output for a million tokens"),
    ],
)
def test_a_price_is_told_by_what_is_paid_for(tmp_path: Path, model: str, said: str) -> None:
    text = f"model_list: [{{model_name: a, litellm_params: {{model: {model}, api_key: k}}}}]"
    given = loaded(tmp_path, text)
    assert said in as_text(given, explained(given, PRICES))


def test_where_a_credential_that_no_config_names_is_looked_for(tmp_path: Path) -> None:
    text = """
model_list:
  - {model_name: a, litellm_params: {model: bedrock/amazon.nova-lite-v1:0}}
  - {model_name: b, litellm_params: {model: ollama/x}}
"""
    given = loaded(tmp_path, text)
    shown = as_text(given, explained(given, PRICES))
    assert "none set; the machine's is asked for at the first call: environment, ~/.aws" in shown
    assert "none set; sent without" in shown


def test_what_a_plain_request_would_meet_is_a_problem() -> None:
    found = one(provider="anthropic", schema="anthropic", extra_body={"n": 3})
    assert "does not support parameters: ['n']" in found.problems[0]
    assert one(provider="anthropic", schema="anthropic").problems == ()
    kind = {"provider": "anthropic", "schema": "anthropic", "extra_body": {"n": 3}}
    assert one(**kind, drop_params=True).problems == ()
    assert one(**kind).lacks == one(provider="anthropic", schema="anthropic").lacks


def test_options_that_nobody_set_are_named_with_their_variables() -> None:
    found = one(provider="watsonx", schema="watsonx", options={"project_id": "p"})
    assert "project_id" not in found.unset_options
    assert found.unset_options["api_version"] == ("WATSONX_API_VERSION",)


def test_a_wildcard_and_the_loaders_warnings_are_written(tmp_path: Path) -> None:
    text = """
model_list:
  - {model_name: "groq/*", litellm_params: {model: groq/*, api_key: k, drop_params: true}}
litellm_settings: {drop_parms: true}
"""
    given = loaded(tmp_path, text)
    found = explained(given, PRICES)
    written = as_text(given, found)
    assert written.startswith("warning: ")
    assert "groq/*: groq/* at https://api.groq.com/openai/v1" in written
    assert (
        "lacks      logit_bias, logprobs, n, top_logprobs, web_search_options (left out)" in written
    )
    parsed = json.loads(as_json(given, found))
    assert parsed["generation"] == given.snapshot.generation
    assert len(parsed["warnings"]) == 1
    assert parsed["deployments"][0]["native"][0] == "chat"


def test_a_config_without_deployments_says_so(tmp_path: Path) -> None:
    given = loaded(tmp_path, "model_list: []\n")
    assert as_text(given, explained(given, PRICES)).startswith("No deployment")


def test_every_scheme_of_a_row_has_a_word() -> None:
    assert {row.auth for row in PROFILES.values()} <= CREDENTIALS.keys()


@pytest.mark.parametrize("name", sorted(SAMPLES))
def test_a_sample_is_a_parameter_and_asks_for_something(name: str) -> None:
    assert name in PARAMS
    assert not is_neutral(name, SAMPLES[name])


@pytest.mark.parametrize("name", PROFILES)
def test_every_row_can_be_explained(name: str) -> None:
    row = PROFILES[name]
    for schema in {row.schema, *(schema for _, schema in row.schemas)}:
        found = one(provider=name, schema=schema, auth=row.auth)
        assert found.native
