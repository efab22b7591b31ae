"""JSON that is nearly JSON is read, and what is none is refused as ever."""

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from extproc.providers import lenient


@pytest.mark.parametrize(
    ("data", "found"),
    [
        (rb'{"a": "x\ud83d"}', {"a": "x\ufffd"}),
        (rb'["\ude00\ud83d\ude00\uD83D"]', ["\ufffd\U0001f600\ufffd"]),
        (rb'["\\ud83d\ud83d"]', ["\\ud83d\ufffd"]),
        (b'{"a": NaN, "b": [Infinity, -Infinity]}', {"a": None, "b": [None, None]}),
        (b'["\xff", 1, 1.5]', ["\ufffd", 1, 1.5]),
        (b"[NaN, 123456789012345678901234567890]", [None, 1.2345678901234568e29]),
        (r'["\ud83d"]', ["\ufffd"]),
    ],
)
def test_what_strict_json_lacks_is_mended(data: bytes | str, found: Any) -> None:
    read = lenient.loads(data)
    assert read == found
    orjson.dumps(read)


@pytest.mark.parametrize("data", [b"", b"{", b"nan", b"<html>", b"[NaN" * 100_000, b"\xff"])
def test_what_is_no_json_is_refused(data: bytes) -> None:
    with pytest.raises(orjson.JSONDecodeError):
        lenient.loads(data)


@given(st.recursive(st.none() | st.text() | st.integers(-(2**63), 2**63 - 1), st.lists))
def test_strict_json_means_what_it_says(value: Any) -> None:
    assert lenient.loads(orjson.dumps(value)) == value


@given(st.text(alphabet='\\"ud83dDE0fF', max_size=30))
def test_any_escapes_are_read_or_refused(inside: str) -> None:
    try:
        read = lenient.loads(f'"{inside}"')
    except orjson.JSONDecodeError:
        return
    orjson.dumps(read)
