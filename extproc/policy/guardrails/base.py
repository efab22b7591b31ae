"""What every guardrail is: a name, and a check that passes a call on, rewrites it or refuses it."""

from typing import Protocol

from extproc.domain.call import Call


class Guardrail(Protocol):
    """One configured guardrail; `name` is the operator's."""

    @property
    def name(self) -> str: ...

    async def check(self, call: Call) -> Call:
        """The call, marked with the name if the guardrail ran, with a new body if it rewrote one.

        Raises GuardrailRefused for what the operator forbids, GuardrailFailed without a verdict.
        """
        ...


def applied(call: Call, name: str) -> Call:
    """`call`, marked: this guardrail ran."""
    return call.but(applied_guardrails=(*call.applied_guardrails, name))
