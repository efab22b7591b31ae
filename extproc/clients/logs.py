"""What the processes write to standard error: readable lines, or one JSON object a line.

No log call in this product takes a prompt, an answer or a credential as an argument; there is
nothing to redact here.
"""

import logging
import traceback
from datetime import UTC, datetime

import orjson

READABLE = "%(levelname)s %(name)s: %(message)s"


class JsonLines(logging.Formatter):
    """time, level, logger, message, and the traceback where there is one."""

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(),
            "level": record.levelname,
            "logger": record.name,
            "process": record.process,
            "message": record.getMessage(),
        }
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return orjson.dumps(line).decode()


def configure(level: str, *, as_json: bool) -> None:
    """Once, at the start of a process."""
    handler = logging.StreamHandler()
    handler.setFormatter(JsonLines() if as_json else logging.Formatter(READABLE))
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)


def bug(error: BaseException) -> str:
    """A bug by its type and its place: its message could quote a prompt or a secret."""
    frames = traceback.extract_tb(error.__traceback__)[-6:]
    where = " < ".join(f"{frame.filename}:{frame.lineno}" for frame in reversed(frames))
    return f"{type(error).__name__} at {where}"
