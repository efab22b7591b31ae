"""The composition roots: every process of a gateway, built in the order of its dependencies."""
