"""The schemes that need more than a deployment's key: tokens to fetch, requests to sign."""

from collections.abc import Callable, Mapping

from extproc.clients.aws import AwsSigner
from extproc.clients.credentials import Scheme
from extproc.clients.databricks import DatabricksSigner
from extproc.clients.entra import EntraSigner
from extproc.clients.google import GoogleSigner
from extproc.clients.ibm import WatsonxSigner
from extproc.clients.tokens import Tokens


def schemes(environ: Mapping[str, str], now: Callable[[], float]) -> Mapping[str, Scheme]:
    """By the `auth` of the deployments that want them. Tokens are kept as long as this is."""
    tokens = Tokens(now)
    return {
        "aws": AwsSigner(environ, now),
        "google": GoogleSigner(tokens, environ),
        "azure": EntraSigner(tokens, environ),
        "watsonx": WatsonxSigner(tokens, environ),
        "databricks": DatabricksSigner(tokens, environ),
    }
