"""Formats of a suite's results, one per file and pure; each has `SUMMARY` and `render(report) -> str`."""
