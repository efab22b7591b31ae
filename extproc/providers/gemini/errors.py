"""Google's refusals: a status object, in a stream request's answer as a list of one.

https://cloud.google.com/apis/design/errors
"""

import math
from collections.abc import Mapping

import orjson

from extproc.domain.call import Json
from extproc.domain.deployment import Deployment
from extproc.errors import ProviderError
from extproc.providers import answers, lenient
from extproc.providers.failures import provider_error, unusable_answer
from extproc.providers.frames import Frame

BAD_KEY = "API_KEY_INVALID"
LONGEST_DELAY_SECONDS = 86_400


def error(
    status: int, headers: Mapping[str, str], body: bytes, deployment: Deployment
) -> ProviderError:
    """An unknown key is a 400 there; when to come again stands in the body."""
    details = _details(body)
    if status == 400 and any(detail.get("reason") == BAD_KEY for detail in details):
        status = 401
    if "retry-after" not in headers:
        headers = {**headers, **_retry_after(details)}
    return provider_error(status, headers, body, deployment)


def event(frame: Frame, deployment: Deployment) -> Json:
    """What one event of a stream holds. Raises ProviderError, for an error in it too."""
    try:
        found = lenient.loads(frame.data)
    except orjson.JSONDecodeError:
        raise unusable_answer("an event of the stream is not JSON", deployment) from None
    if isinstance(found, list) and len(found) == 1:
        found = found[0]
    if not isinstance(found, dict):
        raise unusable_answer("an event of the stream is not an object", deployment)
    refuse(found, deployment)
    return found


def refuse(body: Json, deployment: Deployment) -> None:
    """Raises ProviderError for an error that came with success."""
    found = body.get("error")
    if found:
        stated = answers.record(found)
        code = answers.count(stated.get("code")) or 0
        status = code if 400 <= code <= 599 else 500
        message = answers.text(stated.get("message")) or answers.text(found)
        raise error(status, {}, orjson.dumps({"error": {"message": message}}), deployment)


def _details(body: bytes) -> list[Json]:
    try:
        found = lenient.loads(body)
    except orjson.JSONDecodeError:
        return []
    for parsed in answers.objects(found)[:1]:
        return answers.objects(answers.record(parsed.get("error")).get("details"))
    return []


def _retry_after(details: list[Json]) -> dict[str, str]:
    """google.rpc.RetryInfo, whose delay is a duration such as "32.5s"."""
    for detail in details:
        delay = answers.text(detail.get("retryDelay")).removesuffix("s")
        if delay.replace(".", "", 1).isascii() and delay.replace(".", "", 1).isdigit():
            seconds = min(float(delay), LONGEST_DELAY_SECONDS)
            return {"retry-after": str(math.ceil(seconds))}
    return {}
