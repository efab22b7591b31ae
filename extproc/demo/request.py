"""One request as the simulated provider reads it: bytes, JSON and forms."""

from dataclasses import dataclass
from email.parser import BytesParser
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import orjson

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Request:
    """One request; header names in lower case."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes

    @property
    def path(self) -> str:
        return urlsplit(self.target).path

    @property
    def query(self) -> dict[str, str]:
        return dict(parse_qsl(urlsplit(self.target).query, keep_blank_values=True))

    @property
    def segments(self) -> list[str]:
        return [unquote(part) for part in self.path.split("/") if part]

    def fields(self) -> Json:
        """The members of a JSON object, or the fields of a form. Raises ValueError."""
        kind = self.headers.get("content-type", "")
        if kind.startswith("multipart/form-data"):
            return _form(kind, self.body)
        body = orjson.loads(self.body)
        if not isinstance(body, dict):
            raise ValueError("the body must be a JSON object")
        return body


def _form(kind: str, data: bytes) -> Json:
    """A file is its bytes; other fields are text, and JSON where they hold an object or list."""
    whole = BytesParser().parsebytes(b"Content-Type: " + kind.encode() + b"\r\n\r\n" + data)
    found: Json = {}
    for part in whole.walk():
        name = part.get_param("name", header="content-disposition")
        if not isinstance(name, str):
            continue
        content = part.get_payload(decode=True)
        assert isinstance(content, bytes)
        if part.get_filename() is not None:
            found[name] = content
            continue
        text = content.decode()
        found[name] = orjson.loads(text) if text[:1] in ("{", "[") else text
    return found
