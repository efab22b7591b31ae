"""An HTTP server that remembers what it was asked, and answers as the test has said."""

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True)
class Asked:
    method: str
    path: str
    headers: Mapping[str, str]
    """Names in lower case."""
    body: bytes


@dataclass(frozen=True)
class Said:
    """`pieces` go out one by one, in chunks; a single one with its length."""

    pieces: tuple[bytes, ...] = (b"{}",)
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=lambda: {"content-type": "application/json"})
    hold: threading.Event | None = None
    """Until this is set nothing follows the pieces, not even their end."""


class Origin(ThreadingHTTPServer):
    """Answers by path (without its query); what has no answer is a 404 of its own."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.asked: list[Asked] = []
        self.answers: dict[str, Said] = {}
        self.url = f"http://127.0.0.1:{self.server_port}"
        self._thread = threading.Thread(target=self.serve_forever)

    def start(self) -> "Origin":
        self._thread.start()
        return self

    def stop(self) -> None:
        self.shutdown()
        self._thread.join()
        self.server_close()

    def answer(self, asked: Asked) -> Said:
        self.asked.append(asked)
        missing = Said((b'{"error":"no such thing"}',), 404)
        return self.answers.get(asked.path.partition("?")[0], missing)

    def last(self, path: str) -> Asked:
        """The last request for a path."""
        return next(each for each in reversed(self.asked) if each.path.partition("?")[0] == path)

    def count(self, path: str) -> int:
        return sum(each.path.partition("?")[0] == path for each in self.asked)


class _Handler(BaseHTTPRequestHandler):
    """One request a connection, whatever its method."""

    server: Origin
    protocol_version = "HTTP/1.1"

    def handle_one_request(self) -> None:
        self.close_connection = True
        self.raw_requestline = self.rfile.readline(65537)
        if self.raw_requestline and self.parse_request():
            headers = {name.lower(): value for name, value in self.headers.items()}
            body = self._body(headers)
            self._say(self.server.answer(Asked(self.command, self.path, headers, body)))

    def _body(self, headers: Mapping[str, str]) -> bytes:
        if "transfer-encoding" not in headers:
            return self.rfile.read(int(headers.get("content-length", 0)))
        body = b""
        while size := int(self.rfile.readline(), 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return body

    def _say(self, said: Said) -> None:
        whole = len(said.pieces) == 1
        self.send_response(said.status)
        length = ("content-length", str(len(said.pieces[0])))
        framing = length if whole else ("transfer-encoding", "chunked")
        for name, value in (*said.headers.items(), framing):
            self.send_header(name, value)
        self.end_headers()
        if self.command == "HEAD":
            return
        for piece in said.pieces:
            self.wfile.write(piece if whole else b"%x\r\n%s\r\n" % (len(piece), piece))
        if said.hold is not None:
            self.wfile.flush()
            said.hold.wait(60)
        if not whole:
            self.wfile.write(b"0\r\n\r\n")

    def log_message(self, *_: Any) -> None:
        pass
