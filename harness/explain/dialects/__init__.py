"""One dialect of text a file.

A file defines `ORDER` (the first whose `read` takes a line keeps it), `SUMMARY`, `HINT`, `MARKS` and
`read(text, builder) -> bool`: True where the line was of this dialect.  `text` has no prefixes.  `HINT` is a regular
expression, and `read` is given only lines where it is found; of a big log, only lines that have one of the words
`MARKS`, which is faster.  `SURE` may name words whose lines are this dialect's alone.  A dialect without `MARKS`
resembles prose: it is not looked for in big logs.
"""
