"""One dialect of text a file.

A file defines `ORDER` (the first whose `read` takes a line keeps it), `SUMMARY`, `HINT`, `MARKS` and
`read(text, builder) -> bool`: True where the line was of this dialect.  `text` has no prefixes.  `HINT` is a regular
expression, and `read` is given only lines where it is found.  Of a big log, only lines that have one of the words
`MARKS` are given to it, which is faster; where `GOES_ON` is True, the lines after such a line may have no mark.  A
dialect without `MARKS` is known by functions of the table: in a big log, its lines name one.  `SURE` may name words
whose lines are this dialect's alone.  `quick(raw, builder) -> bool` may take the commonest of its lines in a big log,
with their prefixes, and does with them what `read` does; `may_take(raw) -> bool` is False for a line that has a mark
and that `read` does not take.
"""
