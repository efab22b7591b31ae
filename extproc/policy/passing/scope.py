"""What a key may ask for in a request that passes: its models, and nothing that others keep."""

import re
from urllib.parse import unquote

from extproc.domain.call import Call
from extproc.domain.key import Key
from extproc.errors import Forbidden, InvalidRequest, ModelDenied
from extproc.policy.access import allows
from extproc.policy.passing.naming import FREE_METHODS, Named, is_uncharged

STANDINS = ("modelId", "agent_id", "assistant_id")
"""Members that stand for a model that the request does not name."""

_COLLECTIONS = (
    "agents|assistants|async-invoke|batchPredictionJobs|batches|cachedContents|containers"
    "|conversations|corpora|datasets|eval|evals|files|fileSearchStores|fine_tuning|jobs|libraries"
    "|keys|model-customization-job|operations|organizations?|prompts|ragCorpora|responses|skills"
    "|threads|transcript|tunedModels|tuningJobs|uploads|vector_stores|videos"
)
STORED = re.compile(
    rf"/(?:{_COLLECTIONS}|chat/completions|fine-tuning|projects(?=/?$)|model-invocation-jobs?)(?:/|$)",
    re.I,
)
"""What providers keep for the account that asks: here, for everybody who has a key."""
ONE_STORED = re.compile(
    rf"/(?:{_COLLECTIONS}|chat/completions)/(?!(?:completions|compact|input_tokens|jobs)$)[^/]"
    r"|/projects/[^/]+(?!/locations/)(?:/|$)",
    re.I,
)
REFERENCES = ("previous_response_id", "conversation")
"""Members of a body by which one of them is read."""


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


def check_stored(call: Call, path: str, what: Named) -> None:
    """Raises Forbidden for what belongs to whoever made it, which nobody here knows."""
    if call.key is None or call.key.is_master or call.snapshot.passing.stored_objects:
        return
    plain = unquote(path)
    reads = call.headers.get(":method") in FREE_METHODS and STORED.search(plain)
    refers = any(what.body.get(name) for name in REFERENCES)
    if reads or ONE_STORED.search(plain) or refers:
        raise Forbidden(
            "What the provider keeps (responses, files, batches, threads, …) is not reached here: "
            "it may be another key's. The operator can allow it with "
            "general_settings.pass_through_stored_objects."
        )


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
