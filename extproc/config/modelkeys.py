"""The keys of a deployment: `litellm_params` and `model_info`."""

from collections.abc import Mapping

from extproc.config.rows import Key, Table, unused, words

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
        words("logprobs parallel_tool_calls store stream ignore_eos include_reasoning"), "boolean"
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
            "response_format logit_bias stream_options audio prediction web_search_options "
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
}
"""LiteLLM's names of prices -> Price's. Read from litellm_params and from model_info."""

_DEFAULT = "Sent where the client left it out."
_PRICE = "USD per token, exact."

_PRICE_KEYS: Table = {
    **{name: Key("price", _PRICE) for name in PRICES},
    **unused(
        "price",
        "input_cost_per_second output_cost_per_second input_cost_per_character "
        "output_cost_per_character input_cost_per_image output_cost_per_image input_cost_per_pixel "
        "output_cost_per_pixel input_cost_per_query output_cost_per_image_token "
        "input_cost_per_image_token input_cost_per_audio_per_second "
        "cache_creation_input_token_cost_above_1hr input_cost_per_token_batches "
        "output_cost_per_token_batches input_cost_per_token_priority "
        "output_cost_per_token_priority input_cost_per_token_flex output_cost_per_token_flex",
    ),
    **unused(
        "price",
        " ".join(
            f"{name}_above_{size}k_tokens"
            for size in (128, 200, 256, 272)
            for name in (
                "input_cost_per_token",
                "output_cost_per_token",
                "cache_read_input_token_cost",
                "cache_creation_input_token_cost",
            )
        ),
    ),
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
    **unused("string", "api_version region_name api_type deployment_id budget_duration"),
    **unused("integer", "rpm tpm itpm otpm max_parallel_requests keepalive_seconds"),
    **unused("integer", "default_api_key_tpm_limit default_api_key_rpm_limit"),
    **unused("number", "cooldown_time max_budget max_file_size_mb mock_delay mock_timeout"),
    **unused("strings or string", "tags tag_regex guardrails silent_model"),
    **unused("strings", "additional_drop_params allowed_openai_params"),
    **unused("list", "configurable_clientside_auth_params fallbacks context_window_fallbacks"),
    **unused("list", "content_policy_fallbacks cache_control_injection_points"),
    **unused(
        "boolean",
        "drop_params use_in_pass_through merge_reasoning_content_in_choices use_litellm_proxy "
        "enable_azure_ad_token_refresh use_chat_completions_api supports_system_message "
        "turn_off_message_logging no-log",
    ),
    **unused("any", "mock_response vertex_credentials"),
    **unused("mapping", "metadata litellm_metadata retry_policy roles"),
    **unused("string", "initial_prompt_value final_prompt_value bos_token eos_token hf_model_name"),
    **unused("string", "vertex_project vertex_location vertex_ai_project vertex_ai_location"),
    **unused(
        "string",
        "aws_access_key_id aws_secret_access_key aws_session_token aws_region_name aws_role_name "
        "aws_session_name aws_profile_name aws_web_identity_token aws_sts_endpoint "
        "aws_bedrock_runtime_endpoint aws_external_id",
    ),
    **unused(
        "string",
        "azure_ad_token azure_scope azure_username azure_password tenant_id client_id "
        "client_secret watsonx_region_name project_id space_id",
    ),
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
