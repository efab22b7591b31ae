from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from extproc.config import ConfigError, General, Loaded, load
from extproc.domain.snapshot import GuardrailRule
from extproc.domain.usage import Price

HERE = Path(__file__).parent
ENVIRON = {
    "OPENAI_API_KEY": "sk-openai-1",
    "ANTHROPIC_API_KEY": "sk-anthropic-1",
    "GROQ_API_KEY": "sk-groq-1",
    "MISTRAL_API_KEY": "sk-mistral-1",
    "COMPANY_KEY": "sk-company-1",
    "GATEWAY_KEY": "sk-master-1",
    "PGURL": "postgresql://gateway@db/gateway",
}


def load_text(tmp_path: Path, text: str, environ: Mapping[str, str] | None = None) -> Loaded:
    (tmp_path / "config.yaml").write_text(text)
    return load(tmp_path / "config.yaml", environ or {})


@pytest.fixture(scope="module")
def company() -> Loaded:
    return load(HERE / "litellm.yaml", ENVIRON)


def test_a_litellm_config_becomes_model_groups_in_its_order(company: Loaded) -> None:
    assert list(company.snapshot.groups) == [
        "gpt-4o",
        "claude",
        "local",
        "embeddings",
        "groq/*",
        "shared",
        "mistral-small",
    ]


def test_a_deployment_holds_what_its_row_says(company: Loaded) -> None:
    first, second = company.snapshot.groups["gpt-4o"]
    assert (first.id, first.provider, first.model) == ("gpt-4o-main", "openai", "gpt-4o")
    assert (first.api_base, first.api_key) == ("https://api.openai.com/v1", "sk-openai-1")
    assert first.headers == {"openai-organization": "org-example"}
    assert first.defaults == {"temperature": 0.2}
    assert (first.weight, first.timeout_seconds, first.stream_timeout_seconds) == (3, 120, 30)
    assert first.price == Price(
        Decimal("0.0000025"), Decimal("0.00001"), cached=Decimal("0.00000125")
    )
    assert second.api_base == "https://eu.gateway.example/openai/v1"
    assert (second.api_key, second.order, second.weight) == ("sk-company-1", 2, 1)
    assert len(second.id) == 64


def test_a_credential_of_the_list_is_used(company: Loaded) -> None:
    [shared] = company.snapshot.groups["shared"]
    assert (shared.api_key, shared.upstream.host) == ("sk-company-1", "llm.company.example")


def test_wildcards_and_aliases_find_their_deployments(company: Loaded) -> None:
    [groq] = company.snapshot.find("groq/llama-3.1-8b-instant")
    assert (groq.provider, groq.model) == ("groq", "llama-3.1-8b-instant")
    assert company.snapshot.find("gpt-4") == company.snapshot.groups["gpt-4o"]
    assert company.snapshot.hidden_aliases == {"internal-gpt"}


def test_the_rules_hold_what_the_sections_say(company: Loaded) -> None:
    rules = company.snapshot.rules
    assert rules.num_retries == 3
    assert (rules.max_request_bytes, rules.max_request_mb_shown) == (20 * 1024**2, 20)
    assert rules.usual_models["chat"] == rules.usual_models["completions"] == "gpt-4o"
    assert rules.forced_models == {"embeddings": "embeddings"}
    assert rules.key_header == "X-Gateway-Key"
    assert rules.guardrails == (
        GuardrailRule("hide_secrets", "hide_secrets", {}),
        GuardrailRule(
            "banned_keywords",
            "banned_keywords",
            {"banned_keywords_list": ("Hello", "project falcon")},
        ),
        GuardrailRule(
            "no-secrets",
            "hide_secrets",
            {"detect_secrets_config": {"plugins_used": [{"name": "AWSKeyDetector"}]}},
        ),
    )


def test_general_holds_what_the_processes_need(company: Loaded) -> None:
    assert company.general == General(
        master_key="sk-master-1",
        database_url="postgresql://gateway@db/gateway",
        redis_host="cache.internal",
        redis_port=6380,
        environment={
            "REDIS_HOST": "cache.internal",
            "REDIS_PORT": "6380",
            "SHARED_KEY": "sk-company-1",
        },
    )


def test_everything_without_effect_is_named_once(company: Loaded) -> None:
    assert [line.replace(f"{HERE}/", "") for line in company.warnings] == [
        "litellm_settings.cache: recognised, has no effect yet",
        "litellm_settings.cache_params: recognised, has no effect yet",
        "litellm_settings.default_fallbacks: recognised, has no effect yet",
        "router_settings.routing_strategy: recognised, has no effect yet",
        "general_settings.alerting: recognised, has no effect yet",
        "credential_list[].credential_info: recognised, has no effect yet",
        "litellm.yaml:33: model_list[2]: left out: os.environ/AZURE_API_KEY is not set",
        "model_list[].litellm_params.rpm: recognised, has no effect yet",
        "litellm_settings.callbacks: langfuse: recognised, has no effect yet",
        "guardrails[].litellm_params.detect_secrets_config: recognised, has no effect yet",
        "guardrails[1].litellm_params.guardrail: presidio: recognised, has no effect yet",
    ]


