"""A simulated provider that speaks OpenAI's format and misbehaves on command."""
