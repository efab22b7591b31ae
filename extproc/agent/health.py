"""What probes and scrapers ask, on the agent's own socket: a restart elsewhere hurts nobody.

    /health/liveliness  200 "I'm alive!"; 503 while draining          (/health/liveness is the same)
    /health/readiness   200 when all has started once and at least one worker serves a snapshot
    /health/config      which generation each replica serves
    /metrics            all processes of this gateway together

Readiness does not fail because the database is away: known keys keep working, and taking every
replica out at once would turn a slow database into an outage. The body's `db` tells.
"""

from collections.abc import Awaitable, Callable
from typing import Any

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from extproc.agent.status import Status

SHUTTING_DOWN = {"status": "shutting_down"}


def create_app(status: Status) -> Starlette:
    answers: dict[str, Callable[[Status], Response]] = {
        "/health/liveliness": _liveliness,
        "/health/liveness": _liveliness,
        "/health/readiness": _readiness,
        "/health/config": _config,
        "/metrics": _metrics,
    }
    return Starlette(routes=[Route(path, _endpoint(a, status)) for path, a in answers.items()])


def _endpoint(
    answer: Callable[[Status], Response], status: Status
) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(_: Request) -> Response:
        return answer(status)

    return endpoint


def _liveliness(status: Status) -> Response:
    if status.draining:
        return JSONResponse(SHUTTING_DOWN, 503)
    return JSONResponse("I'm alive!")


def _readiness(status: Status) -> Response:
    if status.draining:
        return JSONResponse(SHUTTING_DOWN, 503)
    ready = status.started and bool(status.serving())
    body = {
        "status": "healthy" if ready else "unhealthy",
        "db": "connected" if status.database_connected else "Not connected",
    }
    return JSONResponse(body, 200 if ready else 503)


def _config(status: Status) -> Response:
    """Our own workers as they are now, the others as they last reported."""
    own = {name: worker.generation for name, worker in status.serving().items()}
    others = {replica.name: replica.generation for replica in status.others}
    of_ours = f"{status.name}/"
    known = {name: g for name, g in others.items() if not name.startswith(of_ours)} | own
    body: dict[str, Any] = {
        "consistent": len(set(known.values())) <= 1,
        "replicas": [{"name": name, "generation": known[name]} for name in sorted(known)],
    }
    return JSONResponse(body)


def _metrics(status: Status) -> Response:
    registry = CollectorRegistry()
    MultiProcessCollector(registry, path=str(status.layout.metrics))
    return Response(generate_latest(registry), headers={"content-type": CONTENT_TYPE_LATEST})
