"""What a WebSocket's handshake offers in `sec-websocket-protocol`.

A browser can set no other header there, so OpenAI's clients put the key in it, as an item:
`realtime, openai-insecure-api-key.sk-…, openai-beta.realtime-v1`.
https://platform.openai.com/docs/guides/realtime-websocket
"""

HEADER = "sec-websocket-protocol"
KEY = "openai-insecure-api-key."
ACCOUNT = (KEY, "openai-organization.", "openai-project.")
"""How the items begin that say who calls, in whatever case."""


def offered(value: str) -> list[str]:
    return [item for item in (each.strip() for each in value.split(",")) if item]


def key_in(value: str) -> str:
    """The key among the offers; empty where there is none."""
    keys = (item.removeprefix(KEY) for item in offered(value) if item.startswith(KEY))
    return next(keys, "")


def without_key(value: str) -> str:
    """What may go to a provider."""
    return ", ".join(item for item in offered(value) if not item.lower().startswith(ACCOUNT))


def agreed(value: str, chosen: str) -> str:
    """What the client is told: the provider's choice if the client offered that, else its first.

    A browser closes a connection that answers its offers with none of them.
    """
    offers = offered(without_key(value))
    return chosen if chosen in offers else next(iter(offers), "")
