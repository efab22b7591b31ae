"""The keys of a deployment: `litellm_params` and `model_info`."""

from collections.abc import Mapping

from extproc.config.rows import Key, Table, unused, words
from extproc.providers.profiles import PROFILES

GENERATION: Mapping[str, str] = {
    **dict.fromkeys(
        words(
            "temperature top_p presence_penalty frequency_penalty min_p top_a repetition_penalty "
            "length_penalty"
        ),
        "number",
    ),
    **dict.fromkeys(
        words("max_tokens max_completion_tokens n seed top_k top_logprobs dimensions min_tokens"),
        "integer",
    ),
    **dict.fromkeys(
        words("logprobs parallel_tool_calls store ignore_eos include_reasoning"), "boolean"
    ),
    **dict.fromkeys(words("stop modalities"), "strings or string"),
    **dict.fromkeys(
        words(
            "user reasoning_effort verbosity service_tier safety_identifier prompt_cache_key "
            "encoding_format suffix"
        ),
        "string",
    ),
    **dict.fromkeys(
        words(
            "response_format logit_bias audio prediction web_search_options "
            "thinking chat_template_kwargs provider"
        ),
        "mapping",
    ),
    **dict.fromkeys(words("tools functions models transforms"), "list"),
    **dict.fromkeys(words("tool_choice function_call"), "mapping or string"),
}
"""Body fields a deployment may set for requests that leave them out."""

PRICES: Mapping[str, str] = {
    "input_cost_per_token": "input",
    "output_cost_per_token": "output",
    "cache_read_input_token_cost": "cached",
    "cache_creation_input_token_cost": "cache_written",
    "output_cost_per_reasoning_token": "reasoning",
    "input_cost_per_audio_token": "audio_input",
    "output_cost_per_audio_token": "audio_output",
    "cache_creation_input_token_cost_above_1hr": "cache_written_1h",
    "input_cost_per_image_token": "image_input",
    "output_cost_per_image_token": "image_output",
    "output_cost_per_image": "image",
    "input_cost_per_query": "search",
    "input_cost_per_character": "character",
    "input_cost_per_second": "audio_second",
    "input_cost_per_audio_per_second": "audio_second",
    "input_cost_per_token_batches": "batch_input",
    "output_cost_per_token_batches": "batch_output",
}
"""LiteLLM's names of prices -> Price's. Read from litellm_params and from model_info."""

OTHER_NAMES: Mapping[str, str] = {
    "base_url": "api_base",
    "aws_bedrock_runtime_endpoint": "api_base",
    "vertex_ai_project": "vertex_project",
    "vertex_ai_location": "vertex_location",
    "region_name": "aws_region_name",
}
"""Second names of a key; the first wins."""


def _named(kind: str) -> list[str]:
    """The options or secrets of all providers."""
    return sorted({name for row in PROFILES.values() for name in getattr(row, kind)})


_DEFAULT = "Sent where the client left it out."
_PRICE = "USD for one, exact."

TIERS = (128, 200, 256, 272)
"""Thousands of prompt tokens above which a call may have other prices."""
TIERED = (
    "input_cost_per_token",
    "output_cost_per_token",
    "cache_read_input_token_cost",
    "cache_creation_input_token_cost",
)


def tier_key(name: str, thousand: int) -> str:
    return f"{name}_above_{thousand}k_tokens"


_PRICE_KEYS: Table = {
    **{name: Key("price", _PRICE) for name in PRICES},
    **unused(
        "price",
        "output_cost_per_second output_cost_per_character input_cost_per_image "
        "input_cost_per_pixel output_cost_per_pixel input_cost_per_token_priority "
        "output_cost_per_token_priority input_cost_per_token_flex output_cost_per_token_flex",
    ),
    **{
        tier_key(name, size): Key("price", f"{_PRICE} For calls with a longer prompt.")
        for size in TIERS
        for name in TIERED
    },
    **unused("mapping", "search_context_cost_per_query"),
    **unused("list", "tiered_pricing"),
}

