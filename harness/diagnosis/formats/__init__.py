"""Formats of a diagnosis, one per file and pure; each has `SUMMARY` and `render(diagnosis) -> str`."""
