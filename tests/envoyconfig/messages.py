"""What an ext_proc server can say to Envoy, a function a message."""

from collections.abc import Mapping, Sequence
from typing import Any

from envoy.service.ext_proc.v3 import external_processor_pb2 as pb

from extproc.domain.headers import WORKER_DETAILS

OVERWRITE_IF_EXISTS_OR_ADD = 2


def mutation(
    headers: Mapping[str, str] | None = None, remove: Sequence[str] = ()
) -> pb.HeaderMutation:
    """Overwrites `headers`, removes `remove`."""
    built = pb.HeaderMutation(remove_headers=remove)
    for name, value in (headers or {}).items():
        option = built.set_headers.add(append_action=OVERWRITE_IF_EXISTS_OR_ADD)
        option.header.key, option.header.raw_value = name, value.encode()
    return built


def common(
    headers: Mapping[str, str] | None = None,
    remove: Sequence[str] = (),
    *,
    body: bytes | None = None,
    reroute: bool = False,
) -> pb.CommonResponse:
    built = pb.CommonResponse(header_mutation=mutation(headers, remove), clear_route_cache=reroute)
    if body is not None:
        built.body_mutation.body = body
    return built


def piece(body: bytes, end: bool = False) -> pb.ProcessingResponse:
    """A part of the answer's body, in FULL_DUPLEX_STREAMED."""
    streamed = pb.StreamedBodyResponse(body=body, end_of_stream=end)
    changed = pb.CommonResponse(body_mutation=pb.BodyMutation(streamed_response=streamed))
    return pb.ProcessingResponse(response_body=pb.BodyResponse(response=changed))


def request_headers(**kwargs: Any) -> pb.ProcessingResponse:
    return pb.ProcessingResponse(request_headers=pb.HeadersResponse(response=common(**kwargs)))


def request_body(**kwargs: Any) -> pb.ProcessingResponse:
    return pb.ProcessingResponse(request_body=pb.BodyResponse(response=common(**kwargs)))


def response_headers(**kwargs: Any) -> pb.ProcessingResponse:
    return pb.ProcessingResponse(response_headers=pb.HeadersResponse(response=common(**kwargs)))


def response_trailers() -> pb.ProcessingResponse:
    return pb.ProcessingResponse(response_trailers=pb.TrailersResponse())


def refusal(
    status: int, body: bytes, headers: Mapping[str, str] | None = None
) -> pb.ProcessingResponse:
    immediate = pb.ImmediateResponse(
        body=body,
        details=WORKER_DETAILS,
        headers=mutation({"content-type": "application/json", **(headers or {})}),
    )
    immediate.status.code = status
    return pb.ProcessingResponse(immediate_response=immediate)


def header_map(headers: pb.HttpHeaders) -> dict[str, str]:
    return {
        h.key: (h.raw_value or h.value.encode()).decode("latin-1") for h in headers.headers.headers
    }
