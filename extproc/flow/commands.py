"""What a flow can ask for.

A Reply goes to Envoy. An Effect is I/O: the driver awaits it and sends the result (or throws the
GatewayError) back into the flow. A Later is I/O that nobody waits for and that must happen even
if the client is gone.
"""

from collections.abc import Mapping
from dataclasses import field

from extproc.domain.call import Call, Json
from extproc.domain.conversation import Remembered
from extproc.domain.departure import Departure
from extproc.domain.deployment import Deployment
from extproc.domain.outcome import Outcome
from extproc.domain.passage import Passage
from extproc.domain.routes import Route, Served
from extproc.domain.value import value


@value
class Command:
    """Base class."""


@value
class Reply(Command):
    """Base class of what Envoy is told."""


@value
class PassHeaders(Reply):
    """Go on with the request: its headers are fine, now its body."""


@value
class Send(Reply):
    """Let the request leave, changed. `body` None leaves the client's bytes as they are."""

    set_headers: Mapping[str, str]
    remove_headers: tuple[str, ...]
    body: bytes | None


@value
class SendHeaders(Reply):
    """The same for a request whose body, if it has any, is not looked at."""

    set_headers: Mapping[str, str]
    remove_headers: tuple[str, ...]


@value
class Immediate(Reply):
    """Answer from here, instead of asking the provider or of what it answered. Ends the stream."""

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)


@value
class Release(Reply):
    """Let the held headers of the provider's answer go, changed; its body follows in Passes."""

    set_headers: Mapping[str, str]
    remove_headers: tuple[str, ...]


@value
class Pass(Reply):
    """A piece of the answer's body for the client; with `end` the last."""

    data: bytes
    end: bool = False


@value
class PassTrailers(Reply):
    """The answer ends with its trailers."""


@value
class Watch(Command):
    """From now on, silence of `seconds` makes a Stalled event; None stops watching."""

    seconds: float | None


@value
class Effect(Command):
    """Base class of I/O that the flow waits for."""


@value
class Later(Command):
    """Base class of I/O that outlives the stream."""


@value
class Identify(Effect):
    """Who is calling, decided on the headers alone. Result: Call."""

    route: Route
    headers: Mapping[str, str]
    at: float


@value
class ListModels(Effect):
    """The models the caller may use. Result: JSON bytes."""

    call: Call
    only: str | None


@value
class Admit(Effect):
    """Run the admission stages on the body. Result: Call with a plan, ready for its attempt."""

    call: Call


@value
class Resolve(Effect):
    """Where a call passes to. Result: Passage, or Answered."""

    call: Call
    body: bytes


@value
class Sign(Effect):
    """Credentials for the request about to leave. Result: headers to set."""

    departure: Departure


@value
class Count(Effect):
    """The tokens of a chat body, by estimate: nobody upstream counts for us. Result: int."""

    call: Call
    deployment: Deployment
    chat: Json


@value
class Begin(Effect):
    """Journal the attempt before it leaves. Result: epoch seconds."""

    call: Call
    deployment: Deployment
    passage: Passage | None = None
    """Of what passes as it came: what it costs may be fixed, or nobody's to know."""


@value
class Note(Effect):
    """Journal what an attempt has come to so far, before the client sees it. Result: None."""

    outcome: Outcome


@value
class Settle(Effect):
    """Journal how the attempt ended, before its last byte goes. Result: Receipt."""

    outcome: Outcome


@value
class Remember(Effect):
    """Leave a trail for the next attempt of this call. Result: None."""

    call: Call
    error: bytes
    """Its envelope, in OpenAI's form."""
    status: int


@value
class Keep(Effect):
    """Remember a response, within a short time or not at all. Result: None."""

    said: Remembered


@value
class Rewrite(Effect):
    """What the client gets of a whole answer that its passage rewrites. Result: bytes."""

    passage: Passage
    data: bytes


@value
class SettleLate(Later):
    """The same as Settle, for a stream that was closed before its end."""

    outcome: Outcome


@value
class Refused(Later):
    """The call was refused before anything left: count it."""

    served: Served | None
    status: int
    group: str = ""
