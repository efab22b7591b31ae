"""IBM watsonx.ai: OpenAI's chat under other addresses, with a project to bill.

`options` of the deployment: api_version, project_id or space_id. A model `deployment/{id}` is one
that has been deployed to a space, which knows its project.
https://cloud.ibm.com/apidocs/watsonx-ai#text-chat
"""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, quote_plus

import orjson

from extproc.domain.call import Json
from extproc.domain.deployment import Deployment
from extproc.domain.usage import Usage
from extproc.errors import ProviderError
from extproc.providers import answers, chat, embeddings, lenient, openai
from extproc.providers.base import Incoming, Outgoing, Request, Translator, Wrapping
from extproc.providers.failures import provider_error
from extproc.providers.frames import Frame

VERSION = "2024-05-01"
DEPLOYED = "deployment/"
LACKING = frozenset(
    {"audio", "function_call", "functions", "metadata", "modalities", "parallel_tool_calls"}
    | {"prediction", "prompt_cache_key", "prompt_cache_retention", "safety_identifier"}
    | {"service_tier", "store", "user", "verbosity", "web_search_options"}
)
SUPPORTED = chat.PARAMS - LACKING
DROPPED = frozenset({"model", "stream", "stream_options", "tool_choice"})
FINISH: Mapping[str, str | None] = {
    "time_limit": "length",
    "cancelled": "stop",
    "": None,
}
STRICTNESS = frozenset({"strict", "additionalProperties"})
"""What watsonx refuses in a tool's schema."""
DEEPEST = 100


def _request(request: Request) -> Outgoing:
    asked = chat.given(request, SUPPORTED)
    body = {name: value for name, value in asked.items() if name not in DROPPED}
    body["messages"] = [_message(message) for message in chat.messages(asked)]
    if tools := chat.listed(asked, "tools", ""):
        body["tools"] = [_loosened(tool, 0) for tool in tools]
    if isinstance(asked.get("stop"), str):
        body["stop"] = [asked["stop"]]
    if "tool_choice" in asked:
        named = isinstance(asked["tool_choice"], dict)
        body["tool_choice" if named else "tool_choice_option"] = asked["tool_choice"]
    operation = "chat_stream" if request.streaming else "chat"
    return Outgoing(_path(request.deployment, operation), {**body, **_model(request.deployment)})


def _message(message: Json) -> Json:
    ours = ("reasoning_content", "thinking_blocks", "annotations", "is_error")
    made = {name: value for name, value in message.items() if name not in ours}
    return {**made, "role": "system"} if message["role"] == "developer" else made


def _loosened(schema: Any, depth: int) -> Any:
    if depth > DEEPEST:
        raise chat.wrong("tools", "schemas that are nested less deeply")
    if isinstance(schema, list):
        return [_loosened(item, depth + 1) for item in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        name: _properties(value, depth + 1) if name == "properties" else _loosened(value, depth + 1)
        for name, value in schema.items()
        if name not in STRICTNESS
    }


def _properties(properties: Any, depth: int) -> Any:
    """Their names are the tool's own: one may be called `strict`."""
    if not isinstance(properties, dict):
        return properties
    return {name: _loosened(schema, depth) for name, schema in properties.items()}


def _path(deployment: Deployment, operation: str) -> str:
    version = quote_plus(deployment.options.get("api_version") or VERSION)
    place = ""
    if deployment.model.startswith(DEPLOYED):
        place = f"deployments/{quote(deployment.model.removeprefix(DEPLOYED), safe='')}/"
    return f"/ml/v1/{place}text/{operation}?version={version}"


def _model(deployment: Deployment) -> Json:
    if deployment.model.startswith(DEPLOYED):
        return {}
    named: Json = {"model_id": deployment.model}
    for owner in ("project_id", "space_id"):
        if deployment.options.get(owner):
            return named | {owner: deployment.options[owner]}
    return named


def _response(body: Json, request: Request) -> Incoming:
    choices = answers.objects(body.get("choices"))
    for_client = {name: value for name, value in body.items() if name not in ("system", "model_id")}
    for_client |= {"object": "chat.completion", "model": request.deployment.model}
    finished = [{**one, "finish_reason": _finish(one, request) or "stop"} for one in choices]
    return openai.chosen({**for_client, "choices": finished}, request)


def _finish(choice: Json, request: Request) -> str | None:
    reason = choice.get("finish_reason")
    if reason == "error":
        told = b'{"message": "the generation failed"}'
        raise provider_error(500, {}, told, request.deployment)
    return FINISH.get(reason, reason) if isinstance(reason, str) else None


def _error(
    status: int, headers: Mapping[str, str], body: bytes, deployment: Deployment
) -> ProviderError:
    """{"errors": [{code, message}], "trace", "status_code"}"""
    try:
        told = answers.objects(answers.record(lenient.loads(body)).get("errors"))
    except orjson.JSONDecodeError:
        told = []
    message = "; ".join(answers.text(one.get("message")) for one in told)
    if message:
        code = answers.text(told[0].get("code"))
        body = orjson.dumps({"error": {"message": message, "code": code}})
    return provider_error(status, headers, body, deployment)


class Chunks(Wrapping):
    """OpenAI's chunks, whose stream is ended by the end of the connection."""

    def __init__(self, request: Request) -> None:
        super().__init__(openai.Chunks(request))
        self._request = request
        self._finished = False
        self._ended = False

    @property
    def done(self) -> bool:
        return self._ended or self._inner.done

    def finish(self) -> list[Json]:
        """Complete when the model had said why it ended."""
        self._ended = self._finished
        return []

    def feed(self, frame: Frame) -> list[Json]:
        return [self._plain(chunk) for chunk in self._inner.feed(frame)]

    def _plain(self, chunk: Json) -> Json:
        if chunk.get("errors"):
            status = answers.count(chunk.get("status_code")) or 500
            raise _error(status, {}, orjson.dumps(chunk), self._request.deployment)
        chunk["choices"] = answers.objects(chunk.get("choices"))
        for choice in chunk["choices"]:
            choice["finish_reason"] = _finish(choice, self._request)
            self._finished = self._finished or choice["finish_reason"] is not None
        for name in ("system", "model_id"):
            chunk.pop(name, None)
        return {**chunk, "object": "chat.completion.chunk"}


def _embeddings_request(request: Request) -> Outgoing:
    """https://cloud.ibm.com/apidocs/watsonx-ai#text-embeddings"""
    asked = embeddings.given(request, frozenset())
    body: Json = {**embeddings.extras(asked), "inputs": embeddings.inputs(asked)}
    return Outgoing(_path(request.deployment, "embeddings"), {**body, **_model(request.deployment)})


def _embeddings_response(body: Json, request: Request) -> Incoming:
    vectors = [one.get("embedding") for one in answers.objects(body.get("results"))]
    prompt = answers.count(body.get("input_token_count"))
    used = None if prompt is None else Usage(input=prompt)
    return embeddings.listing(request, vectors or None, used)


CHAT = Translator(_request, _response, Chunks, openai.unstream_chat, _error)
EMBEDDINGS = Translator(
    _embeddings_request, _embeddings_response, openai.Chunks, openai.unstream_text, _error
)
