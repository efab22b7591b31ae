"""Shows Google who is calling: an access token of a service account, a person or the machine.

    vertex_credentials    JSON, or the path of a file: service account, user, workload identity
    none of them          gcloud's file of the person logged in, else the metadata server

https://cloud.google.com/docs/authentication/application-default-credentials
"""

from collections.abc import Callable, Mapping
from datetime import UTC
from functools import partial
from pathlib import Path
from typing import Any

import orjson
import requests
from google.auth import aws, external_account_authorized_user, identity_pool, pluggable
from google.auth.exceptions import GoogleAuthError, TransportError
from google.auth.impersonated_credentials import Credentials as Impersonated
from google.auth.transport.requests import Request
from google.oauth2.service_account import Credentials as ServiceAccount

from extproc.clients.oauth import (
    CALL_SECONDS,
    USUAL_SECONDS,
    Endpoint,
    asked,
    away,
    is_token,
    reason,
    refused,
    scrubbed,
    session,
)
from extproc.clients.tokens import Token, Tokens
from extproc.domain.departure import Departure
from extproc.errors import GatewayError

WHO = "Google"
SCOPE = "https://www.googleapis.com/auth/cloud-platform"
TOKEN_URL = "https://oauth2.googleapis.com/token"
METADATA_HOST = "metadata.google.internal"
METADATA_PATH = "/computeMetadata/v1/instance/service-accounts/default/token"
AWS_TOKEN = "urn:ietf:params:aws:token-type:aws4_request"
HINT = " (there are no vertex_credentials)"
SECRET = ("private_key", "refresh_token", "client_secret")

Info = Mapping[str, Any]
UNREADABLE = (GoogleAuthError, OSError, ValueError, TypeError, KeyError, AttributeError)

Opener = Callable[[], requests.Session]


class GoogleSigner:
    def __init__(self, tokens: Tokens, environ: Mapping[str, str]) -> None:
        self._tokens = tokens
        self._environ = environ

    async def __call__(self, departure: Departure) -> Mapping[str, str]:
        deployment = departure.deployment
        given = deployment.secrets.get("vertex_credentials", "")
        ca_file = deployment.upstream.ca_file
        fetch = partial(fetched, given, self._environ, partial(session, self._environ, ca_file))
        text = await self._tokens.get((WHO, given, ca_file), fetch)
        return {"authorization": f"Bearer {text}"}


def fetched(given: str, environ: Mapping[str, str], opener: Opener, now: float) -> Token[str]:
    """Blocking. Raises ProviderError (401) or Unavailable."""
    info = _info(given, environ)
    if info is None:
        host = environ.get("GCE_METADATA_HOST") or METADATA_HOST
        flavor = {"metadata-flavor": "Google"}
        return asked(
            Endpoint(WHO, f"http://{host}{METADATA_PATH}", opener, flavor, hint=HINT), None, now
        )
    if info.get("type") == "authorized_user":
        return asked(*_of_user(info, opener), now)
    return _made(info, opener, now)


def _info(given: str, environ: Mapping[str, str]) -> Info | None:
    """The credential as Google writes it down; None where the machine must say."""
    if given.lstrip().startswith("{"):
        return _parsed(given, "vertex_credentials")
    if given:
        return _parsed(_read(Path(given)), "the file of vertex_credentials")
    folder = environ.get("CLOUDSDK_CONFIG") or f"{environ.get('HOME', '')}/.config/gcloud"
    file = Path(folder, "application_default_credentials.json")
    return _parsed(_read(file), "gcloud's file") if file.is_file() else None


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except (OSError, ValueError):
        raise refused(WHO, "the file of vertex_credentials cannot be read") from None


def _parsed(text: str | bytes, name: str) -> Info:
    try:
        info = orjson.loads(text)
    except ValueError:
        raise refused(WHO, f"{name}: this is not JSON") from None
    if not isinstance(info, dict):
        raise refused(WHO, f"{name}: this is not a JSON object")
    return info


def _of_user(info: Info, opener: Opener) -> tuple[Endpoint, Mapping[str, str]]:
    form = {name: info.get(name) for name in ("client_id", "client_secret", "refresh_token")}
    missing = [name for name, value in form.items() if not isinstance(value, str)]
    if missing:
        raise refused(WHO, f"the user's credentials lack {', '.join(missing)}")
    url = str(info.get("token_uri") or TOKEN_URL)
    sent = {name: str(value) for name, value in form.items()}
    endpoint = Endpoint(WHO, url, opener, secrets=_secrets(info))
    return endpoint, {"grant_type": "refresh_token", **sent}


def _service_account(info: Info) -> Any:
    return ServiceAccount.from_service_account_info(info, scopes=[SCOPE])


def _external(info: Info) -> Any:
    source = info.get("credential_source")
    if info.get("subject_token_type") == AWS_TOKEN:
        return aws.Credentials.from_info(info, scopes=[SCOPE])
    if isinstance(source, dict) and "executable" in source:
        return pluggable.Credentials.from_info(info, scopes=[SCOPE])
    return identity_pool.Credentials.from_info(info, scopes=[SCOPE])


def _impersonated(info: Info) -> Any:
    return Impersonated.from_impersonated_service_account_info(info, scopes=[SCOPE])


KINDS: Mapping[str, Callable[[Info], Any]] = {
    "service_account": _service_account,
    "external_account": _external,
    "external_account_authorized_user": external_account_authorized_user.Credentials.from_info,
    "impersonated_service_account": _impersonated,
}


def _made(info: Info, opener: Opener, now: float) -> Token[str]:
    """By google-auth, which signs assertions and knows the other clouds' tokens."""
    kind = info.get("type")
    make = KINDS.get(kind) if isinstance(kind, str) else None
    if make is None:
        known = ", ".join(("authorized_user", *KINDS))
        raise refused(WHO, f"the type of vertex_credentials is none of {known}")
    try:
        made = make(info)
    except UNREADABLE as error:
        raise refused(WHO, f"{kind}: {scrubbed(str(error), _secrets(info))}") from None
    try:
        with opener() as session:
            made.refresh(partial(Request(session), timeout=CALL_SECONDS))
    except GoogleAuthError as error:
        raise _failed(f"{kind}: ", error, info) from None
    except UNREADABLE as error:
        raise away(WHO, f"{kind}: {type(error).__name__}, and no token") from None
    if not is_token(made.token):
        raise away(WHO, f"{kind}: an answer without a token")
    end = made.expiry.replace(tzinfo=UTC).timestamp() if made.expiry else now + USUAL_SECONDS
    return Token(made.token, end)


def _failed(kind: str, error: GoogleAuthError, info: Info) -> GatewayError:
    cause = error.args[0] if error.args else error
    if isinstance(cause, OSError):
        return away(WHO, f"{kind}the token endpoint {reason(cause)}")
    why = kind + scrubbed(str(cause), _secrets(info))
    lasting = not (error.retryable or isinstance(error, TransportError))
    return refused(WHO, why) if lasting else away(WHO, why)


def _secrets(info: Info) -> tuple[str, ...]:
    values = (info.get(name) for name in SECRET)
    return tuple(value for value in values if isinstance(value, str) and value)
