"""What a request must and must not hold, and the gateway's own fields taken out of it.

https://platform.openai.com/docs/api-reference/chat/create for the required parameters; the
gateway's own are LiteLLM's extensions of the body.
"""

from collections.abc import Mapping

from extproc.domain.call import Call, Json
from extproc.domain.endpoints import ENDPOINTS, Endpoint
from extproc.errors import AuthError, InvalidRequest

LONGEST_TIMEOUT_SECONDS = 86_400
LONGEST_MODEL = 256
"""It goes into headers and into the journal."""

GATEWAY_FIELDS = frozenset(
    {"litellm_metadata", "tags", "spend_logs_metadata", "guardrails"}
    | {"guardrail_config", "include_guardrail_response", "policies", "cache", "caching"}
    | {"fallbacks", "context_window_fallbacks", "content_policy_fallbacks", "disable_fallbacks"}
    | {"num_retries", "max_retries", "timeout", "request_timeout", "stream_timeout"}
    | {"drop_params", "additional_drop_params", "allowed_openai_params", "keepalive_seconds"}
    | {"mock_response", "mock_timeout", "mock_delay", "mock_testing_fallbacks"}
    | {"mock_testing_context_fallbacks", "mock_testing_content_policy_fallbacks"}
    | {"mock_testing_rate_limit_error", "prompt_id", "prompt_variables", "prompt_label"}
    | {"litellm_session_id", "litellm_trace_id", "litellm_call_id", "no-log"}
)
"""Understood or ignored by the gateway; a provider never sees them. So is `metadata`, where the
endpoint does not give it to the provider."""

BANNED_FIELDS = frozenset(
    {"api_base", "base_url", "api_key", "api_version", "user_config", "model_list"}
    | {"aws_access_key_id", "aws_secret_access_key", "aws_session_token", "aws_profile_name"}
    | {"aws_role_name", "aws_session_name", "aws_web_identity_token", "aws_sts_endpoint"}
    | {"aws_bedrock_runtime_endpoint", "aws_external_id", "vertex_credentials"}
    | {"azure_ad_token", "azure_username", "azure_password", "client_secret", "tenant_id"}
    | {"langfuse_public_key", "langfuse_secret_key", "langfuse_secret", "langfuse_host"}
    | {"langsmith_api_key", "gcs_bucket_name", "gcs_path_service_account"}
    | {"input_cost_per_token", "output_cost_per_token", "input_cost_per_second"}
    | {"output_cost_per_second", "custom_llm_provider", "extra_headers", "litellm_params"}
)
"""Would let a caller choose where the gateway sends its credentials, or what a call costs. Where
they are not refused, they are left out: no provider has such a member."""

OURS = GATEWAY_FIELDS | BANNED_FIELDS
OURS_WITH_METADATA = OURS | {"metadata"}


async def read_params(call: Call) -> Call:
    """Check the body's shape, resolve the model's name, take the gateway's fields out.

    A stream's usage is asked for here, whoever the provider is: without it a stream could only be
    billed by an estimate. The client that did not ask for it does not see it.
    """
    call = _unpacked(call)
    body = call.body
    _check_banned(call)
    model = _model(call)
    facts = ENDPOINTS[call.endpoint]
    required = facts.required
    if required not in ("", "model") and body.get(required) is None:
        reason = f"{facts.path}: Missing required parameter: '{required}'."
        raise InvalidRequest(reason, param=required)
    _check_types(call.endpoint, body)
    key_aliases = call.key.aliases if call.key else {}
    ours = OURS if facts.keeps_metadata else OURS_WITH_METADATA
    left = {name: value for name, value in body.items() if name not in ours}
    member, values = facts.asks
    streaming = facts.streams and (call.path_streams or body.get(member) in values)
    always = call.snapshot.rules.always_include_stream_usage
    usage_asked = always is True or _usage_asked(body)
    injected = (
        streaming
        and call.endpoint in USAGE_OPTION
        and always is not False
        and not _usage_asked(body)
    )
    if injected:
        left["stream_options"] = {**(body.get("stream_options") or {}), "include_usage": True}
    if call.path_streams:
        left["stream"] = True
    return call.but(
        body=left,
        asked=body,
        body_changed=call.body_changed or injected or len(left) != len(body),
        model=model,
        group=key_aliases.get(model, model),
        timeout_seconds=_seconds(call, "timeout", "request_timeout"),
        stream_timeout_seconds=_seconds(call, "stream_timeout"),
        streaming=streaming,
        usage_asked=usage_asked,
    )


def _unpacked(call: Call) -> Call:
    """`extra_body` is merged by the SDKs before they send; who writes it out means the same."""
    if "extra_body" not in call.body or ENDPOINTS[call.endpoint].form:
        return call
    extra = call.body["extra_body"]
    if not isinstance(extra, dict | None):
        raise InvalidRequest("'extra_body' must be an object.", param="extra_body")
    own = {name: value for name, value in call.body.items() if name != "extra_body"}
    return call.but(body={**(extra or {}), **own}, body_changed=True)


