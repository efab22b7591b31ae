"""What the subcommands `run`, `agent`, `envoy` and `drain` do."""

import os
import sys
from collections.abc import Callable, Mapping

from extproc.agent import envoy, plan
from extproc.agent.banner import banner
from extproc.agent.console import Console
from extproc.agent.gateway import Gateway
from extproc.agent.place import check_ports, occupied
from extproc.settings import Layout, SettingError, Settings
from extproc.stores.postgres.migrations import migrate

WAIT_SECONDS = 0.1


async def run(settings: Settings, environ: Mapping[str, str], *, whole: bool) -> None:
    """Until a signal."""
    console = Console(sys.stdout, as_json=settings.json_logs)
    with occupied(settings) as layout:
        if whole:
            check_ports(settings)
        made = plan.make(settings, environ, layout, whole=whole)
        for warning in made.loaded.warnings:
            console.say(f"config: {warning}")

        def announce() -> None:
            if whole and not settings.json_logs:
                print(banner(made, terminal=sys.stdout.isatty()), flush=True)
            else:
                console.say("ready")

        await Gateway(made, console, migrate).run(announce)
    console.say("stopped")


def become_envoy(settings: Settings, sleep: Callable[[float], None], seconds: float) -> None:
    """Once the agent has written its files. Raises SettingError when it does not."""
    layout = _layout(settings)
    for _ in range(int(seconds / WAIT_SECONDS)):
        if layout.envoy_bootstrap.exists():
            command = envoy.command(settings, layout)
            os.execv(command[0], command)
        sleep(WAIT_SECONDS)
    raise SettingError(f"RUN_DIR: no {layout.envoy_bootstrap} after {seconds:g} seconds")


async def drain_envoy(settings: Settings) -> None:
    """Raises EnvoyAway."""
    seconds = settings.drain_seconds
    await envoy.drain(
        _layout(settings).envoy_admin_socket, seconds, at_least=min(seconds, envoy.LINGER_SECONDS)
    )


def _layout(settings: Settings) -> Layout:
    if settings.run_dir is None:
        raise SettingError("RUN_DIR: set it to the folder that agent and Envoy share")
    return Layout(settings.run_dir, settings.data_dir)
