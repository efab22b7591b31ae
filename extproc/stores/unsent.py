"""Reads Envoy's list of attempts whose client left before they were sent, one id a line.

Envoy appends to the file for as long as it runs, and writes each line about a second late. A line
that is lost costs an estimate too many in the ledger and nothing else.
"""

import logging
import os
from pathlib import Path

MAX_BYTES = 4 * 1024 * 1024
KEPT = 100_000
"""So many ids are remembered, more than the file holds."""
_CHUNK_BYTES = 1024 * 1024

log = logging.getLogger(__name__)


class Unsent:
    """The ids in the file at `path`, as far as it was read."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._offset = 0
        self._ids: dict[str, None] = {}
        self._said = ""

    def __contains__(self, attempt_id: str) -> bool:
        return attempt_id in self._ids

    def read(self) -> None:
        """Take in the lines that are new. That there is no file is normal: Envoy may start yet."""
        try:
            self._read()
        except FileNotFoundError:
            self._offset = 0
        except OSError as error:
            self._complain(error)

    def shorten(self) -> None:
        """Empty the file if it has become long; to be called when nobody waits for its lines."""
        try:
            if self._offset > MAX_BYTES and self._path.stat().st_size == self._offset:
                os.truncate(self._path, 0)  # Envoy goes on at the new end: it appends
                self._offset = 0
        except OSError as error:
            self._complain(error)

    def _read(self) -> None:
        with self._path.open("rb") as file:
            if os.fstat(file.fileno()).st_size < self._offset:  # another file, or emptied
                self._offset = 0
            file.seek(self._offset)
            while whole := _lines(file.read(_CHUNK_BYTES)):
                self._offset += len(whole)
                file.seek(self._offset)
                self._ids.update(dict.fromkeys(whole.decode("ascii", "replace").split()))
        while len(self._ids) > KEPT:
            del self._ids[next(iter(self._ids))]

    def _complain(self, error: OSError) -> None:
        """Once for each kind of trouble: this is tried several times a second."""
        if str(error) != self._said:
            self._said = str(error)
            log.warning("ledger: what was never sent cannot be told: %s", error)


def _lines(data: bytes) -> bytes:
    """The whole lines at the beginning of `data`; one that is being written waits."""
    return data[: data.rfind(b"\n") + 1]
