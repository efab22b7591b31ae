"""What a flow's commands do: each effect runs the policy that decides it."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import uuid4

from extproc.clients.metrics import OTHER, Metrics
from extproc.domain import headers as names
from extproc.domain.call import Call, Json
from extproc.domain.departure import Departure
from extproc.domain.endpoints import Endpoint
from extproc.domain.numbers import whole_number
from extproc.domain.routes import Served
from extproc.domain.snapshot import Snapshot
from extproc.flow.commands import (
    Admit,
    Begin,
    Command,
    Count,
    Effect,
    Identify,
    Later,
    ListModels,
    Note,
    Refused,
    Remember,
    Settle,
    SettleLate,
    Sign,
)
from extproc.policy import pipeline
from extproc.policy.listing import list_models
from extproc.policy.pipeline import Stage
from extproc.policy.settle import Settler
from extproc.policy.trail import Trailing


@dataclass(frozen=True, slots=True)
class Effects:
    """Everything a worker's flows may ask for, handed in by wiring.

    `retries` is False inside an Envoy without our outer listener: nobody would come again.
    """

    snapshot: Callable[[], Snapshot]
    on_headers: Sequence[Stage]
    on_body: Sequence[Stage]
    settler: Settler
    trailing: Trailing
    metrics: Metrics
    sign: Callable[[Departure], Awaitable[Mapping[str, str]]]
    count_chat: Callable[[str, Json], Awaitable[int]]
    """(model, chat body) -> tokens."""
    others: Mapping[type[Command], Callable[[Any], Awaitable[Any]]] = field(default_factory=dict)
    """Who performs the effects that are not named in `run`."""
    retries: bool = True
    new_id: Callable[[], str] = lambda: str(uuid4())
    """Makes a call's id where no outer listener of ours has made one that nobody else chooses."""

    async def run(self, command: Effect | Later) -> Any:
        match command:
            case Settle() | SettleLate():
                return await self.settler.settle(command.outcome)
            case Admit():
                return await self._admit(command.call)
            case Identify():
                return await pipeline.run(self.on_headers, self._call(command))
            case Sign():
                return await self.sign(command.departure)
            case Count():
                return await self.count_chat(command.deployment.model, command.chat)
            case Begin() | Note():
                return self._journal(command)
            case Remember():
                await self.trailing.remember(command.call, command.error, command.status)
            case ListModels():
                return list_models(command.call, command.only)
            case Refused():
                self._count_refusal(command)
            case _:
                return await self.others[type(command)](command)

    def _journal(self, command: Begin | Note) -> float | None:
        if isinstance(command, Begin):
            return self.settler.begin(command.call, command.deployment, command.passage)
        self.settler.note(command.outcome)
        return None

    def _call(self, command: Identify) -> Call:
        headers = command.headers
        attempt = headers.get(names.ATTEMPT, "1") if self.retries else "1"
        return Call(
            id=headers.get(names.CALL_ID, "") if self.retries else self.new_id(),
            endpoint=_endpoint(command.route.served),
            path=headers.get(":path", ""),
            headers=headers,
            snapshot=self.snapshot(),
            received_at=command.at,
            attempt=whole_number(attempt) or 1,
            path_model=command.route.path_model,
            path_streams=command.route.streaming,
        )

    async def _admit(self, call: Call) -> Call:
        admitted = self.trailing.resume(call) if call.attempt > 1 else None
        if admitted is None:
            admitted = await pipeline.run(self.on_body, call)
        if not self.retries and admitted.plan is not None:
            admitted = admitted.but(plan=replace(admitted.plan, attempts=1))
        return await self.trailing.refuse_surplus(admitted)

    def _count_refusal(self, command: Refused) -> None:
        known = command.group and self.snapshot().find(command.group)
        group = known[0].group if known else OTHER
        self.metrics.answered(group, command.served or OTHER, command.status)


def _endpoint(served: Served) -> Endpoint:
    """A listing of models is a call like a chat's, as far as its caller is concerned."""
    return "chat" if served == "models" or served == "model" else served
