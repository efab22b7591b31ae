"""Ready-made domain values for tests."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

from extproc.domain.call import Call, Plan
from extproc.domain.deployment import Deployment, Upstream
from extproc.domain.key import Key
from extproc.domain.snapshot import Rules, Snapshot
from extproc.domain.usage import Price

PRICE = Price(Decimal("0.000003"), Decimal("0.000015"), cached=Decimal("0.0000003"))


def deployment(id_: str = "d1", **changes: Any) -> Deployment:
    made = Deployment(
        id=id_,
        group="gpt",
        provider="openai",
        model="gpt-4o",
        upstream=Upstream("https", f"{id_}.example", 443),
        base_path="/v1",
        api_key="sk-provider",
        price=PRICE,
    )
    return replace(made, **changes)


def snapshot(*deployments: Deployment, rules: Rules | None = None, **groups: Any) -> Snapshot:
    made = {"gpt": deployments or (deployment(),), **groups}
    return Snapshot("g1", made, rules=rules or Rules())


def call(**changes: Any) -> Call:
    made = Call(
        id="c1",
        endpoint="chat",
        path="/v1/chat/completions",
        headers={"authorization": "Bearer sk-client"},
        snapshot=snapshot(),
        received_at=100.0,
        key=Key("hash-of-key", alias="tests"),
        body={"model": "gpt", "messages": [{"role": "user", "content": "Hi"}]},
        model="gpt",
        group="gpt",
    )
    return replace(made, **changes)


def plan(*deployments: Deployment, attempts: int = 3) -> Plan:
    return Plan(deployments or (deployment("d1"), deployment("d2")), attempts)
