"""Every translator, in one table: (endpoint, the provider's schema) -> Translator."""

from extproc.domain.call import Endpoint
from extproc.errors import InvalidRequest
from extproc.providers import openai
from extproc.providers.base import Translator, TranslatorTable

TRANSLATORS: TranslatorTable = {
    ("chat", "openai"): openai.CHAT,
    ("completions", "openai"): openai.COMPLETIONS,
    ("embeddings", "openai"): openai.EMBEDDINGS,
}


def find(endpoint: Endpoint, schema: str) -> Translator:
    try:
        return TRANSLATORS[endpoint, schema]
    except KeyError:
        raise InvalidRequest(f"{schema!r} deployments do not serve {endpoint!r}.") from None
