"""Typed access to kernel interfaces; knows nothing of the project and decides nothing."""
