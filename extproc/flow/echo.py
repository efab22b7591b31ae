"""Envoy's own answer, made before there was a request of ours: it goes out as it is."""

from extproc.flow.commands import Pass, PassTrailers, Release
from extproc.flow.events import Event, ResponseBody, ResponseHeaders, ResponseTrailers
from extproc.flow.exchange import Steps


def echo(event: Event) -> Steps:
    match event:
        case ResponseHeaders():
            yield Release({}, ())
        case ResponseBody():
            yield Pass(event.data, event.end)
        case ResponseTrailers():
            yield PassTrailers()
