"""The table of paths that container tools name after their containers: rows as data, with their sources.

`families/` holds the rows, one family of tools a file; `table` finds what a path names.  A name is a claim: whoever is
in a container may give control groups and folders any name, and only a record of the runtime confirms it.
"""