USAGE_OPTION = frozenset({"chat", "completions"})
"""Where a stream states its usage only if asked."""


def _usage_asked(body: Json) -> bool:
    options = body.get("stream_options")
    return isinstance(options, dict) and options.get("include_usage") is True


def _seconds(call: Call, *fields: str) -> float | None:
    """A time-out from the body, else from LiteLLM's header for the first of the names."""
    header = call.headers.get(f"x-litellm-{fields[0].replace('_', '-')}")
    values = [*(call.body.get(name) for name in fields), header]
    stated = next((value for value in values if value is not None), None)
    if stated is None:
        return None
    try:
        seconds = float(stated)
    except (TypeError, ValueError):
        seconds = -1.0
    if not 0 < seconds <= LONGEST_TIMEOUT_SECONDS:
        raise InvalidRequest(
            f"'{fields[0]}' must be a number of seconds, more than 0 and at most "
            f"{LONGEST_TIMEOUT_SECONDS}.",
            param=fields[0],
        )
    return seconds


def _check_banned(call: Call) -> None:
    if call.snapshot.rules.allow_client_side_credentials:
        return
    for name in sorted(BANNED_FIELDS & call.body.keys()):
        raise AuthError(
            f"Authentication Error, Rejected Request: {name} is not allowed in request body. "
            "An operator can allow it with general_settings.allow_client_side_credentials."
        )


def _model(call: Call) -> str:
    rules = call.snapshot.rules
    model = rules.forced_models.get(call.endpoint) or call.path_model or call.body.get("model")
    if model is None:
        model = rules.usual_models.get(call.endpoint)
    if model is None:
        path = ENDPOINTS[call.endpoint].path
        raise InvalidRequest(f"{path}: Missing required parameter: 'model'.", param="model")
    if not isinstance(model, str) or not model:
        raise InvalidRequest("'model' must be a string.")
    if len(model) > LONGEST_MODEL or not model.isprintable():
        raise InvalidRequest(
            f"'model' must be printable and at most {LONGEST_MODEL} characters long.", param="model"
        )
    return model


# parameter -> the JSON types it may have
TYPES: Mapping[str, tuple[type, ...]] = {
    "messages": (list,),
    "stream": (bool, type(None)),
    "stream_options": (dict, type(None)),
    "metadata": (dict, type(None)),
    "tools": (list, type(None)),
    "n": (int, type(None)),
    "max_tokens": (int, type(None)),
    "max_completion_tokens": (int, type(None)),
    "prompt": (str, list),
    "input": (str, list, dict),
    "query": (str,),
    "documents": (list,),
}
OTHER_TYPES: Mapping[tuple[Endpoint, str], tuple[type, ...]] = {
    ("responses", "prompt"): (dict, type(None)),
    ("responses", "input"): (str, list, type(None)),
    ("response_tokens", "input"): (str, list, type(None)),
}
"""Where an endpoint means something else by the name."""
NAMES = {list: "array", dict: "object", str: "string", bool: "boolean", int: "integer"}


WRITTEN_IN_FORMS = frozenset({"stream", "n"})
"""In a form every member is text."""


def _types(endpoint: Endpoint) -> Mapping[str, tuple[type, ...]]:
    untyped = WRITTEN_IN_FORMS if ENDPOINTS[endpoint].form else frozenset()
    typed = {name: types for name, types in TYPES.items() if name not in untyped}
    return {name: OTHER_TYPES.get((endpoint, name), types) for name, types in typed.items()}


TYPES_AT: Mapping[Endpoint, Mapping[str, tuple[type, ...]]] = {
    endpoint: _types(endpoint) for endpoint in ENDPOINTS
}


def _check_types(endpoint: Endpoint, body: Json) -> None:
    for name, allowed in TYPES_AT[endpoint].items():
        if name not in body:
            continue
        value = body[name]
        if not isinstance(value, allowed) or _bool_as_int(value, allowed):
            wanted = " or ".join(NAMES[kind] for kind in allowed if kind is not type(None))
            raise InvalidRequest(
                f"Invalid type for '{name}': expected {_article(wanted)} {wanted}, "
                f"but got {type(value).__name__} instead.",
                param=name,
            )
    if ENDPOINTS[endpoint].required == "messages":
        _check_messages(body["messages"])


def _bool_as_int(value: object, allowed: tuple[type, ...]) -> bool:
    return isinstance(value, bool) and bool not in allowed


def _article(noun: str) -> str:
    return "an" if noun[0] in "aeiou" else "a"


def _check_messages(messages: list[object]) -> None:
    if not messages:
        raise InvalidRequest("'messages' must hold at least one message.", param="messages")
    for position, message in enumerate(messages):
        if not isinstance(message, dict) or not isinstance(message.get("role"), str):
            raise InvalidRequest(
                f"'messages[{position}]' must be an object with a 'role'.", param="messages"
            )
