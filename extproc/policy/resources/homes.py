"""Which account of which provider a file, a batch or a job belongs to.

an id that the gateway gave     the deployment in it
custom_llm_provider             that provider: in the path, the body, the query or a header
model, target_model_names       the deployment of that model group; `x-litellm-model` too
nothing of these                openai
"""

from collections.abc import Iterable, Mapping
from typing import Any

from extproc.domain.call import Call
from extproc.domain.deployment import Deployment
from extproc.domain.resources import Resource
from extproc.errors import InvalidRequest, ModelDenied
from extproc.policy.access import allows
from extproc.policy.plan import order
from extproc.providers import resources

PROVIDER = "custom_llm_provider"
PROVIDER_HEADERS = ("custom-llm-provider", "x-litellm-custom-llm-provider")
MODEL_HEADER = "x-litellm-model"
MODELS = ("model", "target_model_names")
USUAL_PROVIDER = "openai"
ACCOUNT = ("upstream", "base_path", "api_key", "secrets", "headers")
"""What tells one account of a provider from another."""


def same_account(one: Deployment, other: Deployment) -> bool:
    """Whether what one of them keeps, the other knows too."""
    return all(getattr(one, name) == getattr(other, name) for name in ACCOUNT)


def home(
    call: Call, resource: Resource, body: Mapping[str, Any], query: Mapping[str, str]
) -> Deployment:
    """The deployment to ask. Raises InvalidRequest when there is none, or no one alone."""
    given = [resource.id, query.get("after", ""), *resources.carried(body)]
    found = _of_ids(call, given) or _of_provider(call, resource, body, query)
    found = found or _of_model(call, resource, body, query) or _usual(call, USUAL_PROVIDER)
    if found.schema not in resources.SPOKEN:
        raise InvalidRequest(
            f"{found.provider} keeps no {resource.kind.replace('_', '-')} in OpenAI's format, and "
            "the gateway translates none.",
            param=PROVIDER,
        )
    return found


def _of_ids(call: Call, given: Iterable[str]) -> Deployment | None:
    homes: dict[str, Deployment] = {}
    for each in given:
        carried = resources.decode(each)
        if carried is None:
            continue
        deployment = call.snapshot.deployment(carried[0])
        if deployment is None:
            raise InvalidRequest(
                f"'{each}' belongs to a deployment that this gateway no longer has."
            )
        homes[deployment.id] = deployment
    first, *others = homes.values() or (None,)
    if first is not None and not all(o and same_account(first, o) for o in others):
        raise InvalidRequest("The ids of this request belong to different accounts.")
    return first


def _of_provider(
    call: Call, resource: Resource, body: Mapping[str, Any], query: Mapping[str, str]
) -> Deployment | None:
    headers = (call.headers.get(name) for name in PROVIDER_HEADERS)
    named = (body.get(PROVIDER), query.get(PROVIDER), *headers, resource.provider)
    provider = next((name for name in named if name), None)
    return _usual(call, str(provider)) if provider else None


def _usual(call: Call, provider: str) -> Deployment:
    """The provider's account: that of its key in the environment, else of its first deployment."""
    served = (
        *call.snapshot.passing.providers.get(provider, ()),
        *(d for d in call.snapshot.deployments if d.provider == provider),
    )
    if not served:
        raise InvalidRequest(
            f"There is neither a deployment nor a key of provider '{provider}'. Name one with "
            f"'{PROVIDER}', or a model with 'model'.",
            param=PROVIDER,
        )
    speaking = (d for d in served if d.schema in resources.SPOKEN)
    return next(speaking, served[0])


def _of_model(
    call: Call, resource: Resource, body: Mapping[str, Any], query: Mapping[str, str]
) -> Deployment | None:
    """A job's model may also be one of the provider's, that no group has."""
    named = (*(source.get(name) for source in (body, query) for name in MODELS),)
    asked = next((name for name in (*named, call.headers.get(MODEL_HEADER)) if name), None)
    if asked is None:
        return None
    name = str(asked).partition(",")[0].strip()
    group = call.key.aliases.get(name, name) if call.key else name
    if call.key is None or not allows(call.key, name, group):
        raise ModelDenied(
            f"The requested model '{name}' is not available for this API key, or the model name is "
            "invalid. Check the models available to you and try again."
        )
    deployments = call.snapshot.find(group)
    if not deployments and resource.kind == "fine_tuning":
        return None
    if not deployments:
        raise InvalidRequest(
            f"/{resource.kind}: Invalid model name passed in model={name}. Call `/v1/models` to "
            "view available models for your key.",
            param="model",
        )
    speaking = [d for d in deployments if d.schema in resources.SPOKEN]
    return order(speaking or deployments, call.id)[0]
