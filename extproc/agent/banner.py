"""What a person is shown once the gateway is healthy: where it is, the key, a curl to paste."""

from extproc.agent.plan import Plan
from extproc.domain.snapshot import Snapshot

EXAMPLES = {
    "openai/*": "openai/gpt-4o-mini",
    "anthropic/*": "anthropic/claude-haiku-4-5",
    "gemini/*": "gemini/gemini-2.5-flash",
}
"""A model to try, where only a provider is configured."""


NO_MODEL = """
  No model is configured: every request for one will be refused. The warnings above say why."""


def banner(plan: Plan, *, terminal: bool) -> str:
    """The key is part of it only on a terminal: what is not one may be kept as a log."""
    settings, layout = plan.settings, plan.layout
    key = settings.litellm_master_key or ""
    kept = layout.master_key.exists() and layout.master_key.read_text().strip() == key
    source = f"$(cat {layout.master_key})" if kept else "$LITELLM_MASTER_KEY"
    host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(settings.host, settings.host)
    url = f"http://{host}:{settings.port}"
    found = model(plan.loaded.snapshot)
    database = "embedded Postgres" if plan.postgres else "DATABASE_URL"
    return f"""
  llm-extproc is ready
    URL         {url}
    master key  {key if terminal else source}
    data        {layout.data_dir} ({database if plan.database_url else "no database"})
{_curl(url, key if terminal else source, found) if found else NO_MODEL}
"""


def _curl(url: str, key: str, model: str) -> str:
    return f"""
  Try it:
    curl {url}/v1/chat/completions \\
      -H "Authorization: Bearer {key}" \\
      -H "Content-Type: application/json" \\
      -d '{{"model": "{model}", "messages": [{{"role": "user", "content": "Hello"}}]}}'"""


def model(snapshot: Snapshot) -> str:
    """One that the gateway offers, for chat if its name tells; empty where it offers none."""
    names = sorted(snapshot.groups, key=lambda name: ("*" in name, "embed" in name))
    first = names[0] if names else ""
    return EXAMPLES.get(first, first.replace("*", "MODEL"))
