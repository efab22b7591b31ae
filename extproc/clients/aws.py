"""Shows AWS who is calling: a bearer token, or Signature Version 4 over the whole request.

Written out here, because botocore takes two to three times as long and reads the clock itself;
the tests let botocore verify it.
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
"""

import asyncio
import hmac
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from hashlib import sha256
from urllib.parse import quote

from extproc.clients import awskeys
from extproc.clients.awskeys import Keys, Source
from extproc.domain.departure import Departure
from extproc.domain.deployment import Deployment
from extproc.errors import GatewayError, Unavailable

FETCH_SECONDS = 20.0
MOST_KEPT = 1000
DEFAULT_REGION = "us-west-2"

ALGORITHM = "AWS4-HMAC-SHA256"
SIGNED_PREFIX = "x-amz-"
"""With host all that an AWS service wants signed; the others Envoy may still touch."""

SERVICES: Mapping[str, str] = {"sagemaker": "sagemaker", "sagemaker_chat": "sagemaker"}
BEDROCK = "bedrock"
_HOST_REGION = re.compile(r"\.([a-z]{2}(?:-[a-z]+)+-\d+)\.(?:amazonaws|api\.aws|vpce)")

Fetch = Callable[[Source, float], Keys]


class AwsSigner:
    """Keeps credentials as long as they are fresh; each is fetched by one request at a time."""

    def __init__(
        self,
        environ: Mapping[str, str],
        now: Callable[[], float],
        fetch: Fetch = awskeys.fetch,
    ) -> None:
        self._environ = environ
        self._now = now
        self._fetch = fetch
        self._kept: dict[tuple[tuple[str, str], ...], _Kept] = {}

    async def __call__(self, departure: Departure) -> Mapping[str, str]:
        """The headers to set. Raises ProviderError (401) or Unavailable."""
        deployment = departure.deployment
        service = SERVICES.get(deployment.schema, BEDROCK)
        if deployment.api_key and service == BEDROCK:
            return {"authorization": f"Bearer {deployment.api_key}"}
        region = region_of(deployment)
        keys = awskeys.fixed(deployment.secrets) or await self._keys(deployment, region)
        return signature(departure, keys, service, region, self._now())

    async def _keys(self, deployment: Deployment, region: str) -> Keys:
        named = tuple(sorted({**deployment.secrets, "region": region}.items()))
        kept = self._kept.setdefault(named, _Kept())
        if len(self._kept) > MOST_KEPT:
            del self._kept[next(iter(self._kept))]
        if kept.is_fresh(self._now()) or (kept.lock.locked() and kept.is_usable(self._now())):
            return kept.keys
        async with kept.lock:
            if not kept.is_fresh(self._now()):
                await self._refresh(kept, Source(deployment.secrets, region, self._environ))
            return kept.keys

    async def _refresh(self, kept: "_Kept", source: Source) -> None:
        try:
            async with asyncio.timeout(FETCH_SECONDS):
                kept.keys = await asyncio.to_thread(self._fetch, source, self._now())
        except TimeoutError:
            if not kept.is_usable(self._now()):
                message = f"AWS credentials: no answer within {FETCH_SECONDS:g} seconds"
                raise Unavailable(message) from None
        except GatewayError:
            if not kept.is_usable(self._now()):
                raise


class _Kept:
    """The credentials of one source: at first none that could be used."""

    def __init__(self) -> None:
        self.keys = Keys("", "", None, 0.0, 0.0)
        self.lock = asyncio.Lock()

    def is_fresh(self, now: float) -> bool:
        return now < self.keys.fresh_until

    def is_usable(self, now: float) -> bool:
        return now < self.keys.usable_until


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