def test_no_secret_is_printed(company: Loaded) -> None:
    printed = repr(company) + str(company.warnings)
    assert not [value for name, value in ENVIRON.items() if "KEY" in name and value in printed]
    assert ENVIRON["PGURL"] not in printed


def test_the_generation_is_the_same_on_every_replica(company: Loaded) -> None:
    assert load(HERE / "litellm.yaml", dict(ENVIRON)).snapshot == company.snapshot


@pytest.mark.parametrize("name", ["OPENAI_API_KEY", "GROQ_API_KEY"])
def test_another_secret_is_another_generation(company: Loaded, name: str) -> None:
    other = load(HERE / "litellm.yaml", {**ENVIRON, name: "sk-other"}).snapshot
    assert other.generation != company.snapshot.generation
    assert replace(other, generation="") != replace(company.snapshot, generation="")


def test_the_process_environment_wins_over_the_block(tmp_path: Path) -> None:
    text = """
    environment_variables: {OPENAI_API_KEY: from-block, LITELLM_MASTER_KEY: sk-block}
    model_list: [{model_name: a, litellm_params: {model: openai/a}}]
    """
    loaded = load_text(tmp_path, text, {"OPENAI_API_KEY": "from-process"})
    assert loaded.snapshot.groups["a"][0].api_key == "from-process"
    assert loaded.general.master_key == "sk-block"
    emptied = load(tmp_path / "config.yaml", {"OPENAI_API_KEY": ""})
    assert emptied.snapshot.groups["a"][0].api_key == "from-block"


@pytest.mark.parametrize(
    ("environ", "url"),
    [
        ({"DATABASE_HOST": "db", "DATABASE_NAME": "llm"}, "postgresql://db/llm"),
        (
            {
                "DATABASE_HOST": "db",
                "DATABASE_PORT": "5433",
                "DATABASE_NAME": "llm",
                "DATABASE_USERNAME": "me",
                "DATABASE_PASSWORD": "p@ss/word",
            },
            "postgresql://me:p%40ss%2Fword@db:5433/llm",
        ),
        ({"DATABASE_HOST": "db"}, None),
    ],
)
def test_a_database_url_is_assembled(environ: dict[str, str], url: str | None) -> None:
    assert load(None, environ).general.database_url == url


def test_an_unset_reference_outside_a_deployment_is_a_warning(tmp_path: Path) -> None:
    text = """
general_settings:
  master_key: os.environ/NOPE
  alert_to_webhook_url: {budget_alerts: os.environ/HOOK}
"""
    loaded = load_text(tmp_path, text)
    assert loaded.general.master_key is None
    assert [line.partition(": ")[2] for line in loaded.warnings[:2]] == [
        "general_settings.master_key: os.environ/NOPE is not set",
        "general_settings.alert_to_webhook_url: os.environ/HOOK is not set",
    ]


