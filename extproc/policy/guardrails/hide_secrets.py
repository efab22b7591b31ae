"""`hide_secrets`: credentials in a request become `[REDACTED]` before it leaves; never blocks.

What cannot be scanned whole and in time is refused, not passed on. A key whose permissions hold
`hide_secrets: false` is left alone.
"""

import logging
from dataclasses import dataclass

from extproc.domain.call import Call
from extproc.errors import GuardrailFailed, GuardrailRefused
from extproc.policy.guardrails.base import applied
from extproc.policy.pool import HelperPool, PoolUnavailable
from extproc.providers.texts import texts, with_texts

WARM = "extproc.policy.scan:warm"
"""For HelperPool.warm."""

_REDACT = "extproc.policy.scan:redact"
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class HideSecrets:
    name: str
    pool: HelperPool
    max_characters: int = 1_000_000
    """Of all text parts together."""
    deadline_seconds: float = 5.0

    async def check(self, call: Call) -> Call:
        if call.key is not None and call.key.permissions.get("hide_secrets") is False:
            return call
        found = texts(call.endpoint, call.body)
        characters = sum(map(len, found))
        if characters > self.max_characters:
            raise GuardrailRefused(
                f"The text of this request is too long to be checked for secrets: {characters} "
                f"characters. Limit is {self.max_characters}. Guardrail={self.name}"
            )
        redacted, types = await self._redact(found) if characters else (found, [])
        call = applied(call, self.name)
        if not types:
            return call
        _log.warning("Detected and redacted secrets in message: %s", types)
        return call.but(body=with_texts(call.endpoint, call.body, redacted), body_changed=True)

    async def _redact(self, found: list[str]) -> tuple[list[str], list[str]]:
        try:
            redacted, types = await self.pool.call(
                _REDACT, found, deadline_seconds=self.deadline_seconds
            )
        except PoolUnavailable as error:
            raise GuardrailFailed(
                f"This request could not be checked for secrets: {error}. Guardrail={self.name}"
            ) from None
        return redacted, types
