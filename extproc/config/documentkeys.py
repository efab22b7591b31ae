"""The keys of the document itself; `members` leads from here to every other table."""

from extproc.config.modelkeys import LITELLM_PARAMS, MODEL_INFO
from extproc.config.rows import Key, Table, unused
from extproc.config.settingkeys import GENERAL_SETTINGS, LITELLM_SETTINGS, ROUTER_SETTINGS

MODEL_LIST: Table = {
    "model_name": Key("string", "The model group clients ask for; one `*` matches anything."),
    "litellm_params": Key("mapping", "See below.", members=LITELLM_PARAMS),
    "model_info": Key("mapping", "See below.", members=MODEL_INFO),
}

GUARDRAIL_PARAMS: Table = {
    "guardrail": Key("string", "`hide-secrets` or `banned_keywords`."),
    "default_on": Key(
        "boolean", "Whether it runs on every request; those that do not are left out."
    ),
    "max_characters": Key("positive", "Longer requests are refused by hide-secrets."),
    "deadline_seconds": Key("seconds", "A slower scan by hide-secrets refuses the request."),
    "banned_keywords_list": Key("strings or string", "As in litellm_settings."),
    "mode": Key("any", "`pre_call`, or a list that holds it; no other mode runs yet."),
    **unused("string", "api_key api_base violation_message_template unreachable_fallback"),
    **unused("mapping", "detect_secrets_config"),
}

GUARDRAILS: Table = {
    "guardrail_name": Key("string", "The name that x-litellm-applied-guardrails shows."),
    "litellm_params": Key("mapping", "See below.", members=GUARDRAIL_PARAMS),
    **unused("mapping", "guardrail_info"),
    **unused("string", "guardrail_id"),
}

CREDENTIALS: Table = {
    "credential_name": Key("string", "What litellm_credential_name names."),
    "credential_values": Key(
        "mapping", "litellm_params of the deployments that name it.", members=LITELLM_PARAMS
    ),
    **unused("mapping", "credential_info"),
}

DOCUMENT: Table = {
    "model_list": Key("list", "The deployments.", members=MODEL_LIST),
    "litellm_settings": Key("mapping", "See below.", members=LITELLM_SETTINGS),
    "general_settings": Key("mapping", "See below.", members=GENERAL_SETTINGS),
    "router_settings": Key("mapping", "See below.", members=ROUTER_SETTINGS),
    "environment_variables": Key(
        "mapping", "Variables for `os.environ/NAME`; the process environment wins."
    ),
    "guardrails": Key("list", "See below.", members=GUARDRAILS),
    "credential_list": Key("list", "See below.", members=CREDENTIALS),
    "include": Key("strings or string", "Other files, merged in; paths relative to this one."),
    **unused("mapping", "callback_settings mcp_servers mcp_aliases assistant_settings"),
    **unused("list or mapping", "files_settings finetune_settings vector_store_registry"),
    **unused("list or mapping", "search_tools prompts worker_config policies"),
}
