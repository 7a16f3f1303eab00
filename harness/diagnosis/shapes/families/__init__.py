"""The rows of the table, one family of tools a file: `ORDER`, `GROUPS`, `FOLDERS`."""
