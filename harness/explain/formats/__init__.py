"""How an explanation is written, one format a file: `SUMMARY`, `render(explanation, paste) -> str`."""
