"""Reads a LiteLLM config.yaml into a Snapshot and names what it does not know."""
