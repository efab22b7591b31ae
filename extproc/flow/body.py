"""The client's body, parsed once; and the provider's, written."""

import orjson

from extproc.domain.call import Call
from extproc.domain.endpoints import ENDPOINTS
from extproc.errors import InvalidRequest
from extproc.providers import forms
from extproc.providers.base import Outgoing

DEEPEST = 200
"""No request is nested deeper than the writer can write it again (254)."""


def parse(call: Call, data: bytes) -> Call:
    """The call with its body. Raises InvalidRequest for anything but a JSON object or a form."""
    call.snapshot.rules.check_size(len(data))
    _check_encoding(call)
    content_type = call.headers.get("content-type", "")
    if ENDPOINTS[call.endpoint].form and forms.is_form(content_type):
        return _form(call, content_type, data)
    try:
        body = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise InvalidRequest(f"Invalid JSON payload: {error}", param="request_body") from None
    if data.count(b"{") + data.count(b"[") > DEEPEST:
        _check_depth(body)
    if not isinstance(body, dict):
        kind = type(body).__name__
        raise InvalidRequest(
            f"Invalid JSON payload: expected an object, got {kind}.", param="request_body"
        )
    return call.but(body=body, body_bytes=len(data))


def _check_encoding(call: Call) -> None:
    encoding = call.headers.get("content-encoding", "identity").strip().lower()
    if encoding not in ("", "identity"):
        raise InvalidRequest(
            f"Requests are not read compressed: send this one without content-encoding "
            f"{encoding[:20]!r}.",
            param="content-encoding",
        )


def _form(call: Call, content_type: str, data: bytes) -> Call:
    try:
        body = forms.parse(content_type, data)
    except forms.BadForm as error:
        raise InvalidRequest(f"Invalid form payload: {error}.", param="request_body") from None
    return call.but(body=body, body_bytes=len(data))


def written(call: Call, outgoing: Outgoing) -> tuple[bytes, str]:
    """The provider's body and its content type."""
    if outgoing.form:
        return forms.encode(outgoing.body, f"form-{call.id}")
    try:
        return orjson.dumps(outgoing.body), "application/json"
    except (orjson.JSONEncodeError, RecursionError):
        raise InvalidRequest(
            "Invalid JSON payload: it is nested too deeply, or holds a file.", param="request_body"
        ) from None


def as_sent(call: Call, data: bytes) -> tuple[bytes, str]:
    """The client's own bytes; a form keeps the boundary that its content type names."""
    content_type = call.headers.get("content-type", "")
    return data, content_type if forms.is_form(content_type) else "application/json"


def may_pass_as_sent(call: Call, data: bytes) -> bool:
    """Whether the client's own bytes mean to any parser what they mean to us.

    A name that stands twice, or is written with escapes, is read otherwise by a parser that takes
    the first: it would see a model that was not checked, or a text that no guardrail saw.
    """
    if call.body_changed or call.applied_guardrails or b"\\u00" in data:
        return False
    return all(data.count(name) <= 1 for name in DECIDING)


DECIDING = (b'"model"', b'"messages"', b'"prompt"', b'"input"', b'"stream"', b'"stream_options"')


def _check_depth(body: object) -> None:
    """The writer finds out faster than a walk in Python would."""
    try:
        orjson.dumps(body)
    except orjson.JSONEncodeError:
        reason = "Invalid JSON payload: it is nested too deeply."
        raise InvalidRequest(reason, param="request_body") from None
