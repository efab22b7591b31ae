"""The bytes of events: SSE, lines, and AWS messages as botocore reads them."""

import pytest
from botocore.eventstream import EventStreamBuffer

from extproc.demo.frames import AWS, JSON_ARRAY, LINES, RAW, SSE, Event
from extproc.demo.orders import Orders


def test_sse_with_and_without_a_name() -> None:
    assert SSE.write(Event(b"{}"), Orders()) == b"data: {}\n\n"
    named = Event(b"{}", name="ping")
    assert SSE.write(named, Orders()) == b"event: ping\ndata: {}\n\n"
    odd = Orders(crlf=True, comments=True)
    assert SSE.write(named, odd) == b": ping\r\n\r\nevent: ping\r\ndata: {}\r\n\r\n"


def test_lines_and_pieces() -> None:
    assert LINES.write(Event(b"{}"), Orders()) == b"{}\n"
    assert LINES.write(Event(b"{}"), Orders(crlf=True)) == b"{}\r\n"
    assert JSON_ARRAY.write(Event(b"[{}"), Orders()) == b"[{}"


@pytest.mark.parametrize(
    ("name", "kind", "media"),
    [
        ("messageStop", "event", "application/json"),
        ("throttlingException", "exception", "application/json"),
        (RAW, "event", "application/octet-stream"),
    ],
)
def test_botocore_reads_the_messages(name: str, kind: str, media: str) -> None:
    buffer = EventStreamBuffer()
    for data in (b"{}", b'{"a": 1}'):
        buffer.add_data(AWS.write(Event(data, name=name), Orders()))
    messages = list(buffer)
    assert [message.payload for message in messages] == [b"{}", b'{"a": 1}']
    for message in messages:
        assert message.headers == {
            f":{kind}-type": name,
            ":content-type": media,
            ":message-type": kind,
        }