def test_variables_that_only_litellm_reads_are_named_in_one_line() -> None:
    environ = {"LANGFUSE_HOST": "x", "SMTP_HOST": "y", "HOSTNAME": "z", "AWS_REGION_NAME": "eu"}
    assert load(None, environ).warnings == (
        "environment: LANGFUSE_HOST, SMTP_HOST: recognised, no effect yet",
    )


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "is empty"),
        ("- a\n- b", ":1: a config is a mapping, this is a list"),
        ("hello", ":1: a config is a mapping, this is a single value"),
        ("a: [1", "not YAML"),
        ("model_list: 5", ":1: model_list: expected a list, got 5"),
        ("model_list: [5]", ":1: model_list[0]: expected a mapping"),
        ("model_list: [{model_name: a}]", "needs model_name and litellm_params"),
        ("model_list:\n- model_name: a\n  litellm_params: x", ":3: model_list[0].litellm_params:"),
        ("litellm_settings: [a]", ":1: litellm_settings: expected a mapping, got a list"),
        ("litellm_settings:\n  num_retries: three", ":2: litellm_settings.num_retries: expected"),
        (
            "litellm_settings:\n  cache_params:\n    port: x",
            ":3: litellm_settings.cache_params.port",
        ),
        ("router_settings: {timeout: 0}", "a number of seconds above 0, got 0"),
        ("general_settings: {master_key: [sk-secret]}", "master_key: expected text, got a list"),
        ("environment_variables: [a]", "environment_variables: expected a mapping"),
        ("environment_variables: {a: {b: c}}", "environment_variables.a: expected text"),
        ("guardrails: [{guardrail_name: a}]", "needs guardrail_name and litellm_params.guardrail"),
        ("credential_list: [{credential_name: a}]", "needs credential_name and credential_values"),
        ("credential_list: [{credential_name: a, credential_values: 5}]", "expected a mapping"),
        ("router_settings: {model_group_alias: {a: 5}}", "model_group_alias.a: expected a model"),
    ],
)
def test_what_cannot_be_used_stops_the_start_with_one_line(
    tmp_path: Path, text: str, reason: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        load_text(tmp_path, text)
    message = str(caught.value)
    assert message.startswith(str(tmp_path / "config.yaml")) or "model_group_alias" in message
    assert reason in message
    assert "\n" not in message


def test_a_wrong_type_never_shows_what_the_environment_holds(tmp_path: Path) -> None:
    text = "model_list: [{model_name: a, litellm_params: {model: openai/a, timeout: os.environ/T}}]"
    with pytest.raises(ConfigError, match="got what the environment variable holds"):
        load_text(tmp_path, text, {"T": "sk-secret"})


WORDS = """
model_list litellm_settings litellm_params general_settings router_settings guardrails model include
environment_variables credential_list model_name callbacks api_key api_base timeout openai/gpt *
os.environ/X : - [ ] { } , & * ! | > ' # % @ ? << &a *a !!int 1 -1 .nan 1e400 true null 2024-01-01
0x 1_0 http://[
"""
SPACES = ["\n", "\n  ", "\n    ", "\n- ", ": ", " ", '"', "\t", "\x00", "\ufeff", "\\"]
YAML_BITS = st.sampled_from([*WORDS.split(), *SPACES])
HOSTILE = st.one_of(st.text(max_size=200), st.lists(YAML_BITS, max_size=60).map("".join))
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=8,
)


def survives(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "config.yaml").write_bytes(data)
    try:
        load(tmp_path / "config.yaml", {"X": "value"})
    except ConfigError as error:
        assert str(error)


many = settings(
    max_examples=250,
    database=None,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


@many
@given(HOSTILE)
def test_hostile_text_is_a_config_error_or_loads(tmp_path: Path, text: str) -> None:
    survives(tmp_path, text.encode("utf-8", "surrogatepass"))


@many
@given(st.binary(max_size=100))
def test_hostile_bytes_are_a_config_error_or_load(tmp_path: Path, data: bytes) -> None:
    survives(tmp_path, data)


SECTIONS = {
    "model_list": "model_name litellm_params model_info",
    "litellm_settings": "callbacks num_retries request_timeout ssl_verify banned_keywords_list",
    "general_settings": "master_key max_request_size_mb infer_model_from_keys",
    "router_settings": "timeout model_group_alias default_litellm_params redis_port",
    "guardrails": "guardrail_name litellm_params",
    "credential_list": "credential_name credential_values",
    "litellm_params": "model api_base api_key extra_headers input_cost_per_token ssl_verify",
}


@many
@given(st.data())
def test_values_of_any_type_in_any_place_are_a_config_error_or_load(
    tmp_path: Path, data: st.DataObject
) -> None:
    def members(section: str) -> dict[str, object]:
        names = st.sampled_from(SECTIONS[section].split())
        return data.draw(st.dictionaries(names, VALUES, max_size=4))

    row = {"model_name": "a", "litellm_params": {"model": "openai/a", **members("litellm_params")}}
    document: dict[str, object] = {
        "model_list": [row, data.draw(VALUES)] if data.draw(st.booleans()) else [row],
        "litellm_settings": members("litellm_settings"),
        "general_settings": members("general_settings"),
        "router_settings": members("router_settings"),
        "guardrails": [members("guardrails")] if data.draw(st.booleans()) else [],
        "credential_list": [members("credential_list")] if data.draw(st.booleans()) else None,
    }
    survives(tmp_path, yaml.safe_dump(document, allow_unicode=True).encode())


def test_what_stands_in_for_an_unset_database_or_master_key_is_told(tmp_path: Path) -> None:
    text = "general_settings: {database_url: os.environ/NOPE, master_key: os.environ/NOPE}"
    warnings = "\n".join(load_text(tmp_path, text).warnings)
    assert "DATABASE_URL is unset, too: `extproc run` starts a Postgres of its own" in warnings
    assert "LITELLM_MASTER_KEY is unset, too: `extproc run` makes a key of its own" in warnings
    given = {"DATABASE_URL": "postgresql://h/d", "LITELLM_MASTER_KEY": "sk-1"}
    assert not any("too:" in line for line in load_text(tmp_path, text, given).warnings)
