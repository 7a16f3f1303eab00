"""Reads the state of a PID namespace, so that no reading can hang and a task that vanishes is no error."""
