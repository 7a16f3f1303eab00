"""Formats of a report on servers, one per file and pure; each has `SUMMARY` and `render(report) -> str`."""
