from time import monotonic

import pytest

from extproc.stores.base import StoreUnavailable, Trail
from extproc.stores.redis import RedisTrails, connect
from tests.servers import Valkey, silent

TRAIL = Trail("{}", 502)


async def test_a_silent_server_hangs_no_call(valkey: Valkey, redis_url: str) -> None:
    client = connect(redis_url)
    trails = RedisTrails(client)
    await trails.remember("call", TRAIL)
    with silent(valkey.pid):
        started = monotonic()
        with pytest.raises(StoreUnavailable):
            await trails.recall("call")
        with pytest.raises(StoreUnavailable):
            await trails.remember("call", TRAIL)
        assert monotonic() - started < 20, "it hung"
    assert await trails.recall("call") == TRAIL
    await client.aclose()


async def test_a_restarted_server_is_used_again(valkey: Valkey, redis_url: str) -> None:
    client = connect(redis_url)
    trails = RedisTrails(client)
    await trails.remember("call", TRAIL)
    valkey.stop()
    try:
        with pytest.raises(StoreUnavailable):
            await trails.recall("call")
    finally:
        valkey.start()
    await trails.remember("call", TRAIL)
    assert await trails.recall("call") == TRAIL
    await client.aclose()


async def test_every_trail_expires(redis_url: str) -> None:
    client = connect(redis_url)
    await RedisTrails(client).remember("call", TRAIL)
    (name,) = await client.keys()
    assert 590 < await client.ttl(name) <= 600
    await client.aclose()
