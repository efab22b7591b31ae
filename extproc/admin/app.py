"""The management application: every route, and who may call it, in one table."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any

from fastapi import Depends, FastAPI, Request, Response
from fastapi.responses import RedirectResponse
from starlette.routing import Route as Served

from extproc import __version__
from extproc.admin import keylist, keys, limits, replies, spend
from extproc.admin.auth import authenticate, only_admin
from extproc.admin.services import AdminServices


class Access(Enum):
    """Who may use a route."""

    PUBLIC = auto()
    ANY_KEY = auto()
    """A key that works; the route itself narrows what it shows to what is the key's own."""
    ADMIN = auto()


CHECKS: Mapping[Access, Sequence[Callable[..., Any]]] = {
    Access.PUBLIC: (),
    Access.ANY_KEY: (authenticate,),
    Access.ADMIN: (only_admin,),
}
"""What runs before a route."""


@dataclass(frozen=True, slots=True)
class Route:
    method: str
    path: str
    access: Access
    endpoint: Callable[..., Any]


async def home() -> Response:
    return RedirectResponse("/docs")


async def list_routes(request: Request) -> replies.Reply:
    served = [route for route in request.app.routes if isinstance(route, Served)]
    return replies.Reply(
        {
            "routes": [
                {
                    "path": route.path,
                    "methods": sorted(route.methods or ()),
                    "name": route.name,
                    "endpoint": route.endpoint.__name__,
                }
                for route in served
            ]
        }
    )


ROUTES = (
    Route("POST", "/key/generate", Access.ADMIN, keys.generate),
    Route("POST", "/key/update", Access.ADMIN, keys.update),
    Route("POST", "/key/delete", Access.ADMIN, keys.delete),
    Route("POST", "/key/block", Access.ADMIN, keys.block),
    Route("POST", "/key/unblock", Access.ADMIN, keys.unblock),
    Route("GET", "/key/list", Access.ADMIN, keylist.list_keys),
    Route("GET", "/key/info", Access.ANY_KEY, keys.info),
    Route("POST", "/key/health", Access.ANY_KEY, keys.health),
    Route("GET", "/spend/logs", Access.ANY_KEY, spend.logs),
    Route("GET", "/routes", Access.PUBLIC, list_routes),
    Route("GET", "/", Access.PUBLIC, home),
)


def create_app(services: AdminServices) -> FastAPI:
    app = FastAPI(
        title="llm-extproc",
        version=__version__,
        redirect_slashes=False,
        strict_content_type=False,
    )
    app.state.services = services
    for route in ROUTES:
        app.add_api_route(
            route.path,
            route.endpoint,
            methods=[route.method],
            dependencies=[Depends(check) for check in CHECKS[route.access]],
            response_model=None,
        )
    app.add_middleware(limits.SizeLimit, limit_bytes=services.max_body_bytes)
    replies.install(app)
    return app
