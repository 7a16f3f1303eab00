"""A folder of a user's own cases: read, run anywhere and compared with before; never retries what failed."""
