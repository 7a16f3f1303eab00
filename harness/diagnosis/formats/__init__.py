"""How a diagnosis is told: one format a file, pure, each with `SUMMARY` and `render(diagnosis) -> str`."""
