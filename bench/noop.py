"""The floor: an ext_proc server that routes every request to one cluster and changes nothing.

Run as `python -m bench.noop SOCKET CLUSTER`. It has the product's library, event loop and phases,
so what it does not reach no Python service with these phases will.
"""

import sys
from typing import Any

import grpc
import uvloop
from envoy.config.core.v3.base_pb2 import HeaderValue, HeaderValueOption
from envoy.service.ext_proc.v3 import external_processor_pb2 as pb
from grpc_health.v1 import health, health_pb2, health_pb2_grpc

from extproc.domain.headers import CLUSTER

SERVICE = "envoy.service.ext_proc.v3.ExternalProcessor"


class Noop:
    """Answers every phase with the least that lets it pass."""

    def __init__(self, cluster: str) -> None:
        header = HeaderValue(key=CLUSTER, raw_value=cluster.encode())
        routed = pb.CommonResponse(
            header_mutation=pb.HeaderMutation(set_headers=[HeaderValueOption(header=header)]),
            clear_route_cache=True,
        )
        self._replies = {
            "request_headers": pb.ProcessingResponse(
                request_headers=pb.HeadersResponse(response=routed)
            ),
            "request_body": pb.ProcessingResponse(request_body=pb.BodyResponse()),
            "response_headers": pb.ProcessingResponse(response_headers=pb.HeadersResponse()),
            "response_trailers": pb.ProcessingResponse(response_trailers=pb.TrailersResponse()),
        }

    async def process(self, _: Any, context: Any) -> None:
        while (message := await context.read()) is not grpc.aio.EOF:
            kind = message.WhichOneof("request")
            if kind == "response_body":
                await context.write(_same(message.response_body))
            else:
                await context.write(self._replies[kind])


def _same(part: pb.HttpBody) -> pb.ProcessingResponse:
    """FULL_DUPLEX_STREAMED asks for the bytes themselves: what is not sent is dropped."""
    streamed = pb.StreamedBodyResponse(body=part.body, end_of_stream=part.end_of_stream)
    common = pb.CommonResponse(body_mutation=pb.BodyMutation(streamed_response=streamed))
    return pb.ProcessingResponse(response_body=pb.BodyResponse(response=common))


async def serve(socket: str, cluster: str) -> None:
    server = grpc.aio.server()
    process = grpc.stream_stream_rpc_method_handler(
        Noop(cluster).process,
        request_deserializer=pb.ProcessingRequest.FromString,
        response_serializer=pb.ProcessingResponse.SerializeToString,
    )
    handler = grpc.method_handlers_generic_handler(SERVICE, {"Process": process})
    server.add_generic_rpc_handlers((handler,))
    checks = health.aio.HealthServicer()
    health_pb2_grpc.add_HealthServicer_to_server(checks, server)
    await checks.set("", health_pb2.HealthCheckResponse.SERVING)
    server.add_insecure_port(f"unix:{socket}")
    await server.start()
    await server.wait_for_termination()


if __name__ == "__main__":
    uvloop.run(serve(sys.argv[1], sys.argv[2]))
