"""One wire format a module: pure functions over plain dicts."""
