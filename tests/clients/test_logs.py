"""Log lines as JSON."""

import json
import logging
import sys

from extproc.clients.logs import JsonLines


def test_line_is_one_json_object_with_its_traceback() -> None:
    try:
        raise ValueError("broken")
    except ValueError:
        record = logging.LogRecord("x", logging.ERROR, "f", 1, "a %s", ("b\nc",), sys.exc_info())
    text = JsonLines().format(record)
    line = json.loads(text)
    assert "\n" not in text and line["message"] == "a b\nc" and "ValueError" in line["traceback"]
