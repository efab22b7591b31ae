"""Shows AWS who is calling: a bearer token, or Signature Version 4 over the whole request.

Written out here, because botocore takes two to three times as long and reads the clock itself;
the tests let botocore verify it.
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
"""

import hmac
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import partial
from hashlib import sha256
from urllib.parse import quote

from extproc.clients import awskeys
from extproc.clients.awskeys import Keys, Source
from extproc.clients.tokens import Tokens
from extproc.domain.departure import Departure
from extproc.domain.deployment import Deployment

WHO = "AWS"
DEFAULT_REGION = "us-west-2"

ALGORITHM = "AWS4-HMAC-SHA256"
SIGNED_PREFIX = "x-amz-"
"""With host all that an AWS service wants signed; the others Envoy may still touch."""

SERVICES: Mapping[str, str] = {"sagemaker": "sagemaker", "sagemaker_chat": "sagemaker"}
BEDROCK = "bedrock"
_HOST_REGION = re.compile(r"\.([a-z]{2}(?:-[a-z]+)+-\d+)\.(?:amazonaws|api\.aws|vpce)")


class AwsSigner:
    def __init__(self, tokens: Tokens, environ: Mapping[str, str]) -> None:
        self._tokens = tokens
        self._environ = environ

    async def __call__(self, departure: Departure) -> Mapping[str, str]:
        """The headers to set. Raises ProviderError (401) or Unavailable."""
        deployment = departure.deployment
        service = SERVICES.get(deployment.schema, BEDROCK)
        if deployment.api_key and service == BEDROCK:
            return {"authorization": f"Bearer {deployment.api_key}"}
        region = region_of(deployment)
        keys = awskeys.fixed(deployment.secrets) or await self._keys(deployment, region)
        return signature(departure, keys, service, region, self._tokens.now())

    async def _keys(self, deployment: Deployment, region: str) -> Keys:
        named = (WHO, region, *sorted(deployment.secrets.items()))
        source = Source(deployment.secrets, region, self._environ)
        return await self._tokens.get(named, partial(awskeys.fetch, source))


def region_of(deployment: Deployment) -> str:
    """The region that the host names, which is the one that checks; else the configured."""
    found = _HOST_REGION.search(deployment.upstream.host)
    if found is not None:
        return found[1]
    return deployment.options.get("aws_region_name") or DEFAULT_REGION


def signature(
    departure: Departure, keys: Keys, service: str, region: str, now: float
) -> Mapping[str, str]:
    """The headers of a signed request: its authorization, its date and the session's token."""
    stamp = datetime.fromtimestamp(now, UTC).strftime("%Y%m%dT%H%M%SZ")
    made = {"x-amz-date": stamp}
    if keys.token:
        made["x-amz-security-token"] = keys.token
    own = {k: v for k, v in departure.headers.items() if k.startswith(SIGNED_PREFIX)}
    signed = {**own, **made, "host": departure.deployment.upstream.authority}
    names = ";".join(sorted(signed))
    scope = f"{stamp[:8]}/{region}/{service}/aws4_request"
    canonical = sha256(_canonical(departure, signed).encode()).hexdigest()
    text = f"{ALGORITHM}\n{stamp}\n{scope}\n{canonical}"
    key = f"AWS4{keys.secret_key}".encode()
    for part in (*scope.split("/"), text):
        key = hmac.digest(key, part.encode(), "sha256")
    shown = f"Credential={keys.access_key}/{scope}, SignedHeaders={names}, Signature={key.hex()}"
    return {**made, "authorization": f"{ALGORITHM} {shown}"}


def _canonical(departure: Departure, signed: Mapping[str, str]) -> str:
    """The request as both sides write it down; escapes are escaped once more (but for S3)."""
    path, _, query = departure.path.partition("?")
    pairs = sorted(pair.partition("=")[::2] for pair in query.split("&") if pair)
    return "\n".join(
        (
            departure.method,
            quote(path, safe="/~"),
            "&".join(f"{name}={value}" for name, value in pairs),
            *(f"{name}:{' '.join(signed[name].split())}" for name in sorted(signed)),
            "",
            ";".join(sorted(signed)),
            sha256(departure.body).hexdigest(),
        )
    )
