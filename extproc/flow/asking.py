"""What a translator is told of a call: the body without what this deployment must not see."""

from collections.abc import Iterable, Mapping
from typing import Any

from extproc.domain.call import Call, Json
from extproc.domain.deployment import Deployment
from extproc.providers.base import Request

FORMAT_HEADERS = ("anthropic-beta", "anthropic-version", "openai-beta")
"""The client's headers that say how its body is to be understood."""


def request_of(call: Call, deployment: Deployment) -> Request:
    """The call as one deployment's translator sees it. The client's switches win."""
    asked = call.asked
    dropped = [*deployment.additional_drop_params, *_names(asked.get("additional_drop_params"))]
    stated = asked.get("drop_params")
    body = {**deployment.extra_body, **call.body} if deployment.extra_body else call.body
    return Request(
        body=without(body, dropped) if dropped else body,
        deployment=deployment,
        streaming=call.streaming,
        call_id=call.id,
        at=call.received_at,
        drop_params=stated if isinstance(stated, bool) else deployment.drop_params,
        allowed=deployment.allowed_params | frozenset(_names(asked.get("allowed_openai_params"))),
        modify_params=deployment.modify_params,
        headers={name: call.headers[name] for name in FORMAT_HEADERS if name in call.headers},
    )


def _names(value: Any) -> list[str]:
    return [name for name in value if isinstance(name, str)] if isinstance(value, list) else []


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
