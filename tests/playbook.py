"""Drive a flow without I/O: `>> event` feeds it, `<< command` is what must come out."""

from typing import Any, Self

from extproc.errors import GatewayError
from extproc.flow.commands import Command, Effect
from extproc.flow.events import Event


class Playbook:
    def __init__(self, flow: Any) -> None:
        self.flow = flow
        self.got: list[Command] = []
        self.steps: Any = None

    def __rshift__(self, event: Event) -> Self:
        assert not self.got, f"not expected: {self.got}"
        self.steps = self.flow.handle(event)
        self._advance(lambda: next(self.steps))
        return self

    def __lshift__(self, expected: Command | type[Command]) -> Self:
        """The next command must equal `expected`, or be of that class."""
        command = self.take()
        if isinstance(expected, type):
            assert isinstance(command, expected), f"expected {expected.__name__}, got {command}"
        else:
            assert command == expected
        return self

    def take(self) -> Any:
        """The next command, for a look inside."""
        assert self.got, "nothing came out"
        return self.got.pop(0)

    def result(self, value: Any) -> Self:
        """Answer the effect that the flow is waiting for."""
        self._advance(lambda: self.steps.send(value))
        return self

    def refuse(self, error: GatewayError) -> Self:
        """The effect that the flow is waiting for fails."""
        self._advance(lambda: self.steps.throw(error))
        return self

    def done(self) -> None:
        assert not self.got, f"not expected: {self.got}"

    def _advance(self, step: Any) -> None:
        try:
            command = step()
            while True:
                self.got.append(command)
                if isinstance(command, Effect):
                    return
                command = self.steps.send(None)
        except StopIteration:
            return
