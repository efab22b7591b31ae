"""The stage that runs the configured guardrails, in their order."""

from collections.abc import Callable, Sequence

from extproc.domain.call import Call
from extproc.domain.snapshot import GuardrailRule
from extproc.policy.guardrails.base import Guardrail


class GuardInput:
    """Guardrails are built once for the rules in force, and again when the rules change."""

    def __init__(self, build: Callable[[Sequence[GuardrailRule]], Sequence[Guardrail]]) -> None:
        self._build = build
        self._rules: Sequence[GuardrailRule] = ()
        self._guardrails: Sequence[Guardrail] = ()

    def prepare(self, rules: Sequence[GuardrailRule]) -> None:
        """Build now, so that a rule nobody can obey stops the start and not a call."""
        if rules is not self._rules:
            self._guardrails = self._build(rules)
            self._rules = rules

    async def __call__(self, call: Call) -> Call:
        self.prepare(call.snapshot.rules.guardrails)
        for guardrail in self._guardrails:
            call = await guardrail.check(call)
        return call
