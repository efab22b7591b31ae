"""What a person is shown once the gateway is healthy: where it is, the key, a curl to paste."""

from extproc.agent.plan import Plan
from extproc.domain.snapshot import Snapshot

EXAMPLES = {
    "openai/*": "openai/gpt-4o-mini",
    "anthropic/*": "anthropic/claude-haiku-4-5",
    "gemini/*": "gemini/gemini-2.5-flash",
}
"""A model to try, where only a provider is configured."""


def banner(plan: Plan, *, terminal: bool) -> str:
    """The key is part of it only on a terminal: what is not one may be kept as a log."""
    settings, layout = plan.settings, plan.layout
    key = settings.litellm_master_key or ""
    kept = layout.master_key.exists() and layout.master_key.read_text().strip() == key
    source = f"$(cat {layout.master_key})" if kept else "$LITELLM_MASTER_KEY"
    host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(settings.host, settings.host)
    url = f"http://{host}:{settings.port}"
    database = "embedded Postgres" if plan.postgres else "DATABASE_URL"
    return f"""
  llm-extproc is ready
    URL         {url}
    master key  {key if terminal else source}
    data        {layout.data_dir} ({database if plan.database_url else "no database"})

  Try it:
    curl {url}/v1/chat/completions \\
      -H "Authorization: Bearer {key if terminal else source}" \\
      -H "Content-Type: application/json" \\
      -d '{{"model": "{model(plan.loaded.snapshot)}", \
"messages": [{{"role": "user", "content": "Hello"}}]}}'
"""


def model(snapshot: Snapshot) -> str:
    """One that the gateway offers, for chat if its name tells."""
    names = sorted(snapshot.groups, key=lambda name: ("*" in name, "embed" in name))
    first = names[0] if names else "MODEL"
    return EXAMPLES.get(first, first.replace("*", "MODEL"))
