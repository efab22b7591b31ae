"""Envoy's messages to events, replies to Envoy's messages: nothing else.

https://www.envoyproxy.io/docs/envoy/latest/api-v3/service/ext_proc/v3/external_processor.proto
"""

from collections.abc import Iterable, Mapping
from functools import lru_cache

from envoy.config.core.v3.base_pb2 import HeaderValue, HeaderValueOption
from envoy.service.ext_proc.v3.external_processor_pb2 import (
    BodyMutation,
    BodyResponse,
    CommonResponse,
    HeaderMutation,
    HeadersResponse,
    HttpHeaders,
    ImmediateResponse,
    ProcessingRequest,
    ProcessingResponse,
    StreamedBodyResponse,
    TrailersResponse,
)
from envoy.type.v3.http_status_pb2 import HttpStatus

from extproc.domain.headers import WORKER_DETAILS
from extproc.flow.commands import (
    Immediate,
    Pass,
    PassHeaders,
    PassTrailers,
    Release,
    Reply,
    Send,
    SendHeaders,
)
from extproc.flow.events import (
    Event,
    RequestBody,
    RequestHeaders,
    ResponseBody,
    ResponseHeaders,
    ResponseTrailers,
)

OVERWRITE = HeaderValueOption.HeaderAppendAction.OVERWRITE_IF_EXISTS_OR_ADD


PASS_HEADERS = ProcessingResponse(request_headers=HeadersResponse())


class UnknownMessage(Exception):
    """Envoy sent a phase that the processing mode does not ask for."""


def event(message: ProcessingRequest, at: float) -> Event:
    match message.WhichOneof("request"):
        case "request_headers":
            return RequestHeaders(
                at, _headers(message.request_headers), message.request_headers.end_of_stream
            )
        case "request_body":
            return RequestBody(at, message.request_body.body)
        case "response_headers":
            headers = _headers(message.response_headers)
            status = headers.get(":status", "")
            return ResponseHeaders(
                at,
                int(status) if status.isdigit() else 502,
                headers,
                message.response_headers.end_of_stream,
            )
        case "response_body":
            body = message.response_body
            return ResponseBody(at, body.body, body.end_of_stream)
        case "response_trailers":
            return ResponseTrailers(at)
        case kind:
            raise UnknownMessage(str(kind))


def _headers(message: HttpHeaders) -> dict[str, str]:
    """Names to values; the values of a repeated name are joined with commas."""
    headers: dict[str, str] = {}
    for header in message.headers.headers:
        name = header.key
        value = header.raw_value.decode("utf-8", "surrogateescape") or header.value
        headers[name] = f"{headers[name]},{value}" if name in headers else value
    return headers


def response(reply: Reply) -> ProcessingResponse:
    match reply:
        case Pass():
            streamed = StreamedBodyResponse(body=reply.data, end_of_stream=reply.end)
            body = BodyResponse(
                response=CommonResponse(body_mutation=BodyMutation(streamed_response=streamed))
            )
            return ProcessingResponse(response_body=body)
        case PassHeaders():
            return PASS_HEADERS
        case Send():
            return _send(reply)
        case SendHeaders():
            return _send_headers(reply)
        case Release():
            return _release(reply)
        case Immediate():
            return _answer(reply)
        case PassTrailers():
            return ProcessingResponse(response_trailers=TrailersResponse())
        case _:
            raise TypeError(f"not a reply: {reply}")


def _send(reply: Send) -> ProcessingResponse:
    common = CommonResponse(
        header_mutation=HeaderMutation(
            set_headers=_options(reply.set_headers), remove_headers=reply.remove_headers
        ),
        body_mutation=None if reply.body is None else BodyMutation(body=reply.body),
        clear_route_cache=True,
    )
    return ProcessingResponse(request_body=BodyResponse(response=common))


def _send_headers(reply: SendHeaders) -> ProcessingResponse:
    mutation = HeaderMutation(
        set_headers=_options(reply.set_headers), remove_headers=reply.remove_headers
    )
    common = CommonResponse(header_mutation=mutation, clear_route_cache=True)
    return ProcessingResponse(request_headers=HeadersResponse(response=common))


def _release(reply: Release) -> ProcessingResponse:
    mutation = HeaderMutation(
        set_headers=_options(reply.set_headers), remove_headers=reply.remove_headers
    )
    common = CommonResponse(header_mutation=mutation)
    return ProcessingResponse(response_headers=HeadersResponse(response=common))


def _answer(reply: Immediate) -> ProcessingResponse:
    immediate = ImmediateResponse(
        status=HttpStatus(code=reply.status),
        headers=HeaderMutation(set_headers=_options(reply.headers)),
        body=reply.body,
        details=WORKER_DETAILS,
    )
    return ProcessingResponse(immediate_response=immediate)


def _options(headers: Mapping[str, str]) -> Iterable[HeaderValueOption]:
    return [
        _settled_option(name, value) if name in RECURRING else _option(name, value)
        for name, value in headers.items()
    ]


def _option(name: str, value: str) -> HeaderValueOption:
    return HeaderValueOption(
        header=HeaderValue(key=name, raw_value=value.encode("utf-8", "surrogateescape")),
        append_action=OVERWRITE,
    )


RECURRING = frozenset(
    {"accept", "accept-encoding", "authorization", "content-type", "user-agent", ":authority"}
    | {":path", "x-gateway-cluster", "x-litellm-version", "x-litellm-model-id"}
    | {"x-litellm-model-group", "x-litellm-model-api-base", "x-litellm-attempted-retries"}
    | {"x-litellm-attempted-fallbacks", "cache-control", "x-accel-buffering"}
)
"""Headers whose values come from the configuration: the same few messages again and again."""

_settled_option = lru_cache(maxsize=1024)(_option)
