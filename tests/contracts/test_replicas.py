from tests.contracts.conftest import Aging


async def generations(replicas: Aging) -> dict[str, str]:
    return {replica.name: replica.generation for replica in await replicas.store.list()}


async def test_each_replica_says_what_it_serves(replicas: Aging) -> None:
    await replicas.store.report("b", "1")
    await replicas.store.report("a", "1")
    await replicas.store.report("b", "2")
    assert list((await generations(replicas)).items()) == [("a", "1"), ("b", "2")]


async def test_a_silent_replica_is_left_out_until_it_speaks(replicas: Aging) -> None:
    await replicas.store.report("a", "1")
    await replicas.pass_seconds(25)
    await replicas.store.report("b", "1")
    assert await generations(replicas) == {"a": "1", "b": "1"}
    await replicas.pass_seconds(6)
    assert await generations(replicas) == {"b": "1"}
    await replicas.store.report("a", "2")
    assert await generations(replicas) == {"a": "2", "b": "1"}
