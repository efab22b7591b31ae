"""Finds credentials in text and writes `[REDACTED]` over them; runs in a helper process only.

Three kinds of rule, all regular expressions: tokens of known form (detect-secrets' detectors and a
few newer ones), quoted strings of high entropy, and values given to names like `api_key` or
`password`. detect-secrets' own scan reads files a line at a time, verifies finds over the network
and honours comments that ask it to look away: only its rules are taken. Text is scanned in
overlapping windows, so that no expression meets more than a window at once.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from detect_secrets.core.plugins.util import get_mapping_from_secret_type_to_class
from detect_secrets.filters import heuristic
from detect_secrets.plugins.high_entropy_strings import (
    Base64HighEntropyString,
    HexHighEntropyString,
)
from detect_secrets.plugins.jwt import JwtTokenDetector
from detect_secrets.plugins.keyword import DENYLIST

REDACTED = "[REDACTED]"

_WINDOW, _OVERLAP = 8192, 4096
_BASE64_LIMIT, _HEX_LIMIT = 4.5, 3.0
_SECRET_LENGTH = 8
"""A find at least this long, with a digit in it, is redacted wherever else it stands."""

Span = tuple[int, int, str]
"""Start, end, type of secret."""


@dataclass(frozen=True, slots=True)
class _Rule:
    type: str
    regex: re.Pattern[str]
    accept: Callable[[str], bool]
    whole: bool = False
    """Whether the groups only tell variants apart; else the secret is the last one that matched."""
    needs: tuple[str, ...] = ()
    """Words in lower case; without one of them the expression cannot match: a cheap first look."""

    def spans(self, text: str, lowered: str) -> Iterator[Span]:
        if self.needs and not any(word in lowered for word in self.needs):
            return
        for match in self.regex.finditer(text):
            group = 0 if self.whole else match.lastindex or 0
            if self.accept(match[group]):
                yield (*match.span(group), self.type)


def redact(texts: Sequence[str]) -> tuple[list[str], list[str]]:
    """The texts without their secrets, and the types of secret found, in order of appearance."""
    found = [_merged(_spans(text)) for text in texts]
    types = list(dict.fromkeys(kind for spans in found for _, _, kind in spans))
    values = {
        text[start:end]
        for text, spans in zip(texts, found, strict=True)
        for start, end, _ in spans
        if end - start >= _SECRET_LENGTH
    }
    elsewhere = sorted((v for v in values if re.search(r"\d", v)), key=len, reverse=True)
    redacted = []
    for text, spans in zip(texts, found, strict=True):
        text = _overwritten(text, spans)
        for value in elsewhere:
            text = text.replace(value, REDACTED)
        redacted.append(text)
    return redacted, types


def warm() -> None:
    """Load the rules."""
    redact(["warm"])


def _spans(text: str) -> Iterator[Span]:
    yield from _private_keys(text)
    for offset in range(0, max(1, len(text) - _OVERLAP), _WINDOW - _OVERLAP):
        window = text[offset : offset + _WINDOW]
        lowered = window.lower()
        for rule in _rules():
            for start, end, kind in rule.spans(window, lowered):
                yield start + offset, end + offset, kind


def _merged(spans: Iterator[Span]) -> list[Span]:
    """Without overlap, in order: of overlapping finds the union, named for the first."""
    merged: list[Span] = []
    for start, end, kind in sorted(spans, key=lambda span: (span[0], -span[1])):
        if merged and start < merged[-1][1]:
            first, last, first_kind = merged[-1]
            merged[-1] = (first, max(last, end), first_kind)
        else:
            merged.append((start, end, kind))
    return merged


def _overwritten(text: str, spans: Sequence[Span]) -> str:
    pieces, position = [], 0
    for start, end, _ in spans:
        pieces += [text[position:start], REDACTED]
        position = end
    return "".join([*pieces, text[position:]])


_KEY_HEAD = re.compile(r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----")
_KEY_TAIL = re.compile(r"-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----")


def _private_keys(text: str) -> Iterator[Span]:
    """Whole keys, also without their end: a detector of the first line would leave the rest."""
    head = _KEY_HEAD.search(text)
    while head:
        tail = _KEY_TAIL.search(text, head.end())
        end = tail.end() if tail else len(text)
        yield head.start(), end, "Private Key"
        head = _KEY_HEAD.search(text, end)


# A name that holds one of detect-secrets' words, as code, JSON (escaped or not), YAML or a query
# writes it. A value without quotes must hold a digit and not be a call or a URL: the next word of a
# sentence is no secret. Repetitions are bounded, so that hostile text costs little more than other.
_WORDS = "|".join(DENYLIST)
_ASSIGNED = re.compile(
    rf"(?i:{_WORDS})\w{{0,40}}(?:\\{{0,3}}[\"'`])?\]?[ \t]{{0,8}}"
    r"(?:(?::=|=>|={1,3}|!==?|:)[ \t\r\n]{0,8}[@rbfu]?(\\{0,3}[\"'`])(?=\w)([^\r\n]{1,512}?)\1"
    r"|(?::=|=|:)[ \t]{0,4}(?!\w{1,9}://)(?=[^\s\d]{0,200}\d)"
    r"([^\s\"'`\\,;&()\[\]{}<>$*]{6,200})(?=[\s\"'`\\,;&)\]}]|$))"
)
_ENV = re.compile(
    rf"(?m)^[ \t]*(?:export[ \t]+)?[A-Z0-9_]{{0,60}}(?:{_WORDS.upper()})[A-Z0-9_]{{0,60}}"
    r"=([^\s\"'`$<{\[]\S{3,512})$"
)

_KNOWN = (
    ("API Key", r"\bsk-[A-Za-z0-9_-]{20,400}(?![A-Za-z0-9_-])"),
    ("Google API Key", r"\bAIza[A-Za-z0-9_-]{35}"),
    ("GitHub Token", r"\bgithub_pat_[A-Za-z0-9_]{22,255}"),
    ("Groq API Key", r"\bgsk_[A-Za-z0-9]{40,64}"),
    ("Hugging Face Token", r"\bhf_[A-Za-z0-9]{30,64}"),
    (
        "JSON Web Token",
        r"(?<![A-Za-z0-9_-])eyJ[A-Za-z0-9_=-]+\.[A-Za-z0-9_=-]+(?:\.[A-Za-z0-9_.+/=-]*)?",
    ),
    ("xAI API Key", r"\bxai-[A-Za-z0-9]{40,128}"),
)
_LEFT_OUT = {"Private Key", "JSON Web Token", "OpenAI Token", "Public IP (ipv4)"}
"""Found above, to their very end; no secret."""
_WHOLE = {"GitHub Token", "GitLab Token"}
_KEYWORD = "Secret Keyword"
_KEY_WORDS = ("key", "pwd", "pass", "pw", "token")
_NEEDS = {
    _KEYWORD: ("key", "pwd", "pass", "secret", "contrase"),
    "IBM Cloud IAM Key": _KEY_WORDS,
    "IBM COS HMAC Credentials": ("secret",),
    "Cloudant Credentials": ("cl",),
    "SoftLayer Credentials": ("sl", "softlayer"),
    "NPM tokens": ("_authtoken",),
}
_BOUNDS = ((" *", " {0,4}"), (" +", " {1,4}"), (".+", ".{1,256}"), (".*", ".{0,256}"))


@cache
def _rules() -> tuple[_Rule, ...]:
    """Every rule; first those that know best what they have found."""
    rules = [
        _Rule(kind, re.compile(pattern), _ACCEPT.get(kind, _has_digit)) for kind, pattern in _KNOWN
    ]
    detectors: dict[str, type[Any]] = get_mapping_from_secret_type_to_class()
    for kind, plugin in detectors.items():
        if kind in _LEFT_OUT:
            continue
        accept = _ACCEPT.get(kind, bool)
        denylist: Sequence[re.Pattern[str]] = getattr(plugin, "denylist", ())
        rules += [
            _Rule(kind, _bounded(regex), accept, kind in _WHOLE, _NEEDS.get(kind, ()))
            for regex in denylist
        ]
    rules += [
        _Rule(_KEYWORD, regex, _plausible, needs=_NEEDS[_KEYWORD]) for regex in (_ASSIGNED, _ENV)
    ]
    return (*rules, *_entropy_rules())


def _bounded(regex: re.Pattern[str]) -> re.Pattern[str]:
    """Some detectors backtrack for minutes over a run of spaces: a few are enough."""
    pattern = regex.pattern
    for unbounded, bounded in _BOUNDS:
        pattern = pattern.replace(unbounded, bounded)
    return re.compile(pattern, regex.flags)


def _entropy_rules() -> Iterator[_Rule]:
    for plugin in (Base64HighEntropyString(_BASE64_LIMIT), HexHighEntropyString(_HEX_LIMIT)):
        regex = re.compile(plugin.regex.pattern.replace(r"(\1)", r"\1"))
        yield _Rule(plugin.secret_type, regex, _random(plugin))


def _random(plugin: Base64HighEntropyString | HexHighEntropyString) -> Callable[[str], bool]:
    def accept(value: str) -> bool:
        return (
            _has_digit(value)
            and not heuristic.is_sequential_string(value)
            and not heuristic.is_potential_uuid(value)
            and plugin.calculate_shannon_entropy(value) > plugin.entropy_limit
        )

    return accept


def _plausible(value: str) -> bool:
    """Not a placeholder, a reference to another variable, or a row of dots."""
    return not (
        heuristic.is_templated_secret(value)
        or heuristic.is_prefixed_with_dollar_sign(value)
        or heuristic.is_not_alphanumeric_string(value)
        or value.startswith(REDACTED)
    )


def _has_digit(value: str) -> bool:
    return any(character.isdigit() for character in value)


_ACCEPT: dict[str, Callable[[str], bool]] = {
    "Artifactory Credentials": _has_digit,
    "JSON Web Token": JwtTokenDetector.is_formally_valid,
}
