"""Asks a token endpoint: one OAuth grant, or a machine's own credentials.

Blocking, for threads. Messages quote endpoints, never what was sent to them.
"""

import re
import ssl
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import orjson
import requests
from requests.adapters import HTTPAdapter

from extproc.clients.tokens import Token
from extproc.errors import GatewayError, ProviderError, Unavailable

CALL_SECONDS = 5.0
USUAL_SECONDS = 300.0
"""How long a token of unknown end is used."""
MOST_BYTES = 1_000_000
MOST_TOLD = 300

_OPAQUE = re.compile(r"[\w./+=~-]{40,}")
"""What may be a key, an assertion or a token that the endpoint repeats."""
_TELLING = ("error", "error_description", "errorCode", "errorMessage")
_REASONS: tuple[tuple[type[requests.RequestException], str], ...] = (
    (requests.Timeout, "gives no answer"),
    (requests.exceptions.SSLError, "shows a certificate that is not trusted"),
    (requests.TooManyRedirects, "leads elsewhere"),
    (requests.ConnectionError, "cannot be reached"),
)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where tokens are made, for whom, and what to say when none comes."""

    who: str
    url: str
    session: Callable[[], requests.Session]
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    secrets: tuple[str, ...] = field(default=(), repr=False)
    """What is sent there, and must not be quoted when it comes back."""
    hint: str = ""
    """Said with a failure: what else the operator could have given."""
    patience_seconds: float = CALL_SECONDS
    """For a connection, and between two pieces of the answer."""

    @property
    def host(self) -> str:
        return urlsplit(self.url).netloc.rpartition("@")[2]

    def away(self, why: str) -> GatewayError:
        return away(self.who, f"{self.host} {why}{self.hint}")

    def refused(self, why: str) -> GatewayError:
        return refused(self.who, f"{self.host} {why}{self.hint}")


def asked(endpoint: Endpoint, form: Mapping[str, str] | None, now: float) -> Token[str]:
    """POST of an OAuth grant, GET without one. Raises ProviderError (401) or Unavailable."""
    status, content = _answer(endpoint, form)
    if status != 200:
        told = scrubbed(_told(content), endpoint.secrets)
        why = f"answered {status}: {told}" if told else f"answered {status}"
        raise endpoint.away(why) if status >= 500 or status == 429 else endpoint.refused(why)
    token = _token(content, now)
    if token is None:
        raise endpoint.away("answered without a token")
    return token


def _answer(endpoint: Endpoint, form: Mapping[str, str] | None) -> tuple[int, bytes]:
    method = "GET" if form is None else "POST"
    headers = {"accept": "application/json", **endpoint.headers}
    try:
        with (
            endpoint.session() as session,
            session.request(
                method,
                endpoint.url,
                data=form,
                headers=headers,
                timeout=endpoint.patience_seconds,
                stream=True,
            ) as response,
        ):
            content = b""
            for piece in response.iter_content(65_536):
                content += piece
                if len(content) > MOST_BYTES:
                    break
            return response.status_code, content
    except OSError as error:
        raise endpoint.away(reason(error)) from None


def _told(content: bytes) -> str:
    """What an error says of itself: OAuth's members, or IBM's."""
    try:
        answer = orjson.loads(content)
    except ValueError:
        return ""
    told = answer if isinstance(answer, dict) else {}
    return ": ".join(told[name] for name in _TELLING if isinstance(told.get(name), str))


def _token(content: bytes, now: float) -> Token[str] | None:
    try:
        answer = orjson.loads(content)
        text, seconds = answer["access_token"], int(answer.get("expires_in", USUAL_SECONDS))
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError):
        return None
    return Token(text, now + seconds) if is_token(text) else None


def session(
    environ: Mapping[str, str], ca_file: str | None, verify: bool = True
) -> requests.Session:
    """As Envoy goes out: by SSL_CERT_FILE, HTTPS_PROXY and the deployment's own CA file.

    An endpoint off the deployment's host may show what either trusts. Nothing is sent on to where
    an endpoint redirects.
    """
    made = requests.Session()
    made.trust_env = False
    made.max_redirects = 0
    made.verify = (environ.get("SSL_CERT_FILE") or True) if verify else False
    if proxy := environ.get("HTTPS_PROXY") or environ.get("https_proxy"):
        made.proxies = {"https": proxy}
    if ca_file and verify:
        made.mount("https://", _Trusting(ca_file))
    return made


class _Trusting(HTTPAdapter):
    """Trusts one CA file more."""

    def __init__(self, ca_file: str) -> None:
        self._ca_file = ca_file
        super().__init__()

    def init_poolmanager(self, *args: Any, **more: Any) -> None:
        super().init_poolmanager(*args, ssl_context=self._context(), **more)

    def proxy_manager_for(self, *args: Any, **more: Any) -> Any:
        return super().proxy_manager_for(*args, ssl_context=self._context(), **more)

    def _context(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=self._ca_file)


def is_token(text: object) -> bool:
    """Whether a header may hold it."""
    return isinstance(text, str) and text != "" and text.isascii() and text.isprintable()


def refused(who: str, why: str) -> GatewayError:
    message = f"litellm.AuthenticationError: AuthenticationError: {who} credentials - {why}"
    return ProviderError(message, 401, "authentication_error")


def away(who: str, why: str) -> GatewayError:
    return Unavailable(f"{who} credentials cannot be had now: {why}")


def reason(error: Exception) -> str:
    """Why nothing came back, in words that hold nothing of what was sent."""
    usual = f"cannot be asked ({type(error).__name__})"
    return next((why for kind, why in _REASONS if isinstance(error, kind)), usual)


def scrubbed(text: str, secrets: Iterable[str]) -> str:
    """What an endpoint says, on one line, without these and without what looks like them."""
    for secret in filter(None, secrets):
        text = text.replace(secret, "***")
    return _OPAQUE.sub("***", " ".join(text.split()))[:MOST_TOLD]
