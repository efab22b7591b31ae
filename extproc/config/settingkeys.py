"""The keys of `litellm_settings`, `general_settings` and `router_settings`."""

from extproc.config.modelkeys import LITELLM_PARAMS
from extproc.config.rows import Key, Table, unused, words

_THRESHOLDS = words(
    "toxic insult profanity derogatory sexual death_harm_and_tragedy violent firearms_and_weapons "
    "public_safety health religion_and_belief illicit_drugs war_and_conflict politics finance legal"
)
"""Google's moderation categories; each has a threshold under either of two spellings."""

CACHE_PARAMS: Table = {
    **unused("string", "type host password namespace service_name mode url username"),
    **unused("string", "qdrant_semantic_cache_embedding_model qdrant_collection_name"),
    **unused("string", "qdrant_quantization_config qdrant_api_base qdrant_api_key"),
    **unused("string", "redis_semantic_cache_embedding_model redis_semantic_cache_index_name"),
    **unused("string", "s3_bucket_name s3_region_name s3_aws_access_key_id s3_endpoint_url"),
    **unused("string", "s3_aws_secret_access_key s3_aws_session_token s3_path disk_cache_dir"),
    **unused("string", "gcs_bucket_name gcs_path_service_account gcs_path"),
    **unused("integer", "port redis_flush_size max_connections max_messages"),
    **unused("number", "ttl default_in_memory_ttl default_in_redis_ttl similarity_threshold"),
    **unused("list", "redis_startup_nodes sentinel_nodes"),
    **unused("strings", "supported_call_types"),
    **unused("boolean", "ssl s3_use_ssl s3_verify"),
}

_TIMEOUT = "How long one attempt may take."

LITELLM_SETTINGS: Table = {
    "drop_params": Key("boolean", "Leaves out parameters that a provider lacks."),
    "modify_params": Key("boolean", "Mends messages that a provider would refuse."),
    "callbacks": Key(
        "strings or string",
        "Switches guardrails on: `hide_secrets`, `banned_keywords`. `prometheus` is always on.",
    ),
    "banned_keywords_list": Key(
        "strings or string",
        "What `banned_keywords` refuses: a list, or a .txt file beside the config, one a line.",
    ),
    "num_retries": Key("count", "Attempts after the first. Wins over router_settings."),
    "request_timeout": Key("seconds", _TIMEOUT + " Wins over router_settings.timeout."),
    "stream_timeout": Key("seconds", "How long a stream may be silent."),
    "ssl_verify": Key(
        "boolean or string", "false, or a CA file, for upstreams without a setting of their own."
    ),
    "cache_params": Key("mapping", members=CACHE_PARAMS),
    **unused(
        "strings or string",
        "success_callback failure_callback service_callbacks service_callback input_callback "
        "post_call_rules langfuse_default_tags default_fallbacks blocked_user_list ",
    ),
    **unused(
        "boolean",
        "turn_off_message_logging enable_preview_features redact_user_api_key_info "
        "redact_messages_in_exceptions set_verbose json_logs force_ipv4 cache "
        "disable_end_user_cost_tracking disable_end_user_cost_tracking_prometheus_only "
        "disable_add_transform_inline_image_block disable_hf_tokenizer_download store_audit_logs "
        "global_disable_no_log_param enable_json_schema_validation suppress_debug_info "
        "enable_key_alias_format_validation add_function_to_prompt drop_unknown_params "
        "return_response_headers forward_traceparent_to_llm_provider "
        "allow_dynamic_callback_disabling enable_end_user_cost_tracking_prometheus_only "
        "block_requests_for_models_without_pricing use_chat_completions_url_for_anthropic_messages "
        "disable_copilot_system_to_assistant",
    ),
    **unused("list", "content_policy_fallbacks context_window_fallbacks fallbacks guardrails"),
    **unused("list or mapping", "default_team_settings prometheus_metrics_config"),
    **unused("list", "custom_provider_map standard_logging_payload_excluded_fields"),
    **unused(
        "mapping",
        "key_generation_settings tag_budget_config default_key_generate_params model_alias_map "
        "upperbound_key_generate_params default_internal_user_params default_team_params "
        "cost_discount_config cost_margin_config s3_callback_params aws_sqs_callback_params "
        "langsmith_callback_params priority_reservation priority_reservation_settings "
        "mcp_aliases public_model_groups_links",
    ),
    **unused(
        "number",
        "max_budget max_internal_user_budget max_end_user_budget max_user_budget "
        "google_moderation_confidence_threshold allowed_fails cooldown_time max_fallbacks",
    ),
    **unused("integer", "budget_exceeded_status_code"),
    **unused(
        "string",
        "budget_duration internal_user_budget_duration timezone llm_guard_mode "
        "llamaguard_model_name llamaguard_unsafe_content_categories api_base api_key "
        "openai_key azure_key anthropic_key ssl_certificate",
    ),
    **unused("strings", "public_model_groups default_internal_user_models custom_prometheus_tags"),
    **unused("strings", "custom_prometheus_metadata_labels allowed_openai_params"),
    **unused("number", " ".join(f"{name}_confidence_threshold" for name in _THRESHOLDS)),
    **unused("number", " ".join(f"{name}_threshold" for name in _THRESHOLDS)),
}

