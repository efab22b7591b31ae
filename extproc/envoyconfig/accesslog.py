"""Envoy's log as JSON lines on stdout, without secrets.

Neither query strings (`?key=`) nor any header that may hold a credential is in it.
"""

from envoy_data_plane.envoy.config.accesslog.v3 import (
    AccessLog,
    AccessLogFilter,
    ExtensionFilter,
    OrFilter,
    ResponseFlagFilter,
)
from envoy_data_plane.envoy.config.core.v3 import SubstitutionFormatString
from envoy_data_plane.envoy.extensions.access_loggers.filters.cel.v3 import ExpressionFilter
from envoy_data_plane.envoy.extensions.access_loggers.stream.v3 import StdoutAccessLog
from envoy_data_plane.google.protobuf import Any, Struct

from extproc.domain.headers import ATTEMPT, CALL_ID, CLUSTER

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


def expression(cel: str) -> AccessLogFilter:
    """A filter in the Common Expression Language."""
    config = Any.pack(ExpressionFilter(expression=cel))
    name = "envoy.access_loggers.extension_filters.cel"
    return AccessLogFilter(extension_filter=ExtensionFilter(name=name, typed_config=config))


def _stdout(fields: dict[str, str], which: AccessLogFilter | None = None) -> AccessLog:
    log = StdoutAccessLog(log_format=SubstitutionFormatString(json_format=Struct.from_dict(fields)))
    return AccessLog(name="envoy.access_loggers.stdout", typed_config=Any.pack(log), filter=which)
