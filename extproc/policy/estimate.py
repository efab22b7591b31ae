"""An estimate of what an attempt used, where its provider did not say."""

from extproc.domain.call import Call
from extproc.domain.usage import Usage
from extproc.policy.pool import HelperPool
from extproc.policy.tokens import count_tokens, estimate_prompt


class TokenEstimator:
    """Counts in the helper pool; never fails (policy/tokens.py)."""

    def __init__(self, pool: HelperPool) -> None:
        self._pool = pool

    async def usage(self, call: Call, model: str, text: str) -> Usage:
        prompt = await estimate_prompt(self._pool, model, call.endpoint, call.body)
        produced = await count_tokens(self._pool, model, text)
        return Usage(input=prompt, output=produced)
