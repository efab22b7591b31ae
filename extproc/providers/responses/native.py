"""OpenAI's Responses API as the provider speaks it: all passes but the model's name and the ids.

A response that fails is no answer. Before anything but its lifecycle was said the failure is
raised, and may become another attempt or a plain error. Later the client is sent `response.failed`
as the provider wrote it, with the usage it states, and the stream ends with that failure as an
error: it is never counted as a success.

https://platform.openai.com/docs/api-reference/responses
https://platform.openai.com/docs/api-reference/responses-streaming
"""

from collections.abc import Mapping

import orjson

from extproc.domain.call import Json
from extproc.domain.numbers import whole_number
from extproc.domain.usage import Usage
from extproc.errors import InvalidRequest, ProviderError
from extproc.providers.answers import count, objects, record, text
from extproc.providers.answers import event as found
from extproc.providers.base import Incoming, Outgoing, Request, Translator
from extproc.providers.failures import provider_error
from extproc.providers.frames import Frame
from extproc.providers.responses import events, ids

PATH = "/responses"
DONE = b"[DONE]"

HELD = frozenset({"response.created", "response.in_progress"})
"""Events that say nothing yet: what follows at once may still be a failure."""
ENDS = frozenset({"response.completed", "response.incomplete"})

PRODUCED: Mapping[str, str] = {
    "response.output_text.delta": "delta",
    "response.refusal.delta": "delta",
    "response.reasoning_summary_text.delta": "delta",
    "response.reasoning_text.delta": "delta",
    "response.function_call_arguments.delta": "delta",
    "response.custom_tool_call_input.delta": "delta",
    "response.mcp_call_arguments.delta": "delta",
    "response.code_interpreter_call_code.delta": "delta",
}
"""Events that bring a piece of what the model produced, and the member that holds it."""

STATUSES: Mapping[str, int] = {
    "invalid_api_key": 401,
    "model_not_found": 404,
    "rate_limit_exceeded": 429,
    "insufficient_quota": 429,
    "server_is_overloaded": 503,
    "vector_store_timeout": 504,
    **dict.fromkeys(
        (
            *("invalid_prompt", "context_length_exceeded", "data_residency_mismatch"),
            *("bio_policy", "cyber_policy", "misalignment_policy_violation"),
            *("invalid_image", "invalid_image_format", "invalid_base64_image"),
            *("invalid_image_url", "invalid_image_mode", "image_too_large", "image_too_small"),
            *("image_parse_error", "image_content_policy_violation", "image_file_too_large"),
            *("unsupported_image_media_type", "empty_image_file", "failed_to_download_image"),
            *("image_file_not_found", "invalid_request_error"),
        ),
        400,
    ),
}
"""The status that a failure's code stands for; any other is a 500."""


def _request(request: Request) -> Outgoing:
    deployment = request.deployment
    if not isinstance(request.body.get("background"), bool | None):
        raise InvalidRequest("'background' must be true or false.", param="background")
    body = {**request.body, "model": deployment.model}
    return Outgoing(PATH, ids.unstamped(body))


def usage(response: Json) -> Usage | None:
    """A Response's usage; its counts are inclusive, as ours are. None when it says nothing."""
    raw = record(response.get("usage"))
    read, written = count(raw.get("input_tokens")), count(raw.get("output_tokens"))
    if not read and not written:
        return None
    inputs = record(raw.get("input_tokens_details"))
    outputs = record(raw.get("output_tokens_details"))
    return Usage(
        input=read or 0,
        output=written or 0,
        cached=count(inputs.get("cached_tokens")) or 0,
        cache_written=count(inputs.get("cache_write_tokens")) or 0,
        reasoning=count(outputs.get("reasoning_tokens")) or 0,
        searches=_searches(response),
    )


def _searches(response: Json) -> int:
    """Those that are billed; opening a page and finding in it are not searches."""
    searched = record(record(response.get("tool_usage")).get("web_search"))
    stated = count(searched.get("num_requests"))
    if stated is not None:
        return stated
    calls = [item for item in objects(response.get("output")) if _is_search(item)]
    return len(calls)


def _is_search(item: Json) -> bool:
    if item.get("type") != "web_search_call" or item.get("status") == "failed":
        return False
    return bool(record(item.get("action")).get("type", "search") == "search")


def produced(response: Json) -> str:
    """Everything the model wrote: text, refusals, thoughts, tools' names and arguments."""
    texts: list[str] = []
    for item in objects(response.get("output")):
        for part in (*objects(item.get("summary")), *objects(item.get("content"))):
            texts += [text(part.get("text")), text(part.get("refusal"))]
        texts += [text(item.get(name)) for name in ("name", "arguments", "input", "code")]
    return "".join(texts)


def _response(body: Json, request: Request) -> Incoming:
    deployment = request.deployment
    if body.get("status") == "failed" or body.get("error"):
        raise _failure(record(body.get("error")), request)
    return Incoming(ids.stamped(body, deployment.id), usage(body), produced(body))


def _failure(error: Json, request: Request) -> ProviderError:
    """The failure that a Response or an event tells of."""
    told = orjson.dumps({"error": error})
    return provider_error(_status(error), {}, told, request.deployment)


def _told(event: Json) -> Json:
    """An `error` event holds its error, or is it."""
    known = {name: event.get(name) for name in ("code", "message", "param")}
    return record(event.get("error")) or known


def _status(error: Json) -> int:
    code = str(error.get("code") or error.get("type") or "")
    status = whole_number(code) or STATUSES.get(code, 0)
    return status if 400 <= status <= 599 else 500


class Chunks:
    """One stream of the provider's events, ended by the one that holds the whole response."""

    def __init__(self, request: Request) -> None:
        self._request = request
        in_background = request.body.get("background") is True
        self._held: list[Json] | None = None if in_background else []
        """One made in the background is there from its first event on: it is not made again."""
        self._text: list[str] = []
        self._failed: ProviderError | None = None
        self.usage: Usage | None = None
        self.done = False

    @property
    def text(self) -> str:
        return "".join(self._text)

    def feed(self, frame: Frame) -> list[Json]:
        if self.done or self._failed or frame.data.strip() == DONE:
            return []
        event = found(frame, self._request.deployment)
        kind = text(event.get("type"))
        if kind == "error":
            raise _failure(_told(event), self._request)
        self._read(kind, event)
        shown = ids.stamped_event(event, self._request.deployment.id)
        if self._held is None:
            return [shown]
        self._held.append(shown)
        if kind in HELD:
            return []
        if self._failed:
            raise self._failed
        ready, self._held = self._held, None
        return ready

    def finish(self) -> list[Json]:
        if self._failed:
            raise self._failed
        return []

    def _read(self, kind: str, event: Json) -> None:
        """What is billed and what is over. A kind that is not known passes."""
        if kind in PRODUCED:
            self._text.append(text(event.get(PRODUCED[kind])))
        elif kind == "response.output_item.added":
            self._text.append(text(record(event.get("item")).get("name")))
        elif kind in ENDS or kind == "response.failed":
            response = record(event.get("response"))
            self.usage = usage(response)
            self.done = kind in ENDS
            if not self.done:
                self._failed = _failure(record(response.get("error")), self._request)


RESPONSES = Translator(_request, _response, Chunks, events.unstream, provider_error)
