"""What counts as a secret, what does not, and that no text makes the scan backtrack."""

import re
from pathlib import Path

import pytest

from extproc.policy.scan import redact

# Credentials are put together here, so that no tool takes this file for a leak.
JWT = "eyJhbGciOiJIUzI1NiJ9." + "eyJzdWIiOiIxMjM0In0." + "dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP"
GITHUB = "ghp_" + "a1B2" * 9
AWS = "AKIA" + "IOSFODNN7EXAMPLE"
AWS_SECRET = "wJalrXUtnFEMI/K7MDENG" + "/bPxRfiCYEXAMPLEKEY"
OPENAI = "sk-proj-" + "a1B2c3D4" * 5
HEX = "a3f5c9e17b2d4680" * 2
PRIVATE = "-----BEGIN RSA " + "PRIVATE KEY-----\nMIIEow\nabc=\n-----END RSA " + "PRIVATE KEY-----"

SECRETS = [
    ("API_KEY = 'sk_1234567890abcdef'", "API_KEY = '[REDACTED]'", "Secret Keyword"),
    ("openai_api_key=sk-1234998222", "openai_api_key=[REDACTED]", "Secret Keyword"),
    (
        "What is the value of my open ai key? openai_api_key=sk-1234998222",
        "What is the value of my open ai key? openai_api_key=[REDACTED]",
        "Secret Keyword",
    ),
    ("OpenAI_API_KEY=sk-1234777", "OpenAI_API_KEY=[REDACTED]", "Secret Keyword"),
    ("DB_PASSWORD=letmein", "DB_PASSWORD=[REDACTED]", "Secret Keyword"),
    ("a\nexport DB_PASSWORD=let.me(in\nb", "a\nexport DB_PASSWORD=[REDACTED]\nb", "Secret Keyword"),
    ("password: hunter22", "password: [REDACTED]", "Secret Keyword"),
    (
        "https://x.org/?api_key=abc123&q=1",
        "https://x.org/?api_key=[REDACTED]&q=1",
        "Secret Keyword",
    ),
    ('password = "it\'s s3cret"', 'password = "[REDACTED]"', "Secret Keyword"),
    (
        '{"password": "a1", "api_key": "b2"}',
        '{"password": "[REDACTED]", "api_key": "[REDACTED]"}',
        "Secret Keyword",
    ),
    (
        r'{"body": "{\"password\": \"abc123\"}"}',
        r'{"body": "{\"password\": \"[REDACTED]\"}"}',
        "Secret Keyword",
    ),
    ("postgres://bob:pw@db/x", "postgres://bob:[REDACTED]@db/x", "Basic Auth Credentials"),
    (f"use {GITHUB}.", "use [REDACTED].", "GitHub Token"),
    (f"use {OPENAI}.", "use [REDACTED].", "API Key"),
    (f"Bearer {JWT} sent", "Bearer [REDACTED] sent", "JSON Web Token"),
    (f"id {AWS}", "id [REDACTED]", "AWS Access Key"),
    (f"aws_token = '{AWS_SECRET}'", "aws_token = '[REDACTED]'", "AWS Access Key"),
    (f"digest '{HEX}'", "digest '[REDACTED]'", "Hex High Entropy String"),
    (f"x '{AWS_SECRET}q'", "x '[REDACTED]'", "Base64 High Entropy String"),
    (f"key:\n{PRIVATE}\nthanks", "key:\n[REDACTED]\nthanks", "Private Key"),
    (f"key:\n{PRIVATE[:50]}", "key:\n[REDACTED]", "Private Key"),
]
PROSE = """
The password of a good story is patience; its secret: attention to what people want. In 2024 the
api key changed hands, he said. "Forgot your password?" Passwords must have at least 8 characters,
and the secret key: practice. Use https://example.com/docs?page=2 or write to me@example.com at
12:30. The hash is SHA-256, the id 550e8400-e29b-41d4-a716-446655440000, the host 203.0.113.7.
"""
CODE = """
def login(user: str, password: str, api_key: str | None = None) -> "Session":
    secret = get_secret("name")
    api_key = api_key or os.environ["API_KEY"]
    if password == "" or not secret:
        raise ValueError("no password given")
    headers = {"Authorization": f"Bearer {api_key}", "x-api-key": api_key}
    token_url = config["auth"]["token_url"]
    return Session(user=user, password=password, secret_key=settings.secret_key, headers=headers)

api_key: "{{ vault.api_key }}"
password: ${DB_PASSWORD}
password = "********"
client_key = "<your key here>"
"""
HOSTILE = {
    "spaces": "password" + " " * 200_000,
    "spaced names": "key  " * 40_000,
    "names": "password" * 25_000,
    "assignments": "password=" * 22_000,
    "quotes": 'password="' * 20_000,
    "capitals": "SECRET" * 30_000,
    "tokens": "eyJ" * 60_000,
    "prefixes": "sk-a" * 50_000,
    "urls": "://a:" * 40_000,
    "slashes": "//a" * 60_000,
    "key heads": "-----BEGIN PRIVATE KEY----" * 8_000,
    "numbers": "xoxb-" + "1-" * 100_000,
}