PASS_THROUGH: Table = {
    "id": Key("string", "What x-litellm-model-id and the records show; else a hash."),
    "path": Key("string", "Where clients call it."),
    "target": Key("string", "The URL that requests pass to."),
    "headers": Key(
        "texts",
        "Set on every request; values may hold `os.environ/NAME`. `litellm_user_api_key` names "
        "the header in which clients send the gateway's key.",
    ),
    "default_query_params": Key("texts", "Sent where the client leaves them out."),
    "merge_query_params": Key(
        "boolean", "The target's own query is sent beside the client's; else the client's only."
    ),
    "include_subpath": Key("boolean", "Whatever lies below the path passes too."),
    "forward_headers": Key(
        "boolean", "The client's headers pass, but for the one with the gateway's key."
    ),
    "methods": Key("strings", "The methods that pass; any without it."),
    "cost_per_request": Key("price", "USD for each request that succeeds, exact."),
    "timeout": Key("seconds", "How long a request may take."),
    "auth": Key("boolean", "false: no key is needed."),
    "guardrails": Key("mapping", "An endpoint with guardrails is left out: they cannot run yet."),
    **unused("string", "custom_auth_parser"),
}

_DEFAULT_MODEL = "Serves {} that name no model."

GENERAL_SETTINGS: Table = {
    "master_key": Key("string", "The admin key. LITELLM_MASTER_KEY wins."),
    "database_url": Key("string", "Postgres. DATABASE_URL wins."),
    "completion_model": Key("string", _DEFAULT_MODEL.format("completions")),
    "embedding_model": Key("string", "Serves every embedding, whatever model it names."),
    "max_request_size_mb": Key("number", "Larger requests are refused with a 400."),
    "litellm_key_header_name": Key("string", "A header of its own for the gateway's keys."),
    "always_include_stream_usage": Key("boolean", "Every stream ends with its usage."),
    "allow_client_side_credentials": Key(
        "boolean",
        "Requests that bring `api_base`, `api_key` or `aws_*` are accepted: the fields are then "
        "ignored instead of refused.",
    ),
    "infer_model_from_keys": Key(
        "boolean", "Providers whose key is in the environment are offered as `openai/*` and so on."
    ),
    "image_generation_model": Key("string", "Serves every image generation."),
    "moderation_model": Key("string", _DEFAULT_MODEL.format("moderations")),
    "pass_through_endpoints": Key("list", "See below.", members=PASS_THROUGH),
    "pass_through_request_timeout": Key("seconds", "Of those that have no `timeout`."),
    "use_client_credentials_pass_through_routes": Key(
        "boolean",
        "Providers' own APIs are open without a key, and the client's own credential goes there.",
    ),
    "pass_through_stored_objects": Key(
        "boolean",
        "Every key reaches what providers keep for the gateway's account, whoever made it: "
        "responses, files, batches, threads, …",
    ),
    **unused("string", "key_management_system custom_auth"),
    **unused("string", "custom_key_generate custom_sso ui_access_mode"),
    **unused("string", "spend_report_frequency litellm_license user_header_name"),
    **unused("string", "maximum_spend_logs_retention_period maximum_spend_logs_retention_interval"),
    **unused(
        "string", "maximum_spend_logs_cleanup_cron encryption_algorithm token_rate_limit_type"
    ),
    **unused("string", "custom_ui_sso_sign_in_handler user_mcp_management_mode"),
    **unused(
        "boolean",
        "disable_spend_logs disable_spend_updates disable_master_key_return disable_reset_budget "
        "disable_retry_on_max_parallel_request_limit_error disable_adding_master_key_hash_to_db "
        "disable_responses_id_security disable_error_logs disable_prisma_schema_update "
        "enable_jwt_auth enforce_user_param reject_clientside_metadata_tags store_model_in_db "
        "allow_requests_on_db_unavailable background_health_checks health_check_details "
        "enable_oauth2_auth enable_oauth2_proxy_auth "
        "store_prompts_in_spend_logs default_team_disabled allow_user_auth use_azure_key_vault "
        "use_google_kms use_aws_kms forward_openai_org_id forward_client_headers_to_llm_api "
        "block_robots use_redis_transaction_buffer include_call_id_in_error_body "
        "dangerously_permit_weak_or_unset_master_key enable_health_check_routing "
        "use_shared_health_check",
    ),
    **unused("boolean or string", "use_x_forwarded_for"),
    **unused(
        "integer",
        "database_connection_pool_limit max_parallel_requests global_max_parallel_requests "
        "proxy_batch_polling_interval",
    ),
    **unused(
        "number",
        "database_connection_timeout health_check_interval alerting_threshold "
        "user_api_key_cache_ttl max_response_size_mb proxy_budget_rescheduler_min_time "
        "proxy_budget_rescheduler_max_time proxy_batch_write_at",
    ),
    **unused(
        "strings or string",
        "allowed_routes alerting public_routes alert_types enforced_params allowed_ips "
        "admin_only_routes supported_db_objects",
    ),
    **unused("list or mapping", "service_account_settings key_management_settings"),
    **unused("list or mapping", "user_header_mappings role_permissions"),
    **unused(
        "mapping",
        "alerting_args alert_to_webhook_url litellm_jwtauth oauth2_config_mappings "
        "custom_auth_settings ui_settings",
    ),
}

