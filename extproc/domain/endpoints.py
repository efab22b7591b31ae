"""What clients can ask for: one row an endpoint."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

Endpoint: TypeAlias = Literal[
    "chat",
    "completions",
    "embeddings",
    "messages",
    "count_tokens",
    "generate",
    "count_contents",
    "responses",
    "response_tokens",
    "images",
    "image_edits",
    "speech",
    "transcriptions",
    "translations",
    "moderations",
    "rerank",
    "realtime",
    "pass_through",
    "resource",
    "batch",
]


@dataclass(frozen=True, slots=True)
class Facts:
    """How one endpoint is asked, and what it is called in messages and records."""

    path: str
    """As error messages name it."""
    required: str
    """The member without which a request means nothing; empty where none is needed always."""
    call_type: str
    """LiteLLM's name of it, in spend rows."""
    modes: frozenset[str]
    """The values of `model_info.mode` that say that a deployment serves it."""
    streams: bool = False
    """Whether a client may ask for a stream."""
    asks: tuple[str, tuple[object, ...]] = ("stream", (True, "true"))
    """The member that asks for it, with the values that do."""
    form: bool = False
    """Whether it is asked with multipart/form-data."""
    counts: "Endpoint | None" = None
    """For an endpoint that only counts: the one whose tokens it counts."""
    keeps_metadata: bool = False
    """Whether `metadata` is the provider's; else it is the gateway's."""
    free: bool = False
    """Whether nobody charges for it."""


CHAT = frozenset({"chat", "completion", "responses"})
IMAGES, SPEECH, WRITING = (
    frozenset({mode}) for mode in ("image_generation", "audio_speech", "audio_transcription")
)

ENDPOINTS: Mapping[Endpoint, Facts] = {
    "chat": Facts("/chat/completions", "messages", "acompletion", CHAT, streams=True),
    "completions": Facts("/completions", "prompt", "atext_completion", CHAT, streams=True),
    "embeddings": Facts("/embeddings", "input", "aembedding", frozenset({"embedding"})),
    "messages": Facts(
        "/v1/messages", "messages", "anthropic_messages", CHAT, streams=True, keeps_metadata=True
    ),
    "count_tokens": Facts(
        "/v1/messages/count_tokens", "messages", "acount_tokens", CHAT, counts="messages", free=True
    ),
    "generate": Facts(
        "/v1beta/models:generateContent", "contents", "agenerate_content", CHAT, streams=True
    ),
    "count_contents": Facts(
        "/v1beta/models:countTokens", "model", "acount_tokens", CHAT, counts="generate", free=True
    ),
    "responses": Facts("/responses", "", "aresponses", CHAT, streams=True, keeps_metadata=True),
    "response_tokens": Facts(
        "/responses/input_tokens", "", "acount_tokens", CHAT, counts="responses", free=True
    ),
    "images": Facts("/images/generations", "prompt", "aimage_generation", IMAGES, streams=True),
    "image_edits": Facts("/images/edits", "prompt", "aimage_edit", IMAGES, streams=True, form=True),
    "speech": Facts(
        "/audio/speech",
        "input",
        "aspeech",
        SPEECH,
        streams=True,
        asks=("stream_format", ("sse",)),
    ),
    "transcriptions": Facts(
        "/audio/transcriptions", "file", "atranscription", WRITING, streams=True, form=True
    ),
    "translations": Facts("/audio/translations", "file", "atranslation", WRITING, form=True),
    "moderations": Facts(
        "/moderations", "input", "amoderation", frozenset({"moderation"}), free=True
    ),
    "rerank": Facts("/rerank", "query", "arerank", frozenset({"rerank"})),
    "realtime": Facts("/realtime", "model", "_arealtime", frozenset({"realtime"})),
    "pass_through": Facts("pass-through", "", "pass_through_endpoint", frozenset()),
    "resource": Facts("resource", "", "aresource", frozenset()),
    "batch": Facts("/batches", "", "acreate_batch", frozenset()),
}
