"""The command: `python -m bench [--peers]` for the table, `python -m bench --soak` for memory."""

import argparse
import json
import os
import platform
import shutil
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from typing import Any

from bench import contenders, peers, report, translation
from bench.figures import Results
from bench.load import CannotRun, Tool, tool
from bench.rounds import measure
from bench.soak import soak
from bench.targets import Verdict, verdicts

Maker = Callable[[Path, contenders.Contender], AbstractContextManager[contenders.Contender]]
MISSED, CANNOT_RUN, INTERRUPTED = 1, 2, 130
NUMBERS = (
    ("rounds", 3, "measured rounds, after one to warm up"),
    ("seconds", 4, "length of each load"),
    ("warm_up", 50_000, "requests before --soak looks"),
    ("requests", 200_000, "requests while --soak looks"),
)
"""Each is a flag, or a variable in upper case: `make bench ROUNDS=5` works."""


def main() -> int:
    options = _options()
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        with _folder() as folder:
            return _run(options, folder)
    except CannotRun as error:
        print(f"cannot run: {error}", file=sys.stderr)
        return CANNOT_RUN
    except KeyboardInterrupt:
        return INTERRUPTED


def _options() -> argparse.Namespace:
    environ = os.environ
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--peers", action="store_true", help="also LiteLLM and Portkey's gateway")
    parser.add_argument("--floors", action="store_true", help="only what needs no gateway")
    parser.add_argument("--soak", action="store_true", help="the worker's memory under long load")
    parser.add_argument("--strict", action="store_true", help="exit 1 when a target is missed")
    for name, default, text in NUMBERS:
        default = int(environ.get(name.upper()) or default)
        flag = f"--{name.replace('_', '-')}"
        parser.add_argument(flag, type=int, default=default, metavar="N", help=text)
    parser.add_argument("--json", default=environ.get("JSON"), metavar="FILE", type=Path)
    return parser.parse_args()


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


@contextmanager
def _folder() -> Iterator[Path]:
    """Short, for Unix sockets, and open to the user that an embedded Postgres becomes."""
    folder = Path(tempfile.mkdtemp(prefix="bench-", dir="/tmp"))
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _run(options: argparse.Namespace, folder: Path) -> int:
    chosen = tool()
    about = _about(chosen, options)
    with ExitStack() as stack:
        upstream = stack.enter_context(contenders.origin(folder))
        if options.soak:
            gateway = stack.enter_context(contenders.gateway(folder, upstream))
            judged = [soak(gateway, chosen, options.warm_up, options.requests)]
            found: Results = {}
        else:
            makers = _makers(options)
            started = [stack.enter_context(make(folder, upstream)) for make in makers]
            found = measure([upstream, *started], chosen, options.rounds, options.seconds)
            translated = translation.costs()
            judged = [*verdicts(found), *translation.verdicts(translated)]
            print(_headline(about), report.tables(found), sep="\n\n")
            print("", report.table(translation.rows(translated)), sep="\n")
            print()
    print(report.verdict_lines(judged))
    if options.json:
        options.json.write_text(json.dumps(report.as_json(about, found, judged), indent=1) + "\n")
    return MISSED if options.strict and _missed(judged) else 0


def _makers(options: argparse.Namespace) -> list[Maker]:
    return [
        contenders.bare_envoy,
        contenders.noop,
        *([] if options.floors else [contenders.gateway]),
        *([peers.litellm, peers.portkey] if options.peers else []),
    ]


def _about(chosen: Tool, options: argparse.Namespace) -> dict[str, Any]:
    return {
        "machine": platform.platform(),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "load": chosen.name,
        "rounds": options.rounds,
        "seconds": options.seconds,
    }


def _headline(about: dict[str, Any]) -> str:
    return "  ".join(f"{name}: {value}" for name, value in about.items())


def _missed(judged: list[Verdict]) -> bool:
    return any(each.ok is False for each in judged)


if __name__ == "__main__":
    sys.exit(main())
