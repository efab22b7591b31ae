"""`banned_keywords`: a request that holds one of the operator's words in any case is refused."""

from dataclasses import dataclass

from extproc.domain.call import Call
from extproc.errors import GuardrailRefused
from extproc.policy.guardrails.base import applied
from extproc.providers.texts import texts


@dataclass(frozen=True, slots=True)
class BannedKeywords:
    name: str
    keywords: tuple[str, ...]
    """In lower case, none empty; found within words too."""

    async def check(self, call: Call) -> Call:
        for text in texts(call.endpoint, call.body):
            lowered = text.lower()
            for keyword in self.keywords:
                if keyword in lowered:
                    message = f"Keyword banned. Keyword={keyword}"
                    raise GuardrailRefused(
                        message, extra={"provider_specific_fields": {"error": message}}
                    )
        return applied(call, self.name)
