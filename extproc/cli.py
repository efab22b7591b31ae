"""The command `extproc`: one subcommand a process, and a few for people.

What a subcommand runs is imported when it runs: a worker does not carry the agent's libraries.
What a user can put right is one line of advice and exit code 1, never a traceback.
"""

import asyncio
import sys
import time
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any

import typer

from extproc.settings import NONE, SettingError, Settings, environment

app = typer.Typer(
    help="An LLM gateway beside Envoy. Settings are environment variables: see print-settings.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

ADVICE = {
    **dict.fromkeys(("SettingError", "ConfigError", "WheelMissing", "EmbeddedError"), ""),
    **dict.fromkeys(("ChildFailed", "SchemaTooNew", "EnvoyAway", "GuardrailError"), ""),
    "StoreUnavailable": "DATABASE_URL: the database cannot be used: ",
}
"""Exceptions whose message is written for the user, by name (their modules are not all loaded),
and what is printed before it."""
BOOTSTRAP_SECONDS = 600.0


@app.command()
def run() -> None:
    """Start the whole gateway here and stay in the foreground."""
    _agent(whole=True)


@app.command()
def agent() -> None:
    """Start workers, ledger and health alone: Envoy and the admin are run by somebody else."""
    _agent(whole=False)


def _agent(*, whole: bool) -> None:
    settings = Settings.load(environment())
    _load("extproc.clients.logs:configure")(settings.log_level, as_json=settings.json_logs)
    asyncio.run(_load("extproc.agent.command:run")(settings, environment(), whole=whole))


@app.command()
def envoy() -> None:
    """Wait for the agent's files, then become Envoy."""
    _load("extproc.agent.command:become_envoy")(
        Settings.load(environment()), time.sleep, BOOTSTRAP_SECONDS
    )


@app.command()
def drain() -> None:
    """Ask Envoy to take no new clients, and wait for the calls in progress."""
    settings = Settings.load(environment())
    asyncio.run(_load("extproc.agent.command:drain_envoy")(settings))


@app.command()
def worker(index: Annotated[int, typer.Option(min=0, help="Which one, from 0.")] = 0) -> None:
    """Run one ext_proc worker."""
    _load("extproc.wiring.worker:run_worker")(_complete_settings(), index)


@app.command()
def admin() -> None:
    """Run the management API."""
    _load("extproc.wiring.admin:run_admin")(_complete_settings())


@app.command()
def ledger() -> None:
    """Carry the workers' journals to Postgres."""
    _load("extproc.wiring.ledger:run_ledger")(_complete_settings())


@app.command()
def migrate() -> None:
    """Bring the schema of DATABASE_URL up to date."""
    url = _complete_settings().database_url
    if not url or url == NONE:
        raise SettingError("DATABASE_URL: set it to the database to migrate")
    applied = asyncio.run(_load("extproc.stores.postgres.migrations:migrate")(url))
    print("\n".join(applied) or "nothing to do")


@app.command("print-settings")
def print_settings() -> None:
    """Show every setting: its variable, its value, what it means. Secrets are not shown."""
    settings = Settings.load(environment())
    for name, field in Settings.model_fields.items():
        value = getattr(settings, name)
        shown = "(set)" if value is not None and not field.repr else value
        print(f"{name.upper()}={'' if shown is None else shown}\n    {field.description}")


@app.command()
def check(
    config: Annotated[Path, typer.Argument(help="A LiteLLM config.yaml.")],
    as_json: Annotated[bool, typer.Option("--json", help="For machines: one JSON object.")] = False,
    strict: Annotated[
        bool, typer.Option("--strict", help="Exit with 1 for a warning or a problem, too.")
    ] = False,
) -> None:
    """Load a config and explain each deployment: where it is, what it serves, lacks and costs.

    Keys are looked for in the environment, as at a start; none is shown, and nothing is sent. Exits
    with 1 for a config that the gateway would not start with.
    """
    loaded, deployments = _load("extproc.wiring.check:checked")(config, environment())
    shown = _load(f"extproc.config.explained:{'as_json' if as_json else 'as_text'}")
    print(shown(loaded, deployments))
    if strict and (loaded.warnings or any(each.problems for each in deployments)):
        raise SystemExit(1)


@app.command("demo-upstream")
def demo_upstream(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes a free one.")] = 0,
    schema: Annotated[
        str,
        typer.Option(help="Speak this provider's format alone: openai, anthropic, gemini …"),
    ] = "",
    aws_access_key_id: Annotated[
        str, typer.Option(help="Believe only SigV4 signatures of this key, and bearer tokens.")
    ] = "",
    aws_secret_access_key: Annotated[str, typer.Option(help="The secret that goes with it.")] = "",
) -> None:
    """Run the simulated provider.

    It speaks every provider's format at once, each at its own paths. Where two providers have the
    same paths OpenAI answers, unless a segment of the path names the other: /mistral/v1/….
    """
    voices = _load("extproc.demo.voices:chosen")(schema, aws_access_key_id, aws_secret_access_key)
    try:
        _load("extproc.demo.server:serve")(
            host,
            port,
            lambda chosen: print(f"listening on http://{host}:{chosen}/v1", flush=True),
            voices,
        )
    except OSError as error:
        raise SettingError(f"--host {host} --port {port}: {error.strerror}") from None


def _complete_settings() -> Settings:
    """With what the config adds, unless the agent has put everything into the environment."""
    settings = Settings.load(environment())
    if settings.litellm_master_key and settings.database_url and settings.redis_address:
        return settings
    loaded = _load("extproc.config:load")(settings.config, environment())
    merged: Settings = _load("extproc.agent.resolve:merged")(settings, loaded.general)
    return merged


def _load(name: str) -> Any:
    """The object called `module:name`."""
    module, _, attribute = name.partition(":")
    return getattr(import_module(module), attribute)


def main() -> None:
    """Never a traceback for what the user can put right."""
    try:
        app()
    except (Exception, BaseExceptionGroup) as error:
        leaves = list(_leaves(error))
        if not all(type(leaf).__name__ in ADVICE for leaf in leaves):
            raise
        for line in getattr(leaves[0], "output", ()):
            print(f"    {line}", file=sys.stderr)
        first, *_ = str(leaves[0]).splitlines()
        print(f"extproc: {ADVICE[type(leaves[0]).__name__]}{first}", file=sys.stderr)
        raise SystemExit(1) from None


def _leaves(error: BaseException) -> list[BaseException]:
    if isinstance(error, BaseExceptionGroup):
        return [leaf for inner in error.exceptions for leaf in _leaves(inner)]
    return [error]
