"""What a key may ask for in a request that passes: its models, and nothing that others keep."""

import re
from typing import Any
from urllib.parse import unquote

from extproc.domain.call import Call, Json
from extproc.domain.key import Key
from extproc.errors import Forbidden, InvalidRequest, ModelDenied
from extproc.policy.access import allows
from extproc.policy.passing.naming import FREE_METHODS, Named, is_uncharged

STANDINS = ("modelId", "agent_id", "assistant_id")
"""Members that stand for a model that the request does not name."""

_COLLECTIONS = (
    "agents|assistants|async-invoke|batchPredictionJobs|batches|cachedContents|containers"
    "|connectors|conversations|corpora|datasets|embed-jobs|eval|evals|files|fileSearchStores"
    "|fine_tuning|finetuning|interactions|jobs|keys|lemur/v3|libraries|model-customization-job"
    "|operations|organizations?|prompts|ragCorpora|responses|skills"
    "|threads|transcript|tunedModels|tuningJobs|uploads|vector_stores|videos"
)
_OF_PROJECTS = r"/projects/[^/]+/locations/[^/]+/(?!(?:publishers|endpoints)/)[^/:]+"
"""Vertex AI's: all that a project has but for models to be asked."""
_PARAMETERS = r"(?:[^\w/-][^/]*)?"
"""`/files;a=b` is `/files` to some servers."""
_ACTIONS = "completions|compact|input_tokens|jobs|generate/[a-z-]+"
STORED = re.compile(
    rf"/(?:{_COLLECTIONS}|chat/completions|fine-tuning|projects(?=/?$)|model-invocation-jobs?)(?![\w-])"
    rf"|{_OF_PROJECTS}/?$",
    re.I,
)
"""What providers keep for the account that asks: here, for everybody who has a key."""
ONE_STORED = re.compile(
    rf"/(?:{_COLLECTIONS}|chat/completions){_PARAMETERS}/+(?!(?:{_ACTIONS})$)[^/]"
    rf"|/projects/[^/]+(?!/locations/)(?:/|$)|{_OF_PROJECTS}/[^/]",
    re.I,
)
CHANGING = frozenset({"DELETE", "PATCH"})
"""Methods that are for nothing but what is kept, also for models that were made."""
REFERENCES = (
    *("previous_response_id", "previous_interaction_id", "conversation"),
    "transcript_ids",
)
"""Members of a body by which one of them is read."""
OWNED = frozenset({"openai", "azure"})
"""Providers whose things have owners here, so that their ids are asked for deep in a body too."""
OWNED_REFERENCES = frozenset(
    {"file_id", "file_ids", "input_file_id", "training_file", "validation_file", "thread_id"}
    | {"vector_store_id", "vector_store_ids", "assistant_id", "container", "container_id"}
)
NO_REFERENCES = frozenset({"metadata", "parameters", "schema", "json_schema"})
"""Members below which names are the client's own."""


def check(call: Call, provider: str, path: str, what: Named, *, known: bool) -> None:
    """Raises GatewayError. `known` where what is served at the path is a provider's own API."""
    key = call.key
    limited = key is not None and not allows(key, "*", f"{provider}/*")
    if key is not None and limited:
        _check_models(key, provider, what)
    if what.clash:
        raise InvalidRequest(
            "The path, the query and the body of this request name different models: "
            f"{', '.join(what.models[:4])}. Name one.",
            param="model",
        )
    if not what.readable and (limited or call.snapshot.rules.guardrails):
        raise InvalidRequest(
            "What passes is checked here, for the models of the key or by guardrails, and this "
            "body cannot be read: send JSON or a form."
        )
    if limited and known and call.headers.get(":method") not in FREE_METHODS:
        _check_told(path, what)


def check_stored(call: Call, provider: str, path: str, what: Named) -> None:
    """Raises Forbidden for what belongs to whoever made it, which nobody here knows."""
    if call.key is None or call.key.is_master or call.snapshot.passing.stored_objects:
        return
    plain, method = unquote(unquote(path)), call.headers.get(":method")
    reads = method in CHANGING or (method in FREE_METHODS and STORED.search(plain))
    refers = any(what.body.get(name) for name in REFERENCES)
    refers = refers or (provider in OWNED and (not what.readable or _names_owned(what.body)))
    if reads or ONE_STORED.search(plain) or refers:
        raise Forbidden(
            "What the provider keeps (responses, files, batches, threads, …) is not reached here: "
            "it may be another key's. The operator can allow it with "
            "general_settings.pass_through_stored_objects."
        )


def _names_owned(body: Json) -> bool:
    """Whether an id of what is kept stands anywhere in it."""
    left: list[Any] = [body]
    while left:
        part = left.pop()
        if isinstance(part, list):
            left += part
        elif isinstance(part, dict):
            for name, value in part.items():
                if name in OWNED_REFERENCES and _is_id(value):
                    return True
                if name not in NO_REFERENCES:
                    left.append(value)
    return False


def _is_id(value: Any) -> bool:
    return any(isinstance(each, str) for each in (value if isinstance(value, list) else [value]))


def _check_models(key: Key, provider: str, what: Named) -> None:
    """Every model that the request names must be the key's."""
    for model in what.models:
        group = key.aliases.get(model, model)
        if not allows(key, model, group, f"{provider}/{model}"):
            raise ModelDenied(
                f"The requested model '{model}' is not available for this API key, or the model "
                "name is invalid. Check the models available to you and try again."
            )


def _check_told(path: str, what: Named) -> None:
    """Whatever runs must be named, but for what costs nothing."""
    standin = next((name for name in STANDINS if what.body.get(name)), None)
    if standin is None and (what.told or is_uncharged(path)):
        return
    hidden = f"says its model with '{standin}'" if standin else "names no model"
    raise ModelDenied(
        f"This API key is limited to some models, and this request {hidden}: it cannot be known "
        "which one would run."
    )
