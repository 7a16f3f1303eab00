"""The table of what keeps a task from running or ending, by its kernel stack: rows as data, with their sources.

`families/` holds the rows, one family a file; `table` finds the row of a stack.  The table
never guesses: a stack that is in no pattern has no row.
"""
