"""OpenAI's Responses API: native where the provider speaks it, else a bridge over chat."""

from extproc.providers.bridge import Bridge
from extproc.providers.responses import answer, events, native, request

NATIVE = native.RESPONSES
BRIDGE = Bridge(
    request.chat_body,
    answer.response,
    events.Events,
    events.unstream,
    optional=request.OPTIONAL,
    fields=request.FIELDS,
)
