"""Databricks' serving endpoints: OpenAI's format in a workspace.

Claude's thoughts are parts of the content there, both ways, and an effort is said to it in
Anthropic's words: it does not know `reasoning_effort`. A stream tells its usage unasked, and
is refused where it is asked for it.
https://docs.databricks.com/aws/en/machine-learning/foundation-model-apis/api-reference
https://docs.databricks.com/aws/en/machine-learning/model-serving/query-reason-models
"""

from dataclasses import replace
from typing import Any

from extproc.domain.call import Json
from extproc.providers import answers, chat, openai, parted
from extproc.providers.anthropic.models import LEAST_BUDGET, model_of
from extproc.providers.base import Incoming, Outgoing, Request, Translator
from extproc.providers.failures import provider_error

ROOT = "/serving-endpoints"
CLAUDE = "claude"
OURS = frozenset({"thinking_blocks", "reasoning_content", "annotations", "is_error"})
"""Members of a message that OpenAI's format does not have."""
SUPPORTED = frozenset(
    {"logprobs", "max_completion_tokens", "max_tokens", "n", "reasoning_effort", "response_format"}
    | {"stop", "temperature", "tool_choice", "tools", "top_logprobs", "top_p"}
)


def _request(request: Request) -> Outgoing:
    asked = chat.given(request, SUPPORTED)
    asked.pop("stream_options", None)
    if "max_completion_tokens" in asked:
        asked["max_tokens"] = asked.pop("max_completion_tokens")
    messages = [
        _message(message, f"messages[{place}]")
        for place, message in enumerate(chat.messages(asked))
    ]
    model = request.deployment.base_model or request.deployment.model
    if CLAUDE in model and "reasoning_effort" in asked:
        asked = {
            **_thinking(asked.pop("reasoning_effort"), model, asked.get("max_tokens")),
            **asked,
        }
    body = {**asked, "model": request.deployment.model, "messages": messages}
    return Outgoing(f"{ROOT}/chat/completions", body)


def _thinking(asked: Any, model: str, limit: Any) -> Json:
    """An older Claude thinks by a budget, which leaves it at least half of its room to answer."""
    effort, claude = chat.effort(asked), model_of(model)
    if effort == "none" or not claude.thinks:
        return {}
    if claude.adaptive:
        word = claude.effort(effort)
        return {"thinking": {"type": "adaptive"}, "output_config": {"effort": word}}
    budget = max(LEAST_BUDGET, chat.THINKING_TOKENS[effort])
    if isinstance(limit, int):
        budget = min(budget, max(LEAST_BUDGET, limit // 2))
        if budget >= limit:
            return {}
    return {"thinking": {"type": "enabled", "budget_tokens": budget}}


def _message(message: Json, where: str) -> Json:
    plain = {name: value for name, value in message.items() if name not in OURS}
    if plain["role"] == "developer":
        plain["role"] = "system"
    plain = _marked(plain, where)
    thoughts = [
        {"type": "reasoning", "summary": [_summary(block)]}
        for block in chat.listed(message, "thinking_blocks", where)
        if isinstance(block.get("thinking"), str)
    ]
    if thoughts:
        plain["content"] = thoughts + chat.parts(plain.get("content"), f"{where}.content")
    return plain


def _marked(message: Json, where: str) -> Json:
    """The message with its `cache_control` on its last part: only there it is heeded."""
    mark = message.pop("cache_control", None)
    parts = chat.parts(message.get("content"), f"{where}.content") if mark else []
    if not parts:
        return message
    return {**message, "content": [*parts[:-1], {"cache_control": mark, **parts[-1]}]}


def _summary(block: Json) -> Json:
    made: Json = {"type": "summary_text", "text": block["thinking"]}
    return made | ({"signature": block["signature"]} if block.get("signature") else {})


def _thought(part: Json) -> list[Json]:
    if part.get("type") != "reasoning":
        return []
    return [
        {"type": "thinking", "thinking": answers.text(summary.get("text"))}
        | ({"signature": summary["signature"]} if summary.get("signature") else {})
        for summary in answers.objects(part.get("summary"))
    ]


def _response(body: Json, request: Request) -> Incoming:
    return parted.response(body, request, _thought)


def _chunks(request: Request) -> parted.Chunks:
    return parted.Chunks(request, _thought)


def _embeddings_request(request: Request) -> Outgoing:
    return replace(openai.EMBEDDINGS.request(request), path=f"{ROOT}/embeddings")


CHAT = Translator(_request, _response, _chunks, openai.unstream_chat, provider_error)
EMBEDDINGS = replace(openai.EMBEDDINGS, request=_embeddings_request)
