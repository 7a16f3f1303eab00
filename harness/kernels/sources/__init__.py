"""Sources of a --kernel SPEC, one a file: `SUMMARY`, `EXAMPLES`, `claims(spec)` and `provide(spec, report)`."""
