"""How what the runtimes did is told, one format a file: `SUMMARY` and `render(report) -> str`."""
