"""One scenario a file: `SCENARIO`, a declaration, and nothing that runs."""
