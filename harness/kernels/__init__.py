"""Where a kernel comes from, one source a file: `SUMMARY`, `EXAMPLES`, `claims(spec)` and `provide(spec, tell)`."""
