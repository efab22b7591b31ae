"""Counts tokens with OpenAI's encodings, offline; runs in a helper process only.

Other providers' models are counted with the same encoding: an estimate, and good enough for one.
"""

import re
from collections.abc import Sequence
from functools import cache

# The package's public Encoding builds Python tables of 100 MB that counting does not need.
from bpe_openai._bindings import PyTokenizer, tokenizer_for_encoding

_CL100K = re.compile(r"(?:^|/)(?:gpt-4(?![.o\d])|gpt-3\.5|gpt-35|text-embedding-)")


def count(model: str, texts: Sequence[str]) -> int:
    """The tokens of all `texts` together, in the encoding of `model`."""
    encoding = _encoding("cl100k_base" if _CL100K.search(model) else "o200k_base")
    return sum(encoding.count(_encodable(text)) for text in texts)


def warm() -> None:
    """Load the common encoding."""
    count("", ["warm"])


@cache
def _encoding(name: str) -> PyTokenizer:
    return tokenizer_for_encoding(name)


def _encodable(text: str) -> str:
    """Lone surrogates, which JSON allows and UTF-8 does not, replaced."""
    return text.encode("utf-8", "replace").decode()
