"""Envoy's log as JSON lines on stdout, without secrets, and its word on attempts that never left.

Neither query strings (`?key=`) nor any header that may hold a credential is in it.
"""

from pathlib import Path

from envoy_data_plane.envoy.config.accesslog.v3 import (
    AccessLog,
    AccessLogFilter,
    AndFilter,
    ExtensionFilter,
    OrFilter,
    ResponseFlagFilter,
)
from envoy_data_plane.envoy.config.core.v3 import DataSource, SubstitutionFormatString
from envoy_data_plane.envoy.extensions.access_loggers.file.v3 import FileAccessLog
from envoy_data_plane.envoy.extensions.access_loggers.filters.cel.v3 import ExpressionFilter
from envoy_data_plane.envoy.extensions.access_loggers.stream.v3 import StdoutAccessLog
from envoy_data_plane.envoy.extensions.filters.http.header_to_metadata.v3 import (
    Config,
    ConfigKeyValuePair,
    ConfigRule,
)
from envoy_data_plane.envoy.extensions.filters.network.http_connection_manager.v3 import (
    HttpFilter,
)
from envoy_data_plane.google.protobuf import Any, Struct

from extproc.domain.headers import ATTEMPT, CALL_ID, CLUSTER
from extproc.envoyconfig.manager import http_filter

COMMON = {
    "time": "%START_TIME%",
    "call_id": f"%REQ({CALL_ID})%",
    "status": "%RESPONSE_CODE%",
    "flags": "%RESPONSE_FLAGS%",
    "details": "%RESPONSE_CODE_DETAILS%",
    "duration_ms": "%DURATION%",
    "bytes_received": "%BYTES_RECEIVED%",
    "bytes_sent": "%BYTES_SENT%",
}
CALLS = {
    **COMMON,
    "log": "call",
    "method": "%REQ(:METHOD)%",
    "path": "%PATH(NQ)%",
    "protocol": "%PROTOCOL%",
    "attempts": "%UPSTREAM_REQUEST_ATTEMPT_COUNT%",
    "client": "%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%",
    "user_agent": "%REQ(USER-AGENT)%",
}
ATTEMPTS = {
    **COMMON,
    "log": "attempt",
    "attempt": f"%REQ({ATTEMPT})%",
    "cluster": f"%REQ({CLUSTER})%",
    "upstream": "%UPSTREAM_HOST%",
}
NAMESPACE = "gateway"
REMEMBERED = {CALL_ID: "call", ATTEMPT: "attempt"}
ATTEMPT_ID = f"%DYNAMIC_METADATA({NAMESPACE}:call)%-%DYNAMIC_METADATA({NAMESPACE}:attempt)%"
"""As `Call.attempt_id` spells it."""


def everything() -> AccessLog:
    """One line a call."""
    return _stdout(CALLS)


def failures() -> AccessLog:
    """One line for each attempt that the network or a worker failed."""
    return _stdout(
        ATTEMPTS,
        AccessLogFilter(
            or_filter=OrFilter(
                filters=[
                    AccessLogFilter(response_flag_filter=ResponseFlagFilter()),
                    expression("response.code_details.startsWith('ext_proc')"),
                ]
            )
        ),
    )


def remembering() -> HttpFilter:
    """Keeps what names an attempt: its headers are gone from a request that has been routed."""
    rules = [
        ConfigRule(
            header=header,
            on_header_present=ConfigKeyValuePair(metadata_namespace=NAMESPACE, key=key),
        )
        for header, key in REMEMBERED.items()
    ]
    return http_filter("envoy.filters.http.header_to_metadata", Config(request_rules=rules))


def unsent(path: Path) -> AccessLog:
    """A file with the ids of attempts whose client left before any upstream connection had them.

    `upstream.address` is known as soon as a host is chosen, `upstream.local_address` only with the
    connection that the request is written to.
    """
    never_left = AndFilter(
        filters=[
            AccessLogFilter(response_flag_filter=ResponseFlagFilter(flags=["DC"])),
            expression("!has(upstream.local_address)"),
        ]
    )
    line = SubstitutionFormatString(text_format_source=DataSource(inline_string=f"{ATTEMPT_ID}\n"))
    log = FileAccessLog(path=str(path), log_format=line)
    return AccessLog(
        name="envoy.access_loggers.file",
        typed_config=Any.pack(log),
        filter=AccessLogFilter(and_filter=never_left),
    )


def expression(cel: str) -> AccessLogFilter:
    """A filter in the Common Expression Language."""
    config = Any.pack(ExpressionFilter(expression=cel))
    name = "envoy.access_loggers.extension_filters.cel"
    return AccessLogFilter(extension_filter=ExtensionFilter(name=name, typed_config=config))


def _stdout(fields: dict[str, str], which: AccessLogFilter | None = None) -> AccessLog:
    log = StdoutAccessLog(log_format=SubstitutionFormatString(json_format=Struct.from_dict(fields)))
    return AccessLog(name="envoy.access_loggers.stdout", typed_config=Any.pack(log), filter=which)