@pytest.mark.parametrize(("text", "redacted", "kind"), SECRETS)
def test_secrets_are_redacted(text: str, redacted: str, kind: str) -> None:
    assert redact([text]) == ([redacted], [kind])


@pytest.mark.parametrize(("text", "redacted", "kind"), SECRETS)
def test_what_was_redacted_stays(text: str, redacted: str, kind: str) -> None:
    assert redact([redacted]) == ([redacted], [])


@pytest.mark.parametrize("text", [PROSE, CODE, Path(__file__).parent.joinpath("test_pool.py")])
def test_prose_and_code_pass_unchanged(text: str | Path) -> None:
    given = text.read_text() if isinstance(text, Path) else text
    assert redact([given]) == ([given], [])


def test_a_secret_is_redacted_in_every_text_where_it_stands() -> None:
    texts = ["api_key=sk-1234998222", "I said sk-1234998222!", "nothing"]
    assert redact(texts)[0] == ["api_key=[REDACTED]", "I said [REDACTED]!", "nothing"]


def test_a_short_or_common_value_is_redacted_only_where_it_is_given() -> None:
    texts = ['password = "password" or "ab1"', "db_pass = 'ab1'", "my password is ab1 or so"]
    assert redact(texts)[0] == [
        'password = "[REDACTED]" or "ab1"',
        "db_pass = '[REDACTED]'",
        "my password is ab1 or so",
    ]


def test_the_longer_of_two_secrets_is_redacted_first() -> None:
    texts = ["api_key=abc12345 api_key=abc12345678", "abc12345678"]
    assert redact(texts)[0] == ["api_key=[REDACTED] api_key=[REDACTED]", "[REDACTED]"]


def test_types_are_named_once_in_order() -> None:
    texts = [f"api_key=abc12345 {GITHUB}", "api_key=abc123456"]
    assert redact(texts)[1] == ["Secret Keyword", "GitHub Token"]


@pytest.mark.parametrize("offset", range(8_100, 8_300, 7))
def test_a_secret_across_windows_is_found_whole(offset: int) -> None:
    before, after = "x " * (offset // 2), " y" * 9_000
    assert redact([f"{before}{GITHUB}{after}"])[0] == [f"{before}[REDACTED]{after}"]


def test_a_comment_cannot_switch_the_scan_off() -> None:
    text = "api_key = 'abc12345'  # pragma: allowlist secret"
    assert redact([text])[0] == ["api_key = '[REDACTED]'  # pragma: allowlist secret"]


@pytest.mark.parametrize("name", HOSTILE)
def test_no_text_makes_the_scan_backtrack(name: str) -> None:
    # Without bounds most of these take hours: that it ends is the proof.
    redacted, _ = redact([HOSTILE[name]])
    assert len(redacted) == 1


def test_lone_surrogates_and_empty_texts_are_scanned() -> None:
    assert redact(["", "\ud800 api_key=abc12345"])[0] == ["", "\ud800 api_key=[REDACTED]"]
    assert not re.search("abc", redact(["\ud800 api_key=abc12345"])[0][0])
