from pathlib import Path

import pytest

from extproc.config import Loaded, load


def load_text(tmp_path: Path, text: str, **environ: str) -> Loaded:
    (tmp_path / "config.yaml").write_text(text)
    return load(tmp_path / "config.yaml", environ)


def test_rows_that_cannot_be_used_are_left_out_with_their_reason(tmp_path: Path) -> None:
    text = """
model_list:
  - {model_name: a, litellm_params: {model: openai/a, api_key: os.environ/ONE}}
  - {model_name: a, litellm_params: {model: openai/a, api_key: sk-1}}
  - {model_name: b, litellm_params: {model: petals/b}}
  - {model_name: c, litellm_params: {model: openai/c, litellm_credential_name: none}}
"""
    loaded = load_text(tmp_path, text)
    assert {group: len(found) for group, found in loaded.snapshot.groups.items()} == {"a": 1}
    assert [line.partition(": ")[2] for line in loaded.warnings] == [
        "model_list[0]: left out: os.environ/ONE is not set",
        "model_list[2]: left out: provider petals is not supported yet",
        "model_list[3]: left out: credential_list has no usable none",
    ]


def test_a_star_for_everything_offers_every_provider_that_has_a_key(tmp_path: Path) -> None:
    text = 'model_list: [{model_name: "*", litellm_params: {model: "*"}}]'
    snapshot = load_text(tmp_path, text, OPENAI_API_KEY="k", GROQ_API_KEY="g").snapshot
    assert list(snapshot.groups) == ["*", "openai/*", "groq/*"]
    [plain] = snapshot.find("gpt-4o")
    [groq] = snapshot.find("groq/llama")
    assert (plain.provider, plain.model) == ("openai", "gpt-4o")
    assert (groq.provider, groq.model, groq.api_key) == ("groq", "llama", "g")


def test_a_star_with_an_upstream_stays_alone(tmp_path: Path) -> None:
    text = """
model_list:
  - {model_name: "*", litellm_params: {model: openai/*, api_base: "http://vllm:8000/v1"}}
  - {model_name: "anthropic/claude-*", litellm_params: {model: anthropic/claude-*, api_key: k}}
"""
    snapshot = load_text(tmp_path, text, OPENAI_API_KEY="k").snapshot
    assert list(snapshot.groups) == ["*", "anthropic/claude-*"]
    [claude] = snapshot.find("anthropic/claude-opus-4")
    assert claude.model == "claude-opus-4"


def test_one_id_twice_is_said_and_told_apart(tmp_path: Path) -> None:
    row = "{model_name: a, litellm_params: {model: openai/a, api_key: k}, model_info: {id: x}}"
    loaded = load_text(tmp_path, f"model_list: [{row}, {row}]")
    assert [found.id for found in loaded.snapshot.groups["a"]] == ["x", "x-2"]
    assert loaded.warnings == ("a: two deployments have the id x",)


def test_an_alias_of_nothing_is_said(tmp_path: Path) -> None:
    loaded = load_text(tmp_path, "router_settings: {model_group_alias: {a: b}}")
    assert loaded.snapshot.aliases == {"a": "b"}
    assert loaded.warnings == ("router_settings.model_group_alias.a: there is no model group b",)


@pytest.mark.parametrize(("value", "groups"), [("true", ["a", "groq/*"]), ("false", ["a"])])
def test_models_are_inferred_from_keys_only_when_asked(
    tmp_path: Path, value: str, groups: list[str]
) -> None:
    text = f"""
general_settings: {{infer_model_from_keys: {value}}}
model_list: [{{model_name: a, litellm_params: {{model: groq/a}}}}]
"""
    loaded = load_text(tmp_path, text, GROQ_API_KEY="k")
    assert sorted(loaded.snapshot.groups) == groups


def test_default_litellm_params_are_checked_as_litellm_params_are(tmp_path: Path) -> None:
    text = """
router_settings: {default_litellm_params: {temprature: 1, timeout: 5}}
model_list: [{model_name: a, litellm_params: {model: groq/a}}]
"""
    loaded = load_text(tmp_path, text, GROQ_API_KEY="k")
    assert loaded.snapshot.groups["a"][0].timeout_seconds == 5
    assert "did you mean temperature?" in loaded.warnings[0]
