"""The guardrails this gateway has, by kind, and how each is made of its configured rule."""

from collections.abc import Callable, Iterable, Mapping

from extproc.domain.snapshot import GuardrailRule
from extproc.policy.guardrails.banned_keywords import BannedKeywords
from extproc.policy.guardrails.base import Guardrail
from extproc.policy.guardrails.hide_secrets import HideSecrets
from extproc.policy.pool import HelperPool


class GuardrailError(ValueError):
    """A rule that no guardrail can be made of; the message is one line of advice."""


def build(rules: Iterable[GuardrailRule], pool: HelperPool) -> tuple[Guardrail, ...]:
    """One guardrail a rule, in order. Raises GuardrailError."""
    return tuple(_built(rule, pool) for rule in rules)


def _built(rule: GuardrailRule, pool: HelperPool) -> Guardrail:
    make = _KINDS.get(rule.kind.replace("-", "_"))
    if make is None:
        known = ", ".join(_KINDS)
        raise GuardrailError(f"guardrail {rule.name}: no kind {rule.kind!r}, only {known}")
    return make(rule, pool)


def _hide_secrets(rule: GuardrailRule, pool: HelperPool) -> Guardrail:
    return HideSecrets(
        rule.name,
        pool,
        max_characters=int(_number(rule, "max_characters", 1_000_000)),
        deadline_seconds=_number(rule, "deadline_seconds", 5.0),
    )


def _number(rule: GuardrailRule, option: str, default: float) -> float:
    value = rule.options.get(option, default)
    if isinstance(value, bool) or not isinstance(value, int | float) or value <= 0:
        raise GuardrailError(f"guardrail {rule.name}: {option} must be a number above 0")
    return value


def _banned_keywords(rule: GuardrailRule, pool: HelperPool) -> Guardrail:
    words = rule.options.get("banned_keywords_list")
    if not isinstance(words, list | tuple) or not all(isinstance(word, str) for word in words):
        raise GuardrailError(f"guardrail {rule.name}: banned_keywords_list must be a list of words")
    lowered = (word.strip().lower() for word in words)
    return BannedKeywords(rule.name, tuple(word for word in lowered if word))


_KINDS: Mapping[str, Callable[[GuardrailRule, HelperPool], Guardrail]] = {
    "hide_secrets": _hide_secrets,
    "banned_keywords": _banned_keywords,
}
