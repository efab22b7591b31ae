"""Shows watsonx who is calling: a token of IBM Cloud's IAM, or an installation's own key.

    token          as it is
    zen_api_key    of an installation on premises, as it is
    api_key        exchanged for a token

https://cloud.ibm.com/docs/account?topic=account-iamtoken_from_apikey
https://www.ibm.com/docs/en/software-hub/5.2.x?topic=apis-generating-api-auth-token
"""

from collections.abc import Mapping
from functools import partial

from extproc.clients.oauth import Endpoint, asked, refused, session
from extproc.clients.tokens import Tokens
from extproc.domain.departure import Departure

WHO = "watsonx"
IAM_URL = "https://iam.cloud.ibm.com/identity/token"
GRANT = "urn:ibm:params:oauth:grant-type:apikey"


class WatsonxSigner:
    def __init__(self, tokens: Tokens, environ: Mapping[str, str]) -> None:
        self._tokens = tokens
        self._environ = environ

    async def __call__(self, departure: Departure) -> Mapping[str, str]:
        secrets, key = departure.deployment.secrets, departure.deployment.api_key
        if token := secrets.get("token"):
            return {"authorization": f"Bearer {token}"}
        if zen := secrets.get("zen_api_key") or self._environ.get("WATSONX_ZENAPIKEY"):
            return {"authorization": f"ZenApiKey {zen}"}
        if not key:
            raise refused(WHO, "there is no api_key, and no token")
        ca_file = departure.deployment.upstream.ca_file
        url = self._environ.get("WATSONX_IAM_URL") or IAM_URL
        opened = partial(session, self._environ, ca_file)
        endpoint = Endpoint(WHO, url, opened, secrets=(key,))
        fetch = partial(asked, endpoint, {"grant_type": GRANT, "apikey": key})
        text = await self._tokens.get((WHO, key, ca_file), fetch)
        return {"authorization": f"Bearer {text}"}
