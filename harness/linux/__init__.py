"""Thin, typed access to the kernel's interfaces; no policy."""
