"""What an operator adds to the requests of a deployment, and takes from them.

`litellm_params` are chat words (`max_tokens`, `temperature` …): defaults, put in where the client
said nothing. Another client format has its own names for some of them, and no place for the rest.
`extra_body` is in the provider's own words and goes in as it is.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from extproc.domain.call import Json
from extproc.domain.deployment import Deployment
from extproc.domain.endpoints import Endpoint


def _same(words: str) -> dict[str, str]:
    return {word: word for word in words.split()}


_LIMITS = ("max_tokens", "max_completion_tokens")
"""One limit under two names: who says either has said both."""

_TEXT = _same(
    "max_tokens temperature top_p n seed stop presence_penalty frequency_penalty logprobs "
    "logit_bias user suffix top_k min_p top_a repetition_penalty length_penalty min_tokens "
    "ignore_eos"
)
_RESPONSES = {
    **_same(
        "temperature top_p top_logprobs user service_tier store parallel_tool_calls "
        "safety_identifier prompt_cache_key"
    ),
    **dict.fromkeys(_LIMITS, "max_output_tokens"),
}
_GENERATE = {
    "temperature": "temperature",
    "top_p": "topP",
    "top_k": "topK",
    "n": "candidateCount",
    "seed": "seed",
    "presence_penalty": "presencePenalty",
    "frequency_penalty": "frequencyPenalty",
    **dict.fromkeys(_LIMITS, "maxOutputTokens"),
}
NATIVE: Mapping[Endpoint, Mapping[str, str]] = {
    "completions": _TEXT,
    "embeddings": _same("dimensions encoding_format user"),
    "messages": _same("max_tokens temperature top_p top_k thinking"),
    "responses": _RESPONSES,
    "generate": _GENERATE,
    "images": _same("n user"),
    "image_edits": _same("n user"),
}
"""Endpoint -> chat's word -> its own. Chat takes every word; what is not here takes none."""


def completed(
    body: Json, deployment: Deployment, dropped: Iterable[str], endpoint: Endpoint
) -> Json:
    """The body with what the operator adds, and without the members at the `dropped` paths."""
    if deployment.defaults:
        body = _with_defaults(body, deployment.defaults, endpoint)
    if deployment.extra_body:
        body = {**deployment.extra_body, **body}
    return without(body, dropped) if dropped else body


def _with_defaults(body: Json, defaults: Mapping[str, Any], endpoint: Endpoint) -> Json:
    if endpoint == "chat":
        said = body.keys() & set(_LIMITS)
        added = {k: v for k, v in defaults.items() if not (said and k in _LIMITS)}
        return {**added, **body}
    words = NATIVE.get(endpoint, {})
    added = {words[name]: value for name, value in defaults.items() if name in words}
    if endpoint != "generate":
        return {**added, **body}
    name = "generation_config" if "generation_config" in body else "generationConfig"
    stated = body.get(name)
    return {**body, name: {**added, **(stated if isinstance(stated, dict) else {})}}


def without(body: Json, paths: Iterable[str]) -> Json:
    """A copy without these members. `tools[*].input_examples`, `a.b` and `a[0]` lead inside."""
    for path in paths:
        body = _pruned(body, path.replace("[", ".[").split("."))
    return body


def _pruned(value: Any, path: list[str]) -> Any:
    """`value` itself where the path leads nowhere."""
    name, rest = path[0], path[1:]
    if isinstance(value, list) and name.startswith("["):
        chosen = name.strip("[]")
        return [
            _pruned(item, rest) if rest and chosen in ("*", str(place)) else item
            for place, item in enumerate(value)
        ]
    if not isinstance(value, Mapping) or name not in value:
        return value
    if not rest:
        return {key: item for key, item in value.items() if key != name}
    return {**value, name: _pruned(value[name], rest)}
