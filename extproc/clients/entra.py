"""Shows Azure who is calling: its key, or a token of Microsoft Entra.

    api_key                                    header api-key; on a model's own endpoint, bearer
    azure_ad_token                             as it is
    tenant_id + client_id + client_secret      client credentials
    azure_username + azure_password            password, with a client_id
    AZURE_FEDERATED_TOKEN_FILE                 client credentials, with a cluster's assertion
    none of them                               the machine's managed identity

https://learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow
https://learn.microsoft.com/entra/identity/managed-identities-azure-resources/how-to-use-vm-token
"""

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from urllib.parse import quote, urlencode

import requests

from extproc.clients.oauth import Endpoint, asked, refused, session
from extproc.clients.tokens import Token, Tokens
from extproc.domain.departure import Departure
from extproc.domain.deployment import Deployment

WHO = "Azure"
LOGIN_HOST = "https://login.microsoftonline.com"
SCOPE = "https://cognitiveservices.azure.com/.default"
IMDS = "http://169.254.169.254"
SECRET = ("client_secret", "password", "client_assertion")
PERSON = "azure_username, client_id and azure_password"
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
KEYED_HOSTS = (".services.ai.azure.com", ".openai.azure.com", ".cognitiveservices.azure.com")
HINT = " (there is no api_key, azure_ad_token, or tenant_id with client_id and client_secret)"

Opener = Callable[[], requests.Session]


class EntraSigner:
    def __init__(self, tokens: Tokens, environ: Mapping[str, str]) -> None:
        self._tokens = tokens
        self._environ = environ

    async def __call__(self, departure: Departure) -> Mapping[str, str]:
        deployment = departure.deployment
        if deployment.api_key:
            return _key(deployment, deployment.api_key)
        return {"authorization": f"Bearer {await self._token(deployment)}"}

    async def _token(self, deployment: Deployment) -> str:
        secrets, ca_file = deployment.secrets, deployment.upstream.ca_file
        if token := secrets.get("azure_ad_token"):
            if token.startswith("oidc/"):
                raise refused(WHO, "azure_ad_token: oidc/ is not known; name the token's file")
            return token
        fetch = partial(fetched, secrets, self._environ, partial(session, self._environ, ca_file))
        return await self._tokens.get((WHO, *sorted(secrets.items()), ca_file), fetch)


def _key(deployment: Deployment, key: str) -> Mapping[str, str]:
    """A model deployed to an endpoint of its own takes its key as a bearer token."""
    own = deployment.schema == "azure_ai" and not deployment.upstream.host.endswith(KEYED_HOSTS)
    return {"authorization": f"Bearer {key}"} if own else {"api-key": key}


def fetched(
    secrets: Mapping[str, str], environ: Mapping[str, str], opener: Opener, now: float
) -> Token[str]:
    """Blocking. Raises ProviderError (401) or Unavailable."""
    scope = secrets.get("azure_scope") or SCOPE
    grant = _grant(secrets, environ)
    if grant is None:
        client_id = secrets.get("client_id", "")
        return asked(_of_machine(client_id, scope, environ, opener), None, now)
    host = environ.get("AZURE_AUTHORITY_HOST") or LOGIN_HOST
    host = host if "://" in host else f"https://{host}"
    tenant = quote(secrets.get("tenant_id") or "organizations", safe="")
    url = f"{host.rstrip('/')}/{tenant}/oauth2/v2.0/token"
    sent = tuple(grant[name] for name in SECRET if name in grant)
    return asked(Endpoint(WHO, url, opener, secrets=sent), {**grant, "scope": scope}, now)


def _grant(secrets: Mapping[str, str], environ: Mapping[str, str]) -> dict[str, str] | None:
    """The grant that the deployment's secrets make; None where the machine must say."""
    client = {"client_id": secrets.get("client_id", "")}
    tenant, secret = secrets.get("tenant_id"), secrets.get("client_secret")
    username, password = secrets.get("azure_username"), secrets.get("azure_password")
    file = environ.get("AZURE_FEDERATED_TOKEN_FILE")
    known = {**client, "client_secret": secret} if secret else client
    if secret and tenant and client["client_id"]:
        return {**known, "grant_type": "client_credentials"}
    if username and password and client["client_id"]:
        return {**known, "grant_type": "password", "username": username, "password": password}
    if secret or password:
        need = "tenant_id, client_id and client_secret" if secret else PERSON
        raise refused(WHO, f"{need} are needed together")
    if not (file and tenant and client["client_id"]):
        return None
    assertion = {"client_assertion_type": ASSERTION_TYPE, "client_assertion": _read(file)}
    return {**client, **assertion, "grant_type": "client_credentials"}


def _read(path: str) -> str:
    try:
        return Path(path).read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        raise refused(WHO, "the file of AZURE_FEDERATED_TOKEN_FILE cannot be read") from None


def _of_machine(client_id: str, scope: str, environ: Mapping[str, str], opener: Opener) -> Endpoint:
    """A container's identity where its platform says so, else the virtual machine's."""
    query = {"resource": scope.removesuffix("/.default")}
    if client_id:
        query["client_id"] = client_id
    url, header = environ.get("IDENTITY_ENDPOINT"), environ.get("IDENTITY_HEADER")
    if url and header:
        version, shown = "2019-08-01", {"x-identity-header": header}
    else:
        host = environ.get("AZURE_POD_IDENTITY_AUTHORITY_HOST") or IMDS
        url = f"{host.rstrip('/')}/metadata/identity/oauth2/token"
        version, shown = "2018-02-01", {"metadata": "true"}
    asking = f"{url}?{urlencode({'api-version': version, **query})}"
    return Endpoint(WHO, asking, opener, shown, (header or "",), HINT)
