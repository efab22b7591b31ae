from urllib.parse import urlsplit

import pytest

from extproc.providers.profiles import (
    KNOWN_MODELS,
    PROFILES,
    UNSUPPORTED,
    first_set,
    provider_at,
    provider_of_model,
)


@pytest.mark.parametrize("name", PROFILES)
def test_a_row_is_complete(name: str) -> None:
    row = PROFILES[name]
    url = urlsplit(row.base_url)
    assert row.base_url == "" or (url.scheme in ("http", "https") and url.hostname)
    assert not row.base_url.endswith("/")
    assert url.scheme != "http" or url.hostname == "localhost"
    assert row.key_env
    assert row.base_env
    assert row.source.startswith("https://") or not row.base_url
    assert row.root == url.path


def test_there_are_many_rows_and_none_is_also_called_unsupported() -> None:
    assert len(PROFILES) >= 20
    assert not PROFILES.keys() & UNSUPPORTED


@pytest.mark.parametrize(
    ("name", "key_env", "base_env"),
    [
        ("openai", ("OPENAI_API_KEY",), ("OPENAI_BASE_URL", "OPENAI_API_BASE")),
        ("gemini", ("GEMINI_API_KEY", "GOOGLE_API_KEY"), ("GEMINI_API_BASE",)),
        (
            "together_ai",
            ("TOGETHER_API_KEY", "TOGETHERAI_API_KEY", "TOGETHER_AI_TOKEN", "TOGETHER_AI_API_KEY"),
            ("TOGETHER_AI_API_BASE",),
        ),
        ("groq", ("GROQ_API_KEY",), ("GROQ_API_BASE",)),
    ],
)
def test_the_environment_of_a_provider(
    name: str, key_env: tuple[str, ...], base_env: tuple[str, ...]
) -> None:
    assert PROFILES[name].key_env == key_env
    assert PROFILES[name].base_env == base_env


@pytest.mark.parametrize(
    ("model", "provider"),
    [
        ("gpt-4o-mini", "openai"),
        ("o1-preview", "openai"),
        ("text-embedding-3-small", "openai"),
        ("claude-opus-4", "anthropic"),
        ("gemini-2.5-flash", "gemini"),
        ("deepseek-chat", "deepseek"),
        ("llama-3", None),
    ],
)
def test_a_bare_model_name_leads_to_its_maker(model: str, provider: str | None) -> None:
    assert provider_of_model(model) == provider


def test_known_models_lead_to_rows() -> None:
    assert {provider for _, provider in KNOWN_MODELS} <= PROFILES.keys()


@pytest.mark.parametrize(
    ("url", "provider"),
    [
        ("https://api.groq.com/openai/v1", "groq"),
        ("https://api.openai.com/v1", "openai"),
        ("http://localhost:11434/v1", None),
        ("https://llm.example/v1", None),
        ("nonsense", None),
    ],
)
def test_a_host_leads_to_its_provider(url: str, provider: str | None) -> None:
    assert provider_at(url) == provider


def test_the_first_variable_that_is_set_counts() -> None:
    environ = {"A": "", "B": " two ", "C": "three"}
    assert first_set(("A", "B", "C"), environ) == "two"
    assert first_set(("A", "Z"), environ) is None
