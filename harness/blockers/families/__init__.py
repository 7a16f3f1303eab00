"""The rows of the table, one family of waits a file: `ORDER`, `ROWS`."""
