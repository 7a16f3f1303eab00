"""Formats of a report on runtimes, one per file and pure; each has `SUMMARY` and `render(report) -> str`."""
