"""One command per file; no other room parses options, prints or exits.

A file has `HELP`, `DESCRIPTION`, `arguments(parser)` and `execute(args) -> exit status`.
"""
