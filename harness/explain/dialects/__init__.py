"""One dialect of text a file.

A file defines `ORDER` (the first whose `read` takes a line keeps it), `SUMMARY`, `HINT` and
`read(text, builder) -> bool`: True where the line was of this dialect.  `HINT` is a regular expression, and `read` is
given only lines where it is found; `text` has no prefixes.  `LOOSE = True` marks a dialect that resembles prose: it is
not looked for in big logs.
"""
