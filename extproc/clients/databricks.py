"""Shows Databricks who is calling: a personal token, or one of a service principal.

https://docs.databricks.com/aws/en/dev-tools/auth/oauth-m2m
"""

from base64 import b64encode
from collections.abc import Mapping
from functools import partial

from extproc.clients.oauth import Endpoint, asked, refused, session
from extproc.clients.tokens import Tokens
from extproc.domain.departure import Departure

WHO = "Databricks"
PATH = "/oidc/v1/token"
FORM = {"grant_type": "client_credentials", "scope": "all-apis"}


class DatabricksSigner:
    """The workspace makes its tokens itself, at its own host and with its TLS."""

    def __init__(self, tokens: Tokens, environ: Mapping[str, str]) -> None:
        self._tokens = tokens
        self._environ = environ

    async def __call__(self, departure: Departure) -> Mapping[str, str]:
        deployment = departure.deployment
        if deployment.api_key:
            return {"authorization": f"Bearer {deployment.api_key}"}
        client, secret = (deployment.secrets.get(f"client_{name}") for name in ("id", "secret"))
        if not client or not secret:
            raise refused(WHO, "there is no api_key, and no client_id with a client_secret")
        host = deployment.upstream
        basic = b64encode(f"{client}:{secret}".encode()).decode()
        endpoint = Endpoint(
            WHO,
            f"{host.scheme}://{host.authority}{PATH}",
            partial(session, self._environ, host.ca_file, host.verify),
            {"authorization": f"Basic {basic}"},
            (secret, basic),
        )
        text = await self._tokens.get((WHO, host, client, secret), partial(asked, endpoint, FORM))
        return {"authorization": f"Bearer {text}"}
