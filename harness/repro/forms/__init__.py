"""Forms of a reproducer, one per file: `SUMMARY`, and `files(scenarios)`, which is pure."""
