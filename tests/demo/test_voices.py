"""Which voice a request is in: by its path, by a segment that names one, or by the command."""

import pytest

from extproc.demo.request import Request
from extproc.demo.voices import VOICES, chosen, find
from extproc.settings import SettingError


def voice(target: str, method: str = "POST", name: str = "") -> str | None:
    found = find(Request(method, target, {}, b""), chosen(name, "", ""))
    return found[0].name if found else None


@pytest.mark.parametrize(
    ("target", "name"),
    [
        ("/v1/chat/completions", "openai"),
        ("/any/prefix/v1/chat/completions", "openai"),
        ("/openai/v1/embeddings", "azure"),
        ("/openai/deployments/d/chat/completions", "azure"),
        ("/mistral/v1/chat/completions", "mistral"),
        ("/status=429/mistral/v1/chat/completions", "mistral"),
        ("/v1/messages", "anthropic"),
        ("/v1/messages/count_tokens", "anthropic"),
        ("/v1beta/models/m:generateContent", "gemini"),
        ("/v1/projects/p/locations/l/publishers/google/models/m:generateContent", "vertex"),
        ("/v1/projects/p/locations/l/publishers/anthropic/models/m:rawPredict", "vertex"),
        ("/model/anthropic.claude/converse", "bedrock"),
        ("/endpoints/e/invocations", "sagemaker"),
        ("/serving-endpoints/e/invocations", "databricks"),
        ("/serving-endpoints/chat/completions", "databricks"),
        ("/ml/v1/text/chat", "watsonx"),
        ("/v2/chat", "cohere"),
        ("/v2/rerank", "cohere"),
        ("/api/embed", "ollama"),
        ("/v1/predictions", "replicate"),
        ("/embed", "tei"),
        ("/voyage/v1/embeddings", "voyage"),
        ("/nowhere", None),
    ],
)
def test_the_path_tells_the_voice(target: str, name: str | None) -> None:
    assert voice(target) == name


def test_models_are_listed_in_the_voice_of_the_path() -> None:
    assert voice("/v1/models", "GET") == "openai"
    assert voice("/v1beta/models", "GET") == "gemini"


def test_every_voice_is_found_by_its_name() -> None:
    for name in VOICES:
        assert [found.name for found in chosen(name, "", "")] == [name]


def test_a_chosen_voice_is_the_only_one() -> None:
    assert voice("/v1/chat/completions", name="mistral") == "mistral"
    assert voice("/v1/messages", name="mistral") is None


def test_an_unknown_name_is_answered_with_the_known_ones() -> None:
    with pytest.raises(SettingError, match=r"--schema parrot: there are anthropic, azure"):
        chosen("parrot", "", "")


def test_a_model_is_named_decoded() -> None:
    request = Request("POST", "/model/a%3Ab%2Fc/converse", {}, b"")
    found = find(request, VOICES.values())
    assert found
    assert found[2] == {"model": "a:b/c"}
