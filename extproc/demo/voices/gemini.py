"""Google's generateContent: the Gemini API with its key.

https://ai.google.dev/api/generate-content
"""

from collections.abc import Iterator
from typing import Any

import orjson

from extproc.demo.answers import MODEL, Answer, Question, objects, tokens_of, vector
from extproc.demo.frames import JSON_ARRAY, Event
from extproc.demo.request import Json
from extproc.demo.voices.base import (
    Asked,
    Body,
    Endpoint,
    Refused,
    Voice,
    integer,
    json_body,
    needed,
    tools_of,
)

FINISH = {"stop": "STOP", "length": "MAX_TOKENS", "call": "STOP"}
SIGNATURE = "ZGVtby1zaWduYXR1cmU="
_ERRORS = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    429: "RESOURCE_EXHAUSTED",
    500: "INTERNAL",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}


def error(status: int, message: str) -> Body:
    """Google's error body."""
    name = _ERRORS.get(status, "INTERNAL" if status >= 500 else "INVALID_ARGUMENT")
    return json_body({"error": {"code": status, "message": message, "status": name}})


FAILURE = Event(error(503, "The model is overloaded. Please try again later.").data)


def _admit(asked: Asked) -> None:
    if not asked.headers.get("x-goog-api-key") and not asked.request.query.get("key"):
        raise Refused(403, "Method doesn't allow unregistered callers. Please use API Key.")


def _member(value: Any, name: str) -> Any:
    """A member by its JSON name or by its name in the protocol buffer; Google takes both."""
    snake = "".join(f"_{c.lower()}" if c.isupper() else c for c in name)
    return (value or {}).get(name, (value or {}).get(snake))


def _declared(body: Json) -> list[Json]:
    found = []
    for tool in objects(body.get("tools")):
        for function in objects(_member(tool, "functionDeclarations")):
            schema = _member(function, "parametersJsonSchema") or function.get("parameters")
            found.append({"name": function.get("name"), "parameters": schema})
    return found


def _forced(body: Json) -> str | None:
    calling = _member(_member(body, "toolConfig"), "functionCallingConfig") or {}
    names = _member(calling, "allowedFunctionNames") or [""]
    return str(names[0]) if str(calling.get("mode", "")).upper() == "ANY" else None


def _tokens(body: Json) -> int:
    return tokens_of([_member(body, "systemInstruction"), body.get("contents")])


def ask(asked: Asked, *, stream: bool) -> Question:
    """A request to generate content."""
    body = asked.body
    needed(body, "contents")
    config = _member(body, "generationConfig") or {}
    thinking = _member(config, "thinkingConfig")
    return Question(
        id=f"resp-{asked.number}",
        body=body,
        model=asked.part.get("model", MODEL),
        prompt_tokens=_tokens(body),
        stream=stream,
        limit=integer(_member(config, "maxOutputTokens")),
        tools=tools_of(_declared(body)),
        forced=_forced(body),
        thinking=bool(_member(thinking, "includeThoughts")),
        choices=integer(_member(config, "candidateCount")) or 1,
    )


def _ask_whole(asked: Asked) -> Question:
    return ask(asked, stream=False)


def _ask_stream(asked: Asked) -> Question:
    return ask(asked, stream=True)


def _usage(answer: Answer, said: int, thought: int) -> Json:
    told: Json = {"promptTokenCount": answer.prompt, "candidatesTokenCount": said}
    told["totalTokenCount"] = answer.prompt + said + thought
    told["promptTokensDetails"] = [{"modality": "TEXT", "tokenCount": answer.prompt}]
    if answer.orders.cached:
        told["cachedContentTokenCount"] = answer.orders.cached
    if thought:
        told["thoughtsTokenCount"] = thought
    return told


def _body(answer: Answer, candidates: list[Json], said: int, thought: int) -> Json:
    told = {"candidates": candidates}
    told |= answer.counted("usageMetadata", _usage(answer, said, thought))
    more = {"modelVersion": answer.question.model, "responseId": answer.id}
    return told | more | answer.padded("obfuscation")


def _content(parts: list[Json]) -> Json:
    return {"parts": parts, "role": "model"}


def _calls(answer: Answer) -> list[Json]:
    """The first of them carries the signature of the thinking before it."""
    parts: list[Json] = [
        {"functionCall": {"name": call.name, "args": call.arguments}} for call in answer.calls
    ]
    if parts:
        parts[0]["thoughtSignature"] = SIGNATURE
    return parts


