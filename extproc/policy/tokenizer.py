"""Counts and reads tokens of OpenAI's encodings, offline; runs in a helper process only.

Other providers' models are counted with the same encoding: an estimate, and good enough for one.
"""

import re
from collections.abc import Sequence
from contextlib import suppress
from functools import cache
from itertools import product

# The package's public Encoding builds Python tables of 100 MB that counting does not need.
from bpe_openai._bindings import PyTokenizer, tokenizer_for_encoding

_CUTS = sorted(product(range(4), repeat=2), key=sum)
"""(tokens left out before, behind), the fewest first: a character has four bytes at most."""
_CL100K = re.compile(r"(?:^|/)(?:gpt-4(?![.o\d])|gpt-3\.5|gpt-35|text-embedding-)")


def count(model: str, texts: Sequence[str]) -> int:
    """The tokens of all `texts` together, in the encoding of `model`."""
    encoding = _encoding("cl100k_base" if _CL100K.search(model) else "o200k_base")
    return sum(encoding.count(_encodable(text)) for text in texts)


def decode(runs: Sequence[Sequence[int]]) -> list[str | None]:
    """The text of each list of cl100k_base's token ids; None for one that is none.

    Of an id of no token the package reads memory that is not its own: callers check that.
    """
    return [_decoded(run) for run in runs]


def _decoded(run: Sequence[int]) -> str | None:
    """Who cuts a long text at a token may cut a character: its pieces are left out."""
    encoding = _encoding("cl100k_base")
    for start, end in _CUTS:
        if kept := run[start : len(run) - end]:
            with suppress(ValueError):
                return str(encoding.decode(list(kept)))
    return None


def warm() -> None:
    """Load the common encoding."""
    count("", ["warm"])


@cache
def _encoding(name: str) -> PyTokenizer:
    return tokenizer_for_encoding(name)


def _encodable(text: str) -> str:
    """Lone surrogates, which JSON allows and UTF-8 does not, replaced."""
    return text.encode("utf-8", "replace").decode()
