"""Who is calling: the credential is found, checked and turned into a Key."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from hmac import compare_digest

from extproc.domain.call import Call
from extproc.domain.key import MASTER_ALIAS, Key, digest, key_name
from extproc.domain.subprotocols import HEADER, key_in
from extproc.errors import AuthError, ExpiredKey, KeysUnavailable, UnknownKey
from extproc.policy import query
from extproc.stores.base import Keys, StoreUnavailable

CARRIERS = (
    "x-litellm-api-key",
    "authorization",
    "api-key",
    "x-api-key",
    "x-goog-api-key",
    "ocp-apim-subscription-key",
)
"""The headers a key may come in, the first that is there wins; a browser's WebSocket has none."""

SCHEMES = ("bearer ", "basic ")


def credential(headers: Mapping[str, str], own_header: str | None) -> str:
    """The secret that was sent. Raises AuthError when there is none, or none that can be read."""
    if own_header:
        value = headers.get(own_header.lower(), "")
        secret = without_scheme(value) or value
    else:
        carrier = next((name for name in CARRIERS if headers.get(name)), None)
        if carrier is None and (secret := key_in(headers.get(HEADER, ""))):
            return secret
        if carrier is None:
            raise AuthError("Authentication Error, No api key passed in.")
        value = headers[carrier]
        secret = without_scheme(value)
        if not secret and carrier == "authorization":
            raise AuthError(
                "Authentication Error, Malformed API Key passed in. "
                "Ensure Key has `Bearer ` prefix."
            )
        secret = secret or value
    if not secret.strip():
        raise AuthError("Authentication Error, No api key passed in.")
    return secret.strip()


GOOGLES = frozenset({"generate", "count_contents"})
"""Google's clients may put their key into the query."""


def _secret(call: Call) -> str:
    own_header = call.snapshot.rules.key_header
    if call.endpoint in GOOGLES and not own_header:
        asked = next(query.values(call.path, "key"), "").strip()
        if asked and not any(call.headers.get(name) for name in CARRIERS):
            return asked
    return credential(call.headers, own_header)


def without_scheme(value: str) -> str:
    lowered = value.lower()
    for scheme in SCHEMES:
        if lowered.startswith(scheme):
            return value[len(scheme) :]
    return ""


@dataclass(frozen=True, slots=True)
class Authenticate:
    """The stage. `keys` None means that there is no database: only the master key is known."""

    keys: Keys | None
    master_key_hash: str
    now: Callable[[], float]

    async def __call__(self, call: Call) -> Call:
        secret = _secret(call)
        key_hash = digest(secret)
        if compare_digest(key_hash, self.master_key_hash):
            return call.but(key=Key(self.master_key_hash, alias=MASTER_ALIAS, is_master=True))
        if not secret.startswith("sk-"):
            shown = f"{secret[:4]}****{secret[-4:]}" if len(secret) > 8 else "****"
            raise NotOurs(
                "Authentication Error, LiteLLM Virtual Key expected. "
                f"Received={shown}, expected to start with 'sk-'."
            )
        return call.but(key=await self._virtual_key(secret, key_hash))

    async def _virtual_key(self, secret: str, key_hash: str) -> Key:
        if self.keys is None:
            raise NoDatabase("No connected db.")
        try:
            key = await self.keys.find(key_hash)
        except StoreUnavailable:
            raise KeysUnavailable(
                "The key database is not reachable, and this key is not known here. Try again."
            ) from None
        if key is None:
            raise UnknownKey(
                "Authentication Error, Invalid proxy server token passed. Received API Key = "
                f"{key_name(secret)}, Key Hash (Token) ={key_hash}. Unable to find token in cache "
                "or `LiteLLM_VerificationTokenTable`"
            )
        check_usable(key, self.now())
        return key


class NotOurs(AuthError):
    """A credential that cannot be one of this gateway's keys."""


class NoDatabase(KeysUnavailable):
    """A virtual key was sent to a gateway that runs without a database."""

    status = 400


def check_usable(key: Key, now: float) -> None:
    """Raises for a key that is blocked or over its time."""
    if key.blocked:
        raise AuthError(
            "Authentication Error, Key is blocked. Update via `/key/unblock` if you're an admin."
        )
    if key.expires_at is not None and key.expires_at <= now:
        expiry = datetime.fromtimestamp(key.expires_at, UTC)
        current = datetime.fromtimestamp(now, UTC)
        raise ExpiredKey(
            f"Authentication Error - Expired Key. Key Expiry time {expiry} and current time "
            f"{current}",
            param=key.name,
        )