def _whole(answer: Answer) -> Json:
    parts = [{"text": "".join(answer.thoughts), "thought": True}] if answer.thoughts else []
    parts = [*parts, *(_calls(answer) or [{"text": answer.text}])]
    finish = FINISH[answer.finish]
    candidates = [
        {"content": _content(parts), "finishReason": finish, "index": index}
        for index in range(answer.question.choices)
    ]
    said = answer.tokens + answer.orders.audio_output
    return _body(answer, candidates, said, answer.reasoning)


def _parts(answer: Answer) -> Iterator[tuple[Json, int]]:
    """(a part, its tokens) of one candidate, one for each chunk."""
    for text in answer.thoughts:
        yield {"text": text, "thought": True}, 0
    for part, call in zip(_calls(answer), answer.calls, strict=True):
        yield part, call.tokens
    for text in answer.pieces:
        yield {"text": text}, 1


def chunks(answer: Answer) -> Iterator[tuple[Json, int, bool]]:
    """(chunk, tokens, whether it ends a candidate): a part each, with the counts so far."""
    said, choices = 0, answer.question.choices
    for index in range(choices):
        for part, tokens in _parts(answer):
            said += tokens
            candidate = {"content": _content([part]), "index": index}
            yield _body(answer, [candidate], said, answer.reasoning), tokens, False
        last = index == choices - 1
        final = said + (answer.orders.audio_output if last else 0)
        candidate = {"content": _content([{"text": ""}]), "index": index}
        candidate["finishReason"] = FINISH[answer.finish]
        yield _body(answer, [candidate], final, answer.reasoning), 0, last


def events(answer: Answer) -> Iterator[Event]:
    """The stream of `?alt=sse`."""
    for chunk, tokens, last in chunks(answer):
        yield Event(orjson.dumps(chunk), tokens, ends=last)


def listed(answer: Answer) -> Iterator[Event]:
    """The stream without `?alt=sse`: one JSON list, written a chunk at a time."""
    before = b"["
    for chunk, tokens, last in chunks(answer):
        data = before + orjson.dumps(chunk)
        yield Event(data + b"]\n" if last else data, tokens, ends=last)
        before = b",\r\n"


def _ask_count(asked: Asked) -> Question:
    body = _member(asked.body, "generateContentRequest") or asked.body
    return Question(id=asked.number, prompt_tokens=_tokens(body), generates=False)


def _counted(answer: Answer) -> Body:
    details = [{"modality": "TEXT", "tokenCount": answer.prompt}]
    return json_body({"totalTokens": answer.prompt, "promptTokensDetails": details})


def _ask_vectors(asked: Asked) -> Question:
    texts = [one.get("content") for one in _requests(asked.body)]
    tokens = tokens_of(texts)
    return Question(id=asked.number, body=asked.body, prompt_tokens=tokens, generates=False)


def _requests(body: Any) -> list[Json]:
    return objects(body["requests"]) if "requests" in body else [body]


def _vectors(answer: Answer) -> Body:
    body = answer.question.body
    rows = []
    for one in _requests(body):
        size = _member(one, "outputDimensionality")
        rows.append({"values": vector(one.get("content"), size)})
    return json_body({"embeddings": rows} if "requests" in body else {"embedding": rows[0]})


def _ask_models(asked: Asked) -> Question:
    return Question(id=asked.number, generates=False)


def _models(_: Answer) -> Body:
    verbs = ["generateContent", "countTokens"]
    model = {"name": f"models/{MODEL}", "displayName": MODEL, "supportedGenerationMethods": verbs}
    return json_body({"models": [model]})


def endpoints(stem: str) -> tuple[Endpoint, ...]:
    """The methods of generation of a model whose path ends with `stem`."""

    def whole(answer: Answer) -> Body:
        return json_body(_whole(answer))

    stream = f"{stem}:streamGenerateContent"
    sse = {"alt": "sse"}
    return (
        Endpoint(f"{stem}:generateContent", _ask_whole, whole, failure=FAILURE),
        Endpoint(stream, _ask_stream, whole, events, query=sse, failure=FAILURE),
        Endpoint(stream, _ask_stream, whole, listed, JSON_ARRAY, failure=FAILURE),
        Endpoint(f"{stem}:countTokens", _ask_count, _counted),
    )


_MODEL = r"/(?:models|tunedModels)/(?P<model>[^/:]+)"
VOICE = Voice(
    "gemini",
    (
        *endpoints(_MODEL),
        Endpoint(f"{_MODEL}:(?:embedContent|batchEmbedContents)", _ask_vectors, _vectors),
        Endpoint("/models", _ask_models, _models, method="GET", bare=True),
    ),
    error,
    _admit,
)
