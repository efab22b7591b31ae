"""Content encodings of answers, undone piece by piece.

The gateway asks providers for `identity`; some compress all the same.
"""

import zlib

GZIP_OR_ZLIB = 47
"""zlib's window bits: 15, plus 32 to recognise gzip and zlib headers by themselves."""
KNOWN = frozenset({"", "identity", "gzip", "x-gzip", "deflate"})


class BadEncoding(Exception):
    """The answer is not what its content-encoding says, or grows past all bounds."""


class Inflater:
    """One answer's decompression. `limit_bytes` bounds what one piece may grow to."""

    def __init__(self, encoding: str, limit_bytes: int = 64 * 1024 * 1024) -> None:
        name = encoding.strip().lower()
        if name not in KNOWN:
            raise BadEncoding(f"content-encoding {name!r} is not supported")
        plain = name in ("", "identity")
        self._inflate = None if plain else zlib.decompressobj(wbits=GZIP_OR_ZLIB)
        self._limit_bytes = limit_bytes

    def feed(self, piece: bytes) -> bytes:
        """The piece, decompressed; an answer may be several compressed members in a row."""
        if self._inflate is None:
            return piece
        grown = []
        while piece:
            if self._inflate.eof:  # what follows a member is another, or padding
                piece = piece.lstrip(b"\0")
                self._inflate = zlib.decompressobj(wbits=GZIP_OR_ZLIB) if piece else self._inflate
                continue
            grown.append(self._decompressed(self._inflate, piece))
            piece = self._inflate.unused_data
        return b"".join(grown)

    def _decompressed(self, inflate: "zlib._Decompress", piece: bytes) -> bytes:
        try:
            grown = inflate.decompress(piece, self._limit_bytes)
        except zlib.error as error:
            raise BadEncoding(str(error)) from None
        if inflate.unconsumed_tail:
            raise BadEncoding("the answer grows past all bounds when decompressed")
        return grown
