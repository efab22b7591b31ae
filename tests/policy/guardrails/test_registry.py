"""Guardrails are made of configured rules, or the rule is refused."""

from collections.abc import Mapping

import pytest

from extproc.domain.snapshot import GuardrailRule
from extproc.policy.guardrails.banned_keywords import BannedKeywords
from extproc.policy.guardrails.hide_secrets import HideSecrets
from extproc.policy.guardrails.registry import GuardrailError, build
from extproc.policy.pool import HelperPool


def test_rules_become_guardrails_in_their_order() -> None:
    pool = HelperPool()
    rules = (
        GuardrailRule("words", "banned_keywords", {"banned_keywords_list": ("Hello ", "", "BYE")}),
        GuardrailRule("secrets", "hide-secrets", {"max_characters": 10, "deadline_seconds": 1.5}),
        GuardrailRule("hide_secrets", "hide_secrets"),
    )
    assert build(rules, pool) == (
        BannedKeywords("words", ("hello", "bye")),
        HideSecrets("secrets", pool, 10, 1.5),
        HideSecrets("hide_secrets", pool, 1_000_000, 5.0),
    )


@pytest.mark.parametrize(
    ("kind", "options", "advice"),
    [
        ("no_such", {}, "no kind 'no_such', only hide_secrets, banned_keywords"),
        ("banned_keywords", {}, "banned_keywords_list must be a list of words"),
        (
            "banned_keywords",
            {"banned_keywords_list": "hello"},
            "banned_keywords_list must be a list of words",
        ),
        (
            "banned_keywords",
            {"banned_keywords_list": [1]},
            "banned_keywords_list must be a list of words",
        ),
        ("hide_secrets", {"max_characters": "x"}, "max_characters must be a number above 0"),
        ("hide_secrets", {"deadline_seconds": 0}, "deadline_seconds must be a number above 0"),
    ],
)
def test_a_rule_that_cannot_be_used_is_refused(
    kind: str, options: Mapping[str, object], advice: str
) -> None:
    with pytest.raises(GuardrailError, match=f"guardrail mine: {advice}"):
        build([GuardrailRule("mine", kind, options)], HelperPool())