LITELLM_PARAMS: Table = {
    "model": Key("string", "`provider/model`; `*` takes what the client's name holds there."),
    "custom_llm_provider": Key("string", "The provider, where the model does not say it."),
    "api_base": Key("string", "The upstream's base URL."),
    "base_url": Key("string", "Another name of api_base."),
    "api_key": Key("string", "The provider's key; its environment variable otherwise."),
    "organization": Key("string", "Sent as OpenAI-Organization."),
    "litellm_credential_name": Key("string", "Takes the values of this entry of credential_list."),
    "extra_headers": Key("texts", "Sent with every request."),
    "headers": Key("texts", "Another name of extra_headers."),
    "extra_body": Key("mapping", _DEFAULT),
    "weight": Key("weight", "Its share of the model group's requests."),
    "order": Key("integer", "A lower order is tried first."),
    "timeout": Key("seconds", "How long one attempt may take."),
    "request_timeout": Key("seconds", "Another name of timeout."),
    "stream_timeout": Key("seconds", "How long a stream may be silent."),
    "num_retries": Key("count", "Attempts after the first. Wins over the global ones."),
    "max_retries": Key("count", "Another name of num_retries."),
    "ssl_verify": Key("boolean or string", "false, or a CA file."),
    "base_model": Key("string", "The model whose published price holds."),
    **{name: Key(kind, _DEFAULT) for name, kind in GENERATION.items()},
    **_PRICE_KEYS,
    "drop_params": Key("boolean", "Leaves out parameters that the provider lacks."),
    "additional_drop_params": Key("strings", "Never sent; paths such as tools[*].strict."),
    "allowed_openai_params": Key("strings", "Sent though the provider is not known to take them."),
    "modify_params": Key("boolean", "Mends messages that the provider would refuse."),
    **{name: Key("string", "Names the provider's resource.") for name in _named("options")},
    **{name: Key("string or mapping", "Of the credential.") for name in _named("secrets")},
    "aws_bedrock_runtime_endpoint": Key("string", "Another name of api_base."),
    "vertex_ai_project": Key("string", "Another name of vertex_project."),
    "vertex_ai_location": Key("string", "Another name of vertex_location."),
    "region_name": Key("string", "Another name of aws_region_name."),
    "use_in_pass_through": Key(
        "boolean", "Serves `/anthropic/…` and so on: requests of its provider's own API."
    ),
    **unused("string", "api_type deployment_id budget_duration"),
    **unused("integer", "rpm tpm itpm otpm max_parallel_requests keepalive_seconds"),
    **unused("integer", "default_api_key_tpm_limit default_api_key_rpm_limit"),
    **unused("number", "cooldown_time max_budget max_file_size_mb mock_delay mock_timeout"),
    **unused("strings or string", "tags tag_regex guardrails silent_model"),
    **unused("list", "configurable_clientside_auth_params fallbacks context_window_fallbacks"),
    **unused("list", "content_policy_fallbacks cache_control_injection_points"),
    **unused(
        "boolean",
        "merge_reasoning_content_in_choices use_litellm_proxy "
        "enable_azure_ad_token_refresh use_chat_completions_api supports_system_message "
        "turn_off_message_logging no-log",
    ),
    **unused("any", "mock_response"),
    **unused("boolean", "stream"),
    **unused("mapping", "stream_options"),
    **unused("mapping", "metadata litellm_metadata retry_policy roles"),
    **unused("string", "initial_prompt_value final_prompt_value bos_token eos_token hf_model_name"),
    **unused("string", "watsonx_region_name"),
}

MODEL_INFO: Table = {
    "id": Key("string", "The deployment's id; a stable hash of the row otherwise."),
    "mode": Key("string", "What it serves: chat, completion, embedding …"),
    "base_model": Key("string", "The model whose published price holds."),
    **_PRICE_KEYS,
    **unused("string", "team_id team_public_model_name litellm_provider description version"),
    **unused("string", "created_at updated_at created_by updated_by health_check_model"),
    **unused("strings", "access_groups supported_environments supported_openai_params"),
    **unused("strings", "supported_endpoints supported_modalities supported_output_modalities"),
    **unused("strings", "supported_regions"),
    **unused("integer", "max_tokens max_input_tokens max_output_tokens output_vector_size tpm rpm"),
    **unused("integer", "allowed_fails health_check_max_tokens tool_use_system_prompt_tokens"),
    **unused("number", "cooldown_time health_check_timeout"),
    **unused("boolean", "blocked db_model direct_access disable_background_health_check"),
    **unused(
        "boolean",
        "supports_vision supports_function_calling supports_parallel_function_calling "
        "supports_tool_choice supports_response_schema supports_system_messages "
        "supports_prompt_caching supports_audio_input supports_audio_output supports_pdf_input "
        "supports_reasoning supports_web_search supports_url_context supports_assistant_prefill "
        "supports_embedding_image_input supports_native_streaming supports_video_input "
        "supports_computer_use",
    ),
    **unused("mapping", "allowed_fails_policy custom_tokenizer health_check_params metadata"),
    **unused("mapping", "additionalProp additionalProp1"),
    **unused("string", "health_check_voice health_check_reasoning_effort"),
}
