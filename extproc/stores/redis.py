"""What several workers must know of a call in progress, kept in Redis."""

import orjson
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from extproc.stores.base import StoreUnavailable, Trail

TRAIL_SECONDS = 600
SOCKET_SECONDS = 0.25


def connect(url: str) -> Redis:
    """A client that gives up soon: one try and, on a connection found closed, another."""
    return Redis.from_url(
        url,
        socket_timeout=SOCKET_SECONDS,
        socket_connect_timeout=SOCKET_SECONDS,
        retry=Retry(NoBackoff(), 1),
    )


class RedisTrails:
    """Implements Trails."""

    def __init__(self, client: Redis) -> None:
        self._client = client

    async def remember(self, call_id: str, trail: Trail) -> None:
        try:
            await self._client.set(_name(call_id), orjson.dumps(trail), ex=TRAIL_SECONDS)
        except (RedisError, OSError) as error:
            raise StoreUnavailable(f"Redis: {error}") from error

    async def recall(self, call_id: str) -> Trail | None:
        try:
            data = await self._client.get(_name(call_id))
        except (RedisError, OSError) as error:
            raise StoreUnavailable(f"Redis: {error}") from error
        if data is None:
            return None
        fields = orjson.loads(data)
        return Trail(fields["error"], fields["status"])


def _name(call_id: str) -> str:
    return f"extproc:trail:{call_id}"
