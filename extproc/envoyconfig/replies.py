"""Replies of Envoy's own, in the envelope that clients of an LLM API expect.

The table says what each status means here. On the inner listener two more things happen: what a
worker answered itself passes as it is, and a failure of the upstream carries `x-gateway-retry`
with Envoy's response flags, so that the outer listener comes again. (Before the answer's headers
the worker sees that header and may remove it; after them no filter sees the reply.)
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

from envoy_data_plane.envoy.config.accesslog.v3 import (
    AccessLogFilter,
    AndFilter,
    ComparisonFilter,
    ComparisonFilterOp,
    HeaderFilter,
    ResponseFlagFilter,
    StatusCodeFilter,
)
from envoy_data_plane.envoy.config.core.v3 import (
    DataSource,
    HeaderValue,
    HeaderValueOption,
    HeaderValueOptionHeaderAppendAction,
    RuntimeUInt32,
    SubstitutionFormatString,
)
from envoy_data_plane.envoy.config.route.v3 import HeaderMatcher
from envoy_data_plane.envoy.extensions.filters.network.http_connection_manager.v3 import (
    LocalReplyConfig,
    ResponseMapper,
)
from envoy_data_plane.envoy.type.matcher.v3 import StringMatcher
from envoy_data_plane.google.protobuf import Struct

from extproc.domain.headers import CLUSTER, RETRY, WORKER_DETAILS
from extproc.envoyconfig import accesslog

RETRIED_FLAGS = ("UC", "UF", "UH", "UO", "UPE", "UR", "UT", "DPE", "SI", "LR", "NC", "DF", "UMSDR")
"""Flags of a failure that another attempt may cure: reset, refused, no host, timed out, …"""


class Reply(NamedTuple):
    status: int
    type: str
    anthropic_type: str
    message: str


REPLIES = (
    Reply(400, "invalid_request_error", "invalid_request_error", "The request is not valid HTTP."),
    Reply(404, "not_found_error", "not_found_error", "There is no such route."),
    Reply(
        408,
        "invalid_request_error",
        "invalid_request_error",
        "The request did not arrive in time; send its body without long pauses.",
    ),
    Reply(
        413,
        "bad_request_error",
        "request_too_large",
        "Request size is too large. Send less, or raise max_request_size_mb.",
    ),
    Reply(
        431,
        "invalid_request_error",
        "invalid_request_error",
        "The request has too many or too large headers; send fewer.",
    ),
    Reply(
        500,
        "internal_server_error",
        "api_error",
        "The gateway failed; its log says why.",
    ),
    Reply(
        502,
        "internal_server_error",
        "api_error",
        "The answer could not be read; try again.",
    ),
    Reply(
        503,
        "internal_server_error",
        "api_error",
        "The part of the gateway that serves this is down or restarting; try again shortly.",
    ),
    Reply(
        504,
        "internal_server_error",
        "api_error",
        "No answer came in time; try again.",
    ),
)
UPSTREAM_FAILED = "The upstream failed (%RESPONSE_FLAGS%: %RESPONSE_CODE_DETAILS%)."


def openai_body(reply: Reply, message: str) -> dict[str, Any]:
    return {
        "error": {
            "message": message,
            "type": reply.type,
            "param": "content-length" if reply.status == 413 else None,
            "code": str(reply.status),
        }
    }


def anthropic_body(reply: Reply, message: str) -> dict[str, Any]:
    return {"type": "error", "error": {"type": reply.anthropic_type, "message": message}}


def outer() -> LocalReplyConfig:
    """For a listener without ext_proc: every local reply is Envoy's own."""
    return LocalReplyConfig(mappers=[*_own_replies()], body_format=_fallback())


def inner() -> LocalReplyConfig:
    """For a listener with ext_proc: the worker's replies and failed upstreams come first."""
    return LocalReplyConfig(
        mappers=[_worker_reply(), *_retried_replies(), *_own_replies()],
        body_format=_fallback(),
    )


def _worker_reply() -> ResponseMapper:
    return ResponseMapper(
        filter=accesslog.expression(f"response.code_details == '{WORKER_DETAILS}'"),
        body_format_override=SubstitutionFormatString(
            text_format_source=DataSource(inline_string="%LOCAL_REPLY_BODY%"),
            content_type="application/json",
        ),
    )


def _retried_replies() -> Iterator[ResponseMapper]:
    flagged = AccessLogFilter(response_flag_filter=ResponseFlagFilter(flags=[*RETRIED_FLAGS]))
    mark = HeaderValueOption(
        header=HeaderValue(key=RETRY, value="%RESPONSE_FLAGS%"),
        append_action=HeaderValueOptionHeaderAppendAction.OVERWRITE_IF_EXISTS_OR_ADD,
    )
    for reply in REPLIES:
        # 408 is the client's own silence, and no attempt cures a 4xx.
        if reply.status >= 502:
            yield ResponseMapper(
                filter=_all_of(_status_is(reply.status), flagged),
                body_format_override=_json(openai_body(reply, UPSTREAM_FAILED)),
                headers_to_add=[mark],
            )


def _own_replies() -> Iterator[ResponseMapper]:
    for reply in REPLIES:
        yield ResponseMapper(
            filter=_all_of(_status_is(reply.status), *_asked_as_anthropic()),
            body_format_override=_json(anthropic_body(reply, reply.message)),
        )
        yield ResponseMapper(
            filter=_status_is(reply.status),
            body_format_override=_json(openai_body(reply, reply.message)),
        )


def _asked_as_anthropic() -> Iterator[AccessLogFilter]:
    """The client's path, that is: not the one a worker has written for the provider."""
    path = HeaderMatcher(name=":path", string_match=StringMatcher(prefix="/v1/messages"))
    routed = HeaderMatcher(name=CLUSTER, present_match=True, invert_match=True)
    for header in (path, routed):
        yield AccessLogFilter(header_filter=HeaderFilter(header=header))


def _fallback() -> SubstitutionFormatString:
    """For a status that the table does not have. `code` is a string even here."""
    text = (
        '{"error":{"message":"The gateway refused this request (%RESPONSE_CODE%).",'
        '"type":"internal_server_error","param":null,"code":"%RESPONSE_CODE%"}}'
    )
    return SubstitutionFormatString(
        text_format_source=DataSource(inline_string=text), content_type="application/json"
    )


def _json(body: dict[str, Any]) -> SubstitutionFormatString:
    return SubstitutionFormatString(json_format=Struct.from_dict(body))


def _all_of(*filters: AccessLogFilter) -> AccessLogFilter:
    return AccessLogFilter(and_filter=AndFilter(filters=[*filters]))


def _status_is(status: int) -> AccessLogFilter:
    comparison = ComparisonFilter(
        op=ComparisonFilterOp.EQ,
        value=RuntimeUInt32(default_value=status, runtime_key=f"local_reply.status_{status}"),
    )
    return AccessLogFilter(status_code_filter=StatusCodeFilter(comparison=comparison))
