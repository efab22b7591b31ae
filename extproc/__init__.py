"""llm-extproc: an LLM gateway that lives beside Envoy."""

__version__ = "0.1.0"
