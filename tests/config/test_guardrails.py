from pathlib import Path

import pytest

from extproc.config import ConfigError, Loaded, load
from extproc.domain.snapshot import GuardrailRule


def load_text(tmp_path: Path, text: str) -> Loaded:
    (tmp_path / "config.yaml").write_text(text)
    return load(tmp_path / "config.yaml", {})


def test_keywords_come_from_a_list_or_from_a_file_beside_the_config(tmp_path: Path) -> None:
    (tmp_path / "words.txt").write_text(" hello \n\nhello\nworld\n")
    words = ('["hello", "world", "hello"]', "words.txt")
    for given in words:
        text = f"litellm_settings: {{callbacks: [banned_keywords], banned_keywords_list: {given}}}"
        [rule] = load_text(tmp_path, text).snapshot.rules.guardrails
        assert rule == GuardrailRule(
            "banned_keywords", "banned_keywords", {"banned_keywords_list": ("hello", "world")}
        )


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("callbacks: [banned_keywords]", "needs banned_keywords_list"),
        (
            "callbacks: [banned_keywords], banned_keywords_list: none.txt",
            "none.txt: cannot be read: No such file or directory",
        ),
        ("callbacks: [banned_keywords], banned_keywords_list: .", "cannot be read"),
        ("callbacks: [banned_keywords], banned_keywords_list: raw.txt", "not text in UTF-8"),
    ],
)
def test_keywords_that_cannot_be_read_stop_the_start(
    tmp_path: Path, text: str, reason: str
) -> None:
    (tmp_path / "raw.txt").write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigError, match=reason):
        load_text(tmp_path, f"litellm_settings: {{{text}}}")


@pytest.mark.parametrize(
    ("callback", "warning"),
    [
        ("prometheus", None),
        ("langfuse", "litellm_settings.callbacks: langfuse: recognised, has no effect yet"),
        ("my_hooks.proxy", "litellm_settings.callbacks: my_hooks.proxy: recognised, has no effect"),
        ("hide_secret", "hide_secret: unknown, ignored; did you mean hide_secrets?"),
    ],
)
def test_other_callbacks_are_named(tmp_path: Path, callback: str, warning: str | None) -> None:
    loaded = load_text(tmp_path, f"litellm_settings: {{callbacks: {callback}}}")
    assert loaded.snapshot.rules.guardrails == ()
    assert len(loaded.warnings) == (warning is not None)
    assert warning is None or warning in loaded.warnings[0]


def test_a_keyword_list_without_its_callback_is_said(tmp_path: Path) -> None:
    loaded = load_text(tmp_path, "litellm_settings: {banned_keywords_list: [a]}")
    assert loaded.warnings == (
        "litellm_settings.banned_keywords_list: has no effect without "
        'callbacks: ["banned_keywords"]',
    )


@pytest.mark.parametrize(
    ("mode", "runs"),
    [
        ("pre_call", True),
        ("[post_call, pre_call]", True),
        ("{tags: {a: post_call}, default: pre_call}", True),
        ("post_call", False),
        ("[during_call, logging_only]", False),
        ("{tags: {a: pre_call}, default: post_call}", False),
    ],
)
def test_only_what_runs_before_the_call_is_switched_on(
    tmp_path: Path, mode: str, runs: bool
) -> None:
    params = f"{{guardrail: hide-secrets, default_on: true, mode: {mode}}}"
    loaded = load_text(tmp_path, f"guardrails: [{{guardrail_name: a, litellm_params: {params}}}]")
    assert len(loaded.snapshot.rules.guardrails) == runs
    assert len(loaded.warnings) == (not runs)


def test_the_guardrails_list_switches_on_what_is_on_by_default(tmp_path: Path) -> None:
    text = """
guardrails:
  - guardrail_name: one
    litellm_params:
      {guardrail: banned_keywords, mode: pre_call, default_on: true, banned_keywords_list: [a]}
  - guardrail_name: two
    litellm_params: {guardrail: hide-secrets, mode: pre_call}
  - guardrail_name: fast
    litellm_params: {guardrail: hide-secrets, default_on: true, deadline_seconds: 1}
  - guardrail_name: three
    litellm_params: {guardrail: lakera_v2, mode: during_call, default_on: true}
"""
    loaded = load_text(tmp_path, text)
    assert loaded.snapshot.rules.guardrails == (
        GuardrailRule("one", "banned_keywords", {"banned_keywords_list": ("a",)}),
        GuardrailRule("fast", "hide_secrets", {"deadline_seconds": 1.0}),
    )
    assert len(loaded.warnings) == 2
    assert "guardrails[1]: two: guardrails that a request or a key" in loaded.warnings[0]
    assert "lakera_v2: recognised, has no effect yet" in loaded.warnings[1]
