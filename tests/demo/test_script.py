"""Answers as steps: where the silence, the cut and the error fall, without a socket."""

import zlib

import pytest

from extproc.demo.answers import Answer, Question
from extproc.demo.orders import Orders
from extproc.demo.script import Cut, Pause, Step, Write, script
from extproc.demo.voices import VOICES, openai


def steps(**orders: object) -> list[Step]:
    question = Question("id-1", {"model": "m"}, stream=True)
    answer = Answer(question, Orders.model_validate(orders))
    return list(script(answer, openai.CHAT, VOICES["openai"]))


def body(played: list[Step]) -> bytes:
    """What was written after the head, chunk framing taken off."""
    data = b"".join(step.data for step in played if isinstance(step, Write))
    framed = data.partition(b"\r\n\r\n")[2]
    out = b""
    while framed:
        size, _, framed = framed.partition(b"\r\n")
        out += framed[: int(size, 16)]
        framed = framed[int(size, 16) + 2 :]
    return out


def test_a_plain_stream_never_pauses() -> None:
    played = steps(words=3)
    assert all(isinstance(step, Write) for step in played)
    assert body(played).endswith(b"data: [DONE]\n\n")
    assert sum(step.tokens for step in played if isinstance(step, Write)) == 3


@pytest.mark.parametrize(("place", "written"), [("headers", 0), (0, 1), (2, 3)])
def test_silence_falls_where_it_was_ordered(place: str | int, written: int) -> None:
    played = steps(stall_at=place, stall=9)
    assert [i for i, step in enumerate(played) if step == Pause(9)] == [written]


@pytest.mark.parametrize("how", ["fin", "rst"])
def test_a_cut_is_marked_for_the_connection(how: str) -> None:
    played = steps(cut_at=2, cut_how=how)
    cut = played.index(Cut(reset=how == "rst"))
    assert sum(isinstance(step, Write) for step in played[:cut]) == 3


@pytest.mark.parametrize("kind", ["whole", "streamed"])
@pytest.mark.parametrize("split", [0, 1, 50])
def test_compressed_bytes_are_the_plain_ones(kind: str, split: int) -> None:
    plain = body(steps(words=3))
    assert zlib.decompress(body(steps(words=3, gzip=kind, split=split)), wbits=31) == plain


def test_split_keeps_every_byte_and_no_piece_is_longer() -> None:
    played = steps(words=3, split=7)
    pieces = [s.data for s in played[1:] if isinstance(s, Write)]
    assert body(played) == body(steps(words=3))
    assert max(map(len, pieces)) <= 7 + len(b"7\r\n\r\n")


def test_a_missing_last_newline_is_missing_once() -> None:
    data = body(steps(words=3, no_last_newline=True))
    assert data.endswith(b"\n\ndata: [DONE]")
    assert data + b"\n\n" == body(steps(words=3))
