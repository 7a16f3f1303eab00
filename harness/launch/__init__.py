"""Starts a scenario and proves that it is armed; never sleeps to synchronise."""
