"""multipart/form-data: a form read into a body, a body written as a form.

A member is a string, an Upload, or a list of them where a name stands several times.
https://www.rfc-editor.org/rfc/rfc7578
"""

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, TypeAlias
from urllib.parse import unquote_to_bytes

import orjson
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from extproc.domain.value import value

if TYPE_CHECKING:
    from python_multipart.multipart import MultipartCallbacks

MOST_PARTS, LONGEST_HEADER = 1000, 4096
ENCODED = re.compile(rb"""filename\*\s*=\s*[\w-]+'[^']*'([^;"\s]+)""", re.IGNORECASE)
"""A file's name that is not ASCII. https://www.rfc-editor.org/rfc/rfc5987"""


class BadForm(Exception):
    """The body is not the form that its content type says it is."""


@value
class Upload:
    """A file of a form."""

    filename: str
    content_type: str
    data: bytes


Member: TypeAlias = str | Upload


def is_form(content_type: str) -> bool:
    return content_type.partition(";")[0].strip().lower() == "multipart/form-data"


def parse(content_type: str, data: bytes) -> dict[str, Any]:
    """The form's members. Raises BadForm."""
    boundary = parse_options_header(content_type)[1].get(b"boundary")
    if not boundary:
        raise BadForm("its content-type names no boundary")
    reader = _Reader()
    try:
        parser = MultipartParser(boundary, reader.callbacks)
        parser.write(data)
        parser.finalize()
    except (FormParserError, ValueError) as error:
        raise BadForm(str(error)) from None
    if not reader.ended:
        raise BadForm("it has no end")
    return reader.members


class _Reader:
    """Collects parts as the parser finds them."""

    def __init__(self) -> None:
        self.members: dict[str, Any] = {}
        self.ended = False
        self._count = 0
        self._headers: dict[bytes, bytes] = {}
        self._field, self._value, self._data = bytearray(), bytearray(), bytearray()
        self.callbacks: MultipartCallbacks = {
            "on_part_begin": self._begin,
            "on_part_data": self._add(self._data),
            "on_part_end": self._end,
            "on_header_field": self._add(self._field, LONGEST_HEADER),
            "on_header_value": self._add(self._value, LONGEST_HEADER),
            "on_header_end": self._header,
            "on_end": self._finish,
        }

    def _add(self, buffer: bytearray, most: int | None = None) -> Any:
        def add(data: bytes, start: int, end: int) -> None:
            buffer.extend(data[start:end])
            if most is not None and len(buffer) > most:
                raise BadForm("a part's header is too long")

        return add

    def _begin(self) -> None:
        self._count += 1
        if self._count > MOST_PARTS:
            raise BadForm(f"it has more than {MOST_PARTS} parts")
        self._headers.clear()
        self._data.clear()

    def _header(self) -> None:
        self._headers[bytes(self._field).lower()] = bytes(self._value)
        self._field.clear()
        self._value.clear()

    def _end(self) -> None:
        disposition = self._headers.get(b"content-disposition", b"")
        _, options = parse_options_header(disposition)
        name = options.get(b"name", b"").decode("utf-8", "replace")
        if not name:
            raise BadForm("a part has no name")
        encoded = ENCODED.search(disposition)
        filename = unquote_to_bytes(encoded[1]) if encoded else options.get(b"filename")
        self._keep(name, self._text(name) if filename is None else self._file(filename))

    def _text(self, name: str) -> str:
        try:
            return self._data.decode()
        except UnicodeDecodeError:
            raise BadForm(f"its part '{name}' is neither text nor has a filename") from None

    def _file(self, filename: bytes) -> Upload:
        kind = self._headers.get(b"content-type", b"application/octet-stream")
        return Upload(
            filename.decode("utf-8", "replace"), kind.decode("latin-1"), bytes(self._data)
        )

    def _keep(self, name: str, member: Member) -> None:
        if name not in self.members:
            self.members[name] = member
        elif isinstance(self.members[name], list):
            self.members[name].append(member)
        else:
            self.members[name] = [self.members[name], member]

    def _finish(self) -> None:
        self.ended = True


def encode(body: Mapping[str, Any], boundary: str) -> tuple[bytes, str]:
    """(the form, its content type). Values that are no strings are written as JSON writes them."""
    pieces: list[bytes] = []
    for name, member in _members(body):
        pieces.append(f"--{boundary}\r\n".encode())
        disposition = f'Content-Disposition: form-data; name="{_quoted(name)}"'
        if isinstance(member, Upload):
            kind = "".join(letter for letter in member.content_type if letter.isprintable())
            head = f'{disposition}; filename="{_quoted(member.filename)}"\r\nContent-Type: {kind}'
            pieces += [head.encode(), b"\r\n\r\n", member.data, b"\r\n"]
        else:
            pieces += [disposition.encode(), b"\r\n\r\n", _written(member), b"\r\n"]
    pieces.append(f"--{boundary}--\r\n".encode())
    return b"".join(pieces), f"multipart/form-data; boundary={boundary}"


def _members(body: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for name, member in body.items():
        for each in member if isinstance(member, list) else [member]:
            if each is not None:
                yield name, each


def _written(member: object) -> bytes:
    return member.encode("utf-8", "replace") if isinstance(member, str) else orjson.dumps(member)


def _quoted(name: str) -> str:
    """https://html.spec.whatwg.org/multipage/form-control-infrastructure.html#multipart-form-data"""
    return name.replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A")
