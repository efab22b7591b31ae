"""The schemes that need more than a deployment's key: tokens to fetch, requests to sign."""

import asyncio
from collections.abc import Callable, Mapping
from importlib import import_module

from extproc.clients.credentials import Scheme
from extproc.clients.tokens import Tokens
from extproc.domain.departure import Departure

SIGNERS: Mapping[str, tuple[str, str]] = {
    "aws": ("extproc.clients.aws", "AwsSigner"),
    "google": ("extproc.clients.google", "GoogleSigner"),
    "azure": ("extproc.clients.entra", "EntraSigner"),
    "watsonx": ("extproc.clients.ibm", "WatsonxSigner"),
    "databricks": ("extproc.clients.databricks", "DatabricksSigner"),
}
"""By the `auth` of the deployments that want them: a module, and its class of (Tokens, environ)."""


def schemes(environ: Mapping[str, str], now: Callable[[], float]) -> Mapping[str, Scheme]:
    """By name. Tokens are kept as long as this is."""
    tokens = Tokens(now)
    return {auth: Deferred(*place, tokens, environ) for auth, place in SIGNERS.items()}


class Deferred:
    """A scheme that is imported when a deployment first wants it.

    The clouds' libraries are a third of what a worker would load at its start, and few want them.
    """

    def __init__(self, module: str, name: str, tokens: Tokens, environ: Mapping[str, str]) -> None:
        self._place = module, name
        self._made_of = tokens, environ
        self._scheme: Scheme | None = None

    async def __call__(self, departure: Departure) -> Mapping[str, str]:
        if self._scheme is None:
            module, name = self._place
            made = getattr(await asyncio.to_thread(import_module, module), name)
            self._scheme = made(*self._made_of)
        return await self._scheme(departure)
