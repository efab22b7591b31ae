"""Estimates of token counts, for what no provider has told; the tokenizer runs in the helper pool.

The prompt is counted by OpenAI's published rule: 3 tokens a message, 1 more for a name, 3 to prime
the answer (https://cookbook.openai.com/examples/how_to_count_tokens_with_tiktoken). An estimate
never fails: without a helper it is made from the size of the text.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import orjson

from extproc.domain.call import Call
from extproc.domain.endpoints import ENDPOINTS, WRITING, Endpoint
from extproc.domain.usage import Usage
from extproc.policy.pool import HelperPool, PoolUnavailable
from extproc.providers.forms import Upload
from extproc.providers.texts import texts

WARM = "extproc.policy.tokenizer:warm"
"""For HelperPool.warm."""

_COUNT = "extproc.policy.tokenizer:count"
_PER_MESSAGE, _PER_NAME, _PER_ANSWER = 3, 1, 3
_PER_IMAGE = 250
_WRITTEN_OUT = ("tools", "functions", "response_format", "output_config", "text")
"""Fields that the model reads as they are written, JSON and all."""
_BYTES_PER_TOKEN = 4
_SOUND_BYTES_PER_SECOND = 8000
_MAX_CHARACTERS, _SLICES = 256_000, 32


def guess_tokens(byte_count: int) -> int:
    """The cheapest estimate, for when there is no time to count: bytes / 4, at least 1."""
    return max(1, byte_count // _BYTES_PER_TOKEN)


def guess_milliseconds(file: Any) -> int:
    """How long a sound is, by its size: speech is usually sent with 64 kbit/s or more."""
    return len(file.data) * 1000 // _SOUND_BYTES_PER_SECOND if isinstance(file, Upload) else 0


async def count_tokens(
    pool: HelperPool, model: str, text: str | Sequence[str], deadline_seconds: float = 2.0
) -> int:
    """The tokens of one text or of several together; of a long one, by a sample of it."""
    whole = [text] if isinstance(text, str) else list(text)
    characters = sum(map(len, whole))
    if not characters:
        return 0
    sample = whole if characters <= _MAX_CHARACTERS else [_sample("\n".join(whole))]
    counted = sum(map(len, sample))
    try:
        count: int = await pool.call(_COUNT, model, sample, deadline_seconds=deadline_seconds)
    except PoolUnavailable:
        return guess_tokens(characters)
    return max(1, round(count * characters / counted))


async def estimate_prompt(
    pool: HelperPool,
    model: str,
    endpoint: Endpoint,
    body: Mapping[str, Any],
    deadline_seconds: float = 2.0,
) -> int:
    """The tokens of a request's prompt, as OpenAI would count them; at least 1."""
    spoken = {name: value for name, value in body.items() if name not in _WRITTEN_OUT}
    read = [*texts(endpoint, spoken), *_names(body)]
    counted = await count_tokens(pool, model, read, deadline_seconds)
    return max(1, counted + _fixed(endpoint, body))


async def estimate_chat(pool: HelperPool, model: str, body: Mapping[str, Any]) -> int:
    """The tokens of a chat's prompt."""
    return await estimate_prompt(pool, model, "chat", body)


def _sample(text: str) -> str:
    """Evenly spaced slices, so that each language or format in the text has its share."""
    step = len(text) // _SLICES
    size = _MAX_CHARACTERS // _SLICES
    return "".join(text[start : start + size] for start in range(0, step * _SLICES, step))


def _fixed(endpoint: Endpoint, body: Mapping[str, Any]) -> int:
    """The tokens that are no text: framing, images, and prompts sent as token numbers."""
    if "messages" in body:
        framing = sum(
            _PER_MESSAGE + ("name" in message) * _PER_NAME + _PER_IMAGE * _images(message)
            for message in _messages(body)
        )
        return framing + _PER_ANSWER
    return _numbers(body.get(ENDPOINTS[endpoint].required))


def _numbers(prompt: Any) -> int:
    if not isinstance(prompt, list):
        return 0
    if prompt and isinstance(prompt[0], int):
        return len(prompt)
    return sum(len(item) for item in prompt if isinstance(item, list))


def _images(message: Mapping[str, Any]) -> int:
    parts = _objects(message.get("content"))
    return sum(part.get("type") in ("image_url", "image") for part in parts)


def _names(body: Mapping[str, Any]) -> Iterator[str]:
    """What the model reads beside the texts: roles, names, called functions, tool definitions."""
    for message in _messages(body):
        yield from _strings(message, ("role", "name"))
        for call in _objects(message.get("tool_calls")):
            for function in _objects([call.get("function")]):
                yield from _strings(function, ("name",))
    for name in _WRITTEN_OUT:
        if body.get(name):
            yield orjson.dumps(body[name]).decode()


def _strings(value: Mapping[str, Any], names: Sequence[str]) -> Iterator[str]:
    return (value[name] for name in names if isinstance(value.get(name), str))


def _messages(body: Mapping[str, Any]) -> list[dict[str, Any]]:
    return _objects(body.get("messages"))


def _objects(value: Any) -> list[dict[str, Any]]:
    """The objects of a list; nothing of what is no list."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


class TokenEstimator:
    """What an attempt used, where its provider did not say."""

    def __init__(self, pool: HelperPool) -> None:
        self._pool = pool

    async def usage(self, call: Call, model: str, text: str, deadline_seconds: float) -> Usage:
        """The prompt's tokens as input, those of `text` as output.

        Past the deadline it is made of the sizes, which is coarser and may be too much.
        """
        if ENDPOINTS[call.endpoint].modes == WRITING:
            return Usage(audio_milliseconds=guess_milliseconds(call.body.get("file")))
        prompt = await estimate_prompt(
            self._pool, model, call.endpoint, call.body, deadline_seconds
        )
        produced = await count_tokens(self._pool, model, text, deadline_seconds)
        return Usage(input=prompt, output=produced)
