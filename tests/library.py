"""A provider that keeps things, in a thread: chat, responses, files, batches, fine-tuning jobs."""

import json
import re
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from typing import Any
from urllib.parse import parse_qs, urlsplit

from extproc.providers import forms

KEY = "sk-library-canary-31bd"
USAGE = {"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10}


@dataclass
class Asked:
    method: str
    path: str
    query: dict[str, list[str]]
    headers: dict[str, str]
    data: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.data)


@dataclass
class Library:
    """Everything it keeps is open to the tests."""

    seen: list[Asked] = field(default_factory=list)
    responses: dict[str, dict[str, Any]] = field(default_factory=dict)
    at_work: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Responses made in the background, as they will be."""
    files: dict[str, tuple[dict[str, Any], bytes]] = field(default_factory=dict)
    batches: dict[str, dict[str, Any]] = field(default_factory=dict)
    jobs: dict[str, dict[str, Any]] = field(default_factory=dict)
    failing: int = 0
    """So many GETs are answered with 500."""
    numbers: Any = field(default_factory=lambda: count(1))

    def start(self) -> "Library":
        library = self

        class Handler(_Handler):
            shelf = library

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        return self

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def add_file(self, data: bytes, **more: Any) -> dict[str, Any]:
        shown = {
            "id": f"file-{next(self.numbers)}",
            "object": "file",
            "bytes": len(data),
            "created_at": 1,
            "filename": "lines.jsonl",
            "purpose": "batch",
            "status": "processed",
            **more,
        }
        self.files[shown["id"]] = shown, data
        return shown

    def complete(self, response_id: str) -> None:
        """One that was made in the background is over."""
        self.responses[response_id] = self.at_work.pop(response_id)

    def finish(self, batch_id: str, bodies: Iterable[Any], status: str = "completed") -> None:
        """End a batch with these answers; one that is an int is a failed request's status."""
        lines = []
        for number, body in enumerate(bodies):
            failed = isinstance(body, int)
            answer = {"status_code": body if failed else 200, "body": {} if failed else body}
            lines.append({"custom_id": str(number), "response": answer, "error": None})
        data = b"".join(json.dumps(line).encode() + b"\n" for line in lines)
        output = self.add_file(data, purpose="batch_output")["id"] if lines else None
        self.batches[batch_id] |= {"status": status, "output_file_id": output}


def completion(model: str = "gpt-4o-2024-08-06", content: str = "Hi", **usage: int) -> Any:
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": model,
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": content},
                "finish_reason": "stop",
            }
        ],
        "usage": {**USAGE, **usage},
    }


Answer = tuple[int, Any]


