"""A provider of OpenAI's Realtime API that does what its client's events say, over real WebSockets.

`response.create`: a response with the usage in the event · `say`: sends `bytes` of audio
`hang_up`: closes the WebSocket · `vanish`: closes the connection without a word · bytes: an echo
"""

import json
import socket
import threading
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response
from websockets.sync.server import Server, ServerConnection, serve
from websockets.typing import Subprotocol

REFUSING = "/refusing"


@dataclass
class Voices:
    """One running provider, and the handshakes that it saw."""

    server: Server
    seen: list[Request] = field(default_factory=list)
    port: int = 0

    def stop(self) -> None:
        self.server.shutdown()


def run_voices() -> Voices:
    """Serves in threads of its own, on a free port."""
    seen: list[Request] = []

    def judge(connection: ServerConnection, request: Request) -> Response | None:
        seen.append(request)
        if not request.path.startswith(REFUSING):
            return None
        body = json.dumps({"error": {"message": "Incorrect API key.", "type": "invalid"}}).encode()
        kind = Headers({"content-type": "application/json", "content-length": str(len(body))})
        return Response(HTTPStatus.UNAUTHORIZED, "Unauthorized", kind, body)

    def choose(connection: ServerConnection, offers: Any) -> Subprotocol | None:
        return Subprotocol("realtime") if "realtime" in offers else None

    server = serve(
        _converse, "127.0.0.1", 0, process_request=judge, select_subprotocol=choose, max_size=None
    )
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return Voices(server, seen, server.socket.getsockname()[1])


def _converse(connection: ServerConnection) -> None:
    _say(connection, "session.created", session={"id": "sess_1", "type": "realtime"})
    try:
        for message in connection:
            if isinstance(message, bytes):
                connection.send(message)
            else:
                _obey(connection, json.loads(message))
    except ConnectionClosed:
        pass


def _obey(connection: ServerConnection, event: dict[str, Any]) -> None:
    match event["type"]:
        case "response.create":
            usage = event["response"]["metadata"]
            _say(connection, "response.output_text.delta", delta="Hi", response_id="r", item_id="i")
            _say(connection, "response.done", response={"id": "r", "usage": json.loads(usage["u"])})
        case "say":
            _say(connection, "response.output_audio.delta", delta="A" * event["bytes"])
        case "in_parts":
            text = json.dumps({"type": "response.done", "response": {"usage": event["usage"]}})
            connection.send([text[:9], text[9:40], text[40:]])
        case "ping":
            assert connection.ping().wait(30)
            _say(connection, "ponged")
        case "hang_up":
            connection.close(4001, "as you wish")
        case "vanish":
            connection.socket.shutdown(socket.SHUT_RDWR)


def _say(connection: ServerConnection, kind: str, **more: Any) -> None:
    connection.send(json.dumps({"type": kind, "event_id": "e", **more}))
