"""What a translator is told of a call."""

from typing import Any

from extproc.domain.call import Call
from extproc.domain.deployment import Deployment
from extproc.providers.base import Request
from extproc.providers.defaults import completed

FORMAT_HEADERS = ("anthropic-beta", "anthropic-version", "openai-beta")
"""The client's headers that say how its body is to be understood."""


def request_of(call: Call, deployment: Deployment, bridged: bool) -> Request:
    """The call as one deployment's translator sees it. The client's switches win.

    What the operator adds to bodies is in chat's words: a bridge adds it to the chat that it makes.
    """
    asked = call.asked
    dropped = (*deployment.additional_drop_params, *_names(asked.get("additional_drop_params")))
    stated = asked.get("drop_params")
    body = call.body if bridged else completed(call.body, deployment, dropped, call.endpoint)
    return Request(
        body=body,
        deployment=deployment,
        streaming=call.streaming,
        call_id=call.id,
        at=call.received_at,
        drop_params=stated if isinstance(stated, bool) else deployment.drop_params,
        dropped=dropped,
        allowed=deployment.allowed_params | frozenset(_names(asked.get("allowed_openai_params"))),
        modify_params=deployment.modify_params,
        headers={name: call.headers[name] for name in FORMAT_HEADERS if name in call.headers},
    )


def _names(value: Any) -> list[str]:
    return [name for name in value if isinstance(name, str)] if isinstance(value, list) else []