class _Handler(BaseHTTPRequestHandler):
    shelf: Library
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: Any) -> None:
        pass

    def do_GET(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def do_DELETE(self) -> None:
        self._serve()

    def _serve(self) -> None:
        url = urlsplit(self.path)
        headers = {name.lower(): value for name, value in self.headers.items()}
        data = self.rfile.read(int(headers.get("content-length", 0)))
        asked = Asked(self.command, url.path, parse_qs(url.query), headers, data)
        self.shelf.seen.append(asked)
        status, body = self._answer(asked)
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        raw = "application/octet-stream" if isinstance(body, bytes) else "application/json"
        if content.startswith(b"data: "):
            raw = "text/event-stream"
        self.send_response(status)
        self.send_header("content-type", raw)
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def _answer(self, asked: Asked) -> Answer:
        if asked.headers.get("authorization") != f"Bearer {KEY}":
            return 401, _error("no such key")
        if asked.method == "GET" and self.shelf.failing:
            self.shelf.failing -= 1
            return 500, _error("not now")
        for method, pattern, serve in ROUTES:
            found = re.fullmatch(pattern, asked.path)
            if method == asked.method and found:
                return serve(self.shelf, asked, *found.groups())
        return 404, _error(f"no route {asked.method} {asked.path}")


def _error(message: str) -> Any:
    return {"error": {"message": message, "type": "invalid_request_error"}}


def _chat(shelf: Library, asked: Asked) -> Answer:
    body = asked.json
    said = " | ".join(f"{m['role']}: {_text(m['content'])}" for m in body["messages"])
    whole = completion(body["model"], said)
    if not body.get("stream"):
        return 200, whole
    chunk = {k: whole[k] for k in ("id", "created", "model")} | {"object": "chat.completion.chunk"}
    pieces = [
        {**chunk, "choices": [{"index": 0, "delta": {"role": "assistant", "content": said}}]},
        {**chunk, "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]},
        {**chunk, "choices": [], "usage": USAGE},
    ]
    lines = [*(json.dumps(piece) for piece in pieces), "[DONE]"]
    return 200, "".join(f"data: {line}\n\n" for line in lines).encode()


def _text(content: Any) -> str:
    return content if isinstance(content, str) else "".join(p.get("text", "") for p in content)


def _respond(shelf: Library, asked: Asked) -> Answer:
    body = asked.json
    previous = body.get("previous_response_id")
    if previous is not None and previous not in shelf.responses:
        return 400, _error(f"Previous response with id '{previous}' not found.")
    said = {"type": "output_text", "text": f"after {previous}", "annotations": []}
    response = {
        "id": f"resp_{next(shelf.numbers)}",
        "object": "response",
        "created_at": 1,
        "status": "completed",
        "model": body["model"],
        "previous_response_id": previous,
        "output": [
            {
                "type": "message",
                "id": "msg_1",
                "role": "assistant",
                "status": "completed",
                "content": [said],
            }
        ],
        "usage": {"input_tokens": 7, "output_tokens": 3, "total_tokens": 10},
        "parallel_tool_calls": True,
        "tool_choice": "auto",
        "tools": [],
    }
    if body.get("background"):
        shelf.at_work[response["id"]] = response
        response = {**response, "status": "queued", "output": [], "usage": None}
    shelf.responses[response["id"]] = response
    return 200, response


def _get(shelf: Library, asked: Asked, name: str, thing: str) -> Answer:
    found = getattr(shelf, name).get(thing)
    return (404, _error(f"no {thing}")) if found is None else (200, found)


def _response(shelf: Library, asked: Asked, thing: str) -> Answer:
    return _get(shelf, asked, "responses", thing)


def _no_response(shelf: Library, asked: Asked, thing: str) -> Answer:
    if shelf.responses.pop(thing, None) is None:
        return 404, _error(f"no {thing}")
    return 200, {"id": thing, "object": "response", "deleted": True}


def _upload(shelf: Library, asked: Asked) -> Answer:
    form = forms.parse(asked.headers["content-type"], asked.data)
    if set(form) - {"file", "purpose", "expires_after[anchor]", "expires_after[seconds]"}:
        return 400, _error(f"unknown members: {sorted(form)}")
    upload = form["file"]
    return 200, shelf.add_file(upload.data, filename=upload.filename, purpose=form["purpose"])


def _files(shelf: Library, asked: Asked) -> Answer:
    listed = [shown for shown, _ in shelf.files.values()]
    return 200, {
        "object": "list",
        "data": listed,
        "has_more": False,
        "first_id": listed[0]["id"] if listed else None,
        "last_id": listed[-1]["id"] if listed else None,
    }


def _file(shelf: Library, asked: Asked, thing: str) -> Answer:
    found = shelf.files.get(thing)
    return (404, _error(f"no {thing}")) if found is None else (200, found[0])


def _no_file(shelf: Library, asked: Asked, thing: str) -> Answer:
    shelf.files.pop(thing)
    return 200, {"id": thing, "object": "file", "deleted": True}


def _content(shelf: Library, asked: Asked, thing: str) -> Answer:
    found = shelf.files.get(thing)
    return (404, _error(f"no {thing}")) if found is None else (200, found[1])


def _batch(shelf: Library, asked: Asked) -> Answer:
    body = asked.json
    if body["input_file_id"] not in shelf.files:
        return 400, _error(f"no file {body['input_file_id']}")
    batch = {
        "id": f"batch_{next(shelf.numbers)}-{id(shelf)}",
        "object": "batch",
        "status": "in_progress",
        "created_at": 1,
        "output_file_id": None,
        "error_file_id": None,
        "request_counts": {"total": 2, "completed": 0, "failed": 0},
        **body,
    }
    shelf.batches[batch["id"]] = batch
    return 200, batch


def _batches(shelf: Library, asked: Asked) -> Answer:
    return 200, {"object": "list", "data": [*shelf.batches.values()], "has_more": False}


def _asked_batch(shelf: Library, asked: Asked, thing: str) -> Answer:
    return _get(shelf, asked, "batches", thing)


def _cancel_batch(shelf: Library, asked: Asked, thing: str) -> Answer:
    shelf.batches[thing]["status"] = "cancelling"
    return 200, shelf.batches[thing]


def _job(shelf: Library, asked: Asked) -> Answer:
    body = asked.json
    job = {
        "id": f"ftjob-{next(shelf.numbers)}",
        "object": "fine_tuning.job",
        "created_at": 1,
        "status": "queued",
        "result_files": [],
        "organization_id": "o",
        "seed": 1,
        "hyperparameters": {},
        "fine_tuned_model": None,
        **body,
    }
    shelf.jobs[job["id"]] = job
    return 200, job


def _asked_job(shelf: Library, asked: Asked, thing: str) -> Answer:
    return _get(shelf, asked, "jobs", thing)


def _events(shelf: Library, asked: Asked, thing: str) -> Answer:
    event = {"object": "fine_tuning.job.event", "id": "ftevent-1", "message": "begun"}
    return 200, {"object": "list", "data": [event], "has_more": False}


ROUTES: tuple[tuple[str, str, Callable[..., Answer]], ...] = (
    ("POST", "/v1/chat/completions", _chat),
    ("POST", "/v1/responses", _respond),
    ("GET", "/v1/responses/([^/]+)", _response),
    ("DELETE", "/v1/responses/([^/]+)", _no_response),
    ("POST", "/v1/files", _upload),
    ("GET", "/v1/files", _files),
    ("GET", "/v1/files/([^/]+)", _file),
    ("DELETE", "/v1/files/([^/]+)", _no_file),
    ("GET", "/v1/files/([^/]+)/content", _content),
    ("POST", "/v1/batches", _batch),
    ("GET", "/v1/batches", _batches),
    ("GET", "/v1/batches/([^/]+)", _asked_batch),
    ("POST", "/v1/batches/([^/]+)/cancel", _cancel_batch),
    ("POST", "/v1/fine_tuning/jobs", _job),
    ("GET", "/v1/fine_tuning/jobs/([^/]+)", _asked_job),
    ("GET", "/v1/fine_tuning/jobs/([^/]+)/events", _events),
)
