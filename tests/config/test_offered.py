import pytest

from extproc.config import load

DEMO = "http://127.0.0.1:4999/v1"


def test_providers_whose_key_is_set_are_offered() -> None:
    environ = {
        "OPENAI_API_KEY": "sk-1",
        "OPENAI_BASE_URL": "https://proxy.example/v1",
        "ANTHROPIC_API_KEY": "sk-2",
        "GEMINI_API_KEY": "sk-3",
        "GROQ_API_KEY": "",
    }
    snapshot = load(None, environ, DEMO).snapshot
    found = {group: deployment.api_base for group, [deployment] in snapshot.groups.items()}
    assert found == {
        "openai/*": "https://proxy.example/v1",
        "anthropic/*": "https://api.anthropic.com",
        "gemini/*": "https://generativelanguage.googleapis.com/v1beta",
    }
    [claude] = snapshot.find("anthropic/claude-sonnet-4-5")
    assert (claude.provider, claude.model, claude.api_key) == (
        "anthropic",
        "claude-sonnet-4-5",
        "sk-2",
    )


@pytest.mark.parametrize("model", ["demo", "demo/anything", "demo/text-embedding"])
def test_without_any_key_the_simulated_provider_is_offered(model: str) -> None:
    [found] = load(None, {}, DEMO).snapshot.find(model)
    assert (found.provider, found.api_base, found.api_key) == ("demo", DEMO, None)
    assert found.model == model.removeprefix("demo/")
    assert found.price is not None
    assert found.price.input > 0


def test_without_a_demo_url_nothing_is_offered() -> None:
    assert load(None, {}).snapshot.groups == {}


def test_a_base_url_that_cannot_be_used_leaves_its_provider_out() -> None:
    loaded = load(None, {"OPENAI_API_KEY": "k", "OPENAI_BASE_URL": "not a url"}, DEMO)
    assert loaded.snapshot.groups == {}
    assert loaded.warnings[0].startswith("openai/*: left out: api_base")


@pytest.mark.parametrize(
    ("name", "schema", "base"),
    [
        ("anthropic", "anthropic", ""),
        ("azure", "azure", ""),
        ("bedrock", "bedrock", ""),
        ("cohere", "cohere", ""),
        ("gemini", "gemini", "/v1beta"),
        ("mistral", "mistral", "/mistral/v1"),
        ("ollama", "ollama", ""),
        ("openai", "openai", "/v1"),
    ],
)
def test_the_simulated_provider_is_offered_in_each_format(
    name: str, schema: str, base: str
) -> None:
    loaded = load(None, {}, DEMO)
    [found] = loaded.snapshot.find(f"demo-{name}")
    assert (found.group, found.schema, found.model) == (f"demo-{name}", schema, "demo")
    assert found.api_base == f"http://127.0.0.1:4999{base}"
    assert found.api_key or found.secrets or name == "ollama"
    assert found.price is not None
    assert loaded.warnings == ()
