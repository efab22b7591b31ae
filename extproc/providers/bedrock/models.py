"""What the models behind Converse do differently, told by their ids.

An ARN of an inference profile does not name its model: `base_model` does.
"""

import re
from collections.abc import Mapping
from urllib.parse import quote

from extproc.domain.call import Json
from extproc.domain.deployment import Deployment
from extproc.providers import chat
from extproc.providers.anthropic.models import LEAST_BUDGET, Model, model_of

_REGION = re.compile(r"^[a-z]{2}(?:-[a-z]+)+-\d+/")
_LEVELS: Mapping[str, str] = {"minimal": "low", "xhigh": "high", "max": "high"}


def model_path(deployment: Deployment, operation: str) -> str:
    """`:` and `/` are escaped, once: the id is one segment, be it an ARN.

    A region before the id is LiteLLM's way of choosing the host.
    """
    name = deployment.options.get("model_id") or _REGION.sub("", deployment.model)
    return f"/model/{quote(name, safe='')}/{operation}"


def known_as(deployment: Deployment) -> str:
    return deployment.base_model or deployment.model


def claude(deployment: Deployment) -> Model | None:
    name = known_as(deployment)
    return model_of(name) if "claude" in name else None


def is_nova(deployment: Deployment) -> bool:
    return "amazon.nova" in known_as(deployment)


def takes_schema(deployment: Deployment) -> bool:
    """Whether answers and tools can be held to a schema.

    https://docs.aws.amazon.com/bedrock/latest/userguide/structured-output.html
    """
    model = claude(deployment)
    return model is not None and model.schemas_at_amazon


def is_unnamed(deployment: Deployment) -> bool:
    """Whether it is an ARN that says nothing of the model, which is then believed to be able."""
    name = known_as(deployment)
    return name.startswith("arn:") and "." not in name.rpartition("/")[2]


def caches(deployment: Deployment) -> bool:
    """Whether messages may hold cache points; other models refuse them.

    https://docs.aws.amazon.com/bedrock/latest/userguide/prompt-caching.html
    """
    model = claude(deployment)
    if model is not None:
        return model.version >= (3, 5)
    return is_nova(deployment) or is_unnamed(deployment)


def caches_longer(deployment: Deployment) -> bool:
    """Whether a cache point may say for how long."""
    model = claude(deployment)
    return is_unnamed(deployment) if model is None else model.version >= (4, 5)


def hears_of_errors(deployment: Deployment) -> bool:
    """Whether a tool's result may say that it failed.

    https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ToolResultBlock.html
    """
    named = claude(deployment) is not None or is_nova(deployment)
    return named or is_unnamed(deployment)


def can_be_forced(deployment: Deployment) -> bool:
    """Whether it can be made to call a tool; Llama refuses the very word.

    https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ToolChoice.html
    """
    model = claude(deployment)
    return "meta.llama" not in known_as(deployment) if model is None else model.forceable


def extra_params(deployment: Deployment) -> frozenset[str]:
    """What can be said to this model, and not to each.

    https://docs.aws.amazon.com/nova/latest/userguide/grounding.html
    """
    name = known_as(deployment)
    model = claude(deployment)
    can = {
        "reasoning_effort": model or "amazon.nova-2" in name or "openai.gpt-oss" in name,
        "parallel_tool_calls": model and model.version >= (4, 5),
        "web_search_options": is_nova(deployment),
    }
    return frozenset(param for param, able in can.items() if able)


def reasoning(asked: object, most_tokens: int | None, deployment: Deployment) -> Json:
    """The additionalModelRequestFields that ask for this effort; none to switch it off.

    Claude's thinking needs room under `most_tokens`: none at all where it must call a tool.
    https://docs.aws.amazon.com/bedrock/latest/userguide/claude-messages-extended-thinking.html
    https://docs.aws.amazon.com/bedrock/latest/userguide/claude-messages-adaptive-thinking.html
    https://docs.aws.amazon.com/nova/latest/nova2-userguide/using-converse-api.html
    """
    effort, model = chat.effort(asked), claude(deployment)
    if model is not None:
        return _thinking(effort, most_tokens, model)
    if effort == "none":
        return {}
    level = _LEVELS.get(effort, effort)
    if is_nova(deployment):
        return {"reasoningConfig": {"type": "enabled", "maxReasoningEffort": level}}
    return {"reasoning_effort": level}


def _thinking(effort: str, most_tokens: int | None, model: Model) -> Json:
    if effort == "none":
        return {"thinking": model.thoughtless} if model.thoughtless else {}
    if model.adaptive:
        shown = {} if model.shows_thinking else {"display": "summarized"}
        level = {"output_config": {"effort": model.effort(effort)}}
        return level if most_tokens == 0 else {"thinking": {"type": "adaptive", **shown}, **level}
    budget = max(LEAST_BUDGET, chat.THINKING_TOKENS[effort])
    if most_tokens is not None:
        budget = min(budget, most_tokens - 1)
    if budget < LEAST_BUDGET:
        return {}
    return {"thinking": {"type": "enabled", "budget_tokens": budget}}