ROUTER_SETTINGS: Table = {
    "num_retries": Key("count", "Attempts after the first; 2 if nothing says otherwise."),
    "timeout": Key("seconds", _TIMEOUT),
    "stream_timeout": Key("seconds", "How long a stream may be silent."),
    "model_group_alias": Key(
        "mapping", "A name clients may use -> a model group, or `{model, hidden}`."
    ),
    "default_litellm_params": Key(
        "mapping",
        "litellm_params of every deployment that does not set them itself.",
        members=LITELLM_PARAMS,
    ),
    "redis_url": Key("string", "Redis. REDIS_URL wins."),
    "redis_host": Key("string", "Redis. REDIS_HOST wins."),
    "redis_port": Key("count", "Redis. REDIS_PORT wins."),
    "redis_password": Key("string", "Redis. REDIS_PASSWORD wins."),
    **unused("string", "routing_strategy debug_level tag_routing_prefix"),
    **unused("number", "retry_after cooldown_time client_ttl polling_interval"),
    **unused("number", "deployment_affinity_ttl_seconds health_check_staleness_threshold"),
    **unused("integer", "allowed_fails max_fallbacks default_max_parallel_requests redis_db"),
    **unused("integer", "default_priority"),
    **unused(
        "boolean",
        "disable_cooldowns enable_pre_call_checks enable_pre_call_check enable_tag_filtering "
        "tag_filtering_match_any cache_responses set_verbose ignore_invalid_deployments "
        "enable_health_check_routing enable_weighted_failover",
    ),
    **unused(
        "mapping",
        "routing_strategy_args retry_policy model_group_retry_policy allowed_fails_policy "
        "provider_budget_config cache_kwargs router_general_settings alerting_config "
        "model_group_affinity_config assistants_config",
    ),
    **unused("list", "fallbacks context_window_fallbacks content_policy_fallbacks"),
    **unused("list", "caching_groups routing_groups search_tools guardrail_list"),
    **unused("strings or string", "default_fallbacks optional_pre_call_checks"),
}
