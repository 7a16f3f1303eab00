"""Makes, proves and resolves the hang of a PID namespace that waits for its own dead FUSE server."""

__version__ = "0.7.0"
