"""The requests in a batch's input file: whose models they name, and how the provider calls them."""

from collections.abc import Iterator

import orjson

from extproc.domain.call import Call
from extproc.domain.deployment import Deployment
from extproc.errors import InvalidRequest, ModelDenied
from extproc.policy.access import allows


def harmless(call: Call, deployment: Deployment, data: bytes) -> None:
    """Look at a file that is no batch's: whoever takes it for one runs only what the key may use.

    Raises ModelDenied for a line that is a request and names another model.
    """
    for number, line in enumerate(data.splitlines(), start=1):
        try:
            request = orjson.loads(line)
        except orjson.JSONDecodeError:
            continue
        if isinstance(request, dict) and isinstance(request.get("body"), dict):
            _check(call, deployment, "", request["body"].get("model"), number)


def prepared(call: Call, deployment: Deployment, group: str, data: bytes) -> bytes:
    """The file with the deployment's model where a line names the group.

    Raises ModelDenied for a line that names a model the key may not use, InvalidRequest for a line
    that is no request.
    """
    return b"\n".join(_lines(call, deployment, group, data)) + b"\n"


def _lines(call: Call, deployment: Deployment, group: str, data: bytes) -> Iterator[bytes]:
    for number, line in enumerate(data.splitlines(), start=1):
        if not line.strip():
            continue
        request = _request(line, number)
        model = request["body"].get("model")
        _check(call, deployment, group, model, number)
        if group and model == group and model != deployment.model and "*" not in deployment.model:
            request["body"]["model"] = deployment.model
        # Written anew: a name that stands twice in an object is read by others as they like.
        yield _written(request, number)


def _written(request: object, number: int) -> bytes:
    try:
        return orjson.dumps(request)
    except orjson.JSONEncodeError:
        reason = f"Line {number} of the file: it is nested too deeply."
        raise InvalidRequest(reason, param="file") from None


def _check(call: Call, deployment: Deployment, group: str, model: object, number: int) -> None:
    if not isinstance(model, str) or not _may_use(call, deployment, group, model):
        raise ModelDenied(
            f"Line {number} of the file: the model '{model}' is not available for this API key."
        )


def _request(line: bytes, number: int) -> dict[str, dict[str, object]]:
    try:
        request = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        raise InvalidRequest(f"Line {number} of the file: {error}.", param="file") from None
    if not isinstance(request, dict) or not isinstance(request.get("body"), dict):
        raise InvalidRequest(
            f"Line {number} of the file: expected an object with a 'body'.", param="file"
        )
    return request


def _may_use(call: Call, deployment: Deployment, group: str, model: str) -> bool:
    """By the line's own name, by the provider's full name, or as the group that was asked."""
    if call.key is None:
        return False
    if group and model in (group, deployment.model):
        return allows(call.key, group)
    return allows(call.key, model, f"{deployment.provider}/{model}")
