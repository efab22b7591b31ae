"""Forms are read as clients write them, and written as providers read them."""

import pytest

from extproc.providers import forms
from extproc.providers.forms import BadForm, Upload

KIND = "multipart/form-data; boundary=x"
SOUND = b"\xff\xfb\x00\r\n--y"


def part(disposition: str, data: bytes, kind: str = "") -> bytes:
    head = f"--x\r\nContent-Disposition: form-data; {disposition}\r\n{kind}\r\n"
    return head.encode() + data + b"\r\n"


@pytest.mark.parametrize(
    ("disposition", "filename"),
    [
        ('name="file"; filename="a.mp3"', "a.mp3"),
        ('name="file"; filename="\u00e4.mp3"', "\u00e4.mp3"),
        ("name=\"file\"; filename*=utf-8''%C3%A4%20b.mp3", "\u00e4 b.mp3"),
        ('name="file"; filename="a.mp3"; filename*=UTF-8\'\'%C3%A4.mp3', "\u00e4.mp3"),
        ('name="file"; filename=""', ""),
    ],
)
def test_a_file_keeps_its_bytes_and_its_name(disposition: str, filename: str) -> None:
    data = part(disposition, SOUND, "Content-Type: audio/mpeg\r\n") + b"--x--\r\n"
    assert forms.parse(KIND, data) == {"file": Upload(filename, "audio/mpeg", SOUND)}


def test_what_is_neither_text_nor_a_file_is_refused() -> None:
    with pytest.raises(BadForm, match="'file' is neither text nor has a filename"):
        forms.parse(KIND, part('name="file"', SOUND) + b"--x--\r\n")


def test_a_name_that_stands_twice_is_a_list() -> None:
    data = part('name="a[]"', b"1") + part('name="a[]"', "\u00e4".encode()) + b"--x--"
    assert forms.parse(KIND, data) == {"a[]": ["1", "\u00e4"]}


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        ("multipart/form-data", b"--x--"),
        (KIND, part('name="a"', b"1")),
        (KIND, part('filename="a"', b"1") + b"--x--"),
        (KIND, b"nothing"),
        (KIND, part('name="a"', b"1", f"X: {'y' * (forms.LONGEST_HEADER + 1)}\r\n") + b"--x--"),
        (KIND, part('name="a"', b"1") * (forms.MOST_PARTS + 1) + b"--x--"),
    ],
)
def test_what_is_no_form_is_refused(kind: str, data: bytes) -> None:
    with pytest.raises(BadForm):
        forms.parse(kind, data)


def test_what_is_written_is_read() -> None:
    body = {"file": Upload('a"\r\n.png', "image/png", SOUND), "n": 2, "more": [True, {"k": 1.5}]}
    data, kind = forms.encode(body, "form-1")
    assert forms.parse(kind, data) == {
        "file": Upload("a%22%0D%0A.png", "image/png", SOUND),
        "n": "2",
        "more": ["true", '{"k":1.5}'],
    }
