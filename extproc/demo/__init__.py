"""A simulated provider that speaks every provider's format and misbehaves on command."""
