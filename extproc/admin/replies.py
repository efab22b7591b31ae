"""The JSON that leaves the management API, errors included: one writer, one place for refusals."""

import json
import logging
from contextlib import suppress
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Receive, Scope, Send

from extproc.admin.unserved import is_unserved, speaks_anthropic
from extproc.clients.logs import bug
from extproc.domain.routes import methods
from extproc.errors import (
    BodyTooLarge,
    GatewayError,
    Internal,
    InvalidRequest,
    KeysUnavailable,
    NotFound,
    NotImplementedYet,
    WrongMethod,
)
from extproc.stores.base import StoreUnavailable

LOG = logging.getLogger(__name__)


class Reply(Response):
    """JSON in plain ASCII, so that whatever a client sent can be named in it."""

    media_type = "application/json"

    def render(self, content: Any) -> bytes:
        return json.dumps(content, allow_nan=False, separators=(",", ":")).encode()


def refusal(request: Request, error: GatewayError) -> Reply:
    """The envelope of an error: OpenAI's, or Anthropic's on its routes."""
    anthropic = speaks_anthropic(request.url.path)
    body = error.anthropic_envelope() if anthropic else error.envelope()
    return Reply(body, error.status, headers=error.headers)


async def on_gateway_error(request: Request, error: Exception) -> Reply:
    assert isinstance(error, GatewayError)
    return refusal(request, error)


async def on_store_away(request: Request, error: Exception) -> Reply:
    return refusal(request, KeysUnavailable("The database is not reachable. Try again."))


async def on_invalid(request: Request, error: Exception) -> Reply:
    """422 in FastAPI's shape, without `input`: it would repeat secrets and prompts."""
    assert isinstance(error, RequestValidationError)
    problems = error.errors()
    for problem in problems:
        if problem["type"] == "json_invalid":
            reason = problem.get("ctx", {}).get("error", "not JSON")
            return refusal(request, _not_json(reason))
    detail = [{name: problem[name] for name in ("type", "loc", "msg")} for problem in problems]
    return Reply({"detail": detail}, 422)


def _not_json(reason: str) -> InvalidRequest:
    return InvalidRequest(f"Invalid JSON payload: {reason}", param="request_body")


async def on_http_error(request: Request, error: Exception) -> Reply:
    """What the framework itself refuses: no such route, wrong method, a body it cannot read."""
    assert isinstance(error, HTTPException)
    if error.status_code == 404 and is_unserved(request.url.path):
        route = f"{request.method} {request.url.path[:200]}"
        return refusal(request, NotImplementedYet(f"{route} is not implemented yet."))
    if error.status_code == 413:
        return refusal(request, BodyTooLarge(str(error.detail)))
    if error.status_code == 400:
        return refusal(request, _not_json("the body cannot be read"))
    return refusal(request, _no_such_route(request, error))


def _no_such_route(request: Request, error: HTTPException) -> GatewayError:
    """404, or 405 for a path of this application or of the workers that has other methods."""
    path = request.url.path
    served = ", ".join(methods(path)) or (error.headers or {}).get("Allow", "")
    if served:
        allowed = {"allow": served}
        return WrongMethod(f"{request.method} {path[:200]}: Method Not Allowed.", headers=allowed)
    return NotFound(f"{request.method} {path[:200]}: Not Found.")


async def on_bug(request: Request, error: Exception) -> Reply:
    """The log says where it happened, not what the values were: they may be secrets."""
    LOG.error("%s %s: %s", request.method, request.url.path, bug(error))
    return refusal(request, Internal("Internal server error."))


def install(app: FastAPI) -> None:
    app.add_exception_handler(GatewayError, on_gateway_error)
    app.add_exception_handler(StoreUnavailable, on_store_away)
    app.add_exception_handler(RequestValidationError, on_invalid)
    app.add_exception_handler(HTTPException, on_http_error)
    app.add_exception_handler(Exception, on_bug)


class Answered:
    """Ends what `on_bug` has answered: Starlette raises it again, for the server to log whole."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        with suppress(Exception):
            await self.app(scope, receive, send)
