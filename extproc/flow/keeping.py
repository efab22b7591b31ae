"""What is kept of a Responses answer, so that its key can ask for it or go on from it.

Nothing for `store: false`. Of an answer over chat the whole conversation; of one that its provider
remembers only whose it is. It is kept before the client has the last byte.
"""

from collections.abc import Sequence

from extproc.domain.call import Call, Json
from extproc.domain.conversation import Remembered
from extproc.flow.commands import Keep
from extproc.providers import registry
from extproc.providers.answers import record, text
from extproc.providers.base import Request
from extproc.providers.responses.history import linked, remembered


class Keeping:
    """Of one attempt."""

    def __init__(self, call: Call, request: Request) -> None:
        deployment = request.deployment
        self._call = call
        self._native = registry.remembers(deployment.schema)
        self._deployment = deployment
        previous = call.asked.get("previous_response_id")
        self._previous = previous if isinstance(previous, str) else ""
        self.in_background = self._native and request.body.get("background") is True
        """Whether the provider goes on with it when the call is over."""
        self._last: Json = {}

    def shown(self, said: Json) -> Json:
        """An answer or an event as the client sees it: it names the response that it continues."""
        out = linked(said, self._previous) if self._previous else said
        if out.get("object") == "response":
            self._last = out
        elif isinstance(out.get("response"), dict):
            self._last = out["response"]
        return out

    def keep(self) -> Sequence[Keep]:
        """What the answer leaves, once it is complete."""
        call, answer = self._call, self._last
        response_id = text(answer.get("id"))
        if not response_id or call.key is None or record(call.asked).get("store") is False:
            return ()
        if self._native:
            # The master key may see every response, and nobody else those that it made.
            return () if call.key.is_master else (Keep(self._made(response_id, None, ())),)
        answer = {**answer, "model": call.model}
        return (Keep(self._made(response_id, answer, remembered(call.body, answer))),)

    def _made(self, response_id: str, response: Json | None, items: Sequence[Json]) -> Remembered:
        return Remembered(
            id=response_id,
            owner=self._call.key.hash if self._call.key else "",
            deployment_id=self._deployment.id,
            created_at=self._call.received_at,
            background=self.in_background,
            response=response,
            items=items,
        )


def keeping_of(call: Call, request: Request) -> Keeping | None:
    return Keeping(call, request) if call.endpoint == "responses" else None
