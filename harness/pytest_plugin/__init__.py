"""Fixtures, a marker and scenarios for other people's tests; never imported by a command."""
