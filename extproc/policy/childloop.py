"""What a helper process runs: calls in from the socket, one at a time, results out.

A frame is four bytes of length and a pickle; both ends are the same program. In: (function, args,
seconds). Out: (True, result), or (False, what went wrong). The process ends when the worker does;
a call that goes on past its seconds ends it too, by the kernel's alarm, so that a helper stuck in
a C loop does not outlive a killed worker.
"""

import importlib
import pickle
import signal
import socket
from collections.abc import Sequence
from typing import Any

_BUGS = (
    ArithmeticError,
    AttributeError,
    ImportError,
    LookupError,
    RuntimeError,
    TypeError,
    ValueError,
)
"""What a function of ours may raise on odd input; anything else ends the process."""

_GRACE_SECONDS = 1.0


def main(fd: int) -> None:
    """Serve the socket `fd` until the worker closes it."""
    with socket.socket(fileno=fd) as connection, connection.makefile("rwb") as stream:
        while header := stream.read(4):
            function, args, seconds = pickle.loads(stream.read(int.from_bytes(header, "big")))
            signal.setitimer(signal.ITIMER_REAL, seconds + _GRACE_SECONDS)
            reply = pickle.dumps(_outcome(function, args))
            signal.setitimer(signal.ITIMER_REAL, 0)
            stream.write(len(reply).to_bytes(4, "big") + reply)
            stream.flush()


def _outcome(function: str, args: Sequence[Any]) -> tuple[bool, Any]:
    try:
        return True, run(function, *args)
    except _BUGS as error:
        # Its message may quote the prompt: the name alone leaves this process.
        return False, type(error).__name__


def run(function: str, *args: Any) -> Any:
    """Call "module:name"."""
    module, _, name = function.partition(":")
    return getattr(importlib.import_module(module), name)(*args)


def run_all(functions: Sequence[str]) -> None:
    """Call each of these without arguments."""
    for function in functions:
        run(function)
