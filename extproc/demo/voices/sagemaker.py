"""AWS SageMaker: a model of one's own behind an endpoint, its stream in AWS messages.

https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_runtime_InvokeEndpoint.html
"""

from collections.abc import Callable, Iterator
from dataclasses import replace

from extproc.demo.answers import Answer, Question
from extproc.demo.frames import AWS, RAW, SSE, Event
from extproc.demo.orders import Orders
from extproc.demo.voices import openai, tgi
from extproc.demo.voices.base import Asked, Body, Endpoint, json_body
from extproc.demo.voices.bedrock import aws_error

_ERRORS = {400: "ValidationError", 424: "ModelError", 503: "ServiceUnavailable"}
_WELL = Orders()


def error(status: int, message: str) -> Body:
    """An AWS error in SageMaker's names."""
    usual = "InternalFailure" if status >= 500 else "ValidationError"
    return aws_error(_ERRORS.get(status, usual), message)


FAILURE = Event(
    b'{"Message": "The model failed during generation."}', name="InternalStreamFailureException"
)


def _ask(asked: Asked, *, stream: bool) -> Question:
    """By what the container takes: messages as OpenAI's, or inputs as TGI's."""
    if "messages" not in asked.body:
        return tgi.ask(asked, stream=stream)
    return replace(openai.ask_chat(asked), stream=stream)


def _whole(answer: Answer) -> Body:
    chat = "messages" in answer.question.body
    return json_body(openai.chat(answer) if chat else [tgi.generated(answer)])


def _events(answer: Answer) -> Iterator[Event]:
    """What the container would write, a message for each event."""
    chat = openai.CHAT.events if "messages" in answer.question.body else None
    inner: Callable[[Answer], Iterator[Event]] = chat or tgi.events
    for event in inner(answer):
        yield Event(SSE.write(event, _WELL), event.tokens, RAW, event.ends)


_AT = "/endpoints/(?P<model>[^/]+)"
ENDPOINTS = (
    Endpoint(f"{_AT}/invocations", lambda asked: _ask(asked, stream=False), _whole),
    Endpoint(
        f"{_AT}/invocations-response-stream",
        lambda asked: _ask(asked, stream=True),
        _whole,
        _events,
        AWS,
        failure=FAILURE,
    ),
)
