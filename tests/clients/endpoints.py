"""A token endpoint of any provider: a real server that answers what it is told to."""

import json
import ssl
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit


@dataclass
class Asked:
    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    form: Mapping[str, str]


@dataclass
class TokenServer:
    """Makes the tokens `token-1`, `token-2` … unless told otherwise."""

    url: str = ""
    asked: list[Asked] = field(default_factory=list)
    status: int = 200
    body: str | bytes | None = None
    location: str | None = None
    lives_seconds: Any = 3600
    gate: threading.Event = field(default_factory=threading.Event)
    """While it is clear nothing is answered."""
    reached: threading.Event = field(default_factory=threading.Event)

    def answer(self) -> str | bytes:
        if self.body is not None:
            return self.body
        made = {"access_token": f"token-{len(self.asked)}", "expires_in": self.lives_seconds}
        return json.dumps({"token_type": "Bearer", **made})


@contextmanager
def token_server(tls: ssl.SSLContext | None = None) -> Iterator[TokenServer]:
    state = TokenServer()
    state.gate.set()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.answer()

        def do_POST(self) -> None:
            self.answer()

        def answer(self) -> None:
            sent = self.rfile.read(int(self.headers.get("content-length", 0))).decode()
            url = urlsplit(self.path)
            headers = {name.lower(): value for name, value in self.headers.items()}
            state.asked.append(
                Asked(self.command, url.path, _pairs(url.query), headers, _pairs(sent))
            )
            state.reached.set()
            state.gate.wait(30)
            made = state.answer()
            answer = made if isinstance(made, bytes) else made.encode()
            self.send_response(state.status)
            if state.location:
                self.send_header("location", state.location)
            self.send_header("content-length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    state.url = f"{'http' if tls is None else 'https'}://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield state
    finally:
        state.gate.set()
        server.shutdown()
        thread.join()
        server.server_close()


def _pairs(text: str) -> Mapping[str, str]:
    return {name: values[0] for name, values in parse_qs(text).items()}
