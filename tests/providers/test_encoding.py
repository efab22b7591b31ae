"""Compressed answers, piece by piece."""

import gzip
import zlib

import pytest

from extproc.providers.encoding import BadEncoding, Inflater

TEXT = b'{"a": "' + b"x" * 1000 + b'"}'


@pytest.mark.parametrize("size", [1, 2, 3, 7, 50, 10_000])
@pytest.mark.parametrize(
    ("encoding", "data"),
    [
        ("gzip", gzip.compress(TEXT)),
        ("GZIP", gzip.compress(TEXT[:100]) + gzip.compress(TEXT[100:])),
        ("x-gzip", gzip.compress(TEXT) + b"\0" * 20),
        ("deflate", zlib.compress(TEXT)),
        ("identity", TEXT),
        ("", TEXT),
    ],
)
def test_pieces_of_any_size_give_the_whole(encoding: str, data: bytes, size: int) -> None:
    inflater = Inflater(encoding)
    pieces = (data[start : start + size] for start in range(0, len(data), size))
    assert b"".join(inflater.feed(piece) for piece in pieces) == TEXT


def test_unknown_encoding_is_refused() -> None:
    with pytest.raises(BadEncoding):
        Inflater("br")


def test_what_is_not_compressed_is_noticed() -> None:
    with pytest.raises(BadEncoding):
        Inflater("gzip").feed(b"plain text")


def test_bomb_is_stopped() -> None:
    with pytest.raises(BadEncoding, match="grows past all bounds"):
        Inflater("gzip", limit_bytes=1000).feed(gzip.compress(bytes(10_000_000)))
