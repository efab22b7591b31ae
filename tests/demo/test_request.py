"""Bodies as fields: JSON objects and forms."""

import httpx
import orjson
import pytest

from extproc.demo.request import Request


def request(body: bytes, kind: str = "application/json") -> Request:
    return Request("POST", "/a%2Fb/c?x=1&y=", {"content-type": kind}, body)


def test_a_form_holds_text_json_and_bytes() -> None:
    content = b"RIFF\r\n\r\n\x00\xff--not a boundary\r\n"
    sent = httpx.Request(
        "POST",
        "http://a",
        data={"model": "m", "x_demo": '{"words": 2}'},
        files={"file": ("a.wav", content, "audio/wav")},
    )
    fields = request(sent.read(), sent.headers["content-type"]).fields()
    assert fields == {"model": "m", "x_demo": {"words": 2}, "file": content}


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"1"])
def test_other_bodies_are_no_fields(body: bytes) -> None:
    with pytest.raises(ValueError, match=r"JSON object|char 0|char 1"):
        request(body).fields()


def test_path_and_query_are_decoded() -> None:
    asked = request(orjson.dumps({"a": 1}))
    assert asked.fields() == {"a": 1}
    assert asked.segments == ["a/b", "c"]
    assert asked.query == {"x": "1", "y": ""}
