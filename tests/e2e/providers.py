"""Every kind of provider that the gateway under test has deployments at, and what each is shown.

A group is named for its provider, and for how the provider misbehaves if it does: `gemini`,
`gemini+429`. The simulated provider reads its orders in the path of the `api_base`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

AWS_KEY_ID, AWS_SECRET = "AKIADEMOCANARY0000", "aws-secret-canary-19c2"
GOOGLE_TOKEN = "ya29.google-token-canary-5d"
IBM_TOKEN = "ibm-token-canary-7e"
METADATA_PATH = "/computeMetadata/v1/instance/service-accounts/default/token"
INPUT_PRICE, OUTPUT_PRICE = 1e-06, 2e-06
ARN = "arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.anthropic.claude-demo-v1:0"

FAULTS: Mapping[str, str] = {
    "": "",
    "one": "calls=1/",
    "two": "calls=2/",
    "rich": "cached=2/reasoning=3/",
    "slow": "words=30/delay=0.02/",
    "cut": "cut_at=8/",
    "reset": "cut_at=8/cut_how=rst/",
    "short": "no_done=1/",
    "failing": "error_at=8/",
    **{str(status): f"status={status}/" for status in (400, 401, 404, 429, 500)},
}
"""What follows the `+` in a group's name -> orders."""


@dataclass(frozen=True)
class Provider:
    """One provider; its group has its name."""

    name: str
    model: str
    """With LiteLLM's prefix."""
    base: str
    """Below the upstream's URL."""
    shows: str = "authorization: Bearer {key}"
    """Its credential, as the provider must see it; empty for a signature."""
    params: Mapping[str, Any] = field(default_factory=dict)
    called: str = ""
    """`custom_llm_provider` of its spend rows, where that is not the prefix."""

    @property
    def key(self) -> str:
        return f"sk-{self.name}-canary"

    @property
    def billed_as(self) -> str:
        return self.called or self.model.partition("/")[0]

    @property
    def credential(self) -> tuple[str, str]:
        """(header, value)."""
        name, _, value = self.shows.partition(": ")
        return name, value.format(key=self.key)


_AWS = {
    "aws_access_key_id": AWS_KEY_ID,
    "aws_secret_access_key": AWS_SECRET,
    "aws_region_name": "us-east-1",
}
_CLAUDE = "us.anthropic.claude-demo-v1:0"

ALL = (
    Provider("openai", "openai/demo", "openai/{}v1"),
    Provider("groq", "groq/demo", "groq/{}v1"),
    Provider("azure", "azure/demo", "azure/{}", "api-key: {key}", {"api_version": "2024-10-21"}),
    Provider("anthropic", "anthropic/claude-demo", "anthropic/{}", "x-api-key: {key}"),
    Provider("bedrock", f"bedrock/{_CLAUDE}", "bedrock/{}", "", _AWS),
    Provider("bedrock-arn", f"bedrock/{ARN}", "bedrock/{}", "", _AWS),
    Provider("bedrock-invoke", f"bedrock/invoke/{_CLAUDE}", "bedrock/{}", "", _AWS),
    Provider("gemini", "gemini/gemini-demo", "gemini/{}v1beta", "x-goog-api-key: {key}"),
    Provider(
        "vertex",
        "vertex_ai/gemini-demo",
        "vertex/{}",
        f"authorization: Bearer {GOOGLE_TOKEN}",
        {"vertex_project": "demo", "vertex_location": "us-central1"},
    ),
    Provider("cohere", "cohere/command-demo", "cohere/{}"),
    Provider("mistral", "mistral/demo", "mistral/{}v1"),
    Provider("ollama", "ollama/demo", "ollama/{}"),
    Provider("databricks", "databricks/demo", "databricks/{}serving-endpoints"),
    Provider("sagemaker", "sagemaker_chat/demo", "sagemaker/{}", "", _AWS),
    Provider(
        "watsonx",
        "watsonx/ibm/demo",
        "watsonx/{}",
        f"authorization: Bearer {IBM_TOKEN}",
        {"project_id": "demo", "token": IBM_TOKEN},
    ),
)
NAMES = tuple(provider.name for provider in ALL)
UNFORCED = frozenset({"ollama"})
"""Those whom nobody can tell that a tool must be called."""
BY_NAME: Mapping[str, Provider] = {provider.name: provider for provider in ALL}


def rows(url: str) -> list[dict[str, Any]]:
    """Their part of `model_list`: each provider well behaved and with each fault."""
    return [
        *(_row(url, provider, fault) for provider in ALL for fault in FAULTS),
        *(_row(url, each, "", name=f"{each.name}+lenient", drop_params=True) for each in ALL),
        *(_row(url, BY_NAME[name], "", name=f"{name}+vectors", model=m) for name, m in _VECTORS),
        _row(url, BY_NAME["openai"], "", name="whisper", model="openai/whisper-1", **_BY_SECOND),
        _row(url, BY_NAME["openai"], "", name="tts", input_cost_per_character=1e-05),
        _row(url, BY_NAME["cohere"], "", name="cohere+ranks", input_cost_per_query=0.002),
        _row(url, BY_NAME["gemini"], "429", name="gemini+retried", num_retries=1),
        _row(url, BY_NAME["bedrock"], "", name="bedrock+forged", aws_secret_access_key="another"),
    ]


_VECTORS = (
    ("openai", "openai/demo"),
    ("azure", "azure/demo"),
    ("bedrock", "bedrock/cohere.embed-english-v3"),
    ("gemini", "gemini/gemini-embedding-demo"),
    ("vertex", "vertex_ai/text-embedding-demo"),
    ("cohere", "cohere/embed-demo"),
    ("mistral", "mistral/mistral-embed"),
    ("ollama", "ollama/nomic-embed-text"),
)
"""(provider, a model of it that makes embeddings)."""
_BY_SECOND = {"input_cost_per_second": 0.0001}


def _row(url: str, provider: Provider, fault: str, name: str = "", **more: Any) -> dict[str, Any]:
    group = name or f"{provider.name}+{fault}".rstrip("+")
    params = {
        "model": provider.model,
        "api_base": f"{url}/{provider.base.format(FAULTS[fault])}".rstrip("/"),
        "input_cost_per_token": INPUT_PRICE,
        "output_cost_per_token": OUTPUT_PRICE,
        "num_retries": 0,
        **provider.params,
        **more,
    }
    if provider.params is not _AWS:
        params["api_key"] = provider.key
    return {"model_name": group, "litellm_params": params, "model_info": {"id": group}}
