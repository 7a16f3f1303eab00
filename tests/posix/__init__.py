"""Suites of others that check fakefs as a POSIX filesystem. None of them is part of this repository."""
