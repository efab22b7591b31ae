"""Questions for a number of tokens, put to the providers that can tell. They cost nothing.

https://platform.claude.com/docs/en/build-with-claude/token-counting
https://ai.google.dev/api/tokens
https://platform.openai.com/docs/api-reference/responses/input-tokens
"""

from collections.abc import Callable

from extproc.domain.call import Json
from extproc.domain.usage import NOTHING
from extproc.providers import anthropic, gemini, openai, responses
from extproc.providers.base import Incoming, Outgoing, Request, Translator
from extproc.providers.gemini.naming import camel
from extproc.providers.gemini.sites import VERTEX, site_of

GENERATION = frozenset(
    {"max_tokens", "stream", "temperature", "top_p", "top_k", "stop_sequences"}
    | {"container", "diagnostics", "inference_geo", "metadata", "service_tier"}
)
"""Members of a Messages body that its counter refuses."""
COUNTED = frozenset({"contents", "generationConfig", "systemInstruction", "tools"})
"""Members of a whole request that Vertex AI's counter takes.
https://cloud.google.com/vertex-ai/generative-ai/docs/model-reference/count-tokens"""


def _anthropic(request: Request) -> Outgoing:
    outgoing = anthropic.MESSAGES.request(request)
    body = {name: value for name, value in outgoing.body.items() if name not in GENERATION}
    return Outgoing(f"{outgoing.path}/count_tokens", body, outgoing.headers)


def _google(request: Request) -> Outgoing:
    """`contents`, or a whole request as `generateContentRequest`, which names its model.

    Vertex AI does not know that member: it takes such a request's own members.
    """
    outgoing = gemini.GENERATE.request(request)
    path, _, _ = outgoing.path.rpartition(":")
    body = outgoing.body
    for name in ("generateContentRequest", "generate_content_request"):
        whole = body.get(name)
        if not isinstance(whole, dict):
            continue
        if site_of(request.deployment) is VERTEX:
            body = {member: value for member, value in whole.items() if camel(member) in COUNTED}
        else:
            body = {**body, name: {**whole, "model": f"models/{request.deployment.model}"}}
    return Outgoing(f"{path}:countTokens", body)


def _openai(request: Request) -> Outgoing:
    outgoing = responses.NATIVE.request(request)
    body = {name: value for name, value in outgoing.body.items() if name != "stream"}
    return Outgoing(f"{outgoing.path}/input_tokens", body)


def _answer(body: Json, request: Request) -> Incoming:
    return Incoming(body, NOTHING)


def _counter(request: Callable[[Request], Outgoing], generation: Translator) -> Translator:
    """Fails as a generation at the same provider does; there is no stream of it."""
    return Translator(request, _answer, openai.Chunks, openai.unstream_text, generation.error)


ANTHROPIC = _counter(_anthropic, anthropic.MESSAGES)
GOOGLE = _counter(_google, gemini.GENERATE)
OPENAI = _counter(_openai, responses.NATIVE)
