"""Guardrails: what an operator lets no prompt carry to a provider."""
