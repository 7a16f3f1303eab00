"""The formats of an explanation, one a file: `SUMMARY`, `render(explanation, paste) -> str`."""
